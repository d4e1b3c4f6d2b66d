#include "support/steady_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>

namespace rik::test {

namespace {

void check(bool succeeded, char const* what) {
    if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in address_of(std::string const& address, std::uint16_t port) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    made.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &made.sin_addr);
    return made;
}

sockaddr const* plain(sockaddr_in const& address) { return reinterpret_cast<sockaddr const*>(&address); }

bool is_readable(int socket, std::chrono::milliseconds patience) {
    pollfd waiting{.fd = socket, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) == 1;
}

}  // namespace

steady_client::steady_client(std::filesystem::path const& where, endpoint to, std::uint16_t own_port)
    : where_(where), to_(std::move(to)), own_port_(own_port) {
    open();
}

void steady_client::open() {
    inside(where_, [this] {
        socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        auto const own = address_of("0.0.0.0", own_port_);
        check(::bind(socket_, plain(own), sizeof own) == 0, "bind");
    });
}

steady_client::~steady_client() { ::close(socket_); }

std::optional<std::string> steady_client::ask() {
    auto const to = address_of(to_.address, to_.port);
    if (::sendto(socket_, "?", 1, 0, plain(to), sizeof to) != 1) return std::nullopt;
    std::array<char, 200> answer;
    if (!is_readable(socket_, std::chrono::milliseconds(300))) return std::nullopt;
    auto const size = ::recv(socket_, answer.data(), answer.size(), 0);
    if (size <= 0) return std::nullopt;
    return std::string(answer.data(), static_cast<std::size_t>(size));
}

std::optional<std::string> steady_client::ask_anew() {
    ::close(socket_);
    open();
    return ask();
}

tcp_echo::tcp_echo(std::filesystem::path const& where, std::uint16_t port) : stop_(::eventfd(0, EFD_CLOEXEC)) {
    inside(where, [&] {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int const on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        auto const own = address_of("0.0.0.0", port);
        check(::bind(listener_, plain(own), sizeof own) == 0, "bind");
        check(::listen(listener_, 4) == 0, "listen");
    });
    auto server = std::make_shared<std::thread>([listener = listener_, stop = stop_] {
        auto const connection = ::accept(listener, nullptr, nullptr);
        for (;;) {
            std::array<pollfd, 2> waiting{pollfd{.fd = connection, .events = POLLIN, .revents = 0},
                                          pollfd{.fd = stop, .events = POLLIN, .revents = 0}};
            ::poll(waiting.data(), waiting.size(), -1);
            std::array<char, 16> bytes;
            if (waiting[1].revents != 0) break;
            auto const size = ::recv(connection, bytes.data(), bytes.size(), 0);
            if (size <= 0) break;
            (void)::send(connection, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
        }
        ::close(connection);
    });
    join_ = [server] { server->join(); };
}

tcp_echo::~tcp_echo() {
    ::eventfd_write(stop_, 1);
    join_();
    stop_listening();
    ::close(stop_);
}

void tcp_echo::stop_listening() {
    if (listener_ >= 0) ::close(listener_);
    listener_ = -1;
}

tcp_caller::tcp_caller(std::filesystem::path const& where, endpoint const& to) {
    inside(where, [&] {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        auto const server = address_of(to.address, to.port);
        check(::connect(socket_, plain(server), sizeof server) == 0, "connect");
    });
}

tcp_caller::~tcp_caller() { ::close(socket_); }

bool tcp_caller::echoes() {
    char letter = 'a';
    if (::send(socket_, &letter, 1, MSG_NOSIGNAL) != 1) return false;
    if (!is_readable(socket_, std::chrono::seconds(3))) return false;
    return ::recv(socket_, &letter, 1, 0) == 1 && letter == 'a';
}

connect_counts& operator+=(connect_counts& sum, connect_counts const& more) {
    sum.refused += more.refused;
    sum.answered += more.answered;
    sum.reset += more.reset;
    sum.unreached += more.unreached;
    sum.hung += more.hung;
    return sum;
}

connect_counts connect_once(endpoint const& to) {
    connect_counts counts;
    auto const server = address_of(to.address, to.port);
    int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval const patience{.tv_sec = 2, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    std::array<char, 100> answer;
    if (::connect(socket, plain(server), sizeof server) != 0)
        ++(errno == ECONNREFUSED ? counts.refused : counts.unreached);
    else if (::send(socket, "?", 1, MSG_NOSIGNAL) == 1 && !is_readable(socket, std::chrono::seconds(2)))
        ++counts.hung;
    else
        ++(::recv(socket, answer.data(), answer.size(), 0) > 0 ? counts.answered : counts.reset);
    ::close(socket);
    return counts;
}

connect_counts connect_until(endpoint const& to, std::atomic<bool> const& is_over) {
    connect_counts counts;
    while (!is_over) counts += connect_once(to);
    return counts;
}

}  // namespace rik::test
