// Checks of the programmer's own promises. They are on in every build: going on after one has failed could lose data.
#pragma once

namespace rik::detail {

/// Writes `text` to standard error before the process ends. Does not wait long for a reader that has stopped reading.
void say_last(char const* text) noexcept;

[[noreturn]] void assertion_failed(char const* condition, char const* file, int line);

}  // namespace rik::detail

#define RIK_ASSERT(condition) \
    (static_cast<bool>(condition) ? void(0) : ::rik::detail::assertion_failed(#condition, __FILE__, __LINE__))
