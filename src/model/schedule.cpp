#include <rik/model/schedule.hpp>

#include <rik/base/error.hpp>
#include <rik/base/nearest_word.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

namespace rik {

namespace {

using namespace std::chrono;

constexpr std::string_view blanks = " \t\n\v\f\r";
constexpr std::size_t shown_bytes_max = 64;

struct schedule_field {
    std::string_view name;
    unsigned min = 0;
    unsigned max = 0;
    std::string_view remedy = {};
    std::string_view names = {};  ///< three letters each, from `min` on
};

constexpr std::array<schedule_field, 5> schedule_fields{
    schedule_field{"minute", 0, 59, "write minutes as 30, 0-29, 0,30, */15 or *"},
    schedule_field{"hour", 0, 23, "write hours as 6, 8-18, 6,18, */2 or *; midnight is 0"},
    schedule_field{"day of the month", 1, 31, "write days of the month as 1, 1-7, 1,15, */2 or *"},
    schedule_field{"month", 1, 12, "write months as 6, JUN, 1-3, JAN,JUL, */3 or *",
                   "janfebmaraprmayjunjulaugsepoctnovdec"},
    schedule_field{"day of the week", 0, 6, "write days of the week as 1, MON, MON-FRI, SAT,SUN or *; Sunday is 0",
                   "sunmontuewedthufrisat"}};

struct macro {
    std::string_view word;
    std::string_view meaning;
};
constexpr std::array<macro, 7> macros{macro{"@yearly", "0 0 1 1 *"},  macro{"@annually", "0 0 1 1 *"},
                                      macro{"@monthly", "0 0 1 * *"}, macro{"@weekly", "0 0 * * 0"},
                                      macro{"@daily", "0 0 * * *"},   macro{"@midnight", "0 0 * * *"},
                                      macro{"@hourly", "0 * * * *"}};

error wrong_schedule(std::string message, std::string_view remedy) {
    return error{errc::invalid, std::move(message), "schedule", std::string(remedy)};
}

std::string_view take_part(std::string_view& text, char mark) {
    auto const end = std::min(text.find(mark), text.size());
    auto const part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

/// What one field says.
struct minute_set {
    std::uint64_t bits = 0;
    bool is_open = false;  ///< it has a * or ?
};

/// Reads one field of a schedule.
class field_parser {
public:
    explicit field_parser(schedule_field const& of) : of_(of) {}

    /// Empty parts between commas mean nothing, as in Kubernetes; one part must be there.
    result<minute_set> read(std::string_view text) const {
        minute_set set;
        for (auto rest = text; !rest.empty();) {
            auto const part = take_part(rest, ',');
            if (part.empty()) continue;
            auto const added = add(part, set);
            if (!added) return added.error();
        }
        if (set.bits == 0) return wrong(text, "names none");
        return set;
    }

private:
    error wrong(std::string_view part, std::string_view why) const {
        return wrong_schedule(fmt::format("the {} '{}' {}", of_.name, to_utf8(part, shown_bytes_max), why), of_.remedy);
    }

    result<void> add(std::string_view part, minute_set& into) const {
        auto rest = part;
        auto const range = take_part(rest, '/');
        auto const has_step = range.size() < part.size();
        auto const step = has_step ? number(rest) : std::optional(1u);
        if (!step || *step == 0) return wrong(part, "has no step that is a number above 0");
        auto from = of_.min;
        auto to = of_.max;
        if (range == "*" || range == "?") {
            into.is_open = into.is_open || *step == 1;
        } else {
            auto ends = range;
            auto const first = value(take_part(ends, '-'));
            auto const is_range = range.find('-') != range.npos;
            auto const last = is_range ? value(ends) : has_step ? of_.max : first;
            if (!first || !last) return wrong(part, fmt::format("is not from {} to {}", of_.min, of_.max));
            from = *first;
            to = *last;
        }
        if (from > to) return wrong(part, "begins after its end: write it as two ranges, with a comma");
        for (auto each = from; each <= to; each += *step) into.bits |= std::uint64_t{1} << each;
        return {};
    }

    /// However large a step is, it leads past the end.
    static std::optional<unsigned> number(std::string_view text) {
        constexpr unsigned enough = 1'000;
        auto const is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
        if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
        unsigned value = 0;
        auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
        return read.ec == std::errc() ? std::min(value, enough) : enough;
    }

    std::optional<unsigned> value(std::string_view text) const {
        auto const found = named(text);
        auto const which = found ? found : number(text);
        if (!which || *which < of_.min || *which > of_.max) return std::nullopt;
        return which;
    }

    std::optional<unsigned> named(std::string_view text) const {
        if (text.size() != 3) return std::nullopt;
        std::string word(text);
        std::transform(word.begin(), word.end(), word.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        for (std::size_t at = 0; at < of_.names.size(); at += 3)
            if (of_.names.substr(at, 3) == word) return of_.min + static_cast<unsigned>(at / 3);
        return std::nullopt;
    }

    schedule_field const& of_;
};

std::string_view meaning_of(std::string_view text) {
    for (auto const& each : macros)
        if (each.word == text) return each.meaning;
    return text;
}

/// One error that says what is wrong with each field. Precondition: `found` is not empty.
error all_of(problems const& found) {
    auto all = found.front();
    for (auto each = found.begin() + 1; each != found.end(); ++each) {
        all.message += "; " + each->message;
        all.remedy += "; " + each->remedy;
    }
    return all;
}

error unknown_macro(std::string_view text) {
    nearest_word nearest(text);
    for (auto const& each : macros) nearest.consider(each.word);
    auto const meant = nearest.found();
    return wrong_schedule(fmt::format("the schedule '{}' is not known", to_utf8(text, shown_bytes_max)),
                          meant ? fmt::format("did you mean {}?", *meant)
                                : "write @hourly, @daily, @weekly, @monthly, @yearly, @every 90m, or five fields");
}

/// The parts between blanks; of a text with more than `count_max` only so many and one more.
std::vector<std::string_view> split_blanks(std::string_view text, std::size_t count_max) {
    std::vector<std::string_view> parts;
    while (parts.size() <= count_max) {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        if (text.empty()) break;
        auto const end = std::min(text.find_first_of(blanks), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return parts;
}

bool has(std::uint64_t bits, std::uint64_t which) { return ((bits >> which) & 1u) != 0; }

/// The lowest bit from `from` on.
std::optional<unsigned> first_from(std::uint64_t bits, unsigned from) {
    auto const left = from < 64 ? bits >> from << from : 0;
    if (left == 0) return std::nullopt;
    return static_cast<unsigned>(std::countr_zero(left));
}

/// The highest bit up to `to`, which is below 63.
std::optional<unsigned> last_until(std::uint64_t bits, unsigned to) {
    auto const left = bits & ((std::uint64_t{2} << to) - 1);
    if (left == 0) return std::nullopt;
    return 63u - static_cast<unsigned>(std::countl_zero(left));
}

/// The next month of `months` after `month`, or before it. Precondition: there is one.
year_month next_month(std::uint64_t months, year_month after) {
    auto const of_year = first_from(months, static_cast<unsigned>(after.month()) + 1);
    if (of_year) return after.year() / month(*of_year);
    return (after.year() + years(1)) / month(*first_from(months, 1));
}

year_month previous_month(std::uint64_t months, year_month before) {
    auto const of_year = last_until(months, static_cast<unsigned>(before.month()) - 1);
    if (of_year) return before.year() / month(*of_year);
    return (before.year() - years(1)) / month(*last_until(months, 12));
}

constexpr years search_max{9};
constexpr civil_minute calendar_begin = local_days(year(1) / 1 / 1);
constexpr civil_minute calendar_end = local_days(year(10'000) / 1 / 1);

bool is_in_calendar(civil_minute when) { return when >= calendar_begin && when < calendar_end; }

}  // namespace

result<civil_schedule> civil_schedule::parse(std::string_view text) {
    auto const meaning = meaning_of(text);
    if (meaning.starts_with('@')) return unknown_macro(text);
    auto const parts = split_blanks(meaning, schedule_fields.size());
    if (parts.size() != schedule_fields.size()) {
        auto const count = parts.size() > schedule_fields.size() ? "more than 5" : std::to_string(parts.size());
        return wrong_schedule(
            fmt::format("the schedule '{}' has {} fields, not 5", to_utf8(text, shown_bytes_max), count),
            "write minute, hour, day of the month, month and day of the week, for example */15 8-18 * * MON-FRI");
    }
    std::array<minute_set, 5> sets;
    problems found;
    for (std::size_t i = 0; i < schedule_fields.size(); ++i) {
        auto const read = field_parser(schedule_fields.at(i)).read(parts[i]);
        if (read) {
            sets.at(i) = *read;
        } else {
            found.push_back(read.error());
        }
    }
    if (!found.empty()) return all_of(found);
    civil_schedule made;
    made.minutes_ = sets[0].bits;
    made.hours_ = sets[1].bits;
    made.days_ = sets[2].bits;
    made.months_ = sets[3].bits;
    made.weekdays_ = sets[4].bits;
    made.leaves_days_open_ = sets[2].is_open;
    made.leaves_weekdays_open_ = sets[4].is_open;
    return made;
}

/// The days of `month` that match, a bit for each, from bit 1 on.
std::uint64_t civil_schedule::days_of(year_month month) const {
    if (!has(months_, static_cast<unsigned>(month.month()))) return 0;
    constexpr std::uint64_t each_week = 1 | 1u << 7 | 1u << 14 | 1u << 21 | std::uint64_t{1} << 28;
    auto const first = weekday(local_days(month / 1)).c_encoding();
    auto const week = (weekdays_ >> first | weekdays_ << (7 - first)) & 0x7f;  // its first bit: the month's first day
    auto const by_weekday = week * each_week << 1;
    auto const both = leaves_days_open_ || leaves_weekdays_open_ ? days_ & by_weekday : days_ | by_weekday;
    auto const count = static_cast<unsigned>((month / last).day());
    return both & ((std::uint64_t{2} << count) - 2);
}

std::optional<unsigned> civil_schedule::first_minute_from(unsigned minute) const {
    for (auto hour = rik::first_from(hours_, minute / 60); hour; hour = rik::first_from(hours_, *hour + 1)) {
        auto const found = rik::first_from(minutes_, *hour == minute / 60 ? minute % 60 : 0);
        if (found) return *hour * 60 + *found;
    }
    return std::nullopt;
}

std::optional<unsigned> civil_schedule::last_minute_until(unsigned minute) const {
    auto hour = rik::last_until(hours_, minute / 60);
    if (hour == minute / 60) {
        auto const found = rik::last_until(minutes_, minute % 60);
        if (found) return *hour * 60 + *found;
        hour = *hour == 0 ? std::nullopt : rik::last_until(hours_, *hour - 1);
    }
    if (!hour) return std::nullopt;
    return *hour * 60 + *rik::last_until(minutes_, 59);
}

bool civil_schedule::matches(civil_minute when) const {
    auto const day = floor<days>(when);
    year_month_day const date(day);
    auto const minute = static_cast<std::uint64_t>((when - day).count());
    auto const is_day = has(days_of(date.year() / date.month()), static_cast<unsigned>(date.day()));
    return is_day && has(hours_, minute / 60) && has(minutes_, minute % 60);
}

std::optional<civil_minute> civil_schedule::first_from(civil_minute when) const {
    if (!is_in_calendar(when) || months_ == 0) return std::nullopt;
    auto const today = floor<days>(when);
    year_month_day const date(today);
    auto month = date.year() / date.month();
    auto days_left = days_of(month) >> static_cast<unsigned>(date.day()) << static_cast<unsigned>(date.day());
    for (auto const end = month + search_max; month <= end;
         month = next_month(months_, month), days_left = days_of(month)) {
        for (auto day = rik::first_from(days_left, 1); day; day = rik::first_from(days_left, *day + 1)) {
            auto const begin = local_days(month / static_cast<int>(*day));
            auto const minute = first_minute_from(begin == today ? static_cast<unsigned>((when - today).count()) : 0);
            if (minute) return begin + minutes(*minute);
        }
    }
    return std::nullopt;
}

std::optional<civil_minute> civil_schedule::last_until(civil_minute when) const {
    constexpr unsigned last_minute = 24 * 60 - 1;
    if (!is_in_calendar(when) || months_ == 0) return std::nullopt;
    auto const today = floor<days>(when);
    year_month_day const date(today);
    auto month = date.year() / date.month();
    auto days_left = days_of(month) & ((std::uint64_t{2} << static_cast<unsigned>(date.day())) - 1);
    for (auto const end = month - search_max; month >= end;
         month = previous_month(months_, month), days_left = days_of(month)) {
        for (auto day = rik::last_until(days_left, 31); day; day = rik::last_until(days_left, *day - 1)) {
            auto const begin = local_days(month / static_cast<int>(*day));
            auto const minute =
                last_minute_until(begin == today ? static_cast<unsigned>((when - today).count()) : last_minute);
            if (minute) return begin + minutes(*minute);
        }
    }
    return std::nullopt;
}

}  // namespace rik
