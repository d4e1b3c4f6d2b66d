#include <rik/model/cron_schedule.hpp>

#include <rik/base/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <utility>

namespace rik {

namespace {

using namespace std::chrono;

constexpr std::string_view every_word = "@every ";
constexpr std::string_view cron_blanks = " \t\n\v\f\r";
constexpr years horizon{9};
/// Of two offsets that clocks ever had in one zone.
constexpr hours offset_difference_max{36};
constexpr seconds interval_max = hours(1'000'000);
constexpr wall_time calendar_from = sys_days(year(1) / 1 / 2);
constexpr wall_time calendar_to = sys_days(year(9'999) / 12 / 31);

bool is_in_calendar(wall_time when) { return when >= calendar_from && when < calendar_to; }

std::string_view without_blanks(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(cron_blanks), text.size()));
    return text.substr(0, text.find_last_not_of(cron_blanks) + 1);
}

error wrong_interval(std::string_view text, std::string_view why) {
    constexpr std::size_t shown_bytes_max = 64;
    return error{errc::invalid, fmt::format("the interval '{}' {}", to_utf8(text, shown_bytes_max), why), "schedule",
                 "write it as @every 90s, @every 15m or @every 1h30m"};
}

/// Takes the digits at the front.
std::string_view take_digits(std::string_view& text) {
    auto const is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
    auto const end = std::find_if_not(text.begin(), text.end(), is_digit);
    auto const digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

constexpr std::size_t digits_max = 7;  // so that no product below can overflow

/// Precondition: `digits` are digits, and no more than digits_max.
std::int64_t number_of(std::string_view digits) {
    std::int64_t value = 0;
    for (auto const digit : digits) value = value * 10 + (digit - '0');
    return value;
}

/// `digits` behind the point, of `unit`. What is beyond digits_max changes too little to count.
nanoseconds fraction_of(nanoseconds unit, std::string_view digits) {
    std::int64_t scale = 1;
    digits = digits.substr(0, digits_max);
    for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
    auto const share = static_cast<double>(number_of(digits)) / static_cast<double>(scale);
    return nanoseconds(static_cast<std::int64_t>(share * static_cast<double>(unit.count())));
}

/// Takes the unit at the front; nullopt: there is none.
std::optional<nanoseconds> take_unit(std::string_view& text) {
    struct unit {
        std::string_view name;
        nanoseconds length;
    };
    static constexpr std::array units{
        unit{"ns", nanoseconds(1)},  unit{"us", microseconds(1)}, unit{"\u00b5s", microseconds(1)},
        unit{"ms", milliseconds(1)}, unit{"s", seconds(1)},       unit{"m", minutes(1)},
        unit{"h", hours(1)}};
    auto const name = text.substr(0, std::min(text.find_first_of("0123456789."), text.size()));
    text.remove_prefix(name.size());
    for (auto const& each : units)
        if (each.name == name) return each.length;
    return std::nullopt;
}

/// What is written as "1h30m", "1.5h" or "90s", as the durations of Go are.
result<seconds> parse_interval(std::string_view text) {
    nanoseconds sum{};
    if (text.empty()) return wrong_interval(text, "is empty");
    for (auto rest = text; !rest.empty();) {
        auto const whole = take_digits(rest);
        auto const has_point = rest.starts_with('.');
        if (has_point) rest.remove_prefix(1);
        auto const fraction = has_point ? take_digits(rest) : std::string_view();
        if (whole.empty() && fraction.empty()) return wrong_interval(text, "has no number before a unit");
        auto const unit = take_unit(rest);
        if (!unit) return wrong_interval(text, "has a number without one of the units h, m and s");
        if (whole.size() > digits_max || number_of(whole) > interval_max / *unit)
            return wrong_interval(text, "is too long");
        sum += number_of(whole) * *unit + fraction_of(*unit, fraction);
        if (sum > interval_max) return wrong_interval(text, "is too long");
    }
    if (sum < seconds(1)) return wrong_interval(text, "is below a second");
    return floor<seconds>(sum);
}

local_seconds local_of(sys_seconds when, zone_span const& in) {
    return local_seconds(when.time_since_epoch() + in.offset);
}

sys_seconds sys_of(civil_minute when, zone_span const& in) { return sys_seconds(when.time_since_epoch() - in.offset); }

}  // namespace

result<cron_schedule> cron_schedule::parse(std::string_view text, std::optional<std::string_view> zone) {
    text = without_blanks(text);
    // Kubernetes refuses it wherever it stands.
    if (text.find("TZ") != text.npos)
        return error{errc::invalid, "a time zone stands in the schedule", "schedule",
                     "take TZ=... or CRON_TZ=... out, and write the zone into timeZone"};
    cron_schedule made;
    if (text.starts_with(every_word)) {
        auto const interval = parse_interval(without_blanks(text.substr(every_word.size())));
        if (!interval) return interval.error();
        made.due_ = *interval;
    } else {
        auto const fields = civil_schedule::parse(text);
        if (!fields) return fields.error();
        made.due_ = *fields;
    }
    if (!zone) return made;
    auto opened = time_zone::open(*zone);
    if (!opened) return opened.error();
    made.zone_ = *std::move(opened);
    return made;
}

std::optional<wall_time> cron_schedule::next_after(wall_time when) const {
    if (!is_in_calendar(when)) return std::nullopt;
    auto from = floor<seconds>(when) + seconds(1);
    if (auto const* const interval = std::get_if<seconds>(&due_)) return from - seconds(1) + *interval;
    auto const& fields = std::get<civil_schedule>(due_);
    auto const end = from + horizon;
    while (from < end) {
        auto const span = zone_.span_at(from);
        auto const found = fields.first_from(ceil<minutes>(local_of(from, span)));
        if (!found) break;
        auto const candidate = sys_of(*found, span);
        if (candidate < span.end) return candidate;
        // Clocks that are set can show again what they showed shortly before, and nothing else so early.
        auto const is_near = span.end - from <= offset_difference_max;
        from = is_near ? span.end : std::max(span.end, candidate - offset_difference_max);
    }
    return std::nullopt;
}

/// Precondition: both are in the calendar.
std::optional<wall_time> cron_schedule::newest_until(wall_time until, wall_time after) const {
    auto const& fields = std::get<civil_schedule>(due_);
    auto to = floor<seconds>(until);
    while (to > after) {
        auto const span = zone_.span_at(to);
        auto const found = fields.last_until(floor<minutes>(local_of(to, span)));
        if (!found) break;
        auto const candidate = sys_of(*found, span);
        if (candidate >= span.begin) return candidate > after ? std::optional<wall_time>(candidate) : std::nullopt;
        to = span.begin - seconds(1);
    }
    return std::nullopt;
}

cron_times cron_schedule::times_in(wall_time after, wall_time until, std::size_t count_max) const {
    if (!is_in_calendar(after) || !is_in_calendar(until) || until <= after) return {};
    if (auto const* const interval = std::get_if<seconds>(&due_)) {
        auto const begin = floor<seconds>(after);
        auto const count = (floor<seconds>(until) - begin) / *interval;
        if (count == 0) return {};
        return {begin + count * *interval, std::min(static_cast<std::size_t>(count), count_max)};
    }
    cron_times found{.newest = newest_until(until, after)};
    if (!found.newest) return {};
    for (auto each = next_after(after); each && *each <= *found.newest && found.count < count_max;
         each = next_after(*each))
        ++found.count;
    return found;
}

}  // namespace rik
