#include "exit_code.hpp"

#include <fmt/format.h>

namespace rikctl {

exit_code exit_code_of(rik::errc code) {
    switch (code) {
        case rik::errc::not_found: return exit_code::not_found;
        case rik::errc::conflict: return exit_code::conflict;
        case rik::errc::unavailable: return exit_code::unreachable;
        case rik::errc::timed_out: return exit_code::timed_out;
        default: return exit_code::failed;
    }
}

std::string exit_code_help() {
    std::string text = "Exit codes:\n";
    for (auto const& each : exit_codes) text += fmt::format("  {:<4} {}\n", static_cast<int>(each.code), each.meaning);
    return text;
}

}  // namespace rikctl
