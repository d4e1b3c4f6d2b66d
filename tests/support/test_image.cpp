#include "support/test_image.hpp"

#include <rik/runtime/process.hpp>

#include "support/run.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n";
constexpr std::string_view group = "root:x:0:\napp:x:1000:\nextra:x:2000:app\n";

void write_file(fs::path const& file, std::string_view text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    if (!fs::exists(file)) throw std::runtime_error(file.string() + ": cannot be written");
}

fs::path find_busybox() {
    for (auto const* each : {"/bin/busybox", "/usr/bin/busybox"}) {
        if (fs::exists(each)) return each;
    }
    throw std::runtime_error("busybox: it is not installed (apt install busybox-static)");
}

void make_root(fs::path const& root, test_image const& what) {
    for (auto const* each : {"bin", "dev", "etc", "home/app", "proc", "root", "run", "sys", "tmp", "var"}) {
        fs::create_directories(root / each);
    }
    fs::permissions(root / "tmp", fs::perms::all | fs::perms::sticky_bit);
    fs::copy_file(find_busybox(), root / "bin/busybox");
    auto names = run_tool(find_busybox(), {"--list"});
    for (std::size_t end = 0; (end = names.find('\n')) != names.npos; names.erase(0, end + 1)) {
        auto const name = names.substr(0, end);
        if (name != "busybox") fs::create_symlink("busybox", root / "bin" / name);
    }
    write_file(root / "etc/passwd", passwd);
    write_file(root / "etc/group", group);
    for (auto const& [path, text] : what.files) {
        auto const file = root / fs::path(path).relative_path();
        write_file(file, text);
        fs::permissions(file, fs::perms(0755));
    }
}

std::vector<std::string> config_arguments(std::string const& image, test_image const& what) {
    std::vector<std::string> arguments{"config", "--image", image, "--os", what.os};
    auto const add = [&](std::string const& option, std::string const& value) {
        if (!value.empty()) arguments.insert(arguments.end(), {option, value});
    };
    add("--architecture", what.architecture);
    add("--config.user", what.user);
    add("--config.workingdir", what.working_dir);
    add("--config.stopsignal", what.stop_signal);
    for (auto const& each : what.entrypoint) arguments.insert(arguments.end(), {"--config.entrypoint", each});
    for (auto const& each : what.cmd) arguments.insert(arguments.end(), {"--config.cmd", each});
    for (auto const& each : what.env) arguments.insert(arguments.end(), {"--config.env", each});
    return arguments;
}

::sockaddr_in loopback(std::uint16_t port) {
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

bool answers(std::uint16_t port) {
    auto const descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const address = loopback(port);
    auto const connected = ::connect(descriptor, reinterpret_cast<::sockaddr const*>(&address), sizeof address) == 0;
    ::close(descriptor);
    return connected;
}

}  // namespace

temporary_directory::temporary_directory() {
    std::string name = "/tmp/rik-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
}

temporary_directory::~temporary_directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string run_tool(std::string const& program, std::vector<std::string> arguments) {
    auto found = find_program(program);
    if (!found) throw std::runtime_error(to_string(found.error()));
    command what{.program = std::move(*found), .arguments = std::move(arguments)};
    auto output = run(run_process_ok(std::move(what), std::chrono::steady_clock::now() + 1min));
    if (!output) throw std::runtime_error(to_string(output.error()));
    return std::move(output->out);
}

std::string make_busybox_layout(fs::path const& layout, std::string const& tag, test_image const& what) {
    temporary_directory scratch;
    make_root(scratch.path(), what);
    if (!fs::exists(layout)) run_tool("umoci", {"init", "--layout", layout});
    auto const image = layout.string() + ":" + tag;
    run_tool("umoci", {"new", "--image", image});
    run_tool("umoci", {"insert", "--image", image, scratch.path(), "/"});
    run_tool("umoci", config_arguments(image, what));
    return "oci:" + image;
}

void make_plain_layout(fs::path const& layout, std::string const& file) {
    // umoci makes entries for directories; tar of a single file makes none.
    temporary_directory scratch;
    write_file(scratch.path() / file, "hello");
    fs::permissions(scratch.path() / file, fs::perms(0640));
    auto const tar = (scratch.path() / "layer.tar").string();
    run_tool("tar", {"--create", "--file", tar, "--directory", scratch.path(), file});
    run_tool("umoci", {"init", "--layout", layout});
    run_tool("umoci", {"new", "--image", layout.string() + ":1"});
    run_tool("umoci", {"raw", "add-layer", "--image", layout.string() + ":1", tar});
}

std::uint16_t free_port() {
    auto const descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    ::socklen_t size = sizeof address;
    auto const bound = ::bind(descriptor, reinterpret_cast<::sockaddr*>(&address), size) == 0 &&
                       ::getsockname(descriptor, reinterpret_cast<::sockaddr*>(&address), &size) == 0;
    ::close(descriptor);
    if (!bound) throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
}

test_registry::test_registry(fs::path storage) : storage_(std::move(storage)), port_(free_port()) { start(); }

test_registry::~test_registry() { stop(); }

void test_registry::start() {
    fs::create_directories(storage_);
    write_file(storage_ / "registry.yml",
               "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
               "storage: {filesystem: {rootdirectory: " +
                   storage_.string() + "}}\nhttp: {addr: \"" + address() + "\"}\n");
    auto const setpriv = find_program("setpriv");
    auto const registry = find_program("docker-registry");
    if (!setpriv || !registry) throw std::runtime_error("docker-registry or setpriv is not installed");
    command what{.program = *setpriv,
                 .arguments = {"--pdeathsig", "KILL", *registry, "serve", storage_ / "registry.yml"}};
    what.creation_mask.reset();  // else its parent is a thread that ends at once, and so would it
    auto started = child_process::start(io_.get_executor(), what);
    if (!started) throw std::runtime_error(to_string(started.error()));
    process_.emplace(std::move(*started));
    for (int i = 0; i < 500; ++i, ::usleep(10'000)) {
        if (answers(port_)) return;
    }
    stop();
    throw std::runtime_error("docker-registry does not answer");
}

void test_registry::stop() {
    if (!process_) return;
    ::kill(-process_->pid(), SIGKILL);
    ::waitpid(process_->pid(), nullptr, 0);
    process_.reset();
}

std::string test_registry::push(std::string const& source, std::string const& repository) {
    auto name = address() + "/" + repository;
    run_tool("skopeo", {"copy", "-q", "--dest-tls-verify=false", source, "docker://" + name});
    return name;
}

}  // namespace rik::testing
