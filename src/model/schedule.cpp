#include <rik/model/schedule.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <string>
#include <vector>

namespace rik {

namespace {

using namespace std::chrono;

constexpr std::string_view schedule_remedy =
    "write five fields, for example */15 8-18 * * mon-fri, or one of @hourly, @daily, @weekly, @monthly and @yearly";

struct schedule_field {
    std::string_view name;
    unsigned min = 0;
    unsigned max = 0;
    std::string_view names = {};  ///< three letters each, from `min` on
};

constexpr std::array<schedule_field, 5> schedule_fields{
    schedule_field{"minute", 0, 59}, schedule_field{"hour", 0, 23}, schedule_field{"day of the month", 1, 31},
    schedule_field{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    schedule_field{"day of the week", 0, 6, "sunmontuewedthufrisat"}};

struct macro {
    std::string_view word;
    std::string_view meaning;
};
constexpr std::array<macro, 7> macros{macro{"@yearly", "0 0 1 1 *"},  macro{"@annually", "0 0 1 1 *"},
                                      macro{"@monthly", "0 0 1 * *"}, macro{"@weekly", "0 0 * * 0"},
                                      macro{"@daily", "0 0 * * *"},   macro{"@midnight", "0 0 * * *"},
                                      macro{"@hourly", "0 * * * *"}};

error wrong_schedule(std::string message) {
    return error{errc::invalid, std::move(message), "schedule", std::string(schedule_remedy)};
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

    result<minute_set> read(std::string_view text) const {
        minute_set set;
        for (auto rest = text;;) {
            auto const is_last = rest.find(',') == rest.npos;
            auto const added = add(take_part(rest, ','), set);
            if (!added) return added.error();
            if (is_last) return set;
        }
    }

private:
    error wrong(std::string_view part, std::string_view why) const {
        return wrong_schedule(fmt::format("the {} '{}' {}", of_.name, part, why));
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
        if (from > to) return wrong(part, "begins after its end");
        for (auto each = from; each <= to; each += *step) into.bits |= std::uint64_t{1} << each;
        return {};
    }

    static std::optional<unsigned> number(std::string_view text) {
        unsigned value = 0;
        auto const read = std::from_chars(text.data(), text.data() + text.size(), value);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value > 1000) return std::nullopt;
        return value;
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

/// The parts between blanks.
std::vector<std::string_view> split_blanks(std::string_view text) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        auto const part = take_part(text, ' ');
        if (!part.empty()) parts.push_back(part);
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

}  // namespace

result<cron_schedule> cron_schedule::parse(std::string_view text) {
    if (text.starts_with('@') && meaning_of(text) == text)
        return wrong_schedule(fmt::format("'{}' is not a schedule", text.substr(0, 64)));
    auto const parts = split_blanks(meaning_of(text));
    if (parts.size() != schedule_fields.size())
        return wrong_schedule(fmt::format("the schedule has {} fields, not {}", parts.size(), schedule_fields.size()));
    std::array<minute_set, 5> sets;
    for (std::size_t i = 0; i < schedule_fields.size(); ++i) {
        auto const read = field_parser(schedule_fields.at(i)).read(parts[i]);
        if (!read) return read.error();
        sets.at(i) = *read;
    }
    cron_schedule made;
    made.minutes_ = sets[0].bits;
    made.hours_ = sets[1].bits;
    made.days_ = sets[2].bits;
    made.months_ = sets[3].bits;
    made.weekdays_ = sets[4].bits;
    made.leaves_days_open_ = sets[2].is_open;
    made.leaves_weekdays_open_ = sets[4].is_open;
    return made;
}

bool cron_schedule::matches_day(local_days day) const {
    year_month_day const date(day);
    if (!has(months_, static_cast<unsigned>(date.month()))) return false;
    auto const by_date = has(days_, static_cast<unsigned>(date.day()));
    auto const by_weekday = has(weekdays_, weekday(day).c_encoding());
    if (leaves_days_open_ || leaves_weekdays_open_) return by_date && by_weekday;
    return by_date || by_weekday;
}

bool cron_schedule::matches(civil_minute when) const {
    auto const day = floor<days>(when);
    auto const minute = static_cast<std::uint64_t>((when - day).count());
    return matches_day(day) && has(hours_, minute / 60) && has(minutes_, minute % 60);
}

std::optional<civil_minute> cron_schedule::next_after(civil_minute when) const {
    constexpr int days_max = 5 * 366;
    auto const first = floor<days>(when + minutes(1));
    auto from = static_cast<unsigned>((when + minutes(1) - first).count());
    for (int i = 0; i < days_max; ++i, from = 0) {
        auto const day = first + days(i);
        if (!matches_day(day)) continue;
        for (auto hour = first_from(hours_, from / 60); hour; hour = first_from(hours_, *hour + 1)) {
            auto const minute = first_from(minutes_, *hour == from / 60 ? from % 60 : 0);
            if (minute) return day + hours(*hour) + minutes(*minute);
        }
    }
    return std::nullopt;
}

}  // namespace rik
