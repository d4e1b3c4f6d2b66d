// Properties: the next and the newest time of a schedule are what a walk from minute to minute finds, with offsets of
// the C library, which reads zones by itself, in every zone, at changes of the clock as at any time; next_after never
// misses, repeats or stands still; whatever the clock does, a CronJob starts no run twice and none that it need not;
// text of any kind is read or refused, and what is read is due some time or never, but never in the past.
#include <rik/base/entropy.hpp>
#include <rik/base/time.hpp>
#include <rik/controllers/cron_times.hpp>

#include "property/seed.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

using namespace rik;
using namespace std::chrono;

namespace {

constexpr std::array<std::string_view, 24> zones{"UTC",
                                                 "Europe/Berlin",
                                                 "Europe/London",
                                                 "Europe/Dublin",
                                                 "America/New_York",
                                                 "America/St_Johns",
                                                 "America/Nuuk",
                                                 "America/Sao_Paulo",
                                                 "America/Havana",
                                                 "America/Santiago",
                                                 "America/Caracas",
                                                 "Asia/Kathmandu",
                                                 "Asia/Kolkata",
                                                 "Asia/Tehran",
                                                 "Asia/Gaza",
                                                 "Asia/Pyongyang",
                                                 "Asia/Beirut",
                                                 "Africa/Casablanca",
                                                 "Africa/Cairo",
                                                 "Pacific/Apia",
                                                 "Pacific/Chatham",
                                                 "Pacific/Norfolk",
                                                 "Antarctica/Troll",
                                                 "Australia/Lord_Howe"};

/// Makes the C library show the clocks of `zone` as long as it lives.
class c_library_zone {
public:
    explicit c_library_zone(std::string_view zone) { set(std::string(zone)); }
    ~c_library_zone() { set("UTC"); }
    c_library_zone(c_library_zone const&) = delete;
    c_library_zone& operator=(c_library_zone const&) = delete;

    static std::tm shown(sys_seconds when) {
        std::time_t const since = when.time_since_epoch().count();
        std::tm parts{};
        localtime_r(&since, &parts);
        return parts;
    }

private:
    static void set(std::string const& zone) {
        setenv("TZ", zone.c_str(), 1);
        tzset();
    }
};

/// A number, a range, a list or a step, as a person or a fool writes it.
std::string some_part(unsigned min, unsigned max, entropy& random) {
    auto const number = [&] { return min + static_cast<unsigned>(random.below(max - min + 1)); };
    auto const one = number();
    auto const step = 1 + random.below(max);
    switch (random.below(6)) {
        case 0: return fmt::format("*/{}", step);
        case 1: return fmt::format("{}/{}", one, step);
        case 2: return fmt::format("{}-{}", one, one + random.below(max - one + 1));
        case 3: return fmt::format("{}-{}/{}", one, max, step);
        default: return std::to_string(one);
    }
}

std::string some_field(unsigned min, unsigned max, unsigned open_in_ten, entropy& random) {
    if (random.below(10) < open_in_ten) return random.below(4) == 0 ? "?" : "*";
    auto text = some_part(min, max, random);
    while (random.below(4) == 0) text += "," + some_part(min, max, random);
    return text;
}

std::string some_schedule(entropy& random) {
    auto const minute = some_field(0, 59, 2, random);
    auto const hour = some_field(0, 23, 5, random);
    auto const day = some_field(1, 31, 6, random);
    auto const month = some_field(1, 12, 7, random);
    return minute + " " + hour + " " + day + " " + month + " " + some_field(0, 6, 6, random);
}

/// What a field says, read anew: only what `some_field` writes.
bool says(std::string_view field, unsigned value, unsigned max) {
    for (std::size_t begin = 0; begin <= field.size();) {
        auto const end = std::min(field.find(',', begin), field.size());
        std::string const part(field.substr(begin, end - begin));
        begin = end + 1;
        auto const slash = part.find('/');
        auto const dash = part.find('-');
        auto const is_open = part[0] == '*' || part[0] == '?';
        unsigned const step = slash == part.npos ? 1 : static_cast<unsigned>(std::stoul(part.substr(slash + 1)));
        unsigned const from = is_open ? (max == 31 || max == 12 ? 1 : 0) : static_cast<unsigned>(std::stoul(part));
        unsigned const to = dash != part.npos               ? static_cast<unsigned>(std::stoul(part.substr(dash + 1)))
                            : is_open || slash != part.npos ? max
                                                            : from;
        if (value >= from && value <= to && (value - from) % step == 0) return true;
    }
    return false;
}

bool leaves_open(std::string_view field) {
    for (std::size_t begin = 0; begin <= field.size();) {
        auto const end = std::min(field.find(',', begin), field.size());
        auto const part = field.substr(begin, end - begin);
        if (part == "*" || part == "?" || part == "*/1") return true;
        begin = end + 1;
    }
    return false;
}

class slow_schedule {
public:
    explicit slow_schedule(std::string_view text) {
        for (auto& field : fields_) {
            auto const end = std::min(text.find(' '), text.size());
            field = std::string(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    bool matches(std::tm const& shown) const {
        auto const is_in = [&](std::size_t field, int value, unsigned max) {
            return says(fields_.at(field), static_cast<unsigned>(value), max);
        };
        if (shown.tm_sec != 0 || !is_in(0, shown.tm_min, 59)) return false;
        if (!is_in(1, shown.tm_hour, 23) || !is_in(3, shown.tm_mon + 1, 12)) return false;
        auto const is_day = is_in(2, shown.tm_mday, 31);
        auto const is_weekday = is_in(4, shown.tm_wday, 6);
        if (leaves_open(fields_[2]) || leaves_open(fields_[4])) return is_day && is_weekday;
        return is_day || is_weekday;
    }

private:
    std::array<std::string, 5> fields_;
};

/// Mostly near a change of the clock.
sys_seconds some_time(time_zone const& zone, entropy& random) {
    constexpr auto first = sys_seconds(sys_days(year(1980) / 1 / 1));
    auto const when = first + hours(random.below(110 * 8'766)) + seconds(random.below(3'600));
    auto const span = zone.span_at(when);
    if (random.below(4) == 0 || span.end == sys_seconds::max()) return when;
    return span.end - hours(random.below(40)) + seconds(random.below(7'200));
}

}  // namespace

TEST_CASE("every zone has the offsets that the C library has", "[property][zone]") {
    seeded_entropy random(test_seed());
    for (auto const name : zones) {
        auto const zone = time_zone::open(name);
        REQUIRE(zone.has_value());
        c_library_zone const here(name);
        for (int round = 0; round < 3'000; ++round) {
            auto const when = some_time(*zone, random);
            auto const span = zone->span_at(when);
            auto const right = c_library_zone::shown(when).tm_gmtoff;
            if (span.offset.count() == right && span.begin <= when && when < span.end) continue;
            FAIL(name << " at " << to_string(when) << ": " << span.offset.count() << ", not " << right);
        }
    }
}

TEST_CASE("the next and the newest time are what a walk from minute to minute finds", "[property][cron]") {
    constexpr auto walk_max = minutes(3 * 24 * 60);
    seeded_entropy random(test_seed());
    int found_count = 0;
    for (int round = 0; round < 400; ++round) {
        auto const name = zones.at(random.below(zones.size()));
        auto const text = some_schedule(random);
        auto const fast = cron_schedule::parse(text, name);
        INFO(name << ": " << text);
        REQUIRE(fast.has_value());
        slow_schedule const slow(text);
        auto const begin = some_time(fast->zone(), random);
        c_library_zone const here(name);
        auto expected = fast->next_after(begin);
        std::optional<wall_time> newest;
        std::size_t count = 0;
        // All offsets since 1980 are whole minutes.
        auto const end = begin + walk_max;
        for (auto each = ceil<minutes>(begin + 1s); each < end; each += 1min) {
            if (!slow.matches(c_library_zone::shown(each))) continue;
            if (expected != wall_time(each))
                FAIL("after " << to_string(begin) << ": " << to_string(each) << " is missing");
            newest = each;
            ++count;
            expected = fast->next_after(each);
        }
        if (expected && *expected < end)
            FAIL("after " << to_string(begin) << ": " << to_string(*expected) << " is false");
        auto const in_all = fast->times_in(begin, end - 1us, 100'000);
        CHECK(in_all.newest == newest);
        CHECK(in_all.count == count);
        found_count += count > 0 ? 1 : 0;
    }
    CHECK(found_count > 100);  // else it has compared nothing
}

TEST_CASE("whatever the clock does, no run is started twice, and none before or long after its time",
          "[property][cron]") {
    seeded_entropy random(test_seed());
    int started_count = 0;
    for (int round = 0; round < 300; ++round) {
        auto const interval_max = random.below(2) == 0 ? 50 : 7'200;
        auto const is_interval = random.below(4) == 0;
        auto const text =
            is_interval ? fmt::format("@every {}s", 1 + random.below(interval_max)) : some_schedule(random);
        auto const schedule = cron_schedule::parse(text, zones.at(random.below(zones.size())));
        REQUIRE(schedule.has_value());
        INFO(text << " in " << schedule->zone().name());
        auto now = wall_time(some_time(schedule->zone(), random));
        cron_job_upkeep wanted;
        if (random.below(2) == 0) wanted.starting_deadline = seconds(1 + random.below(20'000));
        auto const created_at = now;
        std::optional<wall_time> last_run;
        std::set<std::string> names;
        for (int step = 0; step < 60; ++step) {
            cron_moment const at{*schedule, wanted, created_at, last_run, now};
            auto const plan = plan_cron_job("x", at, {});
            if (plan.start) {
                ++started_count;
                CHECK(names.insert(plan.start->name).second);
                CHECK(plan.start->scheduled_at <= now);
                CHECK(plan.start->scheduled_at > last_run.value_or(created_at));
                if (wanted.starting_deadline) CHECK(now - plan.start->scheduled_at < *wanted.starting_deadline);
                CHECK(plan.look.come_count >= 1);
                CHECK(plan.last_run == plan.start->scheduled_at);
                last_run = plan.last_run;
                cron_moment const again{*schedule, wanted, created_at, last_run, now};
                CHECK_FALSE(look_at_schedule(again).due.has_value());
            }
            auto const next = plan.look.look_again;
            if (next) CHECK(*next > now);
            auto const jump = random.below(12);
            if (jump == 0) {
                now -= seconds(random.below(100'000));
            } else if (jump == 2) {
                now += seconds(random.below(100));  // something else happens
            } else if (jump == 1 || !next) {
                now += seconds(random.below(1'000'000));
            } else {
                now = *next + milliseconds(random.below(2'000));
                // Nobody who looks when told to misses a run, unless it is too late for it by then.
                cron_moment const then{*schedule, wanted, created_at, last_run, now};
                auto const look = look_at_schedule(then);
                CHECK((look.due || look.too_late));
            }
        }
    }
    CHECK(started_count > 1'000);
}

TEST_CASE("hostile text is read or refused", "[property][cron]") {
    constexpr std::string_view letters = "0123456789*/-,? \t@#LWTZevryhmsMONjan.+\xff\xc3";
    seeded_entropy random(test_seed());
    auto const when = wall_time(sys_days(year(2026) / 11 / 30));
    int read_count = 0;
    for (int round = 0; round < 30'000; ++round) {
        std::string text;
        if (random.below(2) == 0) {
            text = some_schedule(random);
            text.insert(random.below(text.size() + 1), 1, letters[random.below(letters.size())]);
            if (random.below(2) == 0) text[random.below(text.size())] = static_cast<char>(random.below(256));
        } else {
            for (auto left = random.below(24); left > 0; --left) text += letters[random.below(letters.size())];
        }
        auto const read = cron_schedule::parse(text, "Europe/Berlin");
        if (!read) {
            if (read.error().message.empty() || read.error().remedy.empty()) FAIL(text);
            continue;
        }
        ++read_count;
        auto const next = read->next_after(when);
        if (next && *next <= when) FAIL(text);
    }
    CHECK(read_count > 300);
}

TEST_CASE("the next time is found in microseconds", "[property][cron]") {
    using measured_clock = steady_clock;
    for (auto const& [text, zone, limit] : {std::tuple("*/5 * * * *", "Europe/Berlin", 20us),
                                            {"30 2 * * *", "Australia/Lord_Howe", 20us},
                                            {"0 0 29 2 *", "America/New_York", 50us},
                                            {"0 0 30 2 *", "America/New_York", 50us},
                                            {"0 0 1 1 *", "Asia/Kathmandu", 20us}}) {
        constexpr int batches = 20;  // others compute at the same time: the best one counts
        constexpr int rounds = 500;
        auto const schedule = cron_schedule::parse(text, zone);
        REQUIRE(schedule.has_value());
        auto when = wall_time(sys_days(year(2026) / 11 / 30));
        measured_clock::duration each = 1s;
        for (int batch = 0; batch < batches; ++batch) {
            auto const begin = measured_clock::now();
            for (int i = 0; i < rounds; ++i) {
                auto const next = schedule->next_after(when);
                when = next && *next < sys_days(year(2090) / 1 / 1) ? *next : wall_time(sys_days(year(2026) / 1 / 1));
            }
            each = std::min(each, (measured_clock::now() - begin) / rounds);
        }
        std::cout << fmt::format("{} in {}: {} ns\n", text, zone, duration_cast<nanoseconds>(each).count());
        CHECK(each < limit);  // generous: builds with sanitizers take ten times as long
    }
}
