#include "instances_detail.hpp"

#include "instance_changes_detail.hpp"
#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace rik {

std::optional<error> check(create_instances_request const& what) {
    if (what.replicas < 1 || what.replicas > limits::replicas_per_request_max)
        return error{errc::invalid, fmt::format("{} replicas were asked for", what.replicas), "replicas",
                     fmt::format("ask for 1 to {}", limits::replicas_per_request_max)};
    if (what.name.empty()) return std::nullopt;
    if (what.replicas > 1)
        return error{errc::invalid, "a name was given for several replicas", "name",
                     "leave it out, or ask for one replica"};
    return check_object_name(what.name, "name");
}

namespace detail {

namespace {

/// Returns true if a list or a watch of `which` has this row.
bool is_chosen(instance const& row, caller const& who, instance_filter const& which) {
    if (which.workload && row.owner() != which.workload) return false;
    if (which.node && (!row.binding() || row.binding()->node != *which.node)) return false;
    if (!which.tenant.empty() && row.tenant() != which.tenant) return false;
    return !authorize(who, verb::list, object_kind::instance, row.tenant());
}

instance_surroundings surroundings_of(view const& in, instance const& row) {
    instance_surroundings around;
    if (auto const owner = row.owner() ? in.find<workload>(*row.owner()) : stored<workload>())
        around.workload_name = owner->name;
    if (!row.binding()) return around;
    auto const on = in.find<node>(row.binding()->node);
    if (on) around.node_name = on->facts.name;
    around.is_unheard = !on || on->state == node_state::unheard;
    return around;
}

/// Returns true if a watch, which cannot look at others, has this row.
bool is_watched(instance const& row, caller const& who, instance_filter const& which) {
    return which.chosen.labels.matches(row.labels()) && is_chosen(row, who, which);
}

/// The index that holds all that are chosen; empty: the whole table.
std::string index_of(instance_filter const& which) {
    if (which.workload) return owner_index(*which.workload);
    return which.node ? rik::node_index(*which.node) : std::string();
}

error being_deleted(workload const& owner) {
    return error{errc::conflict,
                 fmt::format("workload {} is being deleted", owner.name),
                 {},
                 "wait until it is gone, and create it again"};
}

error has_its_instance(workload const& owner) {
    return error{
        errc::conflict,
        fmt::format("Pod {} is in Kubernetes' form: it has its one instance, and no more are made", owner.name),
        {},
        "write it in RIK's form, with its name at the top, to make several"};
}

std::string_view how_to_have_more(workload_kind of) {
    if (of == workload_kind::job) return "change its parallelism: rikctl edit workload";
    if (of == workload_kind::cron_job) return "start a Job of it now: rikctl create job NAME --from cronjob/NAME";
    if (of == workload_kind::daemon_set) return "it has one on each node that its template allows";
    return "change how many there are: rikctl scale";
}

error makes_its_own(workload const& owner) {
    return error{errc::conflict,
                 fmt::format("{} {} makes its instances itself", to_string(owner.kind), owner.name),
                 {},
                 std::string(how_to_have_more(owner.kind))};
}

}  // namespace

awaitable<result<std::vector<stored<instance>>>> primary_instances::create(caller who, create_instances_request what) {
    auto refusal = authorize(who, verb::create, object_kind::instance, tenant_of(who, what.workload));
    return gate_.enter(std::move(refusal), create_here(std::move(who), std::move(what)));
}

awaitable<result<std::vector<stored<instance>>>> primary_instances::create_here(caller who,
                                                                                create_instances_request what) {
    if (auto const wrong = check(what)) co_return *wrong;
    auto const owner = find_workload(state_.head(), who, what.workload);
    if (!owner) co_return co_await state_.when_durable(owner.error());
    if (auto const refused = authorize(who, verb::create, object_kind::instance, (*owner)->tenant)) co_return *refused;
    if ((*owner)->deleting_since) co_return co_await state_.when_durable(being_deleted(**owner));
    if (is_one_with_its_instance(**owner)) co_return co_await state_.when_durable(has_its_instance(**owner));
    if (is_managed((*owner)->kind)) co_return co_await state_.when_durable(makes_its_own(**owner));
    if (auto const closed = check_open(state_.head(), (*owner)->tenant))
        co_return co_await state_.when_durable(*closed);
    creation_request wanted{.workload = (*owner)->id, .name = std::move(what.name), .replicas = what.replicas};
    // A caller that is cancelled between two slices stays for the rest, so that all or none are made.
    auto making = shield(creation_.make(std::move(wanted)));
    auto const made = co_await std::move(making);
    if (!made) co_return made.error();
    auto const durable = co_await state_.wait_durable();
    if (!durable) co_return durable.error();
    std::vector<stored<instance>> rows;
    for (auto const& id : *made)
        if (auto row = state_.durable().find<instance>(id)) rows.push_back(std::move(row));
    co_return rows;
}

result<stored<instance>> primary_instances::find_for(verb what, caller const& who, object_ref const& which,
                                                     expected_revision expected) const {
    auto row = find_instance(state_.head(), who, which);
    if (!row) return row;
    if (auto const refused = authorize(who, what, object_kind::instance, (*row)->tenant())) return *refused;
    if (auto const moved = check_revision(expected, row->changed_at, object_kind::instance, (*row)->name()))
        return *moved;
    return row;
}

awaitable<result<void>> primary_instances::remove(caller who, object_ref which, expected_revision expected) {
    auto refusal = authorize(who, verb::remove, object_kind::instance, tenant_of(who, which));
    return gate_.enter(std::move(refusal), remove_here(std::move(who), std::move(which), expected));
}

awaitable<result<void>> primary_instances::remove_here(caller who, object_ref which, expected_revision expected) {
    auto const found = find_for(verb::remove, who, which, expected);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    if (row->is_condemned()) co_return co_await state_.wait_durable();
    transaction deletion;
    removals_.condemn(deletion, row, "deleted by a user");
    co_return co_await state_.commit(std::move(deletion));
}

awaitable<result<stored<instance>>> primary_instances::restart(caller who, object_ref which,
                                                               expected_revision expected) {
    auto refusal = authorize(who, verb::update, object_kind::instance, tenant_of(who, which));
    return gate_.enter(std::move(refusal), restart_here(std::move(who), std::move(which), expected));
}

awaitable<result<stored<instance>>> primary_instances::restart_here(caller who, object_ref which,
                                                                    expected_revision expected) {
    auto const found = find_for(verb::update, who, which, expected);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    if (auto const wrong = check_restart(*row)) co_return co_await state_.when_durable(*wrong);
    co_return co_await put(row, restarted(*row), "Restarting", "a user has asked for its containers to start again");
}

awaitable<result<stored<instance>>> primary_instances::relabel(caller who, object_ref which, label_changes what,
                                                               expected_revision expected) {
    auto refusal = authorize(who, verb::update, object_kind::instance, tenant_of(who, which));
    return gate_.enter(std::move(refusal), relabel_here(std::move(who), std::move(which), std::move(what), expected));
}

awaitable<result<stored<instance>>> primary_instances::relabel_here(caller who, object_ref which, label_changes what,
                                                                    expected_revision expected) {
    auto const found = find_for(verb::update, who, which, expected);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    auto next = relabelled(*row, what);
    if (!next) co_return co_await state_.when_durable(next.error());
    if (next->labels() == row->labels()) {
        auto const durable = co_await state_.wait_durable();
        if (!durable) co_return durable.error();
        co_return row;
    }
    co_return co_await put(row, std::move(*next), "Labelled", "a user has changed its labels");
}

awaitable<result<stored<instance>>> primary_instances::put(stored<instance> before, instance next, std::string reason,
                                                           std::string message) {
    auto happened = events_.about(*before);
    happened.reason = std::move(reason);
    happened.message = std::move(message);
    transaction change;
    events_.note(change, std::move(happened));
    change.put(std::move(next), before.changed_at);
    auto const id = before->id();
    auto const done = co_await state_.commit(std::move(change));
    if (!done) co_return done.error();
    if (auto made = state_.durable().find<instance>(id)) co_return made;
    co_return error{errc::not_found, fmt::format("instance {} was deleted meanwhile", before->name())};
}

awaitable<result<stored<instance>>> primary_instances::get(caller who, object_ref which) {
    auto refusal = authorize(who, verb::get, object_kind::instance, tenant_of(who, which));
    return gate_.read(std::move(refusal), [this, who = std::move(who), which = std::move(which)] {
        return find_instance(state_.durable(), who, which);
    });
}

awaitable<result<listing<instance>>> primary_instances::list(caller who, instance_filter which, page part) {
    auto refusal = authorize(who, verb::list, object_kind::instance, which.tenant);
    list_range range;
    range.index_key = index_of(which);
    range.tenant = which.tenant;
    if (auto const wrong = check_fields(which.chosen.fields, instance_selection_fields())) refusal = wrong;
    auto is_meant = [this, who = std::move(who), which = std::move(which)](instance const& row) {
        if (!is_chosen(row, who, which)) return false;
        return which.chosen.is_empty() || matches(which.chosen, row, surroundings_of(state_.durable(), row));
    };
    return gate_.enter(std::move(refusal),
                       read_list<instance>(strand_, state_, std::move(range), std::move(part), std::move(is_meant)));
}

awaitable<result<std::unique_ptr<watch_source>>> primary_instances::watch(caller who, instance_filter which,
                                                                          watch_after after) {
    auto refusal = authorize(who, verb::watch, object_kind::instance, which.tenant);
    subscription wanted{.table = table_id::instance, .index_key = index_of(which)};
    wanted.after = after;
    auto tenant = which.tenant;
    auto meant = either_side<instance>(
        [who = std::move(who), which = std::move(which)](instance const& row) { return is_watched(row, who, which); });
    return gate_.read(std::move(refusal), [this, tenant, wanted = std::move(wanted), meant = std::move(meant)] {
        return open_watch_in(tenant, strand_, state_, wanted, meant);
    });
}

}  // namespace detail

}  // namespace rik
