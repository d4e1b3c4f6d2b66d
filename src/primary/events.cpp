#include "events_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

std::string index_of(event_filter const& which) {
    if (!which.object_id.empty()) return about_index(which.object_id);
    return which.tenant.empty() ? kind_index(event_kind) : tenant_index(which.tenant);
}

/// Returns true if it is in the tenant and `who` may see it. Events about nodes belong to no tenant, though they are
/// kept under one.
bool is_seen(document const& row, caller const& who, std::string const& tenant) {
    if (row.key.kind != event_kind || (!tenant.empty() && row.key.tenant != tenant)) return false;
    if (!authorize(who, verb::list, object_kind::event, row.key.tenant)) return true;
    auto const happened = parse_event(row);
    return happened && happened->object_kind == to_string(object_kind::node);
}

/// Events are named by their numbers. Sorts where the caller is, not on the strand.
awaitable<result<listing<document>>> by_name(awaitable<result<listing<document>>> reading) {
    auto all = co_await std::move(reading);
    if (all)
        std::sort(all->rows.begin(), all->rows.end(),
                  [](auto const& a, auto const& b) { return a->key.name < b->key.name; });
    co_return all;
}

}  // namespace

awaitable<result<listing<document>>> primary_events::list(caller who, event_filter which) {
    auto refusal = authorize(who, verb::list, object_kind::event, which.tenant);
    auto reading = gate_.read(std::move(refusal), [this, who = std::move(who), which = std::move(which)] {
        if (auto missing = check_listed(state_.durable(), which.tenant))
            return result<listing<document>>(std::move(*missing));
        listing<document> found{state_.position(), state_.durable().list<document>(index_of(which))};
        std::erase_if(found.rows, [&](auto const& row) { return !is_seen(*row, who, which.tenant); });
        return result(std::move(found));
    });
    return by_name(std::move(reading));
}

awaitable<result<std::unique_ptr<watch_source>>> primary_events::watch(caller who, event_filter which,
                                                                       watch_after after) {
    auto refusal = authorize(who, verb::watch, object_kind::event, which.tenant);
    subscription wanted{.table = table_id::document, .index_key = index_of(which)};
    wanted.after = after;
    auto tenant = which.tenant;
    auto meant = either_side<document>(
        [who = std::move(who), tenant](document const& row) { return is_seen(row, who, tenant); });
    return gate_.read(std::move(refusal), [this, tenant, wanted = std::move(wanted), meant = std::move(meant)] {
        return open_watch_in(tenant, strand_, state_, wanted, meant);
    });
}

}  // namespace rik::detail
