#include "clean_text_detail.hpp"

#include <rik/base/utf8.hpp>

#include <algorithm>
#include <array>

namespace rik::detail {

std::string clean_text(std::string_view text, std::size_t bytes_max) {
    std::string plain(text);
    auto const is_control = [](unsigned char byte) { return (byte < ' ' && byte != '\n') || byte == 0x7f; };
    std::replace_if(plain.begin(), plain.end(), is_control, ' ');
    return to_utf8(plain, bytes_max);
}

bool says_shortage(std::string_view text) {
    // Source: strerror of ENOSPC, EDQUOT, ENOMEM, EMFILE, ENFILE and EAGAIN, as glibc and, in lower case, Go have them.
    static constexpr std::array signs{std::string_view("o space left on device"),
                                      std::string_view("isk quota exceeded"), std::string_view("annot allocate memory"),
                                      std::string_view("oo many open files"),
                                      std::string_view("esource temporarily unavailable")};
    return std::any_of(signs.begin(), signs.end(), [&](auto sign) { return text.find(sign) != text.npos; });
}

}  // namespace rik::detail
