#include <rik/base/assert.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <poll.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr int reader_wait_ms = 1'000;

}  // namespace

/// Not by stdio, whose lock a thread may hold that waits for the reader.
void say_last(char const* text) noexcept {
    ::pollfd reader{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&reader, 1, reader_wait_ms) != 1) return;
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, text, std::strlen(text));
}

void assertion_failed(char const* condition, char const* file, int line) {
    std::array<char, 512> text{};
    std::snprintf(text.data(), text.size(), "rik: defect: %s:%d: %s does not hold; stopping before data is lost\n",
                  file, line, condition);
    say_last(text.data());
    std::abort();
}

}  // namespace rik::detail
