#include "upkeep_detail.hpp"

#include "lookup_detail.hpp"
#include "node_changes_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>
#include <utility>

namespace rik::detail {

// What may be asked, and what follows

namespace {

std::string words_for(workload const& row) { return fmt::format("{} {}", to_string(row.kind), row.name); }

error not_managed(workload const& row) {
    return error{
        errc::conflict, fmt::format("{} keeps no instances by itself", words_for(row)), "kind",
        "create and delete its instances; a ReplicaSet, a Deployment, a DaemonSet or a StatefulSet keeps them"};
}

error refused_by_state(workload const& row, workload_state from, workload_state to, std::string remedy) {
    return error{errc::conflict,
                 fmt::format("{} is {}: it cannot become {}", words_for(row), to_string(from), to_string(to)),
                 {},
                 std::move(remedy)};
}

result<upkeep_change> plan_pause(workload const& row, workload_state state, wall_time now) {
    if (state == workload_state::paused) return upkeep_change();
    if (!may_follow(state, workload_state::paused))
        return refused_by_state(row, state, workload_state::paused,
                                "wait until it is active, or ask for another count of instances");
    upkeep_change made{.next = row, .reason = "Paused"};
    made.next->paused_since = now;
    made.message = row.kind == workload_kind::daemon_set
                       ? std::string("no node is to have an instance until it is resumed")
                       : fmt::format("no instance is wanted until it is resumed; {} were", row.replicas);
    return made;
}

bool is_held(workload const& row) {
    auto const& upkeep = row.definition->upkeep;
    return upkeep.cron ? upkeep.cron->is_suspended : upkeep.job->is_suspended;
}

error not_paused(workload const& row) {
    auto const has_rollout_paused = row.definition->upkeep.is_paused && row.kind == workload_kind::deployment;
    return error{errc::conflict,
                 fmt::format("{} is not {}", words_for(row), has_end(row.kind) ? "suspended" : "paused"),
                 {},
                 has_rollout_paused ? "its rollout is paused: rikctl rollout resume" : "there is nothing to resume"};
}

result<upkeep_change> plan_resume(workload const& row, workload_state state) {
    if (state == workload_state::destroying)
        return refused_by_state(row, state, workload_state::scaling, "create it again when it is gone");
    if (!row.paused_since) return not_paused(row);
    upkeep_change made{.next = row, .reason = "Resumed"};
    made.next->paused_since = std::nullopt;
    made.message = row.kind == workload_kind::daemon_set ? std::string("nodes have their instances again")
                                                         : count_text(row.replicas) + " wanted again";
    return made;
}

result<upkeep_change> plan_restart_wish(workload const& row, workload_state state, restart_wish wish) {
    if (row.kind == workload_kind::cron_job)
        return error{errc::conflict,
                     fmt::format("{} has no instances of its own", words_for(row)),
                     {},
                     fmt::format("start a Job of it now: rikctl create job --from cronjob/{}", row.name)};
    if (has_end(row.kind))
        return error{errc::conflict,
                     fmt::format("{} comes to its end: nothing of it is restarted", words_for(row)),
                     {},
                     "delete it and create it again"};
    if (state != workload_state::active)
        return error{errc::conflict,
                     fmt::format("{} is {}: only what is active is restarted", words_for(row), to_string(state)),
                     {},
                     "wait until it is active; rikctl restart restarts single instances"};
    upkeep_change made{.next = row, .reason = "RestartWanted"};
    made.next->restart = wish;
    made.message = wish.is_at_once ? "a user has asked for all its instances to restart at once"
                                   : "a user has asked for its instances to restart, one after the other";
    return made;
}

/// Of members that stand in spec, or at the top in RIK's form.
std::string spec_patch(workload const& row, std::string members) {
    return row.definition->form == definition_form::rik ? members : fmt::format(R"({{"spec":{}}})", members);
}

std::optional<error> check_suspend(workload const& row, workload_state state, workload_state to) {
    if (state != workload_state::succeeded && state != workload_state::failed && state != workload_state::destroying)
        return std::nullopt;
    return refused_by_state(row, state, to, "nothing of it runs any more; create it again");
}

std::optional<error> check_scale(workload const& row, std::uint32_t replicas) {
    if (!is_managed(row.kind)) return not_managed(row);
    if (row.kind == workload_kind::daemon_set)
        return error{errc::conflict, fmt::format("{} has one instance on each node: it has no count", words_for(row)),
                     "replicas", "choose its nodes by nodeSelector; rikctl pause takes all of them away"};
    if (has_end(row.kind))
        return error{errc::conflict, fmt::format("{} has no count that is kept", words_for(row)), "replicas",
                     row.kind == workload_kind::job ? "change parallelism in its definition: rikctl edit workload"
                                                    : "change parallelism in the template of its Jobs: rikctl edit "
                                                      "workload"};
    if (replicas > limits::replicas_per_workload_max)
        return error{errc::invalid, fmt::format("{} replicas were asked for", replicas), "replicas",
                     fmt::format("ask for 0 to {}", limits::replicas_per_workload_max)};
    return std::nullopt;
}

}  // namespace

// Changes

awaitable<result<stored<workload>>> primary_upkeep::scale(caller who, object_ref which, std::uint32_t replicas,
                                                          expected_revision expected) {
    auto refusal = authorize(who, verb::update, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), scale_here(std::move(who), std::move(which), replicas, expected));
}

awaitable<result<stored<workload>>> primary_upkeep::scale_here(caller who, object_ref which, std::uint32_t replicas,
                                                               expected_revision expected) {
    auto const found = find_workload(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = **found;
    if (auto const wrong = check_scale(row, replicas)) co_return co_await state_.when_durable(*wrong);
    if (row.paused_since && row.replicas == replicas) {
        auto resuming = change_here(std::move(who), std::move(which), expected, plan_resume);
        co_return co_await std::move(resuming);
    }
    change_options const how{.expected = expected};
    auto changing =
        workloads_.change(std::move(who), row.id, spec_patch(row, fmt::format(R"({{"replicas":{}}})", replicas)), how);
    auto changed = co_await std::move(changing);
    if (!changed) co_return changed.error();
    co_return std::move(changed->row);
}

/// Errors: as change_here; conflict, the Job has finished.
awaitable<result<stored<workload>>> primary_upkeep::suspend_here(caller who, object_ref which, bool is_suspended,
                                                                 expected_revision expected, decision otherwise) {
    auto const found = find_workload(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = **found;
    if (!has_end(row.kind)) {  // a Job is suspended by its definition, as in Kubernetes
        auto changing = change_here(std::move(who), std::move(which), expected, std::move(otherwise));
        co_return co_await std::move(changing);
    }
    auto const wanted = is_suspended ? workload_state::paused : workload_state::active;
    if (auto const wrong = check_suspend(row, state_of(row, keeper_.find_progress(row.id)), wanted))
        co_return co_await state_.when_durable(*wrong);
    if (!is_suspended && !is_held(row)) co_return co_await state_.when_durable(not_paused(row));
    change_options const how{.expected = expected};
    auto changing = workloads_.change(std::move(who), row.id,
                                      spec_patch(row, fmt::format(R"({{"suspend":{}}})", is_suspended)), how);
    auto changed = co_await std::move(changing);
    if (!changed) co_return changed.error();
    co_return std::move(changed->row);
}

awaitable<result<stored<workload>>> primary_upkeep::suspend(caller who, object_ref which, bool is_suspended,
                                                            expected_revision expected, decision otherwise) {
    auto refusal = authorize(who, verb::update, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal),
                       suspend_here(std::move(who), std::move(which), is_suspended, expected, std::move(otherwise)));
}

awaitable<result<stored<workload>>> primary_upkeep::pause(caller who, object_ref which, expected_revision expected) {
    auto const decide = [this](workload const& row, workload_state state) {
        return plan_pause(row, state, time_.wall());
    };
    return suspend(std::move(who), std::move(which), true, expected, decide);
}

awaitable<result<stored<workload>>> primary_upkeep::resume(caller who, object_ref which, expected_revision expected) {
    return suspend(std::move(who), std::move(which), false, expected, plan_resume);
}

awaitable<result<stored<workload>>> primary_upkeep::restart(caller who, object_ref which, bool is_at_once,
                                                            expected_revision expected) {
    auto const decide = [this, is_at_once](workload const& row, workload_state state) {
        return plan_restart_wish(row, state, {.at = time_.wall(), .is_at_once = is_at_once});
    };
    return change(std::move(who), std::move(which), expected, decide);
}

awaitable<result<stored<workload>>> primary_upkeep::change(caller who, object_ref which, expected_revision expected,
                                                           decision decides) {
    auto refusal = authorize(who, verb::update, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), change_here(std::move(who), std::move(which), expected, std::move(decides)));
}

/// Nothing is awaited between the look at the row and the commit.
awaitable<result<stored<workload>>> primary_upkeep::change_here(caller who, object_ref which,
                                                                expected_revision expected, decision decides) {
    auto const found = find_workload(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    if (auto const refused = authorize(who, verb::update, object_kind::workload, row->tenant)) co_return *refused;
    if (auto const moved = check_revision(expected, row.changed_at, object_kind::workload, row->name))
        co_return co_await state_.when_durable(*moved);
    if (!is_managed(row->kind)) co_return co_await state_.when_durable(not_managed(*row));
    auto plan = decides(*row, state_of(*row, keeper_.find_progress(row->id)));
    if (!plan) co_return co_await state_.when_durable(plan.error());
    if (!plan->next) {
        auto const durable = co_await state_.wait_durable();
        if (!durable) co_return durable.error();
        co_return row;
    }
    plan->next->updated_at = time_.wall();
    ++plan->next->generation;
    auto happened = events_.about(*row);
    happened.reason = std::move(plan->reason);
    happened.message = std::move(plan->message);
    transaction change;
    events_.note(change, std::move(happened));
    stored<workload> const made{std::make_shared<workload const>(*plan->next), state_.next_revision()};
    change.put(std::move(*plan->next), row.changed_at);
    auto const done = co_await state_.commit(std::move(change));
    if (!done) co_return done.error();
    co_return made;
}

// Lists

namespace {

auto by_index(stored<instance> const& of) {
    constexpr auto last = std::numeric_limits<std::uint32_t>::max();
    return std::tuple(of->index().value_or(last), std::string_view(of->name()));
}

/// Cuts a part out of all: `after` is how many came before.
template <class Row>
result<listing<Row>> part_of(std::vector<stored<Row>> all, store_position at, page const& part) {
    std::size_t begin = 0;
    auto const* const end = part.after.data() + part.after.size();
    auto const [stop, failed] = std::from_chars(part.after.data(), end, begin);
    if (!part.after.empty() && (failed != std::errc() || stop != end))
        return error{errc::invalid, "the position is none of this list", "continue", "begin the list anew"};
    begin = std::min(begin, all.size());
    auto const count = std::min(part.count_max == 0 ? all.size() : part.count_max, all.size() - begin);
    listing<Row> found;
    found.at = at;
    if (part.wants_total) found.total = all.size();
    if (begin + count < all.size()) found.next = std::to_string(begin + count);
    std::move(all.begin() + static_cast<std::ptrdiff_t>(begin),
              all.begin() + static_cast<std::ptrdiff_t>(begin + count), std::back_inserter(found.rows));
    return found;
}

}  // namespace

awaitable<result<listing<instance>>> primary_upkeep::list_instances(caller who, object_ref which, page part) {
    auto refusal = authorize(who, verb::list, object_kind::instance, tenant_of(who, which));
    return gate_.read(
        std::move(refusal),
        [this, who = std::move(who), which = std::move(which), part = std::move(part)]() -> result<listing<instance>> {
            auto const row = find_workload(state_.durable(), who, which);
            if (!row) return row.error();
            auto all = state_.durable().list<instance>(owner_index((*row)->id));
            std::ranges::sort(all, {}, by_index);
            return part_of(std::move(all), state_.position(), part);
        });
}

awaitable<result<listing<release>>> primary_upkeep::list_releases(caller who, object_ref which, page part) {
    auto refusal = authorize(who, verb::get, object_kind::workload, tenant_of(who, which));
    return gate_.read(
        std::move(refusal),
        [this, who = std::move(who), which = std::move(which), part = std::move(part)]() -> result<listing<release>> {
            auto const row = find_workload(state_.durable(), who, which);
            if (!row) return row.error();
            auto all = state_.durable().list<release>("workload/" + (*row)->id.text());
            std::ranges::sort(all, std::greater(), [](stored<release> const& each) { return each->number; });
            return part_of(std::move(all), state_.position(), part);
        });
}

// Lost nodes

awaitable<result<std::optional<replacement_stop>>> primary_upkeep::find_replacement_stop(caller who) {
    return gate_.read(authorize(who, verb::list, object_kind::node, {}),
                      [this] { return result(replacement_guard::find(state_.durable())); });
}

awaitable<result<replacement_stop>> primary_upkeep::resume_replacement(caller who) {
    return gate_.enter(authorize(who, verb::update, object_kind::node, {}), keeper_.resume_replacement());
}

}  // namespace rik::detail
