#include <rik/base/id.hpp>

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <ostream>
#include <string_view>

namespace rik::detail {

namespace {

constexpr bool has_dash_before(std::size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

}  // namespace

uid_bytes make_uid(entropy& random) {
    uid_bytes bytes;
    for (std::size_t half = 0; half < 2; ++half) {
        auto const number = random.next();
        for (std::size_t i = 0; i < 8; ++i) bytes[half * 8 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);  // version 4
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);  // RFC 9562 variant
    return bytes;
}

namespace {

using two_digits = std::array<char, 2>;

constexpr std::array<two_digits, 256> make_digits_of_bytes() {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<two_digits, 256> made{};
    for (std::size_t byte = 0; byte < made.size(); ++byte) made[byte] = {digits[byte / 16], digits[byte % 16]};
    return made;
}

constexpr auto digits_of_bytes = make_digits_of_bytes();

/// Where the digits of each byte stand, between dashes.
constexpr std::array<std::size_t, 16> places_of_bytes{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

}  // namespace

/// By tables: rows, keys and indexes are full of ids, and a creation writes some seventy.
std::string uid_text(uid_bytes const& bytes) {
    std::string text(36, '-');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        std::memcpy(text.data() + places_of_bytes[i], digits_of_bytes[bytes[i]].data(), 2);
    return text;
}

result<uid_bytes> parse_uid(std::string_view text) {
    auto const wrong = [&] { return error{errc::invalid, fmt::format("'{}' is not a UUID", text.substr(0, 64))}; };
    if (text.size() != 36) return wrong();
    uid_bytes bytes;
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (has_dash_before(i) && text[at++] != '-') return wrong();
        auto const high = hex_value(text[at++]);
        auto const low = hex_value(text[at++]);
        if (high < 0 || low < 0) return wrong();
        bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return bytes;
}

void print_uid(std::ostream& out, uid_bytes const& bytes) { out << uid_text(bytes); }

}  // namespace rik::detail
