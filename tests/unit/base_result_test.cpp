#include <rik/base/entropy.hpp>
#include <rik/base/result.hpp>

#include "support/catch.hpp"

#include <array>
#include <sstream>
#include <stdexcept>

TEST_CASE("a result holds a value or an error", "[result]") {
    rik::result<int> const good = 7;
    rik::result<int> const bad = rik::error{rik::errc::not_found, "node a does not exist"};
    REQUIRE(good.has_value());
    CHECK(*good == 7);
    REQUIRE_FALSE(bad.has_value());
    CHECK(bad.error().code == rik::errc::not_found);
}

TEST_CASE("a result without a value is an error, a void one is none", "[result]") {
    CHECK_FALSE(rik::result<int>().has_value());
    CHECK(rik::result<void>().has_value());
}

TEST_CASE("taking the value of an error is a programmer's mistake", "[result]") {
    rik::result<int> const bad = rik::error{rik::errc::corrupt, "row 7 is damaged"};
    CHECK_THROWS_AS(bad.value(), std::logic_error);
}

TEST_CASE("an error is one line of field, message and remedy", "[result]") {
    rik::error const full{rik::errc::invalid, "is missing", "spec.containers", "add one"};
    CHECK(rik::to_string(full) == "spec.containers: is missing (add one)");
    CHECK(rik::to_string(rik::error{rik::errc::invalid, "node a: gone"}) == "node a: gone");
    std::ostringstream out;
    out << full;
    CHECK(out.str() == "invalid: spec.containers: is missing (add one)");
}

TEST_CASE("problems are summed up in one error, one a line", "[result]") {
    rik::error const first{rik::errc::invalid, "is missing", "name", {}};
    rik::error const second{rik::errc::invalid, "is missing", "kind", {}};
    CHECK(rik::summarize({first}) == first);
    CHECK(rik::summarize({first, second}).message == "name: is missing\nkind: is missing");
}

TEST_CASE("the same seed gives the same numbers everywhere", "[entropy]") {
    // Of the reference implementation of SplitMix64 for seed 1234567.
    rik::seeded_entropy random(1234567);
    CHECK(random.next() == 6457827717110365317u);
    CHECK(random.next() == 3203168211198807973u);
    CHECK(random.next() == 9817491932198370423u);
}

TEST_CASE("a bounded number is below its bound and every one occurs", "[entropy]") {
    rik::seeded_entropy random(9);
    std::array<int, 6> seen{};
    for (int i = 0; i < 600; ++i) ++seen.at(random.below(6));
    for (auto const count : seen) CHECK(count > 50);
    CHECK(random.below(1) == 0);
}
