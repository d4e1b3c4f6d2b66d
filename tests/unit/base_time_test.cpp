#include <rik/base/time.hpp>
#include <rik/base/time_text.hpp>

#include "support/catch.hpp"

using namespace std::chrono_literals;

TEST_CASE("a time is read back from its text", "[time]") {
    for (auto const* text :
         {"1970-01-01T00:00:00.000000Z", "2026-11-21T19:19:38.579273Z", "1969-12-31T23:59:59.999999Z",
          "2024-02-29T12:00:00.000001Z", "9999-12-31T23:59:59.999999Z"}) {
        auto const when = rik::parse_wall_time(text);
        REQUIRE(when.has_value());
        CHECK(rik::to_string(*when) == text);
    }
}

TEST_CASE("for people a time has no decimals, and is not before itself", "[time]") {
    auto const text = [](char const* when) { return rik::to_second_string(rik::parse_wall_time(when).value()); };
    CHECK(text("2026-11-21T19:19:38.000000Z") == "2026-11-21T19:19:38Z");
    CHECK(text("2026-11-21T19:19:59.000001Z") == "2026-11-21T19:20:00Z");
    CHECK(text("1969-12-31T23:59:58.500000Z") == "1969-12-31T23:59:59Z");
}

TEST_CASE("a time may have any number of decimals and either name of UTC", "[time]") {
    auto const whole = rik::parse_wall_time("2026-11-21T19:19:38Z");
    auto const with_offset = rik::parse_wall_time("2026-11-21T19:19:38.000+00:00");
    auto const in_nanoseconds = rik::parse_wall_time("2026-11-21T19:19:38.000000999Z");
    REQUIRE(whole.has_value());
    REQUIRE(with_offset.has_value());
    REQUIRE(in_nanoseconds.has_value());
    CHECK(*whole == *with_offset);
    CHECK(*whole == *in_nanoseconds);
}

TEST_CASE("what is no time in UTC is refused", "[time]") {
    for (auto const* text :
         {"", "2026-11-21", "2026-11-21T19:19:38", "2026-11-21T19:19:38+01:00", "2026-13-21T19:19:38Z",
          "2026-02-29T19:19:38Z", "2026-11-21T24:19:38Z", "2026-11-21T19:60:38Z", "2026-11-21 19:19:38Z",
          "2026-11-21T19:19:38Zjunk", "20x6-11-21T19:19:38Z", "2026-11-21T19:19:-8Z"})
        CHECK_FALSE(rik::parse_wall_time(text).has_value());
}

TEST_CASE("a time may be written with any offset from UTC", "[time]") {
    auto const utc = rik::parse_wall_time("2026-11-21T19:19:38.5Z").value();
    for (auto const* text : {"2026-11-21T19:19:38.5Z", "2026-11-21T21:19:38.5+02:00", "2026-11-21T12:49:38.500-06:30",
                             "2026-11-22T00:19:38.5+05:00"})
        CHECK(rik::parse_zoned_time(text).value() == utc);
    for (auto const* text :
         {"2026-11-21T19:19:38.5", "2026-11-21T19:19:38.5+0200", "2026-11-21T19:19:38.5+25:00",
          "2026-11-21T19:19:38.5 02:00", "2026-11-21T19:19:38.5+02:0x", "2026-11-21T19:19:38.5+02:60"})
        CHECK_FALSE(rik::parse_zoned_time(text).has_value());
}

TEST_CASE("a duration is printed in two units at most", "[time]") {
    CHECK(rik::to_short_string(0ns) == "0ms");
    CHECK(rik::to_short_string(850ms) == "850ms");
    CHECK(rik::to_short_string(12s) == "12s");
    CHECK(rik::to_short_string(200s) == "3m20s");
    CHECK(rik::to_short_string(5h) == "5h");
    CHECK(rik::to_short_string(5h + 3s) == "5h");
    CHECK(rik::to_short_string(288h) == "12d");
    CHECK(rik::to_short_string(-1s) == "0s");
}
