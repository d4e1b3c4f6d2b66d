#include "plan_writer_detail.hpp"

#include "instance_changes_detail.hpp"
#include "name_suffix_detail.hpp"
#include "node_changes_detail.hpp"
#include "unplaced_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/variables.hpp>
#include <rik/placement/shortage_text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::size_t told_names_max = 5;
constexpr std::size_t base_name_bytes_max = limits::label_bytes_max - name_suffix_size - 1;  ///< it is a host name, too

/// "web-x2k4v, web-8wz5m, and 3 more"
std::string told(std::vector<std::string> const& names) {
    auto const shown = std::min(names.size(), told_names_max);
    auto text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (names.size() > shown) text += fmt::format(", and {} more", names.size() - shown);
    return text;
}

bool has_same_times(rare<job_progress> const& a, rare<job_progress> const& b) {
    if (!a || !b) return a.has_value() == b.has_value();
    return a->started_at == b->started_at && a->finished_at == b->finished_at;
}

/// Do two say the same but for their counts, and when it was said?
bool has_same_conditions(workload_progress const& a, workload_progress const& b) {
    return a.release == b.release && a.stable == b.stable && a.is_complete == b.is_complete && a.state == b.state &&
           a.held_up == b.held_up && a.conditions == b.conditions && has_same_times(a.job, b.job);
}

/// Its progress deadline has passed with this look; null: it has not, or had before.
workload_condition const* newly_stuck(workload_progress const& before, workload_progress const& now) {
    constexpr auto type = workload_condition_type::progressing;
    auto const* const said = now.find(type);
    auto const* const last = before.find(type);
    if (said == nullptr || said->status != condition_status::no) return nullptr;
    return last != nullptr && last->status == condition_status::no ? nullptr : said;
}

/// Of the steps that are told: what is among the newest is not told again.
constexpr std::size_t steps_looked_at = 8;

/// What of a Job becomes true once, and has its event then.
constexpr std::array told_conditions{workload_condition_type::suspended, workload_condition_type::success_criteria_met,
                                     workload_condition_type::failure_target, workload_condition_type::complete,
                                     workload_condition_type::failed};

}  // namespace

plan_rest plan_writer::write(workload_scene scene, rik::workload_plan const& plan, transaction& into) {
    slice part{.scene = scene, .into = into, .room = limits::instances_per_slice_max};
    write_sizes(part, plan);
    write_lost(part);
    write_owners(part, plan);
    write_removals(part, plan);
    auto const creations_count = write_creations(part, plan);
    write_bindings(part);
    write_restarts(part, plan);
    write_record(part, plan);
    return {.has_more = plan.has_more || part.room == 0, .is_short = part.is_short, .creations_count = creations_count};
}

void plan_writer::say(slice& part, std::string reason, std::string message, event_type type) {
    auto happened = events_.about(*part.scene.wanted);
    happened.type = type;
    happened.reason = std::move(reason);
    happened.message = message;
    events_.note(part.into, std::move(happened));
    part.steps.push_back({time_.wall(), std::move(message)});
}

/// Each look finds it anew.
void plan_writer::say_once(slice& part, std::string reason, std::string message) {
    auto const is_it = [&](rollout_step const& each) { return each.what == message; };
    auto const& told = part.scene.record.steps;
    auto const newest = told.size() - std::min(told.size(), steps_looked_at);
    if (std::any_of(told.begin() + static_cast<std::ptrdiff_t>(newest), told.end(), is_it)) return;
    if (std::ranges::any_of(part.steps, is_it)) return;
    say(part, std::move(reason), std::move(message));
}

void plan_writer::write_sizes(slice& part, rik::workload_plan const& plan) {
    std::vector<std::string> said;
    for (auto const& each : plan.sizes) {
        part.is_recorded = true;
        part.scene.record.set_size(each.release, each.size);
        if (!each.why.empty()) said.push_back(each.why);
    }
    if (!said.empty()) say(part, "Scaling", fmt::format("{}", fmt::join(said, " ")));
    for (auto const& each : plan.forgotten) {
        auto const row = state_.head().find<release>(each);
        if (!row || state_.count_made_from(each) > 0) continue;
        part.is_recorded = true;
        part.scene.record.forget_size(each);
        part.into.remove<release>(each, row.changed_at);
    }
}

void plan_writer::write_lost(slice& part) {
    std::map<std::string, std::vector<std::string>> names_by_why;
    for (auto const& each : part.scene.lost) {
        if (part.room == 0) break;
        --part.room;
        part.written.insert(each.row->id());
        removals_.condemn(part.into, each.row, each.why, departure::disrupted);
        names_by_why[each.why].push_back(each.row->name());
    }
    for (auto const& [why, names] : names_by_why)
        say(part, "InstancesGivenUp", fmt::format("gave up {}: {}: {}", count_text(names.size()), told(names), why),
            event_type::warning);
}

void plan_writer::write_removals(slice& part, rik::workload_plan const& plan) {
    std::map<std::string, std::vector<std::string>> names_by_why;
    for (auto const& each : plan.removals) {
        if (part.room == 0) break;
        auto const row = state_.head().find<instance>(each.instance);
        if (!row || row->is_condemned()) continue;
        --part.room;
        part.written.insert(row->id());
        removals_.condemn(part.into, row, each.why, each.is_excused ? departure::excused : departure::asked);
        names_by_why[each.why].push_back(row->name());
    }
    for (auto const& [why, names] : names_by_why)
        say(part, "InstancesRemoved", fmt::format("removed {}: {}: {}", count_text(names.size()), told(names), why));
}

/// What was nobody's, or its own, when it was planned may have been deleted or taken since.
void plan_writer::write_owners(slice& part, rik::workload_plan const& plan) {
    std::vector<std::string> taken;
    std::vector<std::string> let_go;
    auto const find = [&](instance_id const& which, std::optional<workload_id> const& owner) {
        auto row = state_.head().find<instance>(which);
        auto const is_still_so = part.room > 0 && row && row->owner() == owner && !row->is_condemned();
        return is_still_so ? row : stored<instance>();
    };
    auto const put = [&](stored<instance> const& before, instance next, std::vector<std::string>& names) {
        --part.room;
        part.written.insert(next.id());
        names.push_back(next.name());
        part.into.put(std::move(next), before.changed_at);
    };
    auto const& own = part.scene.wanted->id;
    for (auto const& each : plan.adopted)
        if (auto const row = find(each.instance, std::nullopt)) put(row, adopted(*row, own, each.index), taken);
    for (auto const& each : plan.let_go)
        if (auto const row = find(each, own)) put(row, orphaned(*row), let_go);
    if (!taken.empty())
        say(part, "InstancesAdopted", fmt::format("adopted {}: {}", count_text(taken.size()), told(taken)));
    if (!let_go.empty())
        say(part, "InstancesLetGo",
            fmt::format("let go of {}, whose labels the selector does not mean any more: {}", count_text(let_go.size()),
                        told(let_go)));
}

std::string plan_writer::free_name(slice const& part) {
    auto base = part.scene.wanted->name.substr(0, base_name_bytes_max);
    while (base.ends_with('-') || base.ends_with('.')) base.pop_back();
    return name_with_suffix(random_, std::move(base), [&](std::string_view name) {
        auto const taken = state_.head().find_named<instance>(instance_name(part.scene.wanted->tenant, name));
        return !taken && !part.names.contains(std::string(name));
    });
}

namespace {

/// An operator's cordon and taints are minded by the controller, which tolerates some of them.
std::optional<candidate> place_of(cluster_view const& ledger, node_id const& where) {
    auto const* const found = ledger.find(where);
    if (found == nullptr) return std::nullopt;
    auto without_standing = *found;
    without_standing.standing = {};
    return without_standing;
}

bool surges(workload const& of) {
    auto const& upkeep = of.definition->upkeep;
    return upkeep.policy == update_policy::rolling && upkeep.max_surge.value > 0;
}

/// Why `row` is not bound to the node that it is meant for, which lacks something.
std::string wait_text(cluster_state const& state, placement_policy const& policy, workload const& wanted,
                      instance const& row, candidate const& place) {
    auto waits_for_own = false;
    instance_names const names = [&](instance_id const& which) {
        auto const holder = state.head().find<instance>(which);
        if (!holder) return std::string();
        auto const of = holder->owner() ? state.head().find<workload>(*holder->owner()) : stored<workload>();
        if (!of) return holder->name();
        waits_for_own = waits_for_own || (of->id == wanted.id && !holder->is_condemned());
        return fmt::format("{} of workload {}", holder->name(), of->name);
    };
    auto text = fmt::format("waits for node {}, which it is meant for: {}", place.name,
                            shortage_text(place, *row.made_from(), policy, names));
    if (waits_for_own && surges(wanted))
        text +=
            "; that is the old one, which goes only when a new one is ready: with a hostPort, write maxSurge: 0 and "
            "maxUnavailable: 1";
    return text;
}

}  // namespace

std::optional<node_binding> plan_writer::binding_for(release const& what, node_id const& where) const {
    auto const place = place_of(state_.ledger(), where);
    if (!place || rik::refuse(*place, what, policy_)) return std::nullopt;
    return node_binding{.node = where, .fence = state_.next_revision()};
}

result<void> plan_writer::create(slice& part, to_create const& what) {
    auto const from = state_.head().find<release>(what.release).row;
    if (!from) return error{errc::not_found, "its release has gone"};
    auto const is_named = has_identities(part.scene.wanted->kind) && what.index;
    new_instance wanted{.from = from, .index = what.index, .meant_for = what.node};
    wanted.name = is_named ? ordinal_name(*from->definition, *what.index) : free_name(part);
    if (what.node) wanted.binding = binding_for(*from, *what.node);
    auto name = wanted.name;
    auto const added = creation_.add(part.into, *part.scene.wanted, std::move(wanted));
    if (!added) return added.error();
    part.names.insert(std::move(name));
    return {};
}

std::size_t plan_writer::write_creations(slice& part, rik::workload_plan const& plan) {
    auto const is_named = has_identities(part.scene.wanted->kind);
    std::size_t done = 0;
    for (; done < plan.creations.size() && part.room > 0; ++done) {
        auto const created = create(part, plan.creations[done]);
        if (created) --part.room;
        if (!created && created.error().code == errc::conflict && is_named) {
            part.is_short = true;  // whoever has the name gives it back, or not
            say_once(part, "NameTaken",
                     fmt::format("{}: {} {} waits until that one is gone", created.error().message,
                                 to_string(part.scene.wanted->kind), part.scene.wanted->name));
        }
        if (created || created.error().code != errc::exhausted) continue;
        part.is_short = true;
        say_once(part, "InstancesNotCreated", to_string(created.error()));
        break;
    }
    std::vector<std::string> const made(part.names.begin(), part.names.end());
    if (!made.empty()) say(part, "InstancesCreated", fmt::format("made {}: {}", count_text(made.size()), told(made)));
    return done;
}

/// What is meant for one node and had no room there is tried again: no scheduler places it.
void plan_writer::write_bindings(slice& part) {
    for (auto const& row : part.scene.rows) {
        if (part.room == 0) return;
        if (!row->is_pending() || !row->meant_for() || part.written.contains(row->id())) continue;
        if (bind(part, row)) --part.room;
    }
}

/// If its node has no room for it now, its row says what lacks. Returns true if the row is written.
bool plan_writer::bind(slice& part, stored<instance> const& row) {
    auto binding = binding_for(*row->made_from(), *row->meant_for());
    if (!binding) {
        auto const place = place_of(state_.ledger(), *row->meant_for());
        return place &&
               note_unplaced(part.into, events_, row, wait_text(state_, policy_, *part.scene.wanted, *row, *place));
    }
    auto const port = ports_.choose_on(*state_.ledger().find(binding->node), *row, part.into);
    part.is_short = part.is_short || !port;
    if (!port) return false;
    auto next = row->fields();
    next.binding = std::move(binding);
    next.exposed_port = *port;
    next.status.reason = "Scheduled";
    next.status.message = "its node has room for it now";
    part.into.put(instance(std::move(next)), row.changed_at);
    return true;
}

/// In the order of the plan: what a slice leaves out has its turn in the next.
void plan_writer::write_restarts(slice& part, rik::workload_plan const& plan) {
    if (!plan.restart) return;
    part.is_recorded = true;
    std::vector<std::string> names;
    auto course = plan.restart;
    auto const& before = part.scene.record.restart;
    auto const is_begun = before && before->asked_at == course->asked_at;
    if (!plan.restarts.empty()) course->reached = is_begun ? before->reached : std::nullopt;
    for (auto const& each : plan.restarts) {
        if (part.room == 0) break;
        course->reached = each;
        auto const row = state_.head().find<instance>(each);
        if (!row || !row->is_bound() || part.written.contains(each)) continue;
        --part.room;
        names.push_back(row->name());
        part.into.put(restarted(*row), row.changed_at);
    }
    part.scene.record.restart = course;
    if (!names.empty()) say(part, "Restarting", fmt::format("restarting in place: {}", told(names)));
    if (course->is_done) say(part, "Restarted", "all instances that were there have been restarted in place");
}

/// That a Job was suspended or resumed, and how it has come to its end; and that a rollout does not go on.
void plan_writer::write_news(slice& part, workload_progress const& now) {
    if (auto const* const stuck = newly_stuck(part.scene.record.progress, now))
        say(part, stuck->reason, stuck->message + culprit_text(state_.head(), *part.scene.wanted), event_type::warning);
    for (auto const type : told_conditions) {
        auto const* const said = now.find(type);
        auto const* const before = part.scene.record.progress.find(type);
        if (said == nullptr || (before != nullptr && before->status == said->status)) continue;
        if (before == nullptr && said->status != condition_status::yes) continue;
        say(part, said->reason, fmt::format("{}: {}", to_string(type), said->message));
    }
}

void plan_writer::write_record(slice& part, rik::workload_plan const& plan) {
    auto& record = part.scene.record;
    if (!plan.progress.held_up.empty() && plan.progress.held_up != record.progress.held_up)
        say(part, std::string(hold_reason(part.scene, plan.progress)), plan.progress.held_up);
    write_news(part, plan.progress);
    auto const is_told = part.scene.kept && has_same_conditions(record.progress, plan.progress);
    if (is_told && part.steps.empty() && !part.is_recorded) return;
    record.progress = plan.progress;
    for (auto& each : part.steps) record.add_step(std::move(each));
    part.into.put(to_document(record, *part.scene.wanted), part.scene.kept.changed_at);
}

}  // namespace rik::detail
