#include "nodes_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"

#include <utility>

namespace rik::detail {

awaitable<result<stored<node>>> primary_nodes::get(caller who, object_ref which) {
    return gate_.read(authorize(who, verb::get, object_kind::node, {}),
                      [this, which = std::move(which)] { return find_node(state_.durable(), which); });
}

awaitable<result<listing<node>>> primary_nodes::list(caller who, page part) {
    auto const all = [](node const&) { return true; };
    return gate_.enter(authorize(who, verb::list, object_kind::node, {}),
                       read_list<node>(strand_, state_, {}, std::move(part), all));
}

awaitable<result<std::unique_ptr<watch_source>>> primary_nodes::watch(caller who, watch_after after) {
    return gate_.read(authorize(who, verb::watch, object_kind::node, {}), [this, after] {
        subscription wanted{.table = table_id::node};
        wanted.after = after;
        return result(open_watch(strand_, state_, std::move(wanted), [](change const&) { return true; }));
    });
}

}  // namespace rik::detail
