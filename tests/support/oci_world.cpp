#include "support/oci_world.hpp"

#include "support/read_text.hpp"

#include <rik/base/hash.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace rik::testing {

namespace fs = std::filesystem;

namespace {

void make_tree(fs::path const& root) {
    for (auto const* each : {"bin", "dev", "etc", "home/app", "proc", "root", "run", "sys", "tmp", "var"}) {
        fs::create_directories(root / each);
    }
    fs::permissions(root / "tmp", fs::perms::all | fs::perms::sticky_bit);
    fs::copy_file(fs::exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox", root / "bin/busybox");
    for (auto const* each :
         {"sh",    "sleep", "cat", "echo",    "id",    "env",    "pwd",  "ls",   "hostname", "tail",   "true",
          "false", "head",  "yes", "grep",    "mount", "dd",     "ps",   "wc",   "seq",      "usleep", "test",
          "touch", "kill",  "ip",  "unshare", "trap",  "printf", "date", "stat", "tr",       "mkfifo", "ln"}) {
        fs::create_symlink("busybox", root / "bin" / each);
    }
    std::ofstream(root / "etc/passwd") << "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n";
    std::ofstream(root / "etc/group") << "root:x:0:\napp:x:1000:\nextra:x:2000:app\n";
}

bool mentions(fs::path const& file, std::string const& text) { return read_text(file).find(text) != std::string::npos; }

}  // namespace

oci_world::oci_world(std::function<void(oci_options&)> adjust)
    : adjust_(std::move(adjust)), tag_(short_tag(directory_.path().string())) {
    make_tree(root() / "tree");
    runtime_ = open();
}

oci_world::~oci_world() {
    try {
        auto const removed = run(runtime_->remove_all());
        (void)removed;
        close(std::move(runtime_));
    } catch (std::exception const&) {  // a destructor has nobody to tell; what is left is seen by `leftovers`
    }
    work_.reset();
    io_.stop();
}

oci_options oci_world::options() {
    oci_options made{.run_dir = root() / "run",
                     .state_dir = root() / "state",
                     .tag = tag_,
                     .executor = io_.get_executor(),
                     .pool = pool_.get_executor(),
                     .namespace_thread = namespaces_.get_executor()};
    // The whole program is run once with either.
    if (auto const* const wanted = std::getenv("RIK_TEST_OCI_RUNTIME")) made.runtime_program = wanted;
    if (auto const* const launcher = std::getenv("RIK_TEST_LAUNCHER")) made.launcher_program = launcher;
    if (adjust_) adjust_(made);
    return made;
}

opened_runtime oci_world::open() {
    auto opened = oci_runtime::open(options(), time_);
    if (!opened) throw std::runtime_error(to_string(opened.error()));
    return {opened->release(), runtime_closer{this}};
}

void runtime_closer::operator()(oci_runtime* which) const {
    world->run(which->stop());
    delete which;
}

std::shared_ptr<image> oci_world::busybox() const {
    return std::make_shared<image>(
        image{.name = "busybox", .digest = "sha256:0", .tree = root() / "tree", .config = {}});
}

instance_id oci_world::make_sandbox(std::string hostname) {
    auto const instance = new_instance();
    sandbox_request wanted{.instance = instance, .hostname = std::move(hostname), .addresses = {"10.1.2.3"}};
    get(runtime_->create_sandbox(std::move(wanted)));
    return instance;
}

container_request oci_world::request(instance_id const& instance, std::vector<std::string> command, std::string name) {
    container_request made;
    made.key = {.instance = instance, .name = name};
    made.definition.name = name;
    made.definition.command = std::move(command);
    made.from = busybox();
    return made;
}

container_key oci_world::start(container_request request) {
    auto key = request.key;
    get(runtime_->start_container(std::move(request)));
    return key;
}

container_exit oci_world::wait(container_key key) { return get(runtime_->wait_container(std::move(key))); }

std::string oci_world::read_log(container_key key, container_log_options options) {
    auto const opened = get(runtime_->open_container_log(std::move(key), options));
    std::string all;
    while (true) {
        auto const part = get(opened->read());
        if (part.empty()) return all;
        all += part;
    }
}

std::vector<std::string> oci_world::leftovers() const {
    std::vector<std::string> found;
    for (auto const& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
        auto const group = hierarchy.path() / ("rik-" + tag_);
        if (fs::exists(group)) found.push_back(group.string());
    }
    if (mentions("/proc/self/mountinfo", root().string())) found.push_back("mounts below " + root().string());
    for (auto const& process : fs::directory_iterator("/proc")) {
        auto const name = process.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        if (mentions(process.path() / "status", "State:\tZ")) continue;  // ended; its parent has not looked yet
        if (mentions(process.path() / "cmdline", root().string()) || mentions(process.path() / "cgroup", tag_)) {
            found.push_back("process " + name);
        }
    }
    for (auto const* each : {"run", "state/pods"}) {
        if (fs::exists(root() / each)) found.push_back((root() / each).string());
    }
    return found;
}

}  // namespace rik::testing
