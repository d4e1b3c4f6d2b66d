#include "due_facts_detail.hpp"

#include <rik/model/definition.hpp>

#include <utility>

namespace rik::detail {

item item_of(instance const& row, view const& in) {
    item made{.instance = row.id(), .made_from = row.made_from()};
    made.name = row.name();
    if (row.owner() && !host_ports(row.spec()).empty())
        if (auto const owner = in.find<workload>(*row.owner())) made.workload = owner->name;
    if (row.binding()) made.occupies_room = row.occupies_room();
    if (auto const& binding = row.binding()) {
        made.want = binding->condemned ? item_want::destroy : item_want::run;
        made.node = binding->node;
        made.fence = binding->fence;
    }
    return made;
}

registered_node registered(node const& row) {
    registered_node made{row.id, row.pod_subnet, row.facts.name, row.standing};
    made.labels = row.labels;
    made.remnants = row.remnants;
    return made;
}

void due_facts::mark_everything() {
    is_everything_ = true;
    wake();
}

void due_facts::mark(instance_id const& changed) {
    instances_.insert(changed);
    wake();
}

void due_facts::mark(node_id const& changed) {
    nodes_.insert(changed);
    wake();
}

void due_facts::refuse(instance_id const& proposed) {
    refusals_.push_back(proposed);
    wake();
}

void due_facts::ask(stream_request what) {
    streams_.push_back(std::move(what));
    wake();
}

bool due_facts::is_empty() const {
    return !is_everything_ && instances_.empty() && nodes_.empty() && refusals_.empty() && streams_.empty();
}

facts due_facts::drain(view const& from, std::size_t count_max) {
    facts news{.at = from.at(), .complete = true};
    for (std::size_t count = 0; count < count_max && !instances_.empty(); ++count) {
        auto const id = *instances_.begin();
        instances_.erase(instances_.begin());
        if (auto const row = from.find<instance>(id))
            news.items.push_back(item_of(*row, from));
        else
            news.removed.push_back(id);
    }
    for (auto const& id : std::exchange(nodes_, {})) {
        if (auto const row = from.find<node>(id))
            news.nodes.push_back(registered(*row));
        else
            news.removed_nodes.push_back(id);
    }
    news.refused = std::exchange(refusals_, {});
    news.streams = std::exchange(streams_, {});
    return news;
}

}  // namespace rik::detail
