#include "clean_text_detail.hpp"

#include <array>
#include <cstdint>

namespace rik::detail {

namespace {

/// The bytes of the character that `text` begins with; 0 if it begins with none.
std::size_t character_bytes(std::string_view text) {
    auto const byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800,
                                                 0x10000};  // shorter ones must not be written longer
    auto const first = byte(0);
    if (first < 0x80) return 1;
    auto const size = first >> 5 == 0b110 ? 2u : first >> 4 == 0b1110 ? 3u : first >> 3 == 0b11110 ? 4u : 0u;
    if (size == 0 || text.size() < size) return 0;
    std::uint32_t value = first & (0x7fu >> size);
    for (std::size_t at = 1; at < size; ++at) {
        if (byte(at) >> 6 != 0b10) return 0;
        value = value << 6 | (byte(at) & 0x3fu);
    }
    auto const is_surrogate = value >= 0xd800 && value <= 0xdfff;
    return value < least[size] || value > 0x10ffff || is_surrogate ? 0 : size;
}

}  // namespace

std::string clean_text(std::string_view text, std::size_t bytes_max) {
    std::string clean;
    while (!text.empty()) {
        auto const size = character_bytes(text);
        auto const first = static_cast<std::uint8_t>(text.front());
        auto const is_control = (first < ' ' && first != '\n') || first == 0x7f;
        auto const shown = size == 0    ? std::string_view("?")
                           : is_control ? std::string_view(" ")
                                        : text.substr(0, size);
        if (clean.size() + shown.size() > bytes_max) break;
        clean += shown;
        text.remove_prefix(size == 0 ? 1 : size);
    }
    return clean;
}

}  // namespace rik::detail
