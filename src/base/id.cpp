#include <rik/base/id.hpp>

#include <fmt/format.h>

#include <ostream>

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

std::string uid_text(uid_bytes const& bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text(36, '-');
    auto* at = text.data();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (has_dash_before(i)) ++at;
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
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
