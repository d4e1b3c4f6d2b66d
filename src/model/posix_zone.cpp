#include "model/posix_zone_detail.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace rik::detail {

namespace {

using namespace std::chrono;

/// Takes the parts of a rule one after the other. What is not there is nullopt.
class rule_reader {
public:
    explicit rule_reader(std::string_view text) : rest_(text) {}

    bool is_at_end() const { return rest_.empty(); }

    bool take(char mark) {
        if (!rest_.starts_with(mark)) return false;
        rest_.remove_prefix(1);
        return true;
    }

    std::optional<unsigned> number(unsigned max) {
        unsigned value = 0;
        auto const before = rest_.size();
        while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0) {
            value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
            if (value > max) return std::nullopt;
            rest_.remove_prefix(1);
        }
        if (rest_.size() == before) return std::nullopt;
        return value;
    }

    /// Letters, or anything between < and >. At least three characters.
    bool skip_name() {
        if (take('<')) {
            auto const end = rest_.find('>');
            if (end == rest_.npos || end < 3) return false;
            rest_.remove_prefix(end + 1);
            return true;
        }
        std::size_t count = 0;
        while (count < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[count])) != 0) ++count;
        rest_.remove_prefix(count);
        return count >= 3;
    }

    /// [+-]hours[:minutes[:seconds]]
    std::optional<seconds> time() {
        auto const is_negative = take('-');
        if (!is_negative) take('+');
        auto const hour = number(167);
        if (!hour) return std::nullopt;
        seconds sum = hours(*hour);
        for (auto const unit : {seconds(60), seconds(1)}) {
            if (!take(':')) break;
            auto const count = number(59);
            if (!count) return std::nullopt;
            sum += *count * unit;
        }
        return is_negative ? -sum : sum;
    }

    /// ,DAY[/TIME]
    std::optional<posix_zone::yearly> day() {
        using form = posix_zone::yearly::form;
        posix_zone::yearly read;
        if (!take(',')) return std::nullopt;
        if (take('M')) {
            auto const month = number(12);
            auto const week = take('.') ? number(5) : std::nullopt;
            auto const weekday = take('.') ? number(6) : std::nullopt;
            if (!month || !week || !weekday || *month == 0 || *week == 0) return std::nullopt;
            read.month = *month;
            read.week = *week;
            read.number = *weekday;
        } else {
            read.by = take('J') ? form::julian : form::zero_based;
            auto const number_of_day = number(365);
            if (!number_of_day || (read.by == form::julian && *number_of_day == 0)) return std::nullopt;
            read.number = *number_of_day;
        }
        if (!take('/')) return read;
        auto const at = time();
        if (!at) return std::nullopt;
        read.time = *at;
        return read;
    }

private:
    std::string_view rest_;
};

struct clock_change {
    sys_seconds when = {};
    seconds offset = {};
};

}  // namespace

local_seconds posix_zone::yearly::in(year which) const {
    if (by == form::month) {
        auto const of = which / static_cast<int>(month);
        auto const day = week == 5 ? local_days(of / weekday(number)[last]) : local_days(of / weekday(number)[week]);
        return day + time;
    }
    auto const first = local_days(which / January / 1);
    if (by == form::zero_based) return first + days(number) + time;
    constexpr unsigned last_of_february = 59;  // of the Julian days, which leave 29 February out
    return first + days(number - 1 + (which.is_leap() && number > last_of_february ? 1 : 0)) + time;
}

std::optional<posix_zone> posix_zone::parse(std::string_view text) {
    rule_reader reader(text);
    posix_zone made;
    if (!reader.skip_name()) return std::nullopt;
    auto const west = reader.time();  // POSIX counts what is to be added for UTC
    if (!west) return std::nullopt;
    made.standard_ = -*west;
    if (reader.is_at_end()) return made;
    if (!reader.skip_name()) return std::nullopt;
    auto const summer_west = reader.time();
    made.summer_ = summer_west ? -*summer_west : made.standard_ + hours(1);
    made.summer_begins_ = reader.day();
    auto const ends = reader.day();
    if (!made.summer_begins_ || !ends || !reader.is_at_end()) return std::nullopt;
    made.summer_ends_ = *ends;
    return made;
}

zone_span posix_zone::span_at(sys_seconds when) const {
    if (!summer_begins_) return {sys_seconds::min(), sys_seconds::max(), standard_};
    auto const this_year = year_month_day(floor<days>(when)).year();
    std::array<clock_change, 6> changes;
    auto next = changes.begin();
    for (auto const which : {this_year - years(1), this_year, this_year + years(1)}) {
        *next++ = {sys_seconds(summer_ends_.in(which).time_since_epoch() - summer_), standard_};
        *next++ = {sys_seconds(summer_begins_->in(which).time_since_epoch() - standard_), summer_};
    }
    // Summer time all year round ends when it begins: the beginning comes last then, and holds.
    std::stable_sort(changes.begin(), changes.end(), [](auto const& a, auto const& b) { return a.when < b.when; });
    auto const after = std::upper_bound(changes.begin(), changes.end(), when,
                                        [](sys_seconds at, auto const& change) { return at < change.when; });
    auto const before = std::prev(after);  // that of the year before at the earliest
    return {before->when, after == changes.end() ? sys_seconds::max() : after->when, before->offset};
}

}  // namespace rik::detail
