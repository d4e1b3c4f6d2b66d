// The address of a rik, a unix socket or TCP, and how a program finds it.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik {

inline constexpr std::string_view default_socket_path = "/run/rik/rik.sock";
inline constexpr std::uint16_t default_server_port = 5000;

/// A unix socket if `path` is not empty, else `host` and `port`.
struct server_address {
    std::string path = {};
    std::string host = {};
    std::uint16_t port = default_server_port;

    bool is_unix() const { return !path.empty(); }
    friend bool operator==(server_address const&, server_address const&) = default;
};

/// "unix:///run/rik/rik.sock" or "http://127.0.0.1:5000".
std::string to_string(server_address const& address);

/// Parses unix:///path, /path, http://host[:port], host:port and [v6]:port. The port is 5000 if there is none.
/// Errors: invalid, `text` is none of these; unsupported, https.
result<server_address> parse_server_address(std::string_view text);

/// The part of a configuration file that says where the cluster is.
struct client_config {
    std::string cluster_name;
    std::string server;       ///< may be empty if there is a tenant
    std::string tenant = {};  ///< in which names are looked for; empty: the server's choice
};

/// Parses `cluster: {name, server, tenant}` in YAML or JSON; `tenant` may stand at the top, too.
/// Errors: invalid, it is neither, has neither cluster.server nor a tenant, or the tenant's name is not legal.
result<client_config> parse_client_config(std::string_view text);

/// What a program was told about the server, the most important first. Empty means that it was not given.
struct address_sources {
    std::string flag = {};             ///< --server
    std::string server_variable = {};  ///< RIK_CLUSTER_SERVER
    std::string config_variable = {};  ///< RIKCONFIG: a file, which must be readable
    std::string home = {};             ///< HOME, for .rik/config.yaml, which need not exist or be readable
    std::string tenant_flag = {};      ///< --tenant
    std::string tenant_variable = {};  ///< RIK_TENANT
};

/// Returns the first that is given of: the flag, RIK_CLUSTER_SERVER, the configuration file, the default socket.
/// Errors: as of the parsers, naming the source; invalid, a configuration file cannot be read.
result<server_address> resolve_server_address(address_sources const& sources);

/// Returns the tenant in which names are looked for, the first that is given of: the flag, RIK_TENANT, the
/// configuration file if the server is taken from it, too. Empty: none is. Errors: likewise.
result<std::string> resolve_tenant(address_sources const& sources);

}  // namespace rik
