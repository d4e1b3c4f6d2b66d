// Checks of the programmer's own promises. On in every build: going on after one fails would lose data.
#pragma once

namespace rik::detail {

/// Writes to standard error before the process ends, but does not wait long for somebody who reads no more.
void say_last(char const* text) noexcept;

[[noreturn]] void assertion_failed(char const* condition, char const* file, int line);

}  // namespace rik::detail

#define RIK_ASSERT(condition) \
    (static_cast<bool>(condition) ? void(0) : ::rik::detail::assertion_failed(#condition, __FILE__, __LINE__))
