// A step whose tool was ended by a signal is made again: somebody has killed it, or the kernel for want of memory.
#pragma once

#include <rik/base/error.hpp>
#include <rik/base/time.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace rik::detail {

inline constexpr unsigned tool_tries_max = 3;
inline constexpr duration tool_pause = std::chrono::milliseconds(500);

/// Which signal has ended it; nullopt: none.
inline std::optional<int> signal_of(process_exit const& how) {
    constexpr int signal_base = 128;
    constexpr int signal_max = 64;
    if (!how.known || how.code <= signal_base || how.code > signal_base + signal_max) return std::nullopt;
    return how.code - signal_base;
}

inline error ended_by_signal(std::string_view program, int signal) {
    return {errc::unavailable,
            fmt::format("{}: was ended by signal {}, {} times in a row", program, signal, tool_tries_max), "",
            "see in the kernel's log whether the machine was short of memory"};
}

}  // namespace rik::detail
