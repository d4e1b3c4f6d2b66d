#include "support/machine.hpp"

#include "support/catch.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <system_error>
#include <thread>

namespace rik::test {

namespace {

void check(bool succeeded, char const* what) {
    if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

void set_loopback_up() {
    int const socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
    request.ifr_flags = IFF_UP;
    auto const answer = ::ioctl(socket, SIOCSIFFLAGS, &request);
    ::close(socket);
    check(answer == 0, "lo up");
}

/// Runs `work` on a new thread and hands on what it throws.
void on_thread(std::function<void()> const& work) {
    std::exception_ptr thrown;
    std::thread([&] {
        try {
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (thrown) std::rethrow_exception(thrown);
}

sockaddr_in address_of(std::string const& address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &made.sin_addr);
    return made;
}

int type_of(transport over) { return (over == transport::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC; }

bool is_ready(int socket, short events, std::chrono::milliseconds patience) {
    pollfd waiting{.fd = socket, .events = events, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
}

std::optional<std::string> ask(int socket, sockaddr_in const& to, std::chrono::milliseconds patience) {
    auto const connected = ::connect(socket, reinterpret_cast<sockaddr const*>(&to), sizeof to);
    if (connected != 0 && errno != EINPROGRESS) return std::nullopt;
    if (!is_ready(socket, POLLOUT, patience) || ::send(socket, "?", 1, MSG_NOSIGNAL) != 1) return std::nullopt;
    std::array<char, 200> answer;
    if (!is_ready(socket, POLLIN, patience)) return std::nullopt;
    auto const size = ::recv(socket, answer.data(), answer.size(), 0);
    if (size <= 0) return std::nullopt;
    return std::string(answer.data(), static_cast<std::size_t>(size));
}

}  // namespace

std::filesystem::path here() { return "/proc/thread-self/ns/net"; }

void enter_private_machine() {
    check(::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0, "unshare");
    check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    set_loopback_up();
    std::ofstream("/proc/sys/net/ipv4/ip_forward") << "0";
}

void inside(std::filesystem::path const& where, std::function<void()> const& work) {
    int const opened = ::open(where.c_str(), O_RDONLY | O_CLOEXEC);
    check(opened >= 0, where.c_str());
    on_thread([&] {
        check(::setns(opened, CLONE_NEWNET) == 0, "setns");
        work();
    });
    ::close(opened);
}

std::string shell(std::string const& command) {
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "r"), nullptr);
    check(pipe != nullptr, "popen");
    std::string output;
    std::array<char, 4096> buffer;
    while (auto const size = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
        output.append(buffer.data(), size);
    auto const status = ::pclose(pipe.release());
    if (status != 0) throw std::runtime_error(command + ": " + output);
    return output;
}

std::string shell_inside(std::filesystem::path const& where, std::string const& command) {
    std::string output;
    inside(where, [&] { output = shell(command); });
    return output;
}

scratch_directory::scratch_directory() {
    auto name = (std::filesystem::temp_directory_path() / "rik-test-XXXXXX").string();
    check(::mkdtemp(name.data()) != nullptr, "mkdtemp");
    path_ = name;
}

scratch_directory::~scratch_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

pinned_namespace::pinned_namespace(std::filesystem::path file) : file_(std::move(file)) {
    std::ofstream(file_) << "";
    on_thread([&] {
        check(::unshare(CLONE_NEWNET) == 0, "unshare");
        set_loopback_up();
        check(::mount("/proc/thread-self/ns/net", file_.c_str(), nullptr, MS_BIND, nullptr) == 0, "pin");
    });
}

pinned_namespace::~pinned_namespace() {
    ::umount2(file_.c_str(), MNT_DETACH);
    ::unlink(file_.c_str());
}

name_server::name_server(std::filesystem::path const& where, options what)
    : what_(std::move(what)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    inside(where, [&] {
        socket_ = ::socket(AF_INET, type_of(what_.over), 0);
        int const on = 1;
        ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        auto const address = address_of("0.0.0.0", what_.port);
        check(::bind(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0, "bind");
        if (what_.over == transport::tcp) check(::listen(socket_, 16) == 0, "listen");
    });
    auto server = std::make_shared<std::thread>([this] { serve(); });
    join_ = [server] { server->join(); };
}

name_server::~name_server() {
    ::eventfd_write(stop_, 1);
    join_();
    ::close(socket_);
    ::close(stop_);
}

void name_server::serve() {
    for (;;) {
        std::array<pollfd, 2> waiting{pollfd{.fd = socket_, .events = POLLIN, .revents = 0},
                                      pollfd{.fd = stop_, .events = POLLIN, .revents = 0}};
        ::poll(waiting.data(), waiting.size(), -1);
        if (waiting[1].revents != 0) return;
        sockaddr_in from{};
        socklen_t size = sizeof from;
        auto* const caller = reinterpret_cast<sockaddr*>(&from);
        auto const is_tcp = what_.over == transport::tcp;
        auto const connection = is_tcp ? ::accept(socket_, caller, &size) : socket_;
        std::array<char, 16> question;  // it must be read: to close before would take the answer back
        (void)::recvfrom(connection, question.data(), question.size(), 0, is_tcp ? nullptr : caller,
                         is_tcp ? nullptr : &size);
        std::array<char, INET_ADDRSTRLEN> text;
        ::inet_ntop(AF_INET, &from.sin_addr, text.data(), text.size());
        auto const answer = what_.name + " " + text.data();
        (void)::sendto(connection, answer.data(), answer.size(), MSG_NOSIGNAL, is_tcp ? nullptr : caller,
                       is_tcp ? 0 : size);
        if (is_tcp) ::close(connection);
    }
}

namespace {

std::optional<std::string> call_for(std::filesystem::path const& where, endpoint const& to,
                                    std::chrono::milliseconds patience) {
    std::optional<std::string> answer;
    inside(where, [&] {
        int const socket = ::socket(AF_INET, type_of(to.over) | SOCK_NONBLOCK, 0);
        answer = ask(socket, address_of(to.address, to.port), patience);
        ::close(socket);
    });
    return answer;
}

}  // namespace

std::optional<std::string> call(std::filesystem::path const& where, endpoint const& to) {
    return call_for(where, to, std::chrono::seconds(5));
}

bool is_silent(std::filesystem::path const& where, endpoint const& to) {
    return !call_for(where, to, std::chrono::milliseconds(300));
}

}  // namespace rik::test
