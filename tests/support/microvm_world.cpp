#include "support/microvm_world.hpp"

#include "support/read_text.hpp"

#include <rik/base/hash.hpp>

#include <chrono>
#include <fstream>
#include <thread>

namespace rik::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// Once for the process, before it has other threads.
void enter_own_machine() {
    static bool const has_entered = [] {
        test::enter_private_machine();
        return true;
    }();
    (void)has_entered;
}

void make_tree(fs::path const& root) {
    for (auto const* each : {"bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"})
        fs::create_directories(root / each);
    fs::copy_file(fs::exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", root / "bin/busybox");
    for (auto const* each : {"sh",    "sleep", "cat",  "echo", "hostname", "ls",     "head",  "yes",      "usleep",
                             "ip",    "nc",    "kill", "wget", "ping",     "printf", "dd",    "poweroff", "true",
                             "false", "id",    "env",  "df",   "mount",    "tail",   "nproc", "rm"})
        fs::create_symlink("busybox", root / "bin" / each);
    fs::create_directories(root / "sbin");
    std::ofstream(root / "sbin/init") << "#!/bin/sh\necho own init\ndf -k / | tail -n 1\nexec sleep 1000\n";
    fs::permissions(root / "sbin/init", fs::perms::all);
}

bool mentions(fs::path const& file, std::string const& text) { return read_text(file).find(text) != std::string::npos; }

bool is_number(std::string const& text) { return text.find_first_not_of("0123456789") == std::string::npos; }

}  // namespace

microvm_world::microvm_world(std::function<void(microvm_options&)> adjust)
    : adjust_(std::move(adjust)), tag_(short_tag(directory_.path().string())), base_(directory_.path() / "base.ext4") {
    enter_own_machine();
    pool_.emplace(3);
    namespaces_.emplace(1);
    strand_ = std::jthread([this] { io_.run(); });
    make_tree(root() / "tree");
    test::shell("mke2fs -q -F -t ext4 -m 0 -d " + (root() / "tree").string() + " " + base_.string() + " 32M");
    linux_network_options wanted{.tag = tag_};
    wanted.namespace_executor = namespaces_->get_executor();
    wanted.pool_executor = pool_->get_executor();
    pods_.emplace(std::move(wanted));
    runtime_ = open();
}

microvm_world::~microvm_world() {
    try {
        auto const removed = run(runtime_->remove_all());
        (void)removed;
        runtime_.reset();
        auto const cut = run(pods_->remove_all());
        (void)cut;
    } catch (std::exception const&) {  // a destructor has nobody to tell; what is left is seen by `leftovers`
    }
    pool_->join();
    namespaces_->join();
    work_.reset();
    io_.stop();
}

microvm_options microvm_world::options() {
    microvm_options made{.run_dir = root() / "run",
                         .state_dir = root() / "state",
                         .tag = tag_,
                         .executor = io_.get_executor(),
                         .pool = pool_->get_executor(),
                         .namespace_thread = namespaces_->get_executor()};
    made.keeper_program = RIK_TEST_KEEPER;
    made.dns_servers = {"192.0.2.53"};
    made.has_templates = false;
    if (adjust_) adjust_(made);
    return made;
}

opened_microvm microvm_world::open() {
    auto opened = run(microvm_runtime::open(options(), time_));
    if (!opened) throw std::runtime_error(to_string(opened.error()));
    return {opened->release(), microvm_closer{this}};
}

void microvm_closer::operator()(microvm_runtime* which) const {
    world->run(which->stop());
    delete which;
}

void microvm_world::open_network(std::vector<pod_attachment> present) {
    node_network what{.pod_subnet = "10.210.3.0/24", .cluster_cidr = "10.210.0.0/16"};
    get(pods_->open(std::move(what), std::move(present)));
}

instance_id microvm_world::make_sandbox(std::string hostname) {
    auto const instance = new_instance();
    sandbox_request wanted{.instance = instance, .hostname = std::move(hostname), .addresses = {"10.210.3.2"}};
    get(runtime_->create_sandbox(std::move(wanted)));
    return instance;
}

container_request microvm_world::request(instance_id const& instance, std::vector<std::string> command,
                                         std::string name) {
    container_request made;
    made.key = {.instance = instance, .name = name};
    made.definition.name = name;
    if (!command.empty()) made.definition.command = std::move(command);
    made.from = std::make_shared<image>(image{.name = "busybox", .digest = "sha256:0", .tree = base_, .config = {}});
    made.network = run([](network& pods, instance_id of) -> awaitable<std::optional<guest_network>> {
        co_return pods.describe(of);
    }(*pods_, instance));
    return made;
}

pod_attachment microvm_world::attach(instance_id const& instance, std::string address,
                                     std::vector<container_port> ports) {
    pod_attachment made{.instance = instance, .network_namespace = {}, .address = std::move(address)};
    made.host_ports = std::move(ports);
    made.link = pod_link::tap;
    get(pods_->attach(made));
    return made;
}

container_key microvm_world::start(container_request request) {
    auto key = request.key;
    get(runtime_->start_container(std::move(request)));
    return key;
}

container_exit microvm_world::wait(container_key key) { return get(runtime_->wait_container(std::move(key))); }

std::string microvm_world::read_log(container_key key, container_log_options options) {
    auto const opened = get(runtime_->open_container_log(std::move(key), options));
    std::string all;
    while (true) {
        auto const part = get(opened->read());
        if (part.empty()) return all;
        all += part;
    }
}

std::string microvm_world::wait_for_log(container_key key, std::string const& text) {
    std::string log;
    for (int tries = 0; tries < 900; ++tries) {
        log = read_log(key);
        if (log.find(text) != std::string::npos) return log;
        std::this_thread::sleep_for(100ms);
    }
    throw std::runtime_error("the log has no " + text + ": " + log);
}

std::vector<pid_t> microvm_world::find(std::string const& program) const {
    std::vector<pid_t> found;
    for (auto const& process : fs::directory_iterator("/proc")) {
        auto const name = process.path().filename().string();
        std::error_code gone;
        auto const runs = fs::read_symlink(process.path() / "exe", gone).filename();
        if (!is_number(name) || runs != program) continue;
        if (mentions(process.path() / "cgroup", tag_)) found.push_back(std::stoi(name));
    }
    return found;
}

std::vector<std::string> microvm_world::leftovers() const {
    std::vector<std::string> found;
    for (auto const& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
        auto const group = hierarchy.path() / ("rik-" + tag_);
        if (fs::exists(group)) found.push_back(group.string());
    }
    if (mentions("/proc/self/mountinfo", root().string())) found.push_back("mounts below " + root().string());
    for (auto const& process : fs::directory_iterator("/proc")) {
        auto const name = process.path().filename().string();
        if (!is_number(name) || mentions(process.path() / "status", "State:\tZ")) continue;
        if (mentions(process.path() / "cmdline", root().string()) || mentions(process.path() / "cgroup", tag_))
            found.push_back("process " + name);
    }
    if (mentions("/proc/net/dev", " rt")) found.push_back("taps");
    for (auto const* each : {"run", "state"})
        if (fs::exists(root() / each)) found.push_back((root() / each).string());
    return found;
}

std::optional<std::string> call_patiently(test::endpoint const& to) {
    std::optional<std::string> answer;
    for (int tries = 0; tries < 50 && !answer; ++tries) {
        answer = test::call(test::here(), to);
        if (!answer) std::this_thread::sleep_for(100ms);
    }
    return answer;
}

}  // namespace rik::testing
