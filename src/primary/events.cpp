#include "events_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

std::string index_of(event_filter const& which) {
    return which.object_id.empty() ? kind_index(event_kind) : about_index(which.object_id);
}

/// Returns true if `who` may see it. Events about nodes belong to no tenant, though they are kept under one.
bool is_seen(document const& row, caller const& who) {
    if (row.key.kind != event_kind) return false;
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
    auto refusal = authorize(who, verb::list, object_kind::event, {});
    auto reading = gate_.read(std::move(refusal), [this, who = std::move(who), which = std::move(which)] {
        listing<document> found{state_.position(), state_.durable().list<document>(index_of(which))};
        std::erase_if(found.rows, [&](auto const& row) { return !is_seen(*row, who); });
        return result(std::move(found));
    });
    return by_name(std::move(reading));
}

awaitable<result<std::unique_ptr<watch_source>>> primary_events::watch(caller who, event_filter which,
                                                                       watch_after after) {
    auto refusal = authorize(who, verb::watch, object_kind::event, {});
    subscription wanted{.table = table_id::document, .index_key = index_of(which)};
    wanted.after = after;
    auto meant = either_side<document>([who = std::move(who)](document const& row) { return is_seen(row, who); });
    return gate_.read(std::move(refusal), [this, wanted = std::move(wanted), meant = std::move(meant)] {
        return result(open_watch(strand_, state_, wanted, meant));
    });
}

}  // namespace rik::detail
