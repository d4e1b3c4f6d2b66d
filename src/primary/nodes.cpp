#include "nodes_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"
#include "node_changes_detail.hpp"

#include <rik/controllers/controller.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik::detail {

namespace {

node_usage usage_of(candidate const& on, node_metrics const* measured) {
    // Every instance asks for one of `pods`.
    node_usage made{.requested = on.reserved,
                    .instances_count = static_cast<std::size_t>(on.reserved.get(resource::pods))};
    if (measured != nullptr) made.measured = *measured;
    return made;
}

}  // namespace

awaitable<result<stored<node>>> primary_nodes::update(caller who, object_ref which, node_change what,
                                                      expected_revision expected) {
    auto refusal = authorize(who, verb::update, object_kind::node, {});
    return gate_.enter(std::move(refusal), update_here(std::move(which), std::move(what), expected));
}

awaitable<result<stored<node>>> primary_nodes::update_here(object_ref which, node_change what,
                                                           expected_revision expected) {
    auto const found = find_node(state_.head(), which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    auto const id = row->id;
    if (auto const moved = check_revision(expected, row.changed_at, object_kind::node, row->facts.name))
        co_return co_await state_.when_durable(*moved);
    auto next = changed(*row, what);
    if (!next) co_return co_await state_.when_durable(next.error());
    auto message = told_change(*row, *next);
    if (!message.empty()) {
        auto const done = put(row, std::move(*next), "NodeChanged", std::move(message));
        if (!done) co_return done.error();
    }
    // Nobody else goes on with it before the next start: so a caller that is cancelled stays for its end.
    auto evicting = shield(removals_.evict(id));
    auto const evicted = co_await std::move(evicting);
    if (!evicted) co_return evicted.error();
    auto const durable = co_await state_.wait_durable();
    if (!durable) co_return durable.error();
    if (auto now = state_.durable().find<node>(id)) co_return now;
    co_return no_such_object(object_kind::node, which.id_or_name);
}

result<void> primary_nodes::put(stored<node> const& before, node next, std::string reason, std::string message) {
    next.updated_at = time_.wall();
    ++next.generation;
    auto happened = events_.about(next);
    happened.reason = std::move(reason);
    happened.message = std::move(message);
    transaction change;
    events_.note(change, std::move(happened));
    change.put(std::move(next), before.changed_at);
    return state_.apply(std::move(change));
}

std::vector<stored<instance>> primary_nodes::bound_to(node_id const& which) const {
    return state_.head().list<instance>(rik::node_index(which));
}

awaitable<result<drain_report>> primary_nodes::drain(caller who, object_ref which, drain_options how) {
    auto refusal = authorize(who, verb::update, object_kind::node, {});
    return gate_.enter(std::move(refusal), drain_here(std::move(which), how));
}

awaitable<result<drain_report>> primary_nodes::drain_here(object_ref which, drain_options how) {
    auto const found = find_node(state_.head(), which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const id = (*found)->id;
    if (!(*found)->standing.is_cordoned) {  // first: what is proposed from now on is refused
        auto next = **found;
        next.standing.is_cordoned = true;
        auto const cordoned = put(*found, std::move(next), "NodeCordoned", "cordoned: the node is being drained");
        if (!cordoned) co_return cordoned.error();
    }
    auto plan = plan_drain(state_.head(), bound_to(id), how);
    auto leaving =
        shield(removals_.remove_all(std::move(plan.to_condemn), "its node is being drained", departure::disrupted));
    auto const done = co_await std::move(leaving);
    if (!done) co_return done.error();
    auto const durable = co_await state_.wait_durable();
    if (!durable) co_return durable.error();
    drain_report report{.kept = std::move(plan.kept)};
    for (auto& each : state_.durable().list<instance>(rik::node_index(id)))
        if (each->is_condemned()) report.leaving.push_back(std::move(each));
    co_return report;
}

awaitable<result<void>> primary_nodes::remove(caller who, object_ref which, expected_revision expected) {
    auto refusal = authorize(who, verb::remove, object_kind::node, {});
    return gate_.enter(std::move(refusal), remove_here(std::move(which), expected));
}

awaitable<result<void>> primary_nodes::remove_here(object_ref which, expected_revision expected) {
    auto const found = find_node(state_.head(), which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    if (auto const moved = check_revision(expected, row.changed_at, object_kind::node, row->facts.name))
        co_return co_await state_.when_durable(*moved);
    auto const bound = bound_to(row->id);
    if (auto const why = keeps_from_removal(state_.head(), *row, bound)) co_return co_await state_.when_durable(*why);
    if (!bound.empty()) co_return co_await leave(row);
    transaction removal;
    forget_node(removal, events_, row);
    co_return co_await state_.commit(std::move(removal));
}

/// The row goes with the last instance, when the node has said that it is gone. The mark comes first: no DaemonSet
/// makes another one from then on.
awaitable<result<void>> primary_nodes::leave(stored<node> row) {
    if (!is_being_removed(*row)) {
        auto const marked =
            put(row, leaving(*row), "NodeLeaving",
                "it is removed when the instances of DaemonSets on it are gone; uncordon it to keep it");
        if (!marked) co_return marked.error();
    }
    std::vector<instance_id> last;
    for (auto const& each : bound_to(row->id))
        if (!each->is_condemned()) last.push_back(each->id());
    auto ending = shield(removals_.remove_all(std::move(last), "its node is being removed", departure::disrupted));
    auto const done = co_await std::move(ending);
    if (!done) co_return done.error();
    co_return co_await state_.wait_durable();
}

awaitable<result<std::vector<stored<instance>>>> primary_nodes::declare_dead(caller who, object_ref which,
                                                                             std::string confirmation) {
    auto refusal = authorize(who, verb::update, object_kind::node, {});
    return gate_.enter(std::move(refusal), declare_dead_here(std::move(which), std::move(confirmation)));
}

/// One commit: nobody may see the node dead and what is on it alive, or the other way round.
awaitable<result<std::vector<stored<instance>>>> primary_nodes::declare_dead_here(object_ref which,
                                                                                  std::string confirmation) {
    auto const found = find_node(state_.head(), which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    auto bound = bound_to(row->id);
    if (auto const why = keeps_from_death(*row, bound, confirmation)) co_return co_await state_.when_durable(*why);
    auto next = *row;
    next.standing.is_dead = true;
    next.updated_at = time_.wall();
    ++next.generation;
    for (auto const& each : bound) next.remnants.push_back({each->id(), each->binding()->fence});
    auto happened = events_.about(next);
    happened.type = event_type::warning;
    happened.reason = "NodeDeclaredDead";
    happened.message = fmt::format("an operator has declared the node dead; given up: {}", count_text(bound.size()));
    transaction death;
    events_.note(death, std::move(happened));
    removals_.give_up(death, bound, fmt::format("given up: node {} was declared dead", row->facts.name));
    death.put(std::move(next), row.changed_at);
    auto const done = co_await state_.commit(std::move(death));
    if (!done) co_return done.error();
    co_return bound;
}

awaitable<result<stored<node>>> primary_nodes::get(caller who, object_ref which) {
    return gate_.read(authorize(who, verb::get, object_kind::node, {}),
                      [this, which = std::move(which)] { return find_node(state_.durable(), which); });
}

awaitable<result<listing<node>>> primary_nodes::list(caller who, node_filter which, page part) {
    auto refusal = authorize(who, verb::list, object_kind::node, {});
    if (auto const wrong = check_fields(which.chosen.fields, node_selection_fields())) refusal = wrong;
    auto is_meant = [which = std::move(which)](node const& row) { return matches(which.chosen, row); };
    return gate_.enter(std::move(refusal),
                       read_list<node>(strand_, state_, list_range(), std::move(part), std::move(is_meant)));
}

awaitable<result<std::vector<node_usage>>> primary_nodes::usage(caller who, std::vector<node_id> which) {
    return gate_.read(authorize(who, verb::get, object_kind::node, {}), [this, which = std::move(which)] {
        std::vector<node_usage> found(which.size());
        for (std::size_t i = 0; i < which.size(); ++i)
            if (auto const* const one = state_.ledger().find(which[i]))
                found[i] = usage_of(*one, registry_.find_load(which[i]));
        return result(std::move(found));
    });
}

awaitable<result<std::unique_ptr<watch_source>>> primary_nodes::watch(caller who, watch_after after) {
    return gate_.read(authorize(who, verb::watch, object_kind::node, {}), [this, after] {
        subscription wanted{.table = table_id::node};
        wanted.after = after;
        return result(open_watch(strand_, state_, std::move(wanted), [](change const&) { return true; }));
    });
}

}  // namespace rik::detail
