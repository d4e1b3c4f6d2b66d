#include <rik/base/quantity.hpp>

#include "support/catch.hpp"

using rik::parse_quantity;

namespace {

std::int64_t amount(std::string_view text, std::int64_t per_unit = 1) {
    auto const parsed = parse_quantity(text, per_unit);
    return parsed ? *parsed : -1;
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
    CHECK(amount("1000u", 1000) == 1);
}

TEST_CASE("what is no amount is refused", "[quantity]") {
    for (auto const* text : {"",
                             "-1",
                             "-0.5",
                             "abc",
                             "1.2.3",
                             "1 Gi",
                             "Mi",
                             "1Xi",
                             "1kk",
                             "1e",
                             "1e-",
                             "1e+",
                             "1e99",
                             "--1",
                             "0x10",
                             "9Ei",
                             "99999999999999999999",
                             "1ii",
                             "m",
                             "."})
        CHECK_FALSE(parse_quantity(text, 1).has_value());
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
