#include "event_writer_detail.hpp"

#include "node_changes_detail.hpp"
#include "tidy_detail.hpp"

#include <rik/model/rollout.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rik::detail {

event event_writer::begin(std::string object_kind, std::string object_id, std::string object_name) const {
    event made{.object_kind = std::move(object_kind), .object_id = std::move(object_id)};
    made.object_name = std::move(object_name);
    made.source = "primary";
    made.at = time_.wall();
    return made;
}

event event_writer::about(workload const& subject) const {
    auto made = begin("workload", subject.id.text(), subject.name);
    made.tenant = subject.tenant;
    if (subject.owner) made.owner_id = subject.owner->text();
    return made;
}

/// The Jobs of a CronJob, and their instances, are one group: else those that have gone would take the story of others.
workload_id event_writer::group_of(workload_id const& owner) const {
    auto const row = state_.head().find<workload>(owner);
    return row && row->owner ? *row->owner : owner;
}

event event_writer::about(instance const& subject) const {
    auto made = begin("instance", subject.id().text(), subject.name());
    made.tenant = subject.tenant();
    if (subject.owner()) made.owner_id = group_of(*subject.owner()).text();
    return made;
}

/// Kept in the tenant itself, so that it goes with it.
event event_writer::about(tenant_record const& subject) const {
    auto made = begin("tenant", subject.id.text(), subject.name);
    made.tenant = subject.name;
    return made;
}

event event_writer::about(node const& subject) const { return begin("node", subject.id.text(), subject.facts.name); }

/// Returns the number of the event that `happened` counts in; 0 if there is none.
std::uint64_t event_writer::count_same(event& happened) const {
    auto const* const same = state_.events().find_same(happened.object_id, event_ledger::content_of(happened));
    if (same == nullptr) return 0;
    auto const row = state_.find_event(same->key);
    auto const before = row ? parse_event(*row) : result<event>();
    if (!before || !before->is_same_as(happened)) return 0;
    happened.count = before->count + 1;
    happened.first_at = before->first_at.value_or(before->at);
    return same->sequence;
}

void event_writer::note(transaction& into, event happened) {
    happened = tidied(std::move(happened));
    auto const replaced = count_same(happened);
    sequence_ = std::max(sequence_, state_.events().last_sequence()) + 1;
    auto told = to_document(happened, sequence_);
    auto known = event_ledger::read(told, happened);
    known.replaces = replaced;
    state_.expect(std::move(known));
    into.put(std::move(told), 0);
}

/// A record that is not there yet, or is damaged, begins with the next look of the workload's controller.
void event_writer::add_step(transaction& into, workload const& of, std::string what) const {
    auto const kept = state_.head().find<document>(rollout_key(of));
    if (!kept) return;
    auto record = parse_rollout(*kept);
    if (!record) return;
    record->add_step({time_.wall(), std::move(what)});
    into.put(to_document(*record, of), kept.changed_at);
}

void event_writer::tell_step(transaction& into, workload const& of, std::string reason, std::string message,
                             event_type type) {
    auto happened = about(of);
    happened.type = type;
    happened.reason = std::move(reason);
    happened.message = std::move(message);
    add_step(into, of, happened.message);
    note(into, std::move(happened));
}

void event_writer::tell_departure(transaction& into, std::vector<stored<instance>> const& leaving,
                                  std::string_view why) {
    std::map<workload_id, std::vector<stored<instance>>> rows_by_owner;
    for (auto const& each : leaving)
        if (each->owner()) rows_by_owner[*each->owner()].push_back(each);
    for (auto const& [owner, rows] : rows_by_owner) {
        auto const row = state_.head().find<workload>(owner);
        if (!row || row->deleting_since || !is_managed(row->kind)) continue;
        tell_step(into, *row, "InstancesLeft",
                  fmt::format("{} left: {}: {}", count_text(rows.size()), names_text(rows), why), event_type::warning);
    }
}

}  // namespace rik::detail
