// Finds what is not UTF-8 in a text, and replaces it.   Source: RFC 3629, section 4
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rik {

/// Returns the position of the first byte that is not UTF-8, or the size of `text` if there is none.
std::size_t find_not_utf8(std::string_view text);

inline bool is_utf8(std::string_view text) { return find_not_utf8(text) == text.size(); }

/// Returns `text` with U+FFFD in the place of each byte that is not UTF-8, cut to `bytes_max` bytes. A text that was
/// cut ends in "...", and is never cut inside of a character. Precondition: `bytes_max` is at least 3.
std::string to_utf8(std::string_view text, std::size_t bytes_max = std::string_view::npos);

}  // namespace rik
