// Property: an amount is what schoolbook arithmetic on its digits gives, rounded up once; past 63 bits it is too large.
#include <rik/base/entropy.hpp>
#include <rik/base/quantity.hpp>

#include "property/seed.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

using namespace rik;

namespace {

struct suffix {
    std::string_view text;
    int binary_steps = 0;  ///< of 1024
    int exponent = 0;      ///< of 10
};

constexpr std::array suffixes{suffix{""},
                              suffix{"n", 0, -9},
                              suffix{"u", 0, -6},
                              suffix{"m", 0, -3},
                              suffix{"k", 0, 3},
                              suffix{"M", 0, 6},
                              suffix{"G", 0, 9},
                              suffix{"T", 0, 12},
                              suffix{"P", 0, 15},
                              suffix{"E", 0, 18},
                              suffix{"Ki", 1},
                              suffix{"Mi", 2},
                              suffix{"Gi", 3},
                              suffix{"Ti", 4},
                              suffix{"Pi", 5},
                              suffix{"Ei", 6},
                              suffix{"e0"},
                              suffix{"e+3", 0, 3},
                              suffix{"E-03", 0, -3},
                              suffix{"e18", 0, 18},
                              suffix{"e-25", 0, -25},
                              suffix{"E40", 0, 40},
                              suffix{"e-400", 0, -400}};

std::string random_digits(std::uint64_t count_max, entropy& random) {
    std::string digits;
    auto const mostly_zero = random.below(3) == 0;
    for (auto count = random.below(count_max + 1); count > 0; --count)
        digits += static_cast<char>('0' + (mostly_zero && random.below(8) != 0 ? 0 : random.below(10)));
    return digits;
}

/// Digit by digit, as on paper.
std::string times(std::string digits, unsigned factor) {
    unsigned carry = 0;
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        carry += static_cast<unsigned>(*digit - '0') * factor;
        *digit = static_cast<char>('0' + carry % 10);
        carry /= 10;
    }
    return (carry == 0 ? "" : std::to_string(carry)) + digits;
}

std::string plus_one(std::string digits) {
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        if (*digit != '9') {
            ++*digit;
            return digits;
        }
        *digit = '0';
    }
    return "1" + digits;
}

/// The amount as decimal digits without leading zeros.
std::string expected(std::string const& whole, std::string const& fraction, suffix const& end, unsigned per_unit) {
    auto digits = times(whole + fraction, per_unit);
    for (int i = 0; i < end.binary_steps; ++i) digits = times(digits, 1024);
    auto const shift = end.exponent - static_cast<int>(fraction.size());
    if (shift >= 0) digits += std::string(static_cast<std::size_t>(shift), '0');
    auto const cut = shift < 0 ? static_cast<std::size_t>(-shift) : 0;
    if (digits.size() < cut) digits.insert(0, cut - digits.size(), '0');
    auto const rest = digits.substr(digits.size() - cut);
    digits.resize(digits.size() - cut);
    if (rest.find_first_not_of('0') != rest.npos) digits = plus_one(digits);
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    return digits.empty() ? "0" : digits;
}

bool fits(std::string_view digits) {
    constexpr std::string_view most = "9223372036854775807";
    return digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
}

}  // namespace

TEST_CASE("an amount is exact and rounded up", "[property][quantity]") {
    seeded_entropy random(test_seed());
    for (int round = 0; round < 20'000; ++round) {
        auto const whole = random_digits(22, random);
        auto const fraction = random_digits(40, random);
        auto const& end = suffixes.at(random.below(suffixes.size()));
        if (whole.empty() && fraction.empty()) continue;
        auto const has_point = !fraction.empty() || random.below(2) == 0;
        auto const text = whole + (has_point ? "." : "") + fraction + std::string(end.text);
        auto const per_unit = random.below(2) == 0 ? 1 : 1000;
        INFO(text << " in 1/" << per_unit);
        auto const right = expected(whole, fraction, end, static_cast<unsigned>(per_unit));
        auto const parsed = parse_quantity(text, per_unit);
        REQUIRE(parsed.has_value() == fits(right));
        if (parsed) {
            CHECK(std::to_string(*parsed) == right);
        } else {
            CHECK(parsed.error().message.ends_with("is too large"));
        }
    }
}
