#include "clean_text_detail.hpp"

#include <rik/base/utf8.hpp>

#include <algorithm>

namespace rik::detail {

std::string clean_text(std::string_view text, std::size_t bytes_max) {
    std::string plain(text);
    auto const is_control = [](unsigned char byte) { return (byte < ' ' && byte != '\n') || byte == 0x7f; };
    std::replace_if(plain.begin(), plain.end(), is_control, ' ');
    return to_utf8(plain, bytes_max);
}

}  // namespace rik::detail
