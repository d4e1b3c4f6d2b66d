#include <rik/base/quantity.hpp>

#include <rik/base/assert.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>

namespace rik {

namespace {

__extension__ using wide = unsigned __int128;

/// A number is digits with the place of its point: 0.25 is "25" and 0. The first digit is not '0'.
struct decimal {
    std::string digits;
    std::ptrdiff_t point = 0;
};

/// A suffix is multiplier * 10^exponent: "Ki" is 1024 and 0, "m" is 1 and -3.
struct scale {
    wide multiplier = 1;
    std::ptrdiff_t exponent = 0;
};

constexpr bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string_view leading_digits(std::string_view text) {
    return text.substr(0,
                       static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin()));
}

/// "e3", "E-03". What is past exponent_max is as good as endless: the result is 0, 1 or too large.
std::optional<scale> parse_exponent(std::string_view text) {
    constexpr std::ptrdiff_t exponent_max = 1'000'000'000;
    auto digits = text.substr(1);
    auto const is_negative = digits.starts_with('-');
    if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.empty() || leading_digits(digits) != digits) return std::nullopt;
    std::ptrdiff_t exponent = 0;
    for (auto const digit : digits) exponent = std::min(exponent * 10 + (digit - '0'), exponent_max);
    return scale{1, is_negative ? -exponent : exponent};
}

std::optional<scale> parse_suffix(std::string_view text) {
    constexpr std::string_view decimal_suffixes = "num kMGTPE";  // from 10^-9, in steps of 1000
    constexpr std::string_view binary_suffixes = "KMGTPE";       // from 1024, in steps of 1024
    if (text.empty()) return scale{};
    if (text.size() == 1 && text != " ") {
        auto const at = decimal_suffixes.find(text[0]);
        if (at == text.npos) return std::nullopt;
        return scale{1, static_cast<std::ptrdiff_t>(at) * 3 - 9};
    }
    if (auto const at = binary_suffixes.find(text[0]); at != text.npos && text.substr(1) == "i")
        return scale{wide{1} << (10 * (at + 1)), 0};
    return text[0] == 'e' || text[0] == 'E' ? parse_exponent(text) : std::nullopt;
}

/// Takes the number from the beginning of `text`; nullopt if there is none.
std::optional<decimal> take_number(std::string_view& text) {
    auto const whole = leading_digits(text);
    text.remove_prefix(whole.size());
    std::string_view fraction;
    if (text.starts_with('.')) {
        fraction = leading_digits(text.substr(1));
        text.remove_prefix(1 + fraction.size());
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    decimal number{fmt::format("{}{}", whole, fraction), static_cast<std::ptrdiff_t>(whole.size())};
    auto const zeros = std::min(number.digits.find_first_not_of('0'), number.digits.size());
    number.digits.erase(0, zeros);
    number.point -= static_cast<std::ptrdiff_t>(zeros);
    return number;
}

/// The whole part of `number`; nullopt if it is past 63 bits.
std::optional<wide> whole_part(decimal const& number) {
    wide whole = 0;
    for (std::ptrdiff_t i = 0; i < number.point; ++i) {  // ends soon: the first digit is not 0
        auto const index = static_cast<std::size_t>(i);
        whole = whole * 10 + (index < number.digits.size() ? static_cast<unsigned>(number.digits[index] - '0') : 0);
        if (whole > static_cast<wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    }
    return whole;
}

/// What is behind the point, times `multiplier`, rounded up. Exact for any number of digits: they are taken from the
/// last to the first, and whatever a division leaves makes the result one more.
wide fraction_part(decimal const& number, wide multiplier) {
    wide product = 0;
    bool has_rest = false;
    auto const divide = [&](wide value) {
        has_rest = has_rest || value % 10 != 0;
        product = value / 10;
    };
    auto const begin = std::max(number.point, std::ptrdiff_t{0});
    for (auto i = static_cast<std::ptrdiff_t>(number.digits.size()) - 1; i >= begin; --i)
        divide(product + static_cast<unsigned>(number.digits[static_cast<std::size_t>(i)] - '0') * multiplier);
    for (auto i = number.point; i < 0 && product > 0; ++i) divide(product);  // the zeros behind the point
    return product + (has_rest ? 1 : 0);
}

std::optional<std::int64_t> multiply(decimal const& number, wide multiplier) {
    if (number.digits.empty()) return 0;
    auto const whole = whole_part(number);
    if (!whole) return std::nullopt;
    auto const product = *whole * multiplier + fraction_part(number, multiplier);  // below 2^63 * 2^70
    if (product > static_cast<wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
    return static_cast<std::int64_t>(product);
}

error wrong_quantity(std::string_view text, std::string_view why, std::string_view remedy) {
    constexpr std::size_t shown_bytes_max = 64;
    return {errc::invalid, fmt::format("'{}' {}", to_utf8(text, shown_bytes_max), why), {}, std::string(remedy)};
}

}  // namespace

result<std::int64_t> parse_quantity(std::string_view text, std::int64_t per_unit) {
    RIK_ASSERT(per_unit >= 1 && per_unit <= 1000);
    auto rest = text;
    auto const has_minus = rest.starts_with('-');
    if (has_minus || rest.starts_with('+')) rest.remove_prefix(1);
    auto number = take_number(rest);
    auto const suffix = parse_suffix(rest);
    if (!number || !suffix)
        return wrong_quantity(text, "is not a quantity", "write for example 2, 500m, 64Mi or 1.5Gi");
    if (has_minus && !number->digits.empty()) return wrong_quantity(text, "is negative", "give 0 or more");
    number->point += suffix->exponent;
    auto const value = multiply(*number, suffix->multiplier * static_cast<wide>(per_unit));
    if (!value) return wrong_quantity(text, "is too large", "ask for less");
    return *value;
}

std::string bytes_text(std::int64_t bytes) {
    static constexpr std::string_view units = "KMGTPE";
    if (bytes < 1024) return fmt::format("{}", bytes);
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (value /= 1024; value >= 1024 && unit + 1 < units.size(); value /= 1024) ++unit;
    if (value == static_cast<double>(static_cast<std::int64_t>(value)))
        return fmt::format("{:.0f}{}i", value, units[unit]);
    return fmt::format("{:.1f}{}i", value, units[unit]);
}

std::string milli_text(std::int64_t milli) {
    if (milli % 1000 == 0) return fmt::format("{}", milli / 1000);
    return fmt::format("{}m", milli);
}

}  // namespace rik
