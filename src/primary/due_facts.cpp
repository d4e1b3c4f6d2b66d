#include "due_facts_detail.hpp"

#include <rik/model/definition.hpp>
#include <rik/model/variables.hpp>

#include <utility>

namespace rik::detail {

namespace {

/// The restarts that were asked for, while its node has not obeyed the last of them.
std::uint32_t due_restarts(instance const& row) {
    auto const is_due = row.is_bound() && !is_finished(row.state()) && row.restarts() > row.status().restarts;
    return is_due ? row.restarts() : 0;
}

/// The boot of its node in which it may begin, as far as the primary knows; empty: it needs no permit, or gets none.
/// Source: docs/protocol.md, section 4, "Permits"
std::string permitted_boot(instance const& row, view const& in) {
    if (!row.is_bound() || !row.occupies_room() || !has_identities(row.made_from()->definition->kind)) return {};
    auto const holder = in.find<node>(row.binding()->node);
    return holder ? holder->facts.boot_id : std::string();
}

}  // namespace

item item_of(instance const& row, view const& in) {
    item made{.instance = row.id(), .made_from = row.made_from()};
    made.name = row.name();
    made.exposed_port = row.exposed_port();
    made.index = told_index(*row.made_from()->definition, row.index());
    if (row.owner() && !host_ports(row.spec(), row.exposed_port()).empty())
        if (auto const owner = in.find<workload>(*row.owner())) made.workload = owner->name;
    if (row.binding()) made.occupies_room = row.occupies_room();
    if (auto const& binding = row.binding()) {
        made.want = binding->condemned ? item_want::destroy : item_want::run;
        made.node = binding->node;
        made.fence = binding->fence;
        made.state = row.state();
        made.seq = row.status().seq;
        made.restarts = due_restarts(row);
        made.permitted_boot = permitted_boot(row, in);
    }
    return made;
}

bool is_placed_here(instance const& row) { return row.is_pending() && row.meant_for(); }

std::vector<instance_id> list_unpermitted(node const* before, node const* now, view const& in) {
    std::vector<instance_id> found;
    if (before == nullptr || now == nullptr || before->facts.boot_id == now->facts.boot_id) return found;
    for (auto const& row : in.list<instance>(rik::node_index(now->id)))
        if (!permitted_boot(*row, in).empty()) found.push_back(row->id());
    return found;
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

/// Requests first: somebody waits for each. A row that does not go in any more is due in the next message.
facts due_facts::drain(view const& from, batch_limits most) {
    facts news{.at = from.at(), .complete = true};
    batch_room room(most);
    for (; !streams_.empty() && room.take(streams_.front()); streams_.pop_front())
        news.streams.push_back(std::move(streams_.front()));
    for (; !refusals_.empty() && room.take(refusals_.front()); refusals_.pop_front())
        news.refused.push_back(refusals_.front());
    for (; !nodes_.empty(); nodes_.erase(nodes_.begin())) {
        auto const row = from.find<node>(*nodes_.begin());
        if (!row) {
            news.removed_nodes.push_back(*nodes_.begin());
            continue;
        }
        auto said = registered(*row);
        if (!room.take(said)) return news;
        news.nodes.push_back(std::move(said));
    }
    for (; !instances_.empty() && !room.is_full(); instances_.erase(instances_.begin()))
        if (!add(news, room, from, *instances_.begin())) return news;
    return news;
}

bool due_facts::add(facts& to, batch_room& room, view const& from, instance_id const& changed) {
    auto const row = from.find<instance>(changed);
    if (!row) {
        if (!room.take(changed)) return false;
        to.removed.push_back(changed);
        return true;
    }
    if (is_placed_here(*row)) return true;
    auto said = item_of(*row, from);
    if (!room.take(said)) return false;
    to.items.push_back(std::move(said));
    return true;
}

}  // namespace rik::detail
