#include "network/linux/host_ports_detail.hpp"

#include <rik/base/shortage.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>

namespace rik::detail {

namespace {

std::string port_name(port_protocol protocol, std::uint16_t port) {
    return fmt::format("host port {}/{}", port, protocol == port_protocol::tcp ? "tcp" : "udp");
}

error refusal(port_protocol protocol, std::uint16_t port, int number) {
    auto const name = port_name(protocol, port);
    if (number == EADDRINUSE) return error{errc::conflict, name + ": in use by another program"};
    auto problem = system_failure(name, number);
    if (number == EACCES || number == EPERM) problem.code = errc::denied;
    return problem;
}

}  // namespace

std::vector<port_mapping> mappings_of(std::vector<container_port> const& host_ports, std::uint32_t address) {
    std::vector<port_mapping> mappings;
    for (auto const& each : host_ports) {
        if (each.host_port == 0) continue;
        mappings.push_back(
            {.protocol = each.protocol, .host_port = each.host_port, .address = address, .port = each.port});
    }
    return mappings;
}

namespace {

void set_reuse(descriptor const& socket, int on) {
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

bool bind_everywhere(descriptor const& socket, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    return ::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
}

/// Connections of a former owner that wait in TIME_WAIT are no reason to refuse: with the option they do not count, and
/// whoever listens still does. It is taken back at once: where both have it, another program could listen beside us.
bool bind_beside_old_connections(descriptor const& socket, std::uint16_t port) {
    set_reuse(socket, 1);
    auto const is_bound = bind_everywhere(socket, port);
    auto const number = errno;
    set_reuse(socket, 0);
    errno = number;
    return is_bound;
}

/// From now on the socket gets what comes from a device that does not exist, which is nothing: the kernel answers
/// datagrams with "port unreachable". The port stays taken on every other device.
void let_nothing_in(descriptor const& socket) {
#ifdef SO_BINDTOIFINDEX
    int const no_device = std::numeric_limits<int>::max();
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTOIFINDEX, &no_device, sizeof no_device);
#endif
}

/// Connections from or to that port, and nobody who listens there. A socket that is only bound, as another agent holds
/// its ports, is in no table.   Source: proc_pid_net(5), tcp: the local address, and the state, which is 0A of
/// listeners
bool has_only_connections(std::uint16_t port) {
    auto const ending = fmt::format(":{:04X}", port);
    auto has_some = false;
    for (auto const* const table : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
        std::ifstream lines(table);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string number;
            std::string local;
            std::string remote;
            std::string state;
            words >> number >> local >> remote >> state;
            if (!local.ends_with(ending)) continue;
            if (state == "0A") return false;
            has_some = true;
        }
    }
    return has_some;
}

}  // namespace

result<descriptor> occupy_port(port_protocol protocol, std::uint16_t port) {
    auto const is_tcp = protocol == port_protocol::tcp;
    descriptor socket(::socket(AF_INET, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return refusal(protocol, port, errno);
    auto is_bound = bind_everywhere(socket, port);
    if (!is_bound && errno == EADDRINUSE && is_tcp) is_bound = bind_beside_old_connections(socket, port);
    if (!is_bound && errno == EADDRINUSE && is_tcp) {
        if (has_only_connections(port)) return descriptor();
        is_bound = bind_everywhere(socket, port);  // what was seen before may have gone
    }
    if (!is_bound) return refusal(protocol, port, errno);
    if (!is_tcp) let_nothing_in(socket);
    return socket;
}

std::optional<error> port_table::find_other(instance_id instance, port_mapping const& mapping) const {
    auto const found = ports_.find({mapping.protocol, mapping.host_port});
    if (found == ports_.end() || found->second.owner == instance) return std::nullopt;
    return error{errc::conflict, port_name(mapping.protocol, mapping.host_port) + ": in use by another Pod"};
}

result<void> port_table::open(instance_id instance, std::vector<port_mapping> const& mappings) {
    std::map<key, entry> taken;
    for (auto const& each : mappings) {
        if (auto const other = find_other(instance, each)) return *other;
        auto const name = key(each.protocol, each.host_port);
        if (ports_.contains(name)) continue;
        if (taken.contains(name)) {
            return error{errc::conflict, port_name(each.protocol, each.host_port) + ": named twice by one Pod"};
        }
        auto occupier = occupy_port(each.protocol, each.host_port);
        if (!occupier) return occupier.error();
        taken.emplace(name, entry{.owner = instance, .mapping = each, .occupier = std::move(*occupier)});
    }
    ports_.merge(taken);
    for (auto const& each : mappings) {  // its own from before, too
        auto& own = ports_.at(key(each.protocol, each.host_port));
        own.mapping = each;
        own.is_closed = false;
    }
    return {};
}

std::vector<std::uint16_t> port_table::reopen(instance_id instance, std::vector<port_mapping> const& mappings) {
    std::vector<std::uint16_t> not_held;
    for (auto const& each : mappings) {
        auto occupier = occupy_port(each.protocol, each.host_port);
        if (!occupier) not_held.push_back(each.host_port);
        ports_.try_emplace(
            key(each.protocol, each.host_port),
            entry{.owner = instance, .mapping = each, .occupier = occupier ? std::move(*occupier) : descriptor()});
    }
    return not_held;
}

std::vector<port_mapping> port_table::close(instance_id instance) {
    std::vector<port_mapping> closed;
    for (auto& [name, each] : ports_) {
        if (each.owner != instance) continue;
        each.is_closed = true;
        closed.push_back(each.mapping);
    }
    return closed;
}

void port_table::give_back(instance_id instance) {
    std::erase_if(ports_, [&](auto const& each) { return each.second.owner == instance; });
}

std::vector<port_mapping> port_table::all() const {
    std::vector<port_mapping> mappings;
    for (auto const& [name, each] : ports_)
        if (!each.is_closed) mappings.push_back(each.mapping);
    return mappings;
}

}  // namespace rik::detail
