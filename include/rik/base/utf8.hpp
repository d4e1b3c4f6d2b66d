// UTF-8: is a text it, and how to make it so.   Source: RFC 3629, section 4
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rik {

/// The first byte that is not UTF-8, or the size of `text`.
std::size_t find_not_utf8(std::string_view text);

inline bool is_utf8(std::string_view text) { return find_not_utf8(text) == text.size(); }

/// `text`, in which each byte that is not UTF-8 is U+FFFD instead, and of which no more than `bytes_max` bytes are
/// left: a longer one ends in "..." and is never cut inside of a character. `bytes_max` is at least 3.
std::string to_utf8(std::string_view text, std::size_t bytes_max = std::string_view::npos);

}  // namespace rik
