#include "watch_table.hpp"

#include "parse_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

namespace rikctl {

namespace {

using type = rik::watch_event_type;

constexpr auto forever = std::chrono::hours(1);

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
            return title.text == "STATE" || title.text == "STATUS";
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

}  // namespace rikctl
