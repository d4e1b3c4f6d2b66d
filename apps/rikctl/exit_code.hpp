// What rikctl's exit status says, in one table.
#pragma once

#include <rik/base/error.hpp>

#include <array>
#include <string>
#include <string_view>

namespace rikctl {

enum class exit_code : int {
    ok = 0,
    failed = 1,
    usage = 2,
    not_found = 3,
    conflict = 4,
    unreachable = 5,
    timed_out = 6,
    run_failed = 125,
    interrupted = 130,
};

struct exit_code_entry {
    exit_code code;
    std::string_view meaning;
};

inline constexpr std::array exit_codes{
    exit_code_entry{exit_code::ok, "done"},
    exit_code_entry{exit_code::failed, "failed, refused, or what is waited for can come no more"},
    exit_code_entry{exit_code::usage, "the command line is wrong"},
    exit_code_entry{exit_code::not_found, "there is no such object"},
    exit_code_entry{exit_code::conflict, "the name is taken, or the object is not in a fitting state"},
    exit_code_entry{exit_code::unreachable, "the server cannot be reached, or is not ready"},
    exit_code_entry{exit_code::timed_out, "timed out"},
    exit_code_entry{exit_code::run_failed,
                    "`run` in the foreground failed itself; the container's own codes are below"},
    exit_code_entry{exit_code::interrupted, "`run` was interrupted"},
};

exit_code exit_code_of(rik::errc code);

/// The table as text for --help.
std::string exit_code_help();

}  // namespace rikctl
