// What programs say, made fit to be stored and shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rik::detail {

/// At most `bytes_max` bytes of `text`: valid UTF-8, with '?' for each byte that is none and a space for each control
/// character but newlines.   Source: RFC 3629
std::string clean_text(std::string_view text, std::size_t bytes_max);

}  // namespace rik::detail
