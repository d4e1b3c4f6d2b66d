#include "workload_changes.hpp"

#include <boost/json.hpp>

#include <utility>

#include "parse_json.hpp"

namespace rikctl {

namespace {

using type = rik::watch_event_type;

/// The workloads of a list, or the one that it is.
std::vector<std::string> split_list(std::string const& answer) {
    auto const parsed = parse_json(answer);
    auto const* const items = parsed.is_object() ? parsed.get_object().if_contains("items") : nullptr;
    if (items == nullptr || !items->is_array()) return {answer};
    std::vector<std::string> all;
    for (auto const& each : items->get_array()) all.push_back(boost::json::serialize(each));
    return all;
}

}  // namespace

rik::result<std::string> workload_changes::shown_of(std::string const& text) const {
    if (view_.form == output_form::json) return rik::compact_json(text);
    auto const rows = rik::table_rows(view_.kind, text,
                                      {.wide = view_.form == output_form::wide,
                                       .now = begin_,
                                       .has_tenants = view_.has_tenants,
                                       .definition_kind = view_.definition_kind});
    if (!rows) return rows.error();
    std::string shown;
    for (auto const& row : *rows)
        for (auto const& cell : row) shown += cell.text + '\n';
    if (view_.definition_kind != "CronJob") return shown;
    // Their cells are lengths of time, which may be the same for two runs.
    auto const of = parse_json(text);
    for (auto const* when : {"/progress/cron/lastScheduleTime", "/progress/cron/nextScheduleTime"})
        shown += string_at(of, when) + '\n';
    return shown;
}

rik::result<std::vector<rik::watch_event>> workload_changes::take(std::vector<std::string> const& answers) {
    std::map<std::string, known_workload> now;
    std::vector<rik::watch_event> changes;
    for (auto const& answer : answers) {
        for (auto& text : split_list(answer)) {
            auto const id = rik::object_id(text);
            if (!id) return id.error();
            auto shown = shown_of(text);
            if (!shown) return shown.error();
            auto const before = known_.find(*id);
            if (before == known_.end())
                changes.push_back({type::added, text});
            else if (before->second.shown != *shown)
                changes.push_back({type::modified, text});
            now.insert_or_assign(*id, known_workload{std::move(text), std::move(*shown)});
        }
    }
    std::vector<rik::watch_event> gone;
    for (auto& [id, each] : known_)
        if (!now.contains(id)) gone.push_back({type::deleted, std::move(each.text)});
    changes.insert(changes.begin(), gone.begin(), gone.end());
    if (std::exchange(is_first_, false)) changes.push_back({type::synced});
    known_ = std::move(now);
    return changes;
}

}  // namespace rikctl
