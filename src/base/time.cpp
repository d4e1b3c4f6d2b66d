#include <rik/base/time.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

namespace rik {

namespace chrono = std::chrono;

std::string to_string(wall_time when) {
    auto const day = chrono::floor<chrono::days>(when);
    chrono::year_month_day const date{day};
    chrono::hh_mm_ss const time{when - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

result<wall_time> parse_wall_time(std::string_view text) {
    error const wrong{errc::invalid, fmt::format("'{}' is not a time in RFC 3339, UTC", text.substr(0, 64))};
    auto const number = [&](std::size_t at, std::size_t length) -> int {
        int value = -1;
        if (at + length > text.size()) return -1;
        auto const* const end = text.data() + at + length;
        auto const parsed = std::from_chars(text.data() + at, end, value);
        return parsed.ec == std::errc{} && parsed.ptr == end ? value : -1;
    };
    if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
        return wrong;
    auto const year = number(0, 4), month = number(5, 2), day = number(8, 2);
    auto const hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (year < 0 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
        second > 60)
        return wrong;
    chrono::year_month_day const date{chrono::year(year), chrono::month(static_cast<unsigned>(month)),
                                      chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return wrong;
    std::size_t at = 19;
    std::int64_t micros = 0;
    if (text[at] == '.') {
        std::int64_t place = 100'000;
        for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, place /= 10)
            micros += (text[at] - '0') * place;
    }
    auto const zone = text.substr(at);
    if (zone != "Z" && zone != "+00:00") return wrong;
    return wall_time(chrono::sys_days(date)) + chrono::hours(hour) + chrono::minutes(minute) + chrono::seconds(second) +
           chrono::microseconds(micros);
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
