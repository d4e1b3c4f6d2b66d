#include <rik/base/quantity.hpp>

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <limits>
#include <optional>

namespace rik {

namespace {

__extension__ using wide = unsigned __int128;

/// A suffix as multiplier / divisor: "m" is 1/1000, "Ki" is 1024/1, "e3" is 1000/1.
struct scale {
    wide multiplier = 1;
    wide divisor = 1;
};

constexpr std::size_t digits_max = 15;
constexpr std::size_t exponent_max = 18;

std::optional<scale> parse_suffix(std::string_view suffix) {
    if (suffix.empty()) return scale{};
    static constexpr std::string_view decimal = "kMGTPE";
    static constexpr std::string_view binary = "KMGTPE";
    if (suffix == "m") return scale{1, 1000};
    if (suffix == "u") return scale{1, 1'000'000};
    if (suffix == "n") return scale{1, 1'000'000'000};
    auto power = [](wide base, std::size_t exponent) {
        wide value = 1;
        while (exponent-- > 0) value *= base;
        return value;
    };
    if (suffix.size() == 2 && suffix[1] == 'i') {
        auto const at = binary.find(suffix[0]);
        if (at == std::string_view::npos) return std::nullopt;
        return scale{power(1024, at + 1), 1};
    }
    if (suffix.size() == 1)
        if (auto const at = decimal.find(suffix[0]); at != std::string_view::npos) return scale{power(1000, at + 1), 1};
    if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
    auto digits = suffix.substr(1);
    auto const negative = digits[0] == '-';
    if (negative || digits[0] == '+') digits.remove_prefix(1);
    if (digits.empty() || digits.size() > 2) return std::nullopt;
    std::size_t exponent = 0;
    for (auto const digit : digits) {
        if (digit < '0' || digit > '9') return std::nullopt;
        exponent = exponent * 10 + static_cast<std::size_t>(digit - '0');
    }
    if (exponent > exponent_max) return std::nullopt;
    auto const value = power(10, exponent);
    return negative ? scale{1, value} : scale{value, 1};
}

}  // namespace

result<std::int64_t> parse_quantity(std::string_view text, std::int64_t per_unit) {
    auto const wrong = [&](std::string_view why) {
        return error{errc::invalid,
                     fmt::format("'{}' {}", text.substr(0, 64), why),
                     {},
                     "write for example 2, 500m, 64Mi or 1.5Gi"};
    };
    RIK_ASSERT(per_unit >= 1 && per_unit <= 1000);
    auto rest = text;
    if (!rest.empty() && rest[0] == '-') return wrong("is negative");
    if (!rest.empty() && rest[0] == '+') rest.remove_prefix(1);
    wide mantissa = 0;
    wide fraction = 1;
    std::size_t digits = 0;
    bool after_point = false;
    std::size_t at = 0;
    for (; at < rest.size(); ++at) {
        if (rest[at] == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (rest[at] < '0' || rest[at] > '9') break;
        if (++digits > digits_max) return wrong("has too many digits");
        mantissa = mantissa * 10 + static_cast<unsigned>(rest[at] - '0');
        if (after_point) fraction *= 10;
    }
    if (digits == 0) return wrong("is not a quantity");
    auto const suffix = parse_suffix(rest.substr(at));
    if (!suffix) return wrong("is not a quantity");
    // Below 2^50 * 2^60 * 2^10: nothing here can overflow 128 bits.
    auto const limit = static_cast<wide>(std::numeric_limits<std::int64_t>::max());
    auto const divisor = fraction * suffix->divisor;
    auto const value = (mantissa * suffix->multiplier * static_cast<wide>(per_unit) + divisor - 1) / divisor;
    if (value > limit) return wrong("is too large");
    return static_cast<std::int64_t>(value);
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
