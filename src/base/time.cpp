#include <rik/base/time.hpp>

#include <rik/base/time_text.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace rik {

namespace chrono = std::chrono;

namespace {

/// With zeros in front.
template <class Number>
void put_digits(std::string& into, std::size_t at, std::size_t count, Number number) {
    for (; count > 0; number /= 10) into[at + --count] = static_cast<char>('0' + number % 10);
}

}  // namespace

/// Rows are full of times, so this is much faster than a format string, which years of other than four digits take.
std::string to_string(wall_time when) {
    auto const day = chrono::floor<chrono::days>(when);
    chrono::year_month_day const date{day};
    chrono::hh_mm_ss const time{when - day};
    auto const year = static_cast<int>(date.year());
    if (year >= 0 && year <= 9'999) {
        std::string text("0000-00-00T00:00:00.000000Z");
        put_digits(text, 0, 4, year);
        put_digits(text, 5, 2, static_cast<unsigned>(date.month()));
        put_digits(text, 8, 2, static_cast<unsigned>(date.day()));
        put_digits(text, 11, 2, time.hours().count());
        put_digits(text, 14, 2, time.minutes().count());
        put_digits(text, 17, 2, time.seconds().count());
        put_digits(text, 20, 6, time.subseconds().count());
        return text;
    }
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

std::string to_second_string(wall_time when) {
    auto text = to_string(wall_time(chrono::ceil<chrono::seconds>(when)));
    return text.erase(text.find('.')) + 'Z';
}

namespace {

/// "Z", "+02:00": how far local time is ahead of UTC.
std::optional<chrono::minutes> parse_zone(std::string_view zone) {
    if (zone == "Z") return chrono::minutes(0);
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
    auto const digit = [&](std::size_t at) { return zone[at] >= '0' && zone[at] <= '9' ? zone[at] - '0' : 100; };
    auto const hours = 10 * digit(1) + digit(2);
    auto const minutes = 10 * digit(4) + digit(5);
    if (hours > 23 || minutes > 59) return std::nullopt;
    auto const ahead = chrono::hours(hours) + chrono::minutes(minutes);
    return zone[0] == '-' ? -ahead : ahead;
}

}  // namespace

result<wall_time> parse_wall_time(std::string_view text) {
    auto const is_utc = text.ends_with("Z") || text.ends_with("+00:00");
    if (is_utc) return parse_zoned_time(text);
    return error{errc::invalid, fmt::format("'{}' is not a time in RFC 3339, UTC", text.substr(0, 64))};
}

result<wall_time> parse_zoned_time(std::string_view text) {
    auto const wrong = [&] {
        return error{errc::invalid, fmt::format("'{}' is not a time in RFC 3339", text.substr(0, 64))};
    };
    auto const number = [&](std::size_t at, std::size_t length) -> int {
        int value = -1;
        if (at + length > text.size()) return -1;
        auto const* const end = text.data() + at + length;
        auto const parsed = std::from_chars(text.data() + at, end, value);
        return parsed.ec == std::errc{} && parsed.ptr == end ? value : -1;
    };
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return wrong();
    auto const year = number(0, 4), month = number(5, 2), day = number(8, 2);
    auto const hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return wrong();
    chrono::year_month_day const date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                      chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return wrong();
    std::size_t at = 19;
    std::int64_t micros = 0;
    if (text[at] == '.') {
        std::int64_t place = 100'000;
        for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, place /= 10)
            micros += (text[at] - '0') * place;
    }
    auto const ahead = parse_zone(text.substr(at));
    if (!ahead) return wrong();
    return wall_time(chrono::sys_days(date)) + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second) +
           chrono::microseconds(micros) - *ahead;
}

result<duration> parse_duration(std::string_view text) {
    error const wrong{
        errc::invalid, fmt::format("'{}' is no duration", text), {}, "write it as 90s, 5m, 1h30m or 500ms"};
    struct unit {
        std::string_view name;
        duration length;
    };
    static constexpr std::array units{unit{"ms", chrono::milliseconds(1)}, unit{"s", chrono::seconds(1)},
                                      unit{"m", chrono::minutes(1)}, unit{"h", chrono::hours(1)}};
    constexpr std::int64_t count_max = 1'000'000;
    constexpr duration duration_max = chrono::hours(count_max);
    if (text.empty()) return wrong;
    duration sum{};
    while (!text.empty()) {
        std::int64_t count = -1;
        auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), count);
        if (code != std::errc{} || count < 0 || count > count_max) return wrong;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        auto const name = text.substr(0, std::min(text.find_first_of("0123456789"), text.size()));
        text.remove_prefix(name.size());
        duration length{};
        for (auto const& each : units) {
            if (name == each.name) length = each.length;
        }
        if (name.empty()) length = chrono::seconds(1);
        if (length == duration{}) return wrong;
        sum += count * length;
        if (sum > duration_max) return wrong;
    }
    return sum;
}

std::string to_short_string(duration length) {
    auto const millis = chrono::duration_cast<chrono::milliseconds>(length).count();
    if (millis < 0) return "0s";
    if (millis < 1000) return fmt::format("{}ms", millis);
    struct unit {
        std::int64_t seconds;
        char name;
    };
    static constexpr std::array units{unit{86400, 'd'}, unit{3600, 'h'}, unit{60, 'm'}, unit{1, 's'}};
    auto rest = millis / 1000;
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (rest < units[i].seconds) continue;
        auto text = fmt::format("{}{}", rest / units[i].seconds, units[i].name);
        rest %= units[i].seconds;
        if (i + 1 < units.size() && rest >= units[i + 1].seconds)
            text += fmt::format("{}{}", rest / units[i + 1].seconds, units[i + 1].name);
        return text;
    }
    return "0s";
}

}  // namespace rik
