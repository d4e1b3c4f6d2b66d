#include <rik/model/cron_schedule.hpp>

#include <rik/base/time_text.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace rik;
using namespace std::chrono;

namespace {

constexpr std::string_view berlin = "Europe/Berlin";
constexpr std::string_view new_york = "America/New_York";
constexpr std::string_view lord_howe = "Australia/Lord_Howe";

wall_time at(std::string_view text) {
    INFO(text);
    auto const read = parse_zoned_time(text);
    REQUIRE(read.has_value());
    return *read;
}

cron_schedule schedule(std::string_view text, std::optional<std::string_view> zone = std::nullopt) {
    INFO(text);
    auto const read = cron_schedule::parse(text, zone);
    REQUIRE(read.has_value());
    return *read;
}

/// All times from `begin` on, before `end`.
std::vector<wall_time> times_between(cron_schedule const& of, wall_time begin, wall_time end) {
    std::vector<wall_time> found;
    for (auto each = of.next_after(begin - 1us); each && *each < end; each = of.next_after(*each))
        found.push_back(*each);
    return found;
}

std::string date_text(sys_days day) { return to_string(wall_time(day)).substr(0, 10); }

/// 2026, each day at `usual` of its date in UTC; what stands in `instead` holds from its date on, or for it alone.
struct dated {
    std::string_view date;
    std::vector<std::string_view> times;
    bool holds_on = false;
};

std::vector<wall_time> table_of_2026(std::vector<dated> const& rows) {
    std::vector<wall_time> made;
    std::vector<std::string_view> usual;
    for (sys_days day = year(2026) / 1 / 1; day < sys_days(year(2027) / 1 / 1); day += days(1)) {
        auto today = usual;
        for (auto const& row : rows) {
            if (row.date != date_text(day)) continue;
            today = row.times;
            if (row.holds_on) usual = row.times;
        }
        for (auto const time : today) made.push_back(at(date_text(day) + "T" + std::string(time) + ":00Z"));
    }
    return made;
}

std::vector<wall_time> year_of(cron_schedule const& of) {
    return times_between(of, at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
}

}  // namespace

TEST_CASE("the next time is what a reader of the fields expects", "[cron]") {
    struct sample {
        std::string_view schedule;
        std::string_view from;
        std::string_view next;  // "": never
    };
    for (auto const& [text, from, next] : {
             sample{"* * * * *", "2026-07-09T14:45:00Z", "2026-07-09T14:46:00Z"},
             {"* * * * *", "2026-07-09T14:45:59.999999Z", "2026-07-09T14:46:00Z"},
             {"* * * * *", "2026-07-09T14:44:59.999999Z", "2026-07-09T14:45:00Z"},
             {"0/15 * * * *", "2012-07-09T14:45:00Z", "2012-07-09T15:00:00Z"},
             {"0/15 * * * *", "2012-07-09T14:59:59Z", "2012-07-09T15:00:00Z"},
             {"20-35/15 * * * *", "2012-07-09T15:45:00Z", "2012-07-09T16:20:00Z"},
             {"*/15 * * * *", "2012-07-09T23:46:00Z", "2012-07-10T00:00:00Z"},
             {"20-35/15 * * * *", "2012-07-09T23:45:00Z", "2012-07-10T00:20:00Z"},
             {"20-35/15 1/2 9/2 * *", "2012-07-10T00:00:00Z", "2012-07-11T01:20:00Z"},
             {"0 0 9 apr-oct ?", "2012-07-09T23:35:00Z", "2012-08-09T00:00:00Z"},
             {"0 0 */5 apr,aug,oct mon", "2012-07-09T23:35:00Z", "2012-08-01T00:00:00Z"},
             {"0 0 */5 oct mon", "2012-07-09T23:35:00Z", "2012-10-01T00:00:00Z"},
             {"0 0 1 1 ?", "2012-07-09T23:35:00Z", "2013-01-01T00:00:00Z"},
             {"0 0 29 feb ?", "2012-07-09T23:35:00Z", "2016-02-29T00:00:00Z"},
             {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
             {"0 0 30 feb ?", "2012-07-09T23:35:00Z", ""},
             {"59 23 31 2 *", "2012-07-09T23:35:00Z", ""},
             {"0 0 31 apr ?", "2012-07-09T23:35:00Z", ""},
             {"0 0 31 2,4,6,9,11 *", "2012-07-09T23:35:00Z", ""},
             {"0 0 30 2 1", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"},  // or a Monday
             {"30 6-16/4 * * 1-5", "2026-11-27T14:30:00Z", "2026-11-30T06:30:00Z"},
             {"\t0  0 * * sun\n", "2026-11-30T00:00:00Z", "2026-12-06T00:00:00Z"},
             {"1,,2, * * * *", "2026-11-30T00:01:00Z", "2026-11-30T00:02:00Z"},
             {"@hourly", "2026-11-30T00:00:00Z", "2026-11-30T01:00:00Z"},
             {"@midnight", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"},
             {"@weekly", "2026-11-30T00:00:00Z", "2026-12-06T00:00:00Z"},
             {"@monthly", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
             {"@annually", "2026-11-30T00:00:00Z", "2027-01-01T00:00:00Z"},
             {"@every 1h30m", "2026-11-30T00:00:00.7Z", "2026-11-30T01:30:00Z"},
             {"@every 1.5h", "2026-11-30T00:00:00Z", "2026-11-30T01:30:00Z"},
             {"@every 90s", "2026-11-30T00:00:20Z", "2026-11-30T00:01:50Z"},
             {"@every 1500ms", "2026-11-30T00:00:20Z", "2026-11-30T00:00:21Z"},
             {"@every 24h", "2026-11-30T10:11:12Z", "2026-12-01T10:11:12Z"},
         }) {
        INFO(text << " from " << from);
        auto const found = schedule(text).next_after(at(from));
        CHECK((found ? to_string(*found) : "") == (next.empty() ? "" : to_string(at(next))));
    }
}

TEST_CASE("where the clock is set, a time is due as often as the clock shows it", "[cron]") {
    struct sample {
        std::string_view zone;
        std::string_view schedule;
        std::string_view from;
        std::vector<std::string_view> next;
    };
    for (auto const& [zone, text, from, next] : {
             // New York, forward: 2 o'clock of 11 March 2012 is 3 o'clock.
             sample{new_york,
                    "0 * * * *",
                    "2012-03-11T00:00:00-05:00",
                    {"2012-03-11T01:00:00-05:00", "2012-03-11T03:00:00-04:00", "2012-03-11T04:00:00-04:00"}},
             {new_york,
              "0 1 * * *",
              "2012-03-11T00:00:00-05:00",
              {"2012-03-11T01:00:00-05:00", "2012-03-12T01:00:00-04:00"}},
             {new_york, "0 2 * * *", "2012-03-11T00:00:00-05:00", {"2012-03-12T02:00:00-04:00"}},
             {new_york, "30 2 11 mar ?", "2012-03-11T00:00:00-05:00", {"2013-03-11T02:30:00-04:00"}},
             {new_york,
              "59 1,3 * * *",
              "2012-03-11T00:00:00-05:00",
              {"2012-03-11T01:59:00-05:00", "2012-03-11T03:59:00-04:00"}},
             // Back: 2 o'clock of 4 November 2012 is 1 o'clock.
             {new_york,
              "30 1 4 nov ?",
              "2012-11-04T00:00:00-04:00",
              {"2012-11-04T01:30:00-04:00", "2012-11-04T01:30:00-05:00", "2013-11-04T01:30:00-05:00"}},
             {new_york,
              "0 1 * * *",
              "2012-11-04T00:00:00-04:00",
              {"2012-11-04T01:00:00-04:00", "2012-11-04T01:00:00-05:00", "2012-11-05T01:00:00-05:00"}},
             {new_york,
              "0 * * * *",
              "2012-11-04T00:00:00-04:00",
              {"2012-11-04T01:00:00-04:00", "2012-11-04T01:00:00-05:00", "2012-11-04T02:00:00-05:00"}},
             {new_york,
              "0 2 * * *",
              "2012-11-04T00:00:00-04:00",
              {"2012-11-04T02:00:00-05:00", "2012-11-05T02:00:00-05:00"}},
             {new_york, "45 1 * * *", "2012-11-04T01:50:00-04:00", {"2012-11-04T01:45:00-05:00"}},
             // Lord Howe: by half an hour.
             {lord_howe,
              "45 1 * * *",
              "2026-04-05T00:00:00+11:00",
              {"2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30"}},
             {lord_howe,
              "15 1 * * *",
              "2026-04-05T00:00:00+11:00",
              {"2026-04-05T01:15:00+11:00", "2026-04-06T01:15:00+10:30"}},
             {lord_howe, "0 2 * * *", "2026-04-05T01:40:00+10:30", {"2026-04-05T02:00:00+10:30"}},
             {lord_howe, "15 2 * * *", "2026-10-04T00:00:00+10:30", {"2026-10-05T02:15:00+11:00"}},
             {lord_howe,
              "30,45 2 * * *",
              "2026-10-04T00:00:00+10:30",
              {"2026-10-04T02:30:00+11:00", "2026-10-04T02:45:00+11:00", "2026-10-05T02:30:00+11:00"}},
             {lord_howe, "15 3 * * *", "2026-10-03T03:15:00+10:30", {"2026-10-04T03:15:00+11:00"}},
             // Sao Paulo: midnight itself was left out.
             {"America/Sao_Paulo", "0 9 10 * ?", "2018-10-17T05:00:00-04:00", {"2018-11-10T06:00:00-05:00"}},
             {"America/Sao_Paulo", "0 9 22 * ?", "2018-02-14T05:00:00-05:00", {"2018-02-22T07:00:00-05:00"}},
             {"America/Sao_Paulo", "0 0 * * *", "2018-11-03T00:00:00-03:00", {"2018-11-05T00:00:00-02:00"}},
             {"Asia/Kathmandu", "0 0 * * *", "2016-01-03T13:09:03+05:30", {"2016-01-03T18:15:00Z"}},
             {"Asia/Kolkata", "14 14 * * *", "2016-01-03T13:09:03+05:30", {"2016-01-03T14:14:00+05:30"}},
             {"Pacific/Apia", "0 12 * * *", "2011-12-29T12:00:00-10:00", {"2011-12-31T12:00:00+14:00"}},
             // After the last year of the database.
             {berlin, "30 2 * * *", "2045-03-25T02:30:00+01:00", {"2045-03-27T02:30:00+02:00"}},
             {berlin,
              "30 2 * * *",
              "2045-10-28T02:30:00+02:00",
              {"2045-10-29T02:30:00+02:00", "2045-10-29T02:30:00+01:00", "2045-10-30T02:30:00+01:00"}},
         }) {
        INFO(zone << ": " << text << " from " << from);
        auto const of = schedule(text, zone);
        auto when = at(from);
        for (auto const each : next) {
            auto const found = of.next_after(when);
            REQUIRE(found.has_value());
            CHECK(to_string(*found) == to_string(at(each)));
            when = *found;
        }
    }
}

TEST_CASE("a year of half past two is what a table made by hand says", "[cron]") {
    CHECK(year_of(schedule("30 2 * * *", berlin)) == table_of_2026({{"2026-01-01", {"01:30"}, true},
                                                                    {"2026-03-29", {}},
                                                                    {"2026-03-30", {"00:30"}, true},
                                                                    {"2026-10-25", {"00:30", "01:30"}},
                                                                    {"2026-10-26", {"01:30"}, true}}));
    CHECK(year_of(schedule("30 2 * * *", new_york)) == table_of_2026({{"2026-01-01", {"07:30"}, true},
                                                                      {"2026-03-08", {}},
                                                                      {"2026-03-09", {"06:30"}, true},
                                                                      {"2026-11-01", {"07:30"}, true}}));
    CHECK(year_of(schedule("30 1 * * *", new_york)) == table_of_2026({{"2026-01-01", {"06:30"}, true},
                                                                      {"2026-03-09", {"05:30"}, true},
                                                                      {"2026-11-01", {"05:30", "06:30"}},
                                                                      {"2026-11-02", {"06:30"}, true}}));
    // Its days begin on the day before in UTC.
    CHECK(year_of(schedule("15 2 * * *", lord_howe)) == table_of_2026({{"2026-01-01", {"15:15"}, true},
                                                                       {"2026-04-04", {"15:45"}, true},
                                                                       {"2026-10-03", {}},
                                                                       {"2026-10-04", {"15:15"}, true}}));
    CHECK(year_of(schedule("45 1 * * *", lord_howe)) == table_of_2026({{"2026-01-01", {"14:45"}, true},
                                                                       {"2026-04-04", {"14:45", "15:15"}},
                                                                       {"2026-04-05", {"15:15"}, true},
                                                                       {"2026-10-04", {"14:45"}, true}}));
    CHECK(year_of(schedule("0 0 * * *", "Asia/Kathmandu")) == table_of_2026({{"2026-01-01", {"18:15"}, true}}));
}

TEST_CASE("a year of every five minutes is the same in every zone", "[cron]") {
    for (auto const zone : {std::string_view("UTC"), berlin, new_york, lord_howe, std::string_view("Asia/Kathmandu")}) {
        INFO(zone);
        auto expected = at("2026-01-01T00:00:00Z");
        auto const found = year_of(schedule("*/5 * * * *", zone));
        REQUIRE(found.size() == 365 * 24 * 12);
        for (auto const each : found) {
            if (each != expected) CHECK(to_string(each) == to_string(expected));
            expected += 5min;
        }
    }
}

TEST_CASE("the newest time is found from its end, and as many are counted as are wanted", "[cron]") {
    auto const each_minute = schedule("* * * * *", berlin);
    auto const now = at("2026-10-25T03:00:30Z");
    CHECK(each_minute.times_in(now - 10min, now, 1'000) == cron_times{at("2026-10-25T03:00:00Z"), 10});
    CHECK(each_minute.times_in(at("1990-01-01T00:00:00Z"), now, 101) == cron_times{at("2026-10-25T03:00:00Z"), 101});
    CHECK(each_minute.times_in(at("2026-10-25T03:00:00Z"), now, 5) == cron_times{});
    CHECK(each_minute.times_in(at("2026-10-25T02:59:59.999999Z"), at("2026-10-25T03:00:00Z"), 5) ==
          cron_times{at("2026-10-25T03:00:00Z"), 1});
    CHECK(each_minute.times_in(now, now, 5) == cron_times{});
    CHECK(each_minute.times_in(now, now - 1h, 5) == cron_times{});
    auto const night = schedule("30 2 * * *", berlin);
    CHECK(night.times_in(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z"), 5) ==
          cron_times{at("2026-10-25T01:30:00Z"), 2});
    CHECK(night.times_in(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z"), 5) == cron_times{});
    CHECK(night.times_in(at("2026-03-27T12:00:00Z"), at("2026-03-29T12:00:00Z"), 5) ==
          cron_times{at("2026-03-28T01:30:00Z"), 1});
    CHECK(schedule("0 0 30 2 *", berlin).times_in(at("1980-01-01T00:00:00Z"), now, 5) == cron_times{});
    CHECK(schedule("@every 1h").times_in(at("2026-10-25T00:10:00.5Z"), now, 5) ==
          cron_times{at("2026-10-25T02:10:00Z"), 2});
    CHECK(schedule("@every 1s").times_in(at("1990-01-01T00:00:00Z"), now, 101).count == 101);
}

TEST_CASE("a schedule that is wrong is refused, with the field and with what would be right", "[cron]") {
    struct sample {
        std::string_view text;
        std::string_view message;
        std::string_view remedy;
    };
    for (auto const& [text, message, remedy] : {
             sample{"", "0 fields, not 5", "write minute, hour"},
             {"error", "1 fields", "write minute, hour"},
             {"* * * *", "4 fields", "write minute, hour"},
             {"* * * * * *", "more than 5 fields", "write minute, hour"},
             {"60 * * * *", "the minute '60' is not from 0 to 59", "write minutes as"},
             {"-1 * * * *", "the minute '-1'", "write minutes as"},
             {"* 24 * * *", "the hour '24' is not from 0 to 23", "midnight is 0"},
             {"* 9-25 * * *", "the hour '9-25'", "write hours as"},
             {"* 22-4 * * *", "the hour '22-4' begins after its end", "write hours as"},
             {"* * 0 * *", "the day of the month '0'", "write days of the month as"},
             {"* * L * *", "the day of the month 'L'", "write days of the month as"},
             {"* * 15W * *", "the day of the month '15W'", "write days of the month as"},
             {"* * * 13 *", "the month '13' is not from 1 to 12", "JUN"},
             {"* * * january *", "the month 'january'", "JUN"},
             {"* * * * 7", "the day of the week '7' is not from 0 to 6", "Sunday is 0"},
             {"* * * * FRI-MON", "the day of the week 'FRI-MON' begins after its end", "MON-FRI"},
             {"* * * * MON#2", "the day of the week 'MON#2'", "MON-FRI"},
             {"*/0 * * * *", "the minute '*/0' has no step", "*/15"},
             {"*/-5 * * * *", "the minute '*/-5' has no step", "*/15"},
             {"5/ * * * *", "the minute '5/' has no step", "*/15"},
             {"1/2/3 * * * *", "the minute '1/2/3' has no step", "*/15"},
             {"1-2-3 * * * *", "the minute '1-2-3'", "write minutes as"},
             {"*-5 * * * *", "the minute '*-5'", "write minutes as"},
             {", * * * *", "the minute ',' names none", "write minutes as"},
             {"99999999999999999999 * * * *", "the minute '99999999999999999999'", "write minutes as"},
             {"60 24 * * *", "the minute '60' is not from 0 to 59; the hour '24' is not from 0 to 23", "midnight is 0"},
             {"@reboot", "'@reboot' is not known", "@hourly"},
             {"@dayly", "'@dayly' is not known", "did you mean @daily?"},
             {"@", "'@' is not known", "@hourly"},
             {"@every", "'@every' is not known", ""},
             {"@every ", "'@every' is not known", ""},
             {"@every 5", "the interval '5' has a number without", "@every 90s"},
             {"@every h", "the interval 'h' has no number", "@every 90s"},
             {"@every -5m", "the interval '-5m' has no number", "@every 90s"},
             {"@every 1d", "the interval '1d' has a number without", "@every 90s"},
             {"@every 500ms", "the interval '500ms' is below a second", "@every 90s"},
             {"@every 0s", "the interval '0s' is below a second", "@every 90s"},
             {"@every 9999999h", "is too long", "@every 90s"},
             {"@every 99999999999999999999s", "is too long", "@every 90s"},
             {"TZ=UTC * * * * *", "a time zone stands in the schedule", "timeZone"},
             {"CRON_TZ=Europe/Berlin 0 0 * * *", "a time zone stands in the schedule", "timeZone"},
             {"CRON_TZ=Europe/Berlin", "a time zone stands in the schedule", "timeZone"},
         }) {
        INFO(text);
        auto const read = cron_schedule::parse(text);
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().code == errc::invalid);
        CAPTURE(read.error());
        CHECK(read.error().field == "schedule");
        CHECK(read.error().message.find(message) != std::string::npos);
        CHECK(read.error().remedy.find(remedy) != std::string::npos);
    }
    CHECK(cron_schedule::parse("* * * * *", "Europe/Berlni").error().field == "timeZone");
    CHECK(cron_schedule::parse("* * * * *", "").error().code == errc::invalid);
}

TEST_CASE("no time is so far away that it breaks a schedule", "[cron]") {
    for (auto const* text : {"* * * * *", "0 0 30 2 *", "@every 1s", "@every 1000000h"}) {
        auto const of = schedule(text, berlin);
        for (auto const when : {wall_time::min(), wall_time::max(), wall_time(sys_days(year(9'999) / 12 / 30)),
                                wall_time(sys_days(year(1) / 1 / 3)), wall_time(sys_days(year(1800) / 1 / 3))}) {
            auto const next = of.next_after(when);
            CHECK((!next || *next > when));
            auto const found = of.times_in(wall_time::min(), when, 3);
            CHECK_FALSE(found.newest.has_value());
            CHECK(of.times_in(when, wall_time::max(), 3).count == 0);
        }
    }
    CHECK_FALSE(cron_schedule().next_after(at("2026-01-01T00:00:00Z")).has_value());
    CHECK(cron_schedule().times_in(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), 3) == cron_times{});
}
