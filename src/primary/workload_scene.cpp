#include "workload_scene_detail.hpp"

#include "lookup_detail.hpp"
#include "node_changes_detail.hpp"
#include "workload_change_detail.hpp"

#include <rik/base/time_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace rik::detail {

namespace {

/// Of so many nodes that nobody hears it costs less to look at what is on them than at a large workload.
constexpr std::size_t absent_looked_at_max = 8;
/// That a scheduler is back changes no row of a node that it does not hear.
constexpr std::chrono::seconds held_pause(5);

/// Which nodes nobody hears: mostly none, so that no node need be looked up for an instance.
class absent_nodes {
public:
    explicit absent_nodes(view const& in) : in_(in), are_there_(in.count<node>(unheard_index) > 0) {}
    /// Empty if its node is heard.
    stored<node> find(instance const& row) const {
        if (!are_there_ || !row.binding()) return {};
        auto where = in_.find<node>(row.binding()->node);
        return where && where->state == node_state::unheard ? where : stored<node>();
    }

private:
    view const& in_;
    bool are_there_;
};

/// What was adopted is of another workload's release. It is as good as of the current one if it was made from the same.
class adopted_releases {
public:
    adopted_releases(view const& in, workload const& wanted) : in_(in), wanted_(wanted) {}

    void settle(instance const& row, seen_instance& seen) {
        auto const& from = *row.made_from();
        if (from.workload == wanted_.id) return;
        auto const [known, is_new] = is_same_.try_emplace(from.id);
        if (is_new) known->second = is_same(*from.definition);
        if (known->second) seen.made_from = wanted_.current_release;
    }

private:
    bool is_same(workload_definition const& as) const {
        auto const current = in_.find<release>(wanted_.current_release);
        return current && has_same_template(*current->definition, as);
    }

    view const& in_;
    workload const& wanted_;
    std::map<release_id, bool> is_same_;
};

/// Will nothing go on before its node, or a person, says that it is gone?
bool is_waited_for(workload const& by, instance const& row, seen_instance const& seen) {
    if (by.kind == workload_kind::job) return row.is_condemned() && !seen.has_ended;
    return has_identities(by.kind) && !is_finished(row.state());
}

/// With the strategy Recreate nothing of the current release runs beside anything of another one. Until its node has
/// said that an instance is gone it may run.
bool blocks_recreation(workload const& wanted, instance const& row) {
    auto const recreates =
        wanted.kind == workload_kind::deployment && wanted.definition->upkeep.policy == update_policy::recreate;
    return recreates && row.is_condemned() && !is_finished(row.state()) &&
           row.made_from()->id != wanted.current_release;
}

/// Of any other kind nothing is given up anyway.
bool stays_by_its_template(workload_kind kind) { return kind != workload_kind::daemon_set && !has_identities(kind); }

/// Then a longer wait changes nothing.
bool nobody_could_tell(replacement_hold why) {
    return why == replacement_hold::no_scheduler || why == replacement_hold::no_node_heard;
}

std::string absence_text(duration of) {
    return of < std::chrono::seconds(1) ? "is not heard" : "has not been heard for " + to_short_string(of);
}

void add_instances(view const& in, workload_scene& to, absence_rule rule, wall_time now) {
    auto const& wanted = *to.wanted;
    auto const patience =
        wanted.kind == workload_kind::daemon_set ? std::nullopt : tolerated_absence(*wanted.definition);
    to.hold = rule.hold;
    to.rows = in.list<instance>(owner_index(wanted.id));
    to.instances.reserve(to.rows.size());
    absent_nodes const absent(in);
    adopted_releases foreign(in, wanted);
    for (auto const& row : to.rows) {
        auto const gone = absent.find(*row);
        auto& seen = to.instances.emplace_back(gone ? see_unheard(*row, wanted.id) : see(*row, wanted.id));
        foreign.settle(*row, seen);
        if (gone && is_waited_for(wanted, *row, seen)) to.waits_for.push_back({row, gone});
        if (gone && blocks_recreation(wanted, *row)) to.blocking.push_back({row, gone});
        if (!gone || row->is_condemned() || is_finished(row->state())) continue;
        if (!patience) {
            if (stays_by_its_template(wanted.kind)) to.staying.push_back({row, gone});
            continue;
        }
        if (nobody_could_tell(rule.hold)) {
            ++to.held_count;
            continue;
        }
        if (lacks_scheduler(*gone)) continue;  // the scheduler is back, and tells of it soon
        auto const since = std::max(gone->state_since, rule.counted_from);
        auto const lost_at = since + std::chrono::ceil<wall_time::duration>(*patience);
        if (lost_at > now) {
            if (!to.next_lost_at || lost_at < *to.next_lost_at) to.next_lost = {row, gone};
            to.next_lost_at = std::min(to.next_lost_at.value_or(lost_at), lost_at);
            continue;
        }
        if (rule.hold == replacement_hold::mass_absence) {
            ++to.held_count;
            continue;
        }
        seen.is_leaving = true;
        // What follows for a Job is said when it is counted.
        auto const* const follows = wanted.kind == workload_kind::job ? "" : ": another instance takes its place";
        to.lost.push_back(
            {row, fmt::format("its node {} {}{}", gone->facts.name, absence_text(now - gone->state_since), follows)});
    }
}

void add_strangers(view const& in, workload_scene& to) {
    if (!adopts(*to.wanted)) return;
    auto const& selector = to.wanted->definition->upkeep.selector;
    for (auto const& row : in.list<instance>(orphan_index(to.wanted->tenant))) {
        if (!selector.matches(row->labels())) continue;
        to.strangers.push_back(row);
        to.instances.push_back(see(*row, to.wanted->id));
    }
}

std::string_view hold_text(replacement_hold why) {
    switch (why) {
        case replacement_hold::none: break;
        case replacement_hold::no_scheduler:
            return "no scheduler is connected: start it, or look whether the primary reaches it";
        case replacement_hold::no_node_heard:
            return "no node at all is heard, and nothing could run elsewhere: start one, or look whether they reach "
                   "the "
                   "scheduler";
        case replacement_hold::mass_absence:
            return "too many nodes are gone at once; if they are lost: rikctl node resume-replacement";
    }
    return {};
}

std::string held_up_text(std::size_t count, replacement_hold why) {
    return fmt::format("{} on nodes that are not heard {} not replaced, because {}", count_text(count),
                       count == 1 ? "is" : "are", hold_text(why));
}

/// What does not come before those that are waited for are gone; empty: a Job goes on without them.
std::string awaited_text(workload_scene const& of, workload_progress const& said) {
    using enum workload_condition_type;
    if (of.wanted->kind != workload_kind::job)
        return fmt::format("there is no other {}", of.waits_for.front().row->name());
    if (said.holds(complete) || said.holds(failed)) return {};
    if (said.holds(failure_target)) return "the Job has not failed for good";
    if (said.holds(success_criteria_met)) return "the Job is not complete";
    auto const& job = *of.wanted->definition->upkeep.job;
    auto const waits = job.replacement == replacement_policy::failed && !job.is_suspended;
    return waits ? "nothing takes its place" : "";
}

/// Of the first one; the others are alike. `until`: what holds till when.
std::string absent_text(std::vector<absent_instance> const& which, std::string_view until) {
    auto const others = which.size() == 1 ? std::string() : fmt::format(" (and {} more)", which.size() - 1);
    return fmt::format("{}{}: {}; {}", place_text(which.front().row->name(), which.front().where->facts.name), others,
                       until, loss_remedy(which.front().where->facts.name));
}

/// `awaited`: what does not come before it is gone.
std::string waiting_text(std::vector<absent_instance> const& which, std::string_view awaited) {
    return absent_text(which, fmt::format("{} until the node says that it is gone", awaited));
}

std::string coming_loss_text(workload_scene const& of) {
    if (!of.next_lost_at) return {};
    return fmt::format("{}: it is given up at {}", place_text(of.next_lost.row->name(), of.next_lost.where->facts.name),
                       to_second_string(*of.next_lost_at));
}

/// Why nothing is done although something ought to be. No text: nobody's absence is the reason.
struct absence {
    std::string_view reason = {};  ///< of the event
    std::string text = {};
};

absence absence_of(workload_scene const& of, workload_progress const& said) {
    auto const awaited = of.waits_for.empty() ? std::string() : awaited_text(of, said);
    if (!awaited.empty()) return {"WaitsForNode", waiting_text(of.waits_for, awaited)};
    if (of.held_count > 0) return {"ReplacingStopped", held_up_text(of.held_count, of.hold)};
    if (!of.blocking.empty())
        return {"WaitsForNode",
                waiting_text(of.blocking, "there is no instance of the new release (strategy Recreate)")};
    if (!of.staying.empty())
        return {
            "WaitsForNode",
            absent_text(of.staying, "its template tolerates that, so nothing takes its place until the node is back")};
    return {"ReplacingWaits", coming_loss_text(of)};
}

void add_releases(view const& in, workload_scene& to) {
    for (auto const& row : in.list<release>("workload/" + to.wanted->id.text())) {
        auto const* const size = to.record.find_size(row->id);
        to.releases.push_back({row->id, row->number, size == nullptr ? std::nullopt : std::optional(*size)});
    }
}

void add_counts(view const& in, workload_scene& to) {
    auto const kept =
        to.wanted->kind == workload_kind::job ? in.find<document>(job_record_key(*to.wanted)) : stored<document>();
    if (!kept) return;
    auto read = parse_job_record(*kept);
    if (read)
        to.counts = std::move(*read);
    else
        to.damage = read.error();
}

}  // namespace

/// A Deployment's instances are those of its releases.
bool adopts(workload const& row) {
    auto const is_by_selector = row.kind == workload_kind::replica_set || row.kind == workload_kind::daemon_set ||
                                row.kind == workload_kind::stateful_set;
    return is_by_selector && !row.definition->upkeep.selector.is_empty();
}

bool needs_instances_seen(view const& in, workload const& wanted) {
    if (adopts(wanted) && in.count<instance>(orphan_index(wanted.tenant)) > 0) return true;
    auto const absent = in.list<node>(unheard_index);
    if (absent.size() > absent_looked_at_max) return true;
    return std::ranges::any_of(absent, [&](auto const& where) {
        return std::ranges::any_of(in.list<instance>(rik::node_index(where->id)),
                                   [&](auto const& row) { return row->owner() == wanted.id; });
    });
}

workload_scene look_at_record(view const& in, stored<workload> const& wanted) {
    workload_scene found;
    found.wanted = wanted;
    found.record.workload = wanted->id;
    found.kept = in.find<document>(rollout_key(*wanted));
    auto read = found.kept ? parse_rollout(*found.kept) : found.record;
    if (read)
        found.record = std::move(*read);
    else
        found.damage = read.error();
    return found;
}

workload_scene look_at_releases(view const& in, stored<workload> const& wanted) {
    auto found = look_at_record(in, wanted);
    add_releases(in, found);
    return found;
}

workload_scene look_at(view const& in, stored<workload> const& wanted, absence_rule rule, wall_time now) {
    auto found = look_at_releases(in, wanted);
    add_counts(in, found);
    add_instances(in, found, rule, now);
    add_strangers(in, found);
    if (wanted->kind != workload_kind::daemon_set) return found;
    found.node_rows = in.list<node>();
    for (auto const& each : found.node_rows) found.nodes.push_back(each.row.get());
    return found;
}

rik::workload_plan plan_of(workload_scene const& scene, workload_progress const* before, wall_time now) {
    if (before == nullptr && scene.kept) before = &scene.record.progress;
    auto plan = plan_workload({.wanted = *scene.wanted,
                               .instances = scene.instances,
                               .releases = scene.releases,
                               .nodes = scene.nodes,
                               .now = now,
                               .before = before,
                               .restart = scene.record.restart ? &*scene.record.restart : nullptr,
                               .counts = scene.counts ? &*scene.counts : nullptr,
                               .loses_some = !scene.lost.empty()});
    auto absent = absence_of(scene, plan.progress);
    if (!absent.text.empty()) plan.progress.held_up = std::move(absent.text);
    if (scene.next_lost_at)
        plan.look_again = std::min(plan.look_again.value_or(*scene.next_lost_at), *scene.next_lost_at);
    if (scene.held_count > 0 && nobody_could_tell(scene.hold)) {
        wall_time const later = now + held_pause;
        plan.look_again = std::min(plan.look_again.value_or(later), later);
    }
    return plan;
}

rik::workload_plan plan_of(workload_scene const& scene, instance_counts const& counts, workload_progress const& before,
                           wall_time now) {
    return plan_at_rest({.wanted = *scene.wanted, .releases = scene.releases, .now = now, .before = &before}, counts);
}

std::string_view hold_reason(workload_scene const& scene, workload_progress const& now) {
    auto const absent = absence_of(scene, now);
    return absent.text == now.held_up ? absent.reason : "CreationWaits";
}

namespace {

/// "waiting (ImagePullFailed), restarted 3 times: no such image"
std::string container_text(container_status const& of) {
    auto const reason = of.reason.empty() ? std::string() : fmt::format(" ({})", of.reason);
    auto const restarts = of.restart_count == 0 ? std::string() : fmt::format(", restarted {} times", of.restart_count);
    auto const message = of.message.empty() ? std::string() : ": " + of.message;
    return fmt::format("; container {}: {}{}{}{}", of.name, to_string(of.state), reason, restarts, message);
}

}  // namespace

std::string culprit_text(view const& in, workload const& wanted) {
    for (auto const& row : in.list<instance>(owner_index(wanted.id))) {
        auto const is_current = row->made_from()->id == wanted.current_release;
        if (!is_current || row->is_condemned() || is_finished(row->state()) || row->status().ready) continue;
        auto const& is = row->status();
        auto text = fmt::format(" Instance {} is {} ({}): {}", row->name(), to_string(is.state), is.reason, is.message);
        auto const waits = std::ranges::find(is.containers, false, &container_status::ready);
        return waits == is.containers.end() ? text : text + container_text(*waits);
    }
    return {};
}

bool comes_to_rest(workload_scene const& scene, rik::workload_plan const& plan) {
    auto const& wish = scene.wanted->restart;
    auto const& course = scene.record.restart;
    auto const is_restarted = !wish || (course && course->asked_at == wish->at && course->is_done);
    auto const moves_none = plan.creations.empty() && plan.removals.empty() && plan.adopted.empty() &&
                            plan.let_go.empty() && plan.restarts.empty();
    return is_restarted && moves_none && scene.lost.empty() && scene.held_count == 0 && !scene.damage;
}

}  // namespace rik::detail
