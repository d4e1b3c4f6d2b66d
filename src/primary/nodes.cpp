#include "nodes_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <utility>

namespace rik::detail {

namespace {

node_usage usage_of(candidate const& on) {
    // Every instance asks for one of `pods`.
    return {.requested = on.reserved, .instances_count = static_cast<std::size_t>(on.reserved.get(resource::pods))};
}

}  // namespace

awaitable<result<stored<node>>> primary_nodes::get(caller who, object_ref which) {
    return gate_.read(authorize(who, verb::get, object_kind::node, {}),
                      [this, which = std::move(which)] { return find_node(state_.durable(), which); });
}

awaitable<result<listing<node>>> primary_nodes::list(caller who, page part) {
    auto const all = [](node const&) { return true; };
    return gate_.enter(authorize(who, verb::list, object_kind::node, {}),
                       read_list<node>(strand_, state_, {}, std::move(part), all));
}

awaitable<result<std::vector<node_usage>>> primary_nodes::usage(caller who, std::vector<node_id> which) {
    return gate_.read(authorize(who, verb::get, object_kind::node, {}), [this, which = std::move(which)] {
        std::vector<node_usage> found(which.size());
        for (std::size_t i = 0; i < which.size(); ++i)
            if (auto const* const one = state_.ledger().find(which[i])) found[i] = usage_of(*one);
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
