#include <rik/model/time_zone.hpp>

#include "model/posix_zone_detail.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

using namespace rik;
using namespace std::chrono;

namespace {

sys_seconds at(int year_number, unsigned month_number, unsigned day_number, int hour = 0, int minute = 0) {
    return sys_days(year(year_number) / month(month_number) / day(day_number)) + hours(hour) + minutes(minute);
}

time_zone zone(std::string_view name) {
    INFO(name);
    auto const opened = time_zone::open(name);
    REQUIRE(opened.has_value());
    CHECK(opened->name() == name);
    return *opened;
}

void check_change(std::string_view name, sys_seconds when, minutes before, minutes after) {
    INFO(name);
    auto const of = zone(name);
    auto const old_span = of.span_at(when - seconds(1));
    auto const new_span = of.span_at(when);
    CHECK(old_span.offset == before);
    CHECK(old_span.end == when);
    CHECK(new_span.offset == after);
    CHECK(new_span.begin == when);
}

}  // namespace

TEST_CASE("a zone tells when its clocks are set, and how far", "[zone]") {
    check_change("Europe/Berlin", at(2026, 3, 29, 1), 60min, 120min);
    check_change("Europe/Berlin", at(2026, 10, 25, 1), 120min, 60min);
    check_change("America/New_York", at(2026, 3, 8, 7), -300min, -240min);
    check_change("America/New_York", at(2026, 11, 1, 6), -240min, -300min);
    check_change("Australia/Lord_Howe", at(2026, 4, 4, 15), 660min, 630min);
    check_change("Australia/Lord_Howe", at(2026, 10, 3, 15, 30), 630min, 660min);
    check_change("Pacific/Apia", at(2011, 12, 30, 10), -600min, 840min);  // a day that was not
    auto const kathmandu = zone("Asia/Kathmandu").span_at(at(2026, 1, 1));
    CHECK(kathmandu.offset == 345min);
    CHECK(kathmandu.begin == at(1985, 12, 31, 18, 30));
    CHECK(kathmandu.end == sys_seconds::max());
}

TEST_CASE("the clocks are set after the last year of the database, too", "[zone]") {
    check_change("Europe/Berlin", at(2045, 3, 26, 1), 60min, 120min);
    check_change("Europe/Berlin", at(2045, 10, 29, 1), 120min, 60min);
    check_change("America/New_York", at(2099, 3, 8, 7), -300min, -240min);
    check_change("Australia/Lord_Howe", at(2060, 4, 3, 15), 660min, 630min);
    CHECK(zone("Australia/Sydney").span_at(at(2050, 1, 1)).offset == 660min);
    CHECK(zone("Australia/Sydney").span_at(at(2050, 12, 31, 23, 59)).offset == 660min);
    CHECK(zone("Europe/Dublin").span_at(at(2050, 1, 1)).offset == 0min);
    CHECK(zone("Europe/Dublin").span_at(at(2050, 7, 1)).offset == 60min);
}

TEST_CASE("UTC needs no database", "[zone]") {
    CHECK(time_zone().name() == "UTC");
    CHECK(time_zone::open("Etc/UTC").value() == time_zone());
    CHECK(time_zone::open("UTC").value().span_at(at(2026, 1, 1)) ==
          zone_span{sys_seconds::min(), sys_seconds::max(), 0s});
    CHECK_FALSE(zone("Europe/Berlin") == time_zone());
    CHECK_FALSE(time_zone::name_here().empty());
}

TEST_CASE("a zone that is not known is refused, with what may be meant", "[zone]") {
    for (auto const& [name, remedy] : {std::pair("Europe/Berlni", "did you mean Europe/Berlin?"),
                                       {"europe/berlin", "did you mean Europe/Berlin?"},
                                       {"berlin", "did you mean Europe/Berlin?"},
                                       {"America/NewYork", "did you mean America/New_York?"},
                                       {"PST", "write a name"},
                                       {"", "write a name"},
                                       {" Europe/Berlin", "did you mean Europe/Berlin?"},
                                       {"Europe/Berlin ", "did you mean Europe/Berlin?"},
                                       {"+01:00", "write a name"},
                                       {"Local", "write a name"},
                                       {"LOCAL", "write a name"},
                                       {"localtime", "write a name"},
                                       {"Continent/Zone", "write a name"},
                                       {"../../../etc/passwd", "write a name"},
                                       {"/usr/share/zoneinfo/Europe/Berlin", "write a name"},
                                       {"posix/Europe/Berlin", ""},
                                       {"right/Europe/Berlin", ""},
                                       {"Europe", "write a name"},
                                       {"zone.tab", "write a name"}}) {
        INFO(name);
        auto const opened = time_zone::open(name);
        REQUIRE_FALSE(opened.has_value());
        CHECK(opened.error().code == errc::invalid);
        CHECK(opened.error().field == "timeZone");
        CHECK(opened.error().message.starts_with("the time zone '"));
        CHECK(opened.error().remedy.find(remedy) != std::string::npos);
    }
    CHECK_FALSE(time_zone::open(std::string(100'000, 'x')).has_value());
    CHECK_FALSE(time_zone::open(std::string_view("Europe/Berlin\0x", 15)).has_value());
}

TEST_CASE("a rule of POSIX sets the clocks each year", "[zone]") {
    struct sample {
        std::string_view rule;
        sys_seconds when;
        std::optional<seconds> offset;
    };
    for (auto const& [rule, when, offset] :
         {sample{"UTC0", at(2050, 6, 1), 0min},
          {"<+0545>-5:45", at(2050, 6, 1), 345min},
          {"NST3:30NDT,M3.2.0,M11.1.0", at(2050, 6, 1), -150min},
          {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", at(2050, 3, 27, 1), -60min},  // Nuuk: Saturday, 23 o'clock
          {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", at(2050, 3, 27, 0, 59), -120min},
          {"EET-2EEST,M3.4.4/50,M10.4.4/50", at(2050, 3, 26, 0), 180min},  // Gaza: two days and two hours later
          {"EET-2EEST,M3.4.4/50,M10.4.4/50", at(2050, 3, 25, 23, 59), 120min},
          {"AAA0BBB,J60/0,J300/0", at(2052, 2, 29, 23, 59), 0min},  // Julian days leave 29 February out
          {"AAA0BBB,J60/0,J300/0", at(2052, 3, 1), 60min},
          {"AAA0BBB,59/0,299/0", at(2052, 2, 29), 60min},
          {"EST5EDT,0/0,J365/25", at(2050, 1, 1, 4, 30), -240min},  // summer all year round
          {"EST5EDT,0/0,J365/25", at(2050, 1, 1, 5), -240min},
          {"EST5EDT,0/0,J365/25", at(2051, 7, 1), -240min},
          {"IST-1GMT0,M10.5.0,M3.5.0/1", at(2050, 1, 1), 0min},  // Dublin's winter is the exception
          {"", at(2050, 1, 1), std::nullopt},
          {"CE-1", at(2050, 1, 1), std::nullopt},
          {"CET", at(2050, 1, 1), std::nullopt},
          {"CET-168", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,M3.5.0", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,M13.5.0,M10.5.0", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,M3.0.0,M10.5.0", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,M3.5.7,M10.5.0", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,J0,J5", at(2050, 1, 1), std::nullopt},
          {"CET-1CEST,M3.5.0,M10.5.0/3 ", at(2050, 1, 1), std::nullopt},
          {"<CET-1", at(2050, 1, 1), std::nullopt}}) {
        INFO(rule);
        auto const read = detail::posix_zone::parse(rule);
        REQUIRE(read.has_value() == offset.has_value());
        if (!read) continue;
        auto const span = read->span_at(when);
        CHECK(span.offset == *offset);
        CHECK(span.begin <= when);
        CHECK(when < span.end);
    }
}
