#include "bare_machine.hpp"

#include "interruption.hpp"
#include "measure.hpp"

#include "runtime/microvm/qcow2_overlay_detail.hpp"

#include "launch.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::bench {

namespace {

constexpr auto patience = std::chrono::minutes(3);
constexpr int connect_ms_max = 50;  // a SYN that nobody hears is sent again after a second
constexpr int answer_ms_max = 2000;
constexpr auto pause = std::chrono::milliseconds(5);
constexpr std::size_t size_at = 24;  // in a header of qcow2

std::string read_whole(fs::path const& file) {
    std::ifstream from(file, std::ios::binary);
    if (!from) throw std::runtime_error(file.string() + ": it cannot be read");
    return {std::istreambuf_iterator<char>(from), {}};
}

void write_whole(fs::path const& file, std::string_view bytes, uid_t owner) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    if (::chown(file.c_str(), owner, owner) != 0) throw std::runtime_error(file.string() + ": chown");
}

void shell(std::string const& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
}

std::string path_of(detail::machine_plan const& plan, int descriptor) {
    for (auto const& each : plan.files)
        if (each.descriptor == descriptor) return each.path;
    throw std::runtime_error("the plan of a machine has no file for QEMU's descriptor " + std::to_string(descriptor));
}

bool is_ready(int socket, short what, int ms_max) {
    pollfd waiting{.fd = socket, .events = what, .revents = 0};
    return ::poll(&waiting, 1, ms_max) == 1 && (waiting.revents & what) != 0;
}

/// Who asks again and again at a port that nobody has may be given that port as its own, and then reach itself: it
/// would have the port until it gives up.
bool has_reached_itself(int socket, sockaddr_in const& to) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_port == to.sin_port &&
           own.sin_addr.s_addr == to.sin_addr.s_addr;
}

bool ask(int socket, sockaddr_in const& to) {
    if (::connect(socket, reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0) {
        int failure = 0;
        socklen_t size = sizeof failure;
        if (errno != EINPROGRESS || !is_ready(socket, POLLOUT, connect_ms_max)) return false;
        if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0) return false;
    }
    if (has_reached_itself(socket, to)) return false;
    constexpr std::string_view request = "GET / HTTP/1.0\r\n\r\n";
    if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    std::array<char, 512> answer{};
    auto const size = is_ready(socket, POLLIN, answer_ms_max) ? ::recv(socket, answer.data(), answer.size(), 0) : -1;
    return size > 0 &&
           std::string_view(answer.data(), static_cast<std::size_t>(size)).find(" 200 ") != std::string::npos;
}

void await_here(http_target const& from) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(from.port);
    ::inet_pton(AF_INET, from.address.c_str(), &to.sin_addr);
    for (auto const begin = steady::now(); steady::now() - begin < patience;) {
        check_interruption();
        auto const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        auto const is_answered = ask(socket, to);
        ::close(socket);
        if (is_answered) return;
        std::this_thread::sleep_for(pause);
    }
    throw std::runtime_error(fmt::format("{}:{} does not answer", from.address, from.port));
}

bool enter(std::string const& network_namespace) {
    auto const file = ::open(network_namespace.c_str(), O_RDONLY | O_CLOEXEC);
    auto const entered = ::setns(file, CLONE_NEWNET) == 0;
    ::close(file);
    return entered;
}

}  // namespace

void await_answer(http_target const& from) {
    std::exception_ptr thrown;
    std::jthread([&] {
        try {
            if (!from.network_namespace.empty() && !enter(from.network_namespace))
                throw std::runtime_error(from.network_namespace + ": it cannot be entered");
            await_here(from);
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
}

bare_machine::bare_machine(fs::path const& plan, fs::path root, std::string address)
    : root_(std::move(root)), address_(std::move(address)), name_("rb" + std::to_string(::getpid())) {
    auto parsed = detail::parse_plan(read_whole(plan));
    if (!parsed) throw std::runtime_error(to_string(parsed.error()));
    plan_ = std::move(*parsed);
    initramfs_ = read_whole(path_of(plan_, detail::initramfs_descriptor));
    auto const header = read_whole(path_of(plan_, detail::overlay_descriptor));
    for (std::size_t at = size_at; at < size_at + 8; ++at)
        disk_bytes_ = disk_bytes_ << 8 | static_cast<unsigned char>(header.at(at));
    fs::create_directories(root_);
    plan_.groups.clear();
    plan_.tap = name_;
    plan_.network_namespace = "/run/netns/" + name_;
    plan_.note = root_ / "note";
    for (auto& each : plan_.files) {
        if (each.descriptor == detail::initramfs_descriptor) each.path = root_ / "initramfs";
        if (each.descriptor == detail::overlay_descriptor) each.path = root_ / "disk.qcow2";
    }
}

bare_machine::~bare_machine() {
    stop();
    std::error_code ignored;
    fs::remove_all(root_, ignored);
}

void bare_machine::make_network() const {
    auto const gateway = address_.substr(0, address_.rfind('.')) + ".1/24";
    shell(
        fmt::format("ip netns add {0} && ip -n {0} link set lo up && ip -n {0} tuntap add dev {0} mode tap vnet_hdr && "
                    "ip -n {0} address add {1} dev {0} && ip -n {0} link set {0} up",
                    name_, gateway));
}

void bare_machine::make_files() const {
    write_whole(root_ / "initramfs", initramfs_, plan_.uid);
    write_whole(root_ / "disk.qcow2", detail::qcow2_overlay(disk_bytes_), plan_.uid);
    write_whole(root_ / "note", "", 0);
}

double bare_machine::start(std::uint16_t port) {
    auto const begin = steady::now();
    make_network();
    make_files();
    process_ = ::fork();
    if (process_ < 0) throw std::runtime_error("fork");
    if (process_ == 0) run();
    await_answer({.address = address_, .port = port, .network_namespace = plan_.network_namespace});
    return milliseconds(steady::now() - begin);
}

/// In the child: stays, since QEMU ends with it.
void bare_machine::run() const {
    machine_program::launch machine(plan_);
    pid_t qemu = -1;
    auto why = enter(plan_.network_namespace) ? machine.prepare() : std::string("network namespace");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // behind the change of the user, which forgets it
    if (why.empty()) why = machine.start(qemu);
    if (!why.empty()) {
        fmt::print(stderr, "a machine by hand: {}\n", why);
        std::fflush(stderr);
        ::_exit(1);
    }
    ::waitpid(qemu, nullptr, 0);
    ::_exit(0);
}

void bare_machine::stop() {
    if (process_ >= 0) {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = -1;
    }
    if (!fs::exists(plan_.network_namespace)) return;
    if (std::system(fmt::format("ip netns del {}", name_).c_str()) != 0)
        fmt::print(stderr, "the network namespace {} is left\n", name_);
}

}  // namespace rik::bench
