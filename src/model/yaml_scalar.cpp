// What a plain scalar of YAML means.
#include "model/yaml_detail.hpp"

#include <charconv>
#include <cstdint>

namespace rik::detail {

namespace {

bool is_word(std::string_view text, std::string_view lower, std::string_view title, std::string_view upper) {
    return text == lower || text == title || text == upper;
}

bool are_all(std::string_view text, std::string_view legal) {
    return !text.empty() && text.find_first_not_of(legal) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
    return text;
}

template <class Number, class... Format>
std::optional<Number> number_from(std::string_view text, Format... format) {
    Number number{};
    auto const* const end = text.data() + text.size();
    auto const parsed = std::from_chars(text.data(), end, number, format...);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    text = without_sign(text);
    auto const exponent = text.find_first_of("eE");
    if (exponent != std::string_view::npos && !are_all(without_sign(text.substr(exponent + 1)), digits)) return false;
    auto const mantissa = text.substr(0, exponent);
    auto const point = mantissa.find('.');
    if (point == std::string_view::npos) return are_all(mantissa, digits);
    auto const whole = mantissa.substr(0, point);
    auto const fraction = mantissa.substr(point + 1);
    if (whole.empty()) return are_all(fraction, digits);
    return are_all(whole, digits) && (fraction.empty() || are_all(fraction, digits));
}

bool is_infinite_or_nan(std::string_view text) {
    auto const rest = without_sign(text);
    return is_word(rest, ".inf", ".Inf", ".INF") || is_word(text, ".nan", ".NaN", ".NAN");
}

std::optional<json::value> whole_number(std::string_view text, int base) {
    if (auto const number = number_from<std::int64_t>(text, base)) return json::value(*number);
    if (auto const number = number_from<std::uint64_t>(text, base)) return json::value(*number);
    return std::nullopt;
}

}  // namespace

bool is_old_octal(std::string_view text) {
    auto const digits = without_sign(text);
    if (!digits.starts_with('0') || !are_all(digits, "01234567")) return false;
    auto const first = digits.find_first_not_of('0');
    return first != digits.npos && digits.size() - first > 1;
}

std::optional<json::value> resolve_plain(std::string_view text) {
    if (text.empty() || text == "~" || is_word(text, "null", "Null", "NULL")) return json::value(nullptr);
    if (is_word(text, "true", "True", "TRUE")) return json::value(true);
    if (is_word(text, "false", "False", "FALSE")) return json::value(false);
    if (is_infinite_or_nan(text)) return std::nullopt;
    auto const unsigned_text = text.front() == '+' ? text.substr(1) : text;
    if (are_all(without_sign(text), "0123456789"))
        if (auto number = whole_number(unsigned_text, 10)) return number;
    if (text.starts_with("0o") && are_all(text.substr(2), "01234567")) return whole_number(text.substr(2), 8);
    if (text.starts_with("0x") && are_all(text.substr(2), "0123456789abcdefABCDEF"))
        return whole_number(text.substr(2), 16);
    if (!is_float(text)) return json::value(json::string(text));
    auto const number = number_from<double>(unsigned_text, std::chars_format::general);
    return number ? std::optional<json::value>(*number) : std::nullopt;
}

}  // namespace rik::detail
