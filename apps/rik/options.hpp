// The command line of rik.
#pragma once

#include <rik/all.hpp>
#include <rik/base/log.hpp>

#include <string>
#include <vector>

namespace rik::app {

enum class verb { serve, reset, version };

struct options {
    verb what = verb::serve;
    std::string role = "all";
    local_options local;
    std::string socket = "/run/rik/rik.sock";  ///< empty: none
    std::vector<std::string> listen;           ///< "127.0.0.1:5000"
    std::vector<std::string> host_names;
    log_level level = log_level::info;
    bool has_pretty_log = true;
    bool all = false;  ///< reset: whatever any rik has on this machine
};

/// Exits by itself with 0 for --help and --version, with 2 for a wrong command line, having said why.
options parse_command_line(int argc, char** argv);

}  // namespace rik::app
