#include <rik/model/schedule.hpp>

#include "support/catch.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

using namespace rik;
using namespace std::chrono;

namespace {

civil_minute at(int year_number, unsigned month_number, unsigned day_number, int hour = 0, int minute = 0) {
    return local_days(year(year_number) / month(month_number) / day(day_number)) + hours(hour) + minutes(minute);
}

std::string text_of(civil_minute when) {
    auto const day_begin = floor<days>(when);
    year_month_day const date(day_begin);
    auto const minute = (when - day_begin).count();
    return fmt::format("{}-{:02}-{:02} {:02}:{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()),
                       minute / 60, minute % 60);
}

/// The next `count` minutes of `schedule` after `from`.
std::vector<std::string> next(std::string_view schedule, civil_minute from, int count) {
    INFO(schedule);
    auto const read = civil_schedule::parse(schedule);
    REQUIRE(read.has_value());
    std::vector<std::string> found;
    for (int i = 0; i < count; ++i) {
        auto const when = read->first_from(from + minutes(1));
        if (!when) break;
        CHECK(*read->last_until(*when) == *when);
        auto const before = read->last_until(*when - minutes(1));
        CHECK((!before || *before <= from));
        CHECK(read->matches(*when));
        found.push_back(text_of(*when));
        from = *when;
    }
    return found;
}

using times = std::vector<std::string>;

}  // namespace

TEST_CASE("a schedule gives the minutes of its fields", "[schedule]") {
    auto const friday = at(2026, 11, 27, 23, 58);
    CHECK(next("* * * * *", friday, 3) == times{"2026-11-27 23:59", "2026-11-28 00:00", "2026-11-28 00:01"});
    CHECK(next("*/15 * * * *", friday, 2) == times{"2026-11-28 00:00", "2026-11-28 00:15"});
    CHECK(next("5/20 8-9 * * *", friday, 4) ==
          times{"2026-11-28 08:05", "2026-11-28 08:25", "2026-11-28 08:45", "2026-11-28 09:05"});
    CHECK(next("0 12 * * MON-fri", friday, 2) == times{"2026-11-30 12:00", "2026-12-01 12:00"});
    CHECK(next("30 6 1,15 jan,7 *", friday, 3) == times{"2027-01-01 06:30", "2027-01-15 06:30", "2027-07-01 06:30"});
    CHECK(next("0 0 29 2 *", friday, 1) == times{"2028-02-29 00:00"});
    CHECK(next("0 0 30 2 *", friday, 1).empty());
    CHECK(next("59 23 31 12 ?", friday, 1) == times{"2026-12-31 23:59"});
}

TEST_CASE("of two days one is enough, unless one is left open", "[schedule]") {
    auto const from = at(2026, 11, 1);
    CHECK(next("0 0 13 * fri", from, 4) ==
          times{"2026-11-06 00:00", "2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00"});
    CHECK(next("0 0 13 * *", from, 2) == times{"2026-11-13 00:00", "2026-12-13 00:00"});
    CHECK(next("0 0 * * 0", from, 2) == times{"2026-11-08 00:00", "2026-11-15 00:00"});
    // With a larger step a day is no longer left open.
    CHECK(next("0 0 */10 * fri", from, 3) == times{"2026-11-06 00:00", "2026-11-11 00:00", "2026-11-13 00:00"});
    CHECK(next("0 0 */1 * fri", from, 2) == times{"2026-11-06 00:00", "2026-11-13 00:00"});
}

TEST_CASE("macros stand for fields", "[schedule]") {
    for (auto const& [word, fields] : {std::pair("@hourly", "0 * * * *"),
                                       {"@daily", "0 0 * * *"},
                                       {"@midnight", "0 0 * * *"},
                                       {"@weekly", "0 0 * * 0"},
                                       {"@monthly", "0 0 1 * *"},
                                       {"@yearly", "0 0 1 1 *"},
                                       {"@annually", "0 0 1 1 *"}})
        CHECK(*civil_schedule::parse(word) == *civil_schedule::parse(fields));
}

TEST_CASE("a wrong schedule is refused with the field that is wrong", "[schedule]") {
    for (auto const& [text, part] : {std::pair("", "0 fields"),
                                     {"* * * *", "4 fields"},
                                     {"* * * * * *", "more than 5 fields"},
                                     {"60 * * * *", "minute '60'"},
                                     {"* 24 * * *", "hour"},
                                     {"* * 0 * *", "day of the month"},
                                     {"* * 32 * *", "day of the month"},
                                     {"* * * 13 *", "month"},
                                     {"* * * foo *", "month 'foo'"},
                                     {"* * * * 7", "day of the week"},
                                     {"*/0 * * * *", "step"},
                                     {"*/x * * * *", "step"},
                                     {"5-1 * * * *", "begins after"},
                                     {", * * * *", "minute ','"},
                                     {"- * * * *", "minute"},
                                     {"1-2-3 * * * *", "minute"},
                                     {"@every 1h", "'@every 1h'"},
                                     {"@reboot", "@reboot"},
                                     {"TZ=UTC * * * * *", "more than 5 fields"},
                                     {"* * * * mon#2", "day of the week"},
                                     {"* * L * *", "day of the month"}}) {
        INFO(text);
        auto const read = civil_schedule::parse(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::invalid);
        CHECK(read.error().message.find(part) != std::string::npos);
        CHECK_FALSE(read.error().remedy.empty());
    }
}

TEST_CASE("the next minute is the first that matches", "[schedule]") {
    for (auto const* text : {"*/7 3-20/4 * * *", "0 0 1-7 * 2", "13 5 31 */2 *", "1,59 0,23 * feb-mar sat,sun"}) {
        auto const read = civil_schedule::parse(text);
        REQUIRE(read.has_value());
        auto from = at(2027, 1, 30, 22, 17);
        for (int i = 0; i < 5; ++i) {
            auto const found = read->first_from(from + minutes(1));
            REQUIRE(found.has_value());
            auto by_hand = from + minutes(1);
            while (!read->matches(by_hand)) by_hand += minutes(1);
            CHECK(text_of(*found) == text_of(by_hand));
            from = *found;
        }
    }
}
