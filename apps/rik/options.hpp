// The command line of rik.
#pragma once

#include <rik/all/roles.hpp>
#include <rik/base/log.hpp>

#include <string>
#include <vector>

namespace rik::app {

enum class verb { serve, reset, check_node, version };

struct options {
    verb what = verb::serve;
    bool has_all_roles = true;  ///< linked in this process, without gRPC
    roles_options roles;        ///< in the other case
    local_options local;
    std::string socket;               ///< empty: none
    std::vector<std::string> listen;  ///< "127.0.0.1:5000"
    std::vector<std::string> host_names;
    log_level level = log_level::info;
    bool has_pretty_log = true;
    bool insecure_links = false;
    bool all = false;                   ///< reset: whatever any rik has on this machine
    std::vector<std::string> runtimes;  ///< check_node: those that the machine must be able to offer

    bool runs_instances() const { return has_all_roles || roles.roles.node; }
    std::string role_text() const { return has_all_roles ? "all" : to_string(roles.roles); }
};

/// Exits by itself with 0 for --help and --version, with 2 for a wrong command line, having said why.
options parse_command_line(int argc, char** argv);

}  // namespace rik::app
