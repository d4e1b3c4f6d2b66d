// The one place that knows the library date. Compiled alone: its macros are for it only (src/model/CMakeLists.txt).
#include <rik/model/time_zone.hpp>

#include "model/posix_zone_detail.hpp"

#include <rik/base/nearest_word.hpp>
#include <rik/base/utf8.hpp>

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace rik {

struct time_zone::table {
    struct change {
        std::chrono::sys_seconds begin;
        std::chrono::seconds offset;
    };
    std::string name;
    std::vector<change> changes;                      ///< by time; the first begins before the calendar
    std::optional<detail::posix_zone> rule_for_ever;  ///< after the last change; nullopt: none is made

    zone_span span_at(std::chrono::sys_seconds when) const;
};

namespace {

using std::chrono::sys_seconds;

constexpr std::string_view zone_field = "timeZone";
constexpr std::string_view zone_remedy =
    "write a name of the zone database, for example Europe/Berlin (timedatectl list-timezones), or leave it out";
constexpr std::size_t shown_bytes_max = 64;

error wrong_zone(errc code, std::string_view name, std::string_view why, std::string remedy) {
    return error{code, fmt::format("the time zone '{}' {}", to_utf8(name, shown_bytes_max), why),
                 std::string(zone_field), std::move(remedy)};
}

bool is_same_word(std::string_view a, std::string_view b) {
    auto const lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_utc(std::string_view name) { return name == "UTC" || name == "Etc/UTC"; }

/// What this machine means by its own time, which is another on the next.
bool is_local(std::string_view name) { return is_same_word(name, "local") || name == "localtime"; }

/// `act()`, with what the library throws as an error.
template <class Act>
auto without_exceptions(std::string_view name, Act act) -> decltype(act()) {
    try {
        return act();
    } catch (std::bad_alloc const&) {
        throw;
    } catch (std::exception const& thrown) {
        return wrong_zone(errc::corrupt, name, fmt::format("cannot be read: {}", thrown.what()),
                          "install the Debian package tzdata again");
    }
}

/// The names of all zones. Empty: there is no database.
std::vector<std::string_view> known_names() {
    std::vector<std::string_view> names;
    try {
        for (auto const& each : date::get_tzdb().zones)
            if (!is_local(each.name())) names.emplace_back(each.name());
    } catch (std::runtime_error const&) {  // it finds no directory
    }
    return names;
}

/// Someone who writes only the city means its zone; someone who writes three letters may mean any.
std::string remedy_for(std::string_view name, std::vector<std::string_view> const& known) {
    constexpr std::size_t letters_min = 5;
    nearest_word nearest(name);
    if (name.size() < letters_min) return std::string(zone_remedy);
    for (auto const each : known) {
        if (is_same_word(name, each.substr(each.rfind('/') + 1))) return fmt::format("did you mean {}?", each);
        nearest.consider(each);
    }
    auto const meant = nearest.found();
    return meant ? fmt::format("did you mean {}?", *meant) : std::string(zone_remedy);
}

/// The rule that holds after the changes that the library gives: it leaves out what stands at the end of the file,
/// without which most zones would have winter time for ever from 2037 on.   Source: RFC 8536, section 3.3
std::optional<detail::posix_zone> rule_of_file(std::string const& name) {
    std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
    std::string const text(std::istreambuf_iterator<char>(file), {});
    if (!text.ends_with('\n') || text.size() < 2) return std::nullopt;
    auto const begin = text.rfind('\n', text.size() - 2);
    if (begin == text.npos) return std::nullopt;
    return detail::posix_zone::parse(std::string_view(text).substr(begin + 1, text.size() - begin - 2));
}

constexpr sys_seconds calendar_end = std::chrono::sys_days(std::chrono::year(10'000) / 12 / 31);

}  // namespace

zone_span time_zone::table::span_at(sys_seconds when) const {
    auto const after = std::upper_bound(changes.begin(), changes.end(), when,
                                        [](sys_seconds at, change const& each) { return at < each.begin; });
    auto const& last = *std::prev(after);
    if (after != changes.end()) return {last.begin, after->begin, last.offset};
    if (!rule_for_ever) return {last.begin, sys_seconds::max(), last.offset};
    auto span = rule_for_ever->span_at(when);
    span.begin = std::max(span.begin, last.begin);
    return span;
}

result<std::shared_ptr<time_zone::table const>> time_zone::read(std::string const& name) {
    auto made = std::make_shared<table>();
    made->name = name;
    auto const* zone = date::locate_zone(name);
    for (sys_seconds from = std::chrono::sys_days(std::chrono::year(0) / 1 / 1); from < calendar_end;) {
        auto const span = zone->get_info(from);
        made->changes.push_back({from, span.offset});
        from = span.end;
    }
    made->rule_for_ever = rule_of_file(name);
    return std::shared_ptr<table const>(std::move(made));
}

result<time_zone> time_zone::open(std::string_view name) {
    static std::mutex guard;
    static std::map<std::string, std::shared_ptr<table const>, std::less<>> opened;  // of names that exist
    if (name.empty()) return wrong_zone(errc::invalid, name, "is empty", std::string(zone_remedy));
    if (is_utc(name)) return time_zone();
    if (is_local(name))
        return wrong_zone(errc::invalid, name, "is not the same on every machine", std::string(zone_remedy));
    std::lock_guard const lock(guard);
    time_zone made;
    auto const before = opened.find(name);
    if (before != opened.end()) {
        made.table_ = before->second;
        return made;
    }
    auto const known = known_names();
    if (known.empty())
        return wrong_zone(errc::unsupported, name, "is not known: this machine has no database of time zones",
                          "install the Debian package tzdata and start the program again, or use UTC");
    if (std::find(known.begin(), known.end(), name) == known.end())
        return wrong_zone(errc::invalid, name, "is not known", remedy_for(name, known));
    std::string const key(name);
    auto const table = without_exceptions(name, [&] { return read(key); });
    if (!table) return table.error();
    made.table_ = opened.emplace(key, *table).first->second;
    return made;
}

std::string time_zone::name_here() {
    auto const found =
        without_exceptions("Local", []() -> result<std::string> { return date::current_zone()->name(); });
    return found && !is_local(*found) ? *found : std::string("UTC");
}

std::string const& time_zone::name() const {
    static std::string const utc = "UTC";
    return table_ ? table_->name : utc;
}

zone_span time_zone::span_at(sys_seconds when) const {
    return table_ ? table_->span_at(when) : zone_span{sys_seconds::min(), sys_seconds::max(), {}};
}

}  // namespace rik
