// What programs say, made fit to be stored and shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rik::detail {

/// As to_utf8, and with a space for each control character but newlines.
std::string clean_text(std::string_view text, std::size_t bytes_max);

/// Does a program written in Go or C say, in whatever words are around it, that the system is short of something?
bool says_shortage(std::string_view text);

}  // namespace rik::detail
