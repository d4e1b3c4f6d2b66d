#include "replacement_guard_detail.hpp"

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// That no scheduler hears them says nothing of the nodes.
node_counts count_nodes(view const& in) {
    auto const absent = in.list<node>(unheard_index);
    auto const unheard = std::ranges::count_if(absent, [](auto const& row) { return !lacks_scheduler(*row); });
    return {static_cast<std::size_t>(unheard), in.count<node>()};
}

}  // namespace

/// A document that cannot be read stops replacing: that is what it was about.
std::optional<replacement_stop> replacement_guard::find(view const& in) {
    auto const kept = in.find<document>(replacement_stop_key());
    if (!kept) return std::nullopt;
    auto read = parse_replacement_stop(*kept);
    return read ? std::move(*read) : replacement_stop();
}

bool replacement_guard::is_stopped() const {
    auto const found = find(state_.head());
    return found && !found->is_lifted;
}

absence_rule replacement_guard::rule() const {
    using enum replacement_hold;
    if (!scheduler_.is_there()) return {no_scheduler};
    if (auto const stop = find(state_.head())) return {stop->is_lifted ? none : mass_absence};
    auto const since = nodes_.hearing_since();
    auto const is_one_heard = state_.head().count<node>(unheard_index) < state_.head().count<node>();
    if (!since || !is_one_heard) return {no_node_heard};
    return {none, *since};
}

void replacement_guard::look() {
    auto const before = find(state_.head());
    auto const next = next_stop(before, count_nodes(state_.head()), time_.wall());
    if (next == before) return;
    if (auto const done = put(next); !done) {
        if (!state_.failed())
            out_.error("it is not kept whether replacing is stopped", {{"error", to_string(done.error())}});
        return;
    }
    if (next && !next->is_lifted)
        out_.warning("many nodes are not heard: nothing on them is replaced until somebody says so",
                     {{"unheard", std::to_string(next->unheard_count)}, {"nodes", std::to_string(next->nodes_count)}});
    else
        out_.info("replacing goes on as usual");
}

result<void> replacement_guard::put(std::optional<replacement_stop> const& next) {
    auto const kept = state_.head().find<document>(replacement_stop_key());
    transaction change;
    if (next)
        change.put(to_document(*next), kept ? kept.changed_at : 0);
    else
        change.remove<document>(replacement_stop_key(), kept.changed_at);
    return state_.apply(std::move(change));
}

awaitable<result<replacement_stop>> replacement_guard::lift() {
    auto stop = find(state_.head());
    if (!stop) {
        error const why{errc::conflict, "replacing is not stopped", {}, "rikctl get nodes says which are heard"};
        co_return co_await state_.when_durable(why);
    }
    stop->is_lifted = true;
    if (auto const done = put(stop); !done) co_return done.error();
    auto const durable = co_await state_.wait_durable();
    if (!durable) co_return durable.error();
    co_return *stop;
}

}  // namespace rik::detail
