#include <rik/client/address.hpp>
#include <rik/client/text_file.hpp>
#include <rik/model/tenant.hpp>

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace rik {

namespace {

// sun_path has 108 bytes with its final zero.
constexpr std::size_t socket_path_bytes_max = 107;
constexpr std::size_t config_bytes_max = 1u << 20;

error no_address(std::string_view text) {
    return error{errc::invalid,
                 fmt::format("'{}' is no address of a server", text),
                 {},
                 "write unix:///path/to/rik.sock, http://host:port or host:port"};
}

bool read_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

result<server_address> parse_socket_path(std::string_view path, std::string_view whole) {
    if (!path.starts_with('/')) return no_address(whole);
    if (path.size() > socket_path_bytes_max)
        return error{errc::invalid,
                     fmt::format("the path of a socket has at most {} bytes: {}", socket_path_bytes_max, path)};
    return server_address{.path = std::string(path)};
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (code != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

/// "host", "host:port", "[v6]" or "[v6]:port".
result<server_address> parse_authority(std::string_view text, std::string_view whole) {
    server_address address;
    auto rest = text;
    if (read_prefix(rest, "[")) {
        auto const end = rest.find(']');
        if (end == std::string_view::npos) return no_address(whole);
        address.host = rest.substr(0, end);
        rest.remove_prefix(end + 1);
    } else {
        address.host = rest.substr(0, rest.find(':'));
        rest.remove_prefix(address.host.size());
    }
    if (address.host.empty() || address.host.find_first_of("/@?# \t") != std::string::npos) return no_address(whole);
    if (rest.empty()) return address;
    auto const port = read_prefix(rest, ":") ? parse_port(rest) : std::nullopt;
    if (!port) return no_address(whole);
    address.port = *port;
    return address;
}

/// `problem`, told apart by where the wrong text came from.
error from_source(error problem, std::string_view source) {
    problem.message = fmt::format("{}: {}", source, problem.message);
    return problem;
}

result<server_address> parse_from(std::string_view text, std::string_view source) {
    auto address = parse_server_address(text);
    if (!address) return from_source(address.error(), source);
    return address;
}

/// `problem`, met with a configuration file: nothing of the server's is missing.
error unreadable(error problem, std::string_view source) {
    problem.code = errc::invalid;
    problem.remedy = "make it readable, or say by --server where rik listens";
    return source.empty() ? problem : from_source(std::move(problem), source);
}

result<std::optional<client_config>> parse_config(std::string const& path, std::string const& text) {
    auto config = parse_client_config(text);
    if (!config) return from_source(config.error(), path);
    return std::optional(std::move(*config));
}

/// nullopt: there is none.
result<std::optional<client_config>> read_config(address_sources const& sources) {
    if (!sources.config_variable.empty()) {
        auto const text = read_text_file(sources.config_variable, config_bytes_max);
        if (!text) return unreadable(text.error(), "RIKCONFIG");
        return parse_config(sources.config_variable, *text);
    }
    if (sources.home.empty()) return std::optional<client_config>();
    auto const path = sources.home + "/.rik/config.yaml";
    auto const text = read_text_file(path, config_bytes_max);
    if (text) return parse_config(path, *text);
    // No such file, or HOME is no directory of ours: the default is left. What is there and broken is told.
    auto const is_absent = text.error().code == errc::not_found || text.error().code == errc::denied;
    if (!is_absent) return unreadable(text.error(), {});
    return std::optional<client_config>();
}

std::string path_of_config(address_sources const& sources) {
    return sources.config_variable.empty() ? sources.home + "/.rik/config.yaml" : sources.config_variable;
}

result<std::string> checked_tenant(std::string const& name, std::string_view source) {
    if (auto wrong = check_tenant_name(name, {})) return from_source(std::move(*wrong), source);
    return name;
}

}  // namespace

std::string to_string(server_address const& address) {
    if (address.is_unix()) return "unix://" + address.path;
    auto const is_v6 = address.host.find(':') != std::string::npos;
    return fmt::format("http://{0}{1}{2}:{3}", is_v6 ? "[" : "", address.host, is_v6 ? "]" : "", address.port);
}

result<server_address> parse_server_address(std::string_view text) {
    auto rest = text;
    if (read_prefix(rest, "unix://") || read_prefix(rest, "unix:") || rest.starts_with('/'))
        return parse_socket_path(rest, text);
    if (rest.starts_with("https://"))
        return error{errc::unsupported,
                     fmt::format("'{}': rik does not speak https yet", text),
                     {},
                     "use http:// on a trusted network, or the unix socket"};
    auto const has_scheme = read_prefix(rest, "http://");
    if (has_scheme && rest.ends_with('/')) rest.remove_suffix(1);
    // A bare word is more often a mistake than a host, so it needs its port.
    if (!has_scheme && rest.find(':') == std::string_view::npos) return no_address(text);
    return parse_authority(rest, text);
}

result<server_address> resolve_server_address(address_sources const& sources) {
    if (!sources.flag.empty()) return parse_from(sources.flag, "--server");
    if (!sources.server_variable.empty()) return parse_from(sources.server_variable, "RIK_CLUSTER_SERVER");
    auto const config = read_config(sources);
    if (!config) return config.error();
    if (*config && !(*config)->server.empty()) return parse_from((*config)->server, path_of_config(sources));
    return server_address{.path = std::string(default_socket_path)};
}

result<std::string> resolve_tenant(address_sources const& sources) {
    if (!sources.tenant_flag.empty()) return checked_tenant(sources.tenant_flag, "--tenant");
    if (!sources.tenant_variable.empty()) return checked_tenant(sources.tenant_variable, "RIK_TENANT");
    // A file is of one cluster: its tenant is none of another.
    if (!sources.flag.empty() || !sources.server_variable.empty()) return std::string();
    auto const config = read_config(sources);
    if (!config) return config.error();
    return *config ? (*config)->tenant : std::string();
}

}  // namespace rik
