#include "listener.hpp"

#include "text.hpp"

#include <fmt/format.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace rik::detail {

namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;

constexpr int waiting_connections_max = 1024;

errc code_of(error_code failure) {
    namespace system = boost::system::errc;
    if (failure == system::address_in_use) return errc::conflict;
    if (failure == system::permission_denied || failure == system::operation_not_permitted) return errc::denied;
    if (failure == system::address_not_available) return errc::invalid;
    return errc::internal;
}

std::string remedy_of(error_code failure) {
    namespace system = boost::system::errc;
    if (failure == system::address_in_use) return "stop what listens there, or use another address";
    if (failure == system::address_not_available) return "use an address of this machine";
    if (failure == system::permission_denied || failure == system::operation_not_permitted)
        return "be root, or use another address";
    return {};
}

error failed(std::string_view address, std::string_view what, error_code failure) {
    return error{
        code_of(failure), fmt::format("{}: cannot {}: {}", address, what, failure.message()), {}, remedy_of(failure)};
}

error cannot_bind(std::string const& path, error_code failure) {
    if (failure != boost::system::errc::no_such_file_or_directory) return failed(path, "bind", failure);
    auto const slash = path.rfind('/');
    auto const directory = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
    return error{errc::invalid,
                 fmt::format("{}: cannot bind: there is no directory {}", path, directory),
                 {},
                 "make it or use another path"};
}

/// Makes way for a socket at `path`: nothing is there, or a socket that nobody answers on, which is removed.
result<void> clear_path(asio::any_io_executor executor, std::string const& path) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return {};
    if (!S_ISSOCK(found.st_mode))
        return error{
            errc::conflict, fmt::format("{}: it is there and is no socket", path), {}, "remove it or use another path"};
    error_code refused;
    local::socket probe(executor);
    probe.connect(local::endpoint(path), refused);
    if (refused == boost::system::errc::permission_denied)
        return error{errc::denied, fmt::format("{}: it is there and may not be connected to", path)};
    if (refused != boost::system::errc::connection_refused)
        return error{errc::conflict,
                     fmt::format("{}: another process serves this socket", path),
                     {},
                     "stop it or use another path"};
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return failed(path, "remove the old socket", error_code(errno, boost::system::system_category()));
    return {};
}

std::optional<gid_t> find_group(std::string const& name) {
    group entry{};
    group* found = nullptr;
    std::array<char, 4096> strings{};
    if (::getgrnam_r(name.c_str(), &entry, strings.data(), strings.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return found->gr_gid;
}

void give_to_group(unix_address const& where, log const& to) {
    if (where.group.empty()) return;
    auto const id = find_group(where.group);
    if (!id) return to.debug("no such group; the socket stays with ours", {{"group", where.group}});
    if (::chown(where.path.c_str(), static_cast<uid_t>(-1), *id) != 0)
        to.warning("cannot give the socket to its group", {{"path", where.path}, {"group", where.group}});
}

result<asio::ip::address> parse_host(std::string const& host) {
    if (host.empty() || host == "*") return asio::ip::address(asio::ip::address_v6::any());
    if (equal_ignoring_case(host, "localhost")) return asio::ip::address(asio::ip::address_v4::loopback());
    error_code wrong;
    auto const address = asio::ip::make_address(host, wrong);
    if (wrong)
        return error{errc::invalid, fmt::format("{}: not an IP address", host), {}, "give an IP address or localhost"};
    return address;
}

/// All addresses of a machine whose kernel has no IPv6.
result<tcp::endpoint> pick_endpoint(tcp_address const& where, tcp::acceptor& acceptor) {
    auto const address = parse_host(where.host);
    if (!address) return address.error();
    tcp::endpoint endpoint(*address, where.port);
    error_code failure;
    acceptor.open(endpoint.protocol(), failure);
    if (failure == boost::system::errc::address_family_not_supported && address->is_unspecified()) {
        endpoint = tcp::endpoint(tcp::v4(), where.port);
        acceptor.open(endpoint.protocol(), failure);
    }
    if (failure) return failed(where.host, "open a socket", failure);
    return endpoint;
}

result<void> bind_tcp(tcp_address const& where, tcp::acceptor& acceptor) {
    auto const endpoint = pick_endpoint(where, acceptor);
    if (!endpoint) return endpoint.error();
    error_code failure;
    acceptor.set_option(tcp::acceptor::reuse_address(true), failure);
    asio::ip::v6_only const only_v6(!endpoint->address().is_unspecified());
    if (endpoint->protocol() == tcp::v6()) acceptor.set_option(only_v6, failure);
    acceptor.bind(*endpoint, failure);
    if (!failure) acceptor.listen(waiting_connections_max, failure);
    if (failure) return failed(fmt::format("{}:{}", where.host, where.port), "listen", failure);
    return {};
}

}  // namespace

result<std::unique_ptr<listener>> listener::open(asio::any_io_executor executor, unix_address const& where, log to) {
    if (where.path.empty() || where.path.size() >= sizeof(sockaddr_un::sun_path) || where.path[0] == '\0')
        return error{
            errc::invalid,
            fmt::format("{}: a socket's path has 1 to {} bytes", where.path, sizeof(sockaddr_un::sun_path) - 1),
            {},
            "use a shorter path"};
    if (auto const cleared = clear_path(executor, where.path); !cleared) return cleared.error();

    local::acceptor acceptor(executor);
    error_code failure;
    acceptor.open(local(), failure);
    if (!failure) acceptor.bind(local::endpoint(where.path), failure);
    if (failure) return cannot_bind(where.path, failure);

    auto made = std::unique_ptr<listener>(new listener(executor));
    made->path_ = where.path;
    struct stat bound {};
    if (::lstat(where.path.c_str(), &bound) == 0) made->file_ = bound.st_ino;
    // Nobody can connect before `listen`, so nobody slips in before the mode is set.
    if (::chmod(where.path.c_str(), 0660) != 0)
        return failed(where.path, "set its mode", error_code(errno, boost::system::system_category()));
    give_to_group(where, to);
    acceptor.listen(waiting_connections_max, failure);
    if (failure) return failed(where.path, "listen", failure);
    made->acceptor_.assign(asio::generic::stream_protocol(local()), acceptor.release(), failure);
    if (failure) return failed(where.path, "listen", failure);
    return made;
}

result<std::unique_ptr<listener>> listener::open(asio::any_io_executor executor, tcp_address const& where) {
    tcp::acceptor acceptor(executor);
    if (auto const bound = bind_tcp(where, acceptor); !bound) return bound.error();
    error_code failure;
    auto const endpoint = acceptor.local_endpoint(failure);
    if (failure) return failed(where.host, "ask for the port", failure);
    auto made = std::unique_ptr<listener>(new listener(executor));
    made->address_ = tcp_address{endpoint.address().to_string(), endpoint.port()};
    made->acceptor_.assign(asio::generic::stream_protocol(endpoint.protocol()), acceptor.release(), failure);
    if (failure) return failed(where.host, "listen", failure);
    return made;
}

void listener::close() {
    error_code ignored;
    acceptor_.close(ignored);
    if (path_.empty()) return;
    struct stat now {};
    if (::lstat(path_.c_str(), &now) == 0 && now.st_ino == file_) ::unlink(path_.c_str());
    path_.clear();
}

listener::~listener() { close(); }

}  // namespace rik::detail

namespace rik {

result<tcp_address> parse_tcp_address(std::string_view text) {
    auto const wrong = error{errc::invalid,
                             fmt::format("'{}': not an address to listen on", text),
                             {},
                             "use HOST:PORT, as in 127.0.0.1:5000 or [::1]:5000"};
    tcp_address parsed;
    auto const colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        parsed.host = text.substr(0, colon);
        if (parsed.host.starts_with('[') && parsed.host.ends_with(']'))
            parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
        else if (parsed.host.find(':') != std::string::npos)
            return wrong;
    }
    auto const port = text.substr(colon == std::string_view::npos ? 0 : colon + 1);
    auto const [end, failure] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
    if (failure != std::errc() || end != port.data() + port.size()) return wrong;
    if (!detail::parse_host(parsed.host)) return wrong;
    return parsed;
}

}  // namespace rik
