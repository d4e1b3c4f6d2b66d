#include "common_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <compare>
#include <set>
#include <utility>

namespace rik {

namespace {

std::int32_t deletion_cost_of(string_map const& annotations) {
    auto const found = annotations.find("controller.kubernetes.io/pod-deletion-cost");
    std::int32_t cost = 0;
    if (found == annotations.end()) return cost;
    auto const& text = found->second;
    auto const [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), cost);
    return failed == std::errc() && stop == text.data() + text.size() ? cost : 0;
}

std::uint64_t restart_count_of(instance_status const& of) {
    std::uint64_t count = 0;
    for (auto const& each : of.containers) count += each.restart_count;
    return count;
}

}  // namespace

seen_instance see(instance const& row, workload_id const& viewer) {
    seen_instance seen{.id = row.id(), .name = row.name(), .made_from = row.made_from()->id, .index = row.index()};
    seen.state = row.state();
    seen.reason = row.status().reason;
    seen.has_identity = has_identities(row.made_from()->definition->kind);
    seen.is_own = row.owner() == viewer;
    seen.is_leaving = row.deleting_since() || row.is_condemned();
    seen.has_ended = is_finished(row.state()) || (row.binding() && !row.occupies_room());
    seen.is_ready = row.status().ready;
    seen.is_restarting = row.restarts() > row.status().restarts;
    seen.ready_since = row.status().ready_since;
    seen.created_at = row.created_at();
    seen.state_since = row.status().since;
    if (row.binding()) seen.node = row.binding()->node;
    seen.meant_for = row.meant_for();
    seen.restart_count = restart_count_of(row.status());
    seen.deletion_cost = deletion_cost_of(instance_annotations(*row.made_from()->definition));
    seen.labels = &row.labels();
    return seen;
}

seen_instance see_unheard(instance const& row, workload_id const& viewer) {
    auto seen = see(row, viewer);
    seen.is_ready = false;
    seen.is_unheard = true;
    seen.ready_since = std::nullopt;
    return seen;
}

bool workload_plan::changes_nothing() const {
    return sizes.empty() && adopted.empty() && let_go.empty() && removals.empty() && creations.empty() &&
           forgotten.empty() && restarts.empty() && !restart;
}

namespace {

workload_plan plan_by_kind(workload_view const& of) {
    switch (of.wanted.kind) {
        case workload_kind::replica_set: return plan_replica_set(of);
        case workload_kind::deployment: return plan_deployment(of);
        case workload_kind::daemon_set: return plan_daemon_set(of);
        case workload_kind::job: return plan_job(of);
        case workload_kind::stateful_set: return plan_stateful_set(of);
        case workload_kind::cron_job:
        case workload_kind::pod:
        case workload_kind::function: break;
    }
    return {};
}

void say_state(workload_view const& of, workload_plan& plan) {
    plan.progress.generation = of.wanted.generation;
    auto const first = has_end(of.wanted.kind) ? workload_state::active : workload_state::provisioning;
    auto const from = of.before == nullptr ? first : of.before->state;
    plan.progress.state = next_state(from, of.before, plan.progress, of.wanted);
}

}  // namespace

workload_plan plan_workload(workload_view const& of) {
    auto plan = plan_by_kind(of);
    // What has identities is restarted while nothing else happens to it, so that no more than one is unavailable.
    auto const waits = has_identities(of.wanted.kind) && !plan.progress.is_complete;
    if (!waits || (of.wanted.restart && of.wanted.restart->is_at_once)) plan_restart(of, plan);
    say_state(of, plan);
    return plan;
}

bool is_at_rest(workload const& wanted, instance_counts const& counts) {
    auto const is_counted = wanted.kind == workload_kind::replica_set || wanted.kind == workload_kind::deployment;
    // Who becomes available at a time must be seen.
    if (!is_counted || wanted.definition->upkeep.min_ready != duration()) return false;
    if (counts.active != wanted.wanted_replicas() || counts.leaving > 0) return false;
    if (counts.restarting > 0 || counts.relabelled > 0) return false;
    auto const current = counts.of_release.find(wanted.current_release);
    return current != counts.of_release.end() && current->second == counts.all;
}

workload_plan plan_at_rest(workload_view const& of, instance_counts const& counts) {
    workload_plan plan;
    plan.progress.release = of.wanted.current_release;
    plan.progress.have = plan.progress.updated = counts.active;
    plan.progress.ready = plan.progress.available = counts.ready;
    if (of.wanted.kind == workload_kind::deployment)
        detail::settle_deployment(of, counts.active, plan);
    else
        detail::settle_replica_set(of, plan);
    say_state(of, plan);
    return plan;
}

namespace detail {

bool is_active(seen_instance const& of) {
    return !of.is_leaving && !is_finished(of.state) && of.state != instance_state::destroying;
}

// What counts

namespace {

bool is_meant(label_selector const& by, seen_instance const& which) {
    static string_map const none;
    return !by.is_empty() && by.matches(which.labels == nullptr ? none : *which.labels);
}

}  // namespace

claimed_instances::claimed_instances(workload_view const& of, workload_plan& plan) {
    // The instances of a Deployment are those of its releases, whatever its selector has become.
    static label_selector const none;
    auto const is_by_release = of.wanted.kind == workload_kind::deployment;
    auto const& selector = is_by_release ? none : of.wanted.definition->upkeep.selector;
    instance_list strangers;
    for (auto const& each : of.instances) {
        if (!is_active(each)) continue;
        auto const is_ours = is_meant(selector, each);
        if (!each.is_own && is_ours) strangers.push_back(&each);
        if (!each.is_own) continue;
        if (selector.is_empty() || is_ours)
            active_.push_back(&each);
        else
            plan.let_go.push_back(each.id);
    }
    auto const has_indexes = of.wanted.kind != workload_kind::daemon_set;
    free_indexes indexes(active_, {});
    for (auto const* each : strangers) {
        plan.adopted.push_back({each->id, has_indexes ? std::optional(indexes.take()) : std::nullopt});
        active_.push_back(each);
    }
}

bool availability::operator()(seen_instance const& of) const {
    if (!of.is_ready) return false;
    return min_ready_ == wall_time::duration() || (of.ready_since && *of.ready_since + min_ready_ <= now_);
}

std::optional<wall_time> availability::comes_at(seen_instance const& of) const {
    if (!of.is_ready || !of.ready_since || (*this)(of)) return std::nullopt;
    return *of.ready_since + min_ready_;
}

// The order in which instances go

struct removal_order::ranked {
    seen_instance const* which;
    bool is_available;
    std::int64_t beside_count;  ///< how many of the workload are on its node
};

namespace {

/// Pending, then what nobody knows, then running.
int phase_rank(seen_instance const& of) { return of.state == instance_state::running ? 1 : 0; }

/// Ages of one power of two are as good as equal: else the newest node would lose all it has.
/// Source: Kubernetes, LogarithmicScaleDown.
int age_rank(wall_time since, wall_time now) {
    auto const age = std::chrono::duration_cast<duration>(now - since).count();
    return age <= 0 ? -1 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(age))) - 1;
}

/// Below 0: what is `a` goes first.
template <class Value>
int ascending(Value const& a, Value const& b) {
    return a < b ? -1 : (b < a ? 1 : 0);
}

int compare_ages(wall_time a, wall_time b, wall_time now) { return ascending(age_rank(a, now), age_rank(b, now)); }

}  // namespace

removal_order::removal_order(workload_view const& of, instance_list const& active, first rule)
    : of_(of), is_available_(of), rule_(rule), active_(active) {}

int removal_order::compare_as_kubernetes(ranked const& a, ranked const& b) const {
    auto const& one = *a.which;
    auto const& other = *b.which;
    if (auto const by = ascending(one.node.has_value(), other.node.has_value()); by != 0) return by;
    if (auto const by = ascending(phase_rank(one), phase_rank(other)); by != 0) return by;
    if (auto const by = ascending(one.is_ready, other.is_ready); by != 0) return by;
    if (auto const by = ascending(one.deletion_cost, other.deletion_cost); by != 0) return by;
    if (auto const by = ascending(b.beside_count, a.beside_count); by != 0) return by;
    if (one.is_ready && one.ready_since && other.ready_since && *one.ready_since != *other.ready_since)
        return compare_ages(*one.ready_since, *other.ready_since, of_.now);
    if (auto const by = ascending(other.restart_count, one.restart_count); by != 0) return by;
    return compare_ages(one.created_at, other.created_at, of_.now);
}

bool removal_order::goes_before(ranked const& a, ranked const& b) const {
    auto const is_kubernetes = of_.wanted.definition->form == definition_form::kubernetes;
    if (rule_ == first::unavailable || !is_kubernetes)
        if (a.is_available != b.is_available) return b.is_available;
    if (is_kubernetes) {
        auto const by = compare_as_kubernetes(a, b);
        return by != 0 ? by < 0 : a.which->id < b.which->id;
    }
    if (a.which->index != b.which->index)
        return !a.which->index || (b.which->index && *a.which->index > *b.which->index);
    return a.which->id < b.which->id;
}

void removal_order::sort(instance_list& which) const {
    std::map<node_id, std::int64_t> count_on;
    for (auto const* each : active_)
        if (each->node) ++count_on[*each->node];
    std::vector<ranked> all;
    all.reserve(which.size());
    for (auto const* each : which) {
        auto const found = each->node ? count_on.find(*each->node) : count_on.end();
        all.push_back({each, is_available_(*each), found == count_on.end() ? 0 : found->second});
    }
    std::ranges::sort(all, [&](ranked const& a, ranked const& b) { return goes_before(a, b); });
    std::ranges::transform(all, which.begin(), &ranked::which);
}

// Indexes

free_indexes::free_indexes(instance_list const& active, std::span<to_adopt const> adopted) {
    for (auto const* each : active)
        if (each->index) taken_.push_back(*each->index);
    for (auto const& each : adopted)
        if (each.index) taken_.push_back(*each.index);
}

std::uint32_t free_indexes::take() {
    if (!std::exchange(is_sorted_, true)) std::ranges::sort(taken_);
    for (; passed_ < taken_.size() && taken_[passed_] <= next_; ++passed_)
        if (taken_[passed_] == next_) ++next_;
    return next_++;
}

// Plans

bool may_retry(workload_view const& of, release_id const& release, std::int64_t wanted, workload_plan& plan) {
    std::int64_t failures = 0;
    wall_time last;
    seen_instance const* newest = nullptr;
    for (auto const& each : of.instances) {
        auto const has_ended = each.is_own && is_finished(each.state) && each.made_from == release;
        if (!has_ended || each.state_since + failures_forgotten_after <= of.now) continue;
        ++failures;
        if (newest == nullptr || each.state_since > last) newest = &each;
        last = std::max(last, each.state_since);
    }
    auto const rounds = static_cast<std::size_t>(failures / std::max<std::int64_t>(wanted, 1));
    auto const next = last + pause_after(rounds);
    if (rounds == 0 || next <= of.now) return true;
    look_again_at(plan, next);
    plan.progress.held_up =
        fmt::format("{} of its instances {} ended of late, the last one, {}, with {}: the next is made at {}", failures,
                    failures == 1 ? "has" : "have", newest->name, newest->reason,
                    to_string(std::chrono::ceil<std::chrono::seconds>(next)));
    return false;
}

void look_again_at(workload_plan& plan, std::optional<wall_time> at) {
    if (at && (!plan.look_again || *at < *plan.look_again)) plan.look_again = at;
}

void add_removal(workload_view const& of, workload_plan& plan, seen_instance const& which, std::string why) {
    if (plan.removals.size() < of.changes_max)
        plan.removals.push_back({which.id, std::move(why)});
    else
        plan.has_more = true;
}

void add_creation(workload_view const& of, workload_plan& plan, to_create made) {
    if (plan.creations.size() < of.changes_max)
        plan.creations.push_back(std::move(made));
    else
        plan.has_more = true;
}

void count_progress(workload_view const& of, instance_list const& active, workload_plan& plan) {
    auto& progress = plan.progress;
    availability const is_available(of);
    progress.release = of.wanted.current_release;
    for (auto const* each : active) {
        ++progress.have;
        if (each->made_from == of.wanted.current_release) ++progress.updated;
        if (each->is_ready) ++progress.ready;
        if (is_available(*each)) ++progress.available;
        look_again_at(plan, is_available.comes_at(*each));
    }
    progress.leaving = std::ranges::count_if(of.instances, [](auto const& each) {
        return each.is_own && !is_active(each) && (!is_finished(each.state) || each.is_leaving);
    });
}

void forget_releases(workload_view const& of, std::uint64_t kept, workload_plan& plan) {
    std::set<release_id> used{of.wanted.current_release, plan.progress.stable};
    for (auto const& each : of.instances) used.insert(each.made_from);
    for (auto const& each : plan.creations) used.insert(each.release);
    std::vector<seen_release const*> unused;
    for (auto const& each : of.releases)
        if (!used.contains(each.id) && (!each.size || each.size->count == 0)) unused.push_back(&each);
    std::ranges::sort(unused, {}, [](auto const* each) { return std::pair(each->number, each->id); });
    for (std::size_t i = 0; i + kept < unused.size(); ++i) plan.forgotten.push_back(unused[i]->id);
}

seen_release const* find_release(workload_view const& of, release_id const& which) {
    auto const found = std::ranges::find(of.releases, which, &seen_release::id);
    return found == of.releases.end() ? nullptr : &*found;
}

std::string number_text(std::int64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace detail

}  // namespace rik
