#include <rik/base/quantity.hpp>

#include <rik/base/utf8.hpp>

#include "support/catch.hpp"

#include <limits>
#include <string>

using rik::parse_quantity;

namespace {

std::int64_t amount(std::string_view text, std::int64_t per_unit = 1) {
    auto const parsed = parse_quantity(text, per_unit);
    return parsed ? *parsed : -1;
}

std::string refusal_of(std::string_view text) {
    auto const parsed = parse_quantity(text, 1);
    return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("a plain number is an amount", "[quantity]") {
    CHECK(amount("0") == 0);
    CHECK(amount("2") == 2);
    CHECK(amount("+2") == 2);
    CHECK(amount("2", 1000) == 2000);
}

TEST_CASE("a fraction is rounded up to whole units", "[quantity]") {
    CHECK(amount("0.1", 1000) == 100);
    CHECK(amount("1.5", 1000) == 1500);
    CHECK(amount("0.0001", 1000) == 1);
    CHECK(amount("1.1") == 2);
    CHECK(amount("100m") == 1);
    CHECK(amount(".5", 1000) == 500);
    CHECK(amount("5.", 1000) == 5000);
    CHECK(amount("5.Ki") == 5120);
    CHECK(amount("007") == 7);
    CHECK(amount("-0") == 0);
    CHECK(amount("-0.000m") == 0);
}

TEST_CASE("more digits than a number of the machine has are rounded up, too", "[quantity]") {
    CHECK(amount("0.30000000000000004", 1000) == 301);
    CHECK(amount("0.29999999999999999", 1000) == 300);
    CHECK(amount("0.3000000000000000000000000000000000000000", 1000) == 300);
    CHECK(amount("1e-400", 1000) == 1);
    CHECK(amount("0e99") == 0);
    CHECK(amount("0.000000000000000000000000001Ei") == 1);
    CHECK(amount("1.0000000000000000000000001Ki") == 1025);
}

TEST_CASE("suffixes are those of Kubernetes", "[quantity]") {
    CHECK(amount("500m", 1000) == 500);
    CHECK(amount("1k") == 1'000);
    CHECK(amount("1Ki") == 1'024);
    CHECK(amount("64Mi") == 64 << 20);
    CHECK(amount("1.5Gi") == 3LL << 29);
    CHECK(amount("1e3") == 1'000);
    CHECK(amount("1E3") == 1'000);
    CHECK(amount("1E") == 1'000'000'000'000'000'000);
    CHECK(amount("5e-1", 1000) == 500);
    CHECK(amount("1e+03") == 1'000);
    CHECK(amount("1e-0", 1000) == 1'000);
    CHECK(amount("1000u", 1000) == 1);
    CHECK(amount("1000001n", 1000) == 2);
    CHECK(amount("3M") == 3'000'000);
    CHECK(amount("3G") == 3'000'000'000);
    CHECK(amount("3Ti") == 3LL << 40);
    CHECK(amount("3P") == 3'000'000'000'000'000);
    CHECK(amount("7Ei") == 7LL << 60);
}

TEST_CASE("what is no amount is refused", "[quantity]") {
    for (auto const* text : {"",      "abc",  "1.2.3", "1 Gi", "Mi", "1Xi",  "1kk",   "1e",  "1e-", "1e+", "--1",
                             "0x10",  "-",    "+",     "-.",   "e3", "-abc", "+-1",   "1K",  "1mi", "1g",  "1ki",
                             "1e1.5", "1e1k", "1Kie3", " 1",   "1 ", "1,5",  "1_000", "inf", "1ii", "m",   "."}) {
        INFO(text);
        CHECK(refusal_of(text).ends_with("is not a quantity"));
    }
}

TEST_CASE("what is negative or too large is said to be so", "[quantity]") {
    for (auto const* text : {"-1", "-0.5", "-1e-400", "-99999999999999999999", "-1Gi"})
        CHECK(refusal_of(text) == std::string("'") + text + "' is negative");
    for (auto const* text : {"1e19", "9Ei", "8Ei", "99999999999999999999", "1e99", "1e99999999999999999999", "+10E",
                             "9223372036854775807.1"})
        CHECK(refusal_of(text) == std::string("'") + text + "' is too large");
    CHECK(amount("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("what is longer than a line is shown by its beginning", "[quantity]") {
    CHECK(amount(std::string(1'000'000, '0') + "7") == 7);
    CHECK(amount("0." + std::string(1'000'000, '0') + "1") == 1);
    CHECK(refusal_of(std::string(1'000'000, '7')).size() < 100);
    std::string umlauts;
    for (int i = 0; i < 100; ++i) umlauts += "\xc3\xa4";
    CHECK(rik::is_utf8(refusal_of(umlauts)));
    CHECK(rik::is_utf8(refusal_of("\xff")));
}

TEST_CASE("a refused amount says what would be right", "[quantity]") {
    auto const refused = parse_quantity("many", 1);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == rik::errc::invalid);
    CHECK_FALSE(refused.error().remedy.empty());
}

TEST_CASE("the largest amounts do not overflow", "[quantity]") {
    CHECK(amount("7E", 1) == 7'000'000'000'000'000'000);
    CHECK(amount("8E", 1000) == -1);
    CHECK(amount("999999999999999E", 1000) == -1);
    CHECK(amount("0.00000000000001E", 1) == 10'000);
}

TEST_CASE("amounts are printed for people", "[quantity]") {
    CHECK(rik::bytes_text(100) == "100");
    CHECK(rik::bytes_text(64 << 20) == "64Mi");
    CHECK(rik::bytes_text(3LL << 29) == "1.5Gi");
    CHECK(rik::milli_text(500) == "500m");
    CHECK(rik::milli_text(2000) == "2");
}
