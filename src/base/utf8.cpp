#include <rik/base/utf8.hpp>

namespace rik {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "...";

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

std::size_t length_by_first(unsigned char first) {
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    return first < 0xF5 ? 4 : 0;
}

/// Of the character at the beginning of `text`, which is not empty; 0 if it is none.
std::size_t character_length(std::string_view text) {
    auto const first = byte_at(text, 0);
    auto const length = length_by_first(first);
    if (length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte_at(text, i) & 0xC0u) != 0x80u) return 0;
    if (length < 3) return length;
    auto const second = byte_at(text, 1);
    // Longer than need be, a surrogate, or past U+10FFFF.
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return length;
}

}  // namespace

std::size_t find_not_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto const length = character_length(text.substr(at));
        if (length == 0) return at;
        at += length;
    }
    return text.size();
}

std::string to_utf8(std::string_view text, std::size_t bytes_max) {
    std::string made;
    std::size_t fits_size = 0;  // of what leaves room for the ellipsis
    while (!text.empty()) {
        auto const length = character_length(text);
        auto const next = length == 0 ? replacement : text.substr(0, length);
        if (made.size() + next.size() > bytes_max) {
            made.resize(fits_size);
            return made += ellipsis;
        }
        made += next;
        if (made.size() + ellipsis.size() <= bytes_max) fits_size = made.size();
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return made;
}

}  // namespace rik
