// What programs say, made fit to be stored and shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rik::detail {

/// As to_utf8, and with a space for each control character but newlines.
std::string clean_text(std::string_view text, std::size_t bytes_max);

}  // namespace rik::detail
