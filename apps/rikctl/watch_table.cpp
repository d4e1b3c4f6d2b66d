#include "watch_table.hpp"

#include "parse_json.hpp"
#include "workload_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

namespace rikctl {

namespace {

using type = rik::watch_event_type;

constexpr auto forever = std::chrono::hours(1);
constexpr auto asking_period = std::chrono::seconds(1);

std::string_view word_of(type of) {
    switch (of) {
        case type::added: return "added";
        case type::modified: return "modified";
        case type::deleted: return "deleted";
        default: return "";
    }
}

bool is_wanted(watch_view const& view, std::string_view object) {
    if (view.names.empty()) return true;
    auto const parsed = parse_json(object);
    auto const* of = parsed.if_object();
    if (of == nullptr) return false;
    return std::ranges::any_of(view.names, [&](std::string const& name) {
        for (auto const* member : {"name", "id"}) {
            auto const* value = of->if_contains(member);
            if (value != nullptr && value->is_string() && value->get_string() == name) return true;
        }
        return false;
    });
}

class watch_printer {
public:
    watch_printer(session& with, watch_view const& view) : with_(with), view_(view), writer_(with.has_colours()) {}

    rik::result<void> take(rik::watch_event const& event) {
        switch (event.type) {
            case type::disconnected: with_.tell_connection(event.object); return {};
            case type::reconnected: with_.tell_connection({}); return {};
            case type::restarted: with_.warn("changes were missed: here is all that is there now"); return begin();
            case type::synced: return end_of_beginning();
            default: break;
        }
        if (!is_wanted(view_, event.object)) return {};
        if (is_synced_) return show(event);
        first_.emplace(place_of(event.object), event);
        return {};
    }

    /// What is there at the start makes one table, by name; while it comes nothing is shown.
    bool is_collecting() const { return !is_synced_; }

private:
    /// Where an object stands at the beginning: events are told in their order.
    std::string place_of(std::string_view object) const {
        auto const member = view_.kind == rik::resource_kind::event ? "/time" : "/name";
        auto const of = parse_json(object);
        auto const tenant = view_.has_tenants ? string_at(of, "/tenant") + "/" : std::string();
        return (view_.kind == rik::resource_kind::event ? "" : tenant) + string_at(of, member);
    }

    rik::result<void> show(rik::watch_event const& event) {
        if (view_.form == output_form::json) {
            with_.out() << fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", word_of(event.type),
                                       rik::compact_json(event.object));
            return {};
        }
        if (view_.form == output_form::name) return print_name(event);
        return take_row(event);
    }

    /// A program that keeps the objects has to forget them: what is not told anew is gone.
    rik::result<void> begin() {
        is_synced_ = false;
        first_.clear();
        if (view_.form == output_form::json) with_.out() << "{\"type\":\"restarted\"}\n";
        return {};
    }

    rik::result<void> print_name(rik::watch_event const& event) {
        auto const names = rik::object_names(event.object);
        if (!names) return names.error();
        for (auto const& name : *names) with_.out() << name << '\n';
        return {};
    }

    rik::table_options options() const {
        return {.wide = view_.form == output_form::wide,
                .now = with_.wall(),
                .has_tenants = view_.has_tenants,
                .definition_kind = view_.definition_kind};
    }

    rik::result<void> take_row(rik::watch_event const& event) {
        auto rows = rik::table_rows(view_.kind, event.object, options());
        if (!rows) return rows.error();
        if (event.type == type::deleted) mark_deleted(*rows);
        for (auto& row : *rows) rows_.push_back(std::move(row));
        return is_synced_ ? flush() : rik::result<void>();
    }

    void mark_deleted(std::vector<rik::table_row>& rows) const {
        auto const header = rik::table_header(view_.kind, options());
        auto const is_state = [](rik::table_cell const& title) {
            return title.text == "STATE" || title.text == "STATUS" || title.text == "NEXT SCHEDULE";
        };
        auto const at = std::ranges::find_if(header, is_state) - header.begin();
        for (auto& row : rows) {
            if (at < std::ssize(row)) row[static_cast<std::size_t>(at)] = {"deleted", rik::tone::busy};
        }
    }

    rik::result<void> end_of_beginning() {
        for (auto const& [place, event] : first_)
            if (auto const shown = show(event); !shown) return shown;
        first_.clear();
        is_synced_ = true;
        if (view_.form != output_form::table && view_.form != output_form::wide) return {};
        rows_.insert(rows_.begin(), rik::table_header(view_.kind, options()));
        writer_.widen(rik::table_sample(view_.kind, options()));
        return flush();
    }

    rik::result<void> flush() {
        with_.out() << writer_.write(rows_);
        rows_.clear();
        return {};
    }

    session& with_;
    watch_view const& view_;
    rik::table_writer writer_;
    bool is_synced_ = false;
    std::multimap<std::string, rik::watch_event> first_;  ///< until all that is there has come
    std::vector<rik::table_row> rows_;
};

}  // namespace

exit_code print_watch(session& with, rik::watch_stream& watch, watch_view const& view) {
    watch_printer printer(with, view);
    while (with.out().good()) {
        auto const event = watch.next(with.now() + forever);
        if (!event && event.error().code == rik::errc::timed_out) continue;
        if (!event) return with.fail(event.error());
        if (auto const done = printer.take(*event); !done) return with.fail(done.error());
        if (!printer.is_collecting()) with.out().flush();
    }
    return exit_code::ok;
}

namespace {

/// All that is there. Errors: as of client; what is named and is not there is no error.
rik::result<std::vector<std::string>> ask(rik::client& server, rik::list_filter const& filter,
                                          std::string const& definition_kind, watch_view const& view) {
    std::vector<std::string> answers;
    for (auto const& name : view.names) {
        auto found = server.get(view.kind, name, definition_kind);
        if (found)
            answers.push_back(std::move(*found));
        else if (found.error().code != rik::errc::not_found)
            return found.error();
    }
    if (!view.names.empty()) return answers;
    auto list = server.list(view.kind, filter);
    if (!list) return list.error();
    answers.push_back(std::move(*list));
    return answers;
}

/// May asking again help? The watch says meanwhile that the server is away, and gives up in the end.
bool is_passing(rik::errc code) { return code == rik::errc::unavailable || code == rik::errc::timed_out; }

/// Waits, and lets the watch say whether the server is there. What it tells of workloads is asked for anyway. Errors:
/// as of rik::watch_stream, but for timed_out.
rik::result<void> wait_for_turn(session& with, rik::watch_stream& watch, rik::time_point turn) {
    while (with.out().good()) {
        auto const was_lost = watch.is_lost();
        auto const event = watch.next(turn);
        if (!event && event.error().code == rik::errc::timed_out) return {};
        if (!event) return event.error();
        if (event->type == type::disconnected)
            with.tell_connection(event->object);
        else if (was_lost && !watch.is_lost())
            with.tell_connection({});
    }
    return {};
}

}  // namespace

exit_code print_workloads(session& with, rik::client& server, rik::list_filter const& filter,
                          std::string const& definition_kind, watch_view const& view) {
    auto watch = server.watch(view.kind, filter);
    if (!watch) return with.fail(watch.error());
    watch_printer printer(with, view);
    workload_changes changes(view, with.wall());
    while (with.out().good()) {
        auto const begin = with.now();
        auto const answers = ask(server, filter, definition_kind, view);
        auto const end = with.now();
        auto const is_away = !answers && is_passing(answers.error().code);
        if (!answers && !is_away) return with.fail(answers.error());
        auto const news = is_away ? rik::result<std::vector<rik::watch_event>>(std::vector<rik::watch_event>())
                                  : changes.take(*answers);
        if (!news) return with.fail(news.error());
        for (auto const& each : *news)
            if (auto const done = printer.take(each); !done) return with.fail(done.error());
        with.out().flush();
        // A list that takes long to tell is asked for less often: half of the time the server has rest.
        auto const turn = std::max(begin + asking_period, end + (end - begin));
        if (auto const waited = wait_for_turn(with, *watch, turn); !waited) return with.fail(waited.error());
    }
    return exit_code::ok;
}

}  // namespace rikctl
