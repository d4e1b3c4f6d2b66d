#include "wire_parts_detail.hpp"

namespace rik::detail {

namespace {

// Beside those that are declared here.
using detail::fill;
using detail::read;

item_want read(wire::Item::Want from) {
    switch (from) {
        case wire::Item::PLACE: return item_want::place;
        case wire::Item::RUN: return item_want::run;
        case wire::Item::DESTROY: return item_want::destroy;
        default: fail(fmt::format("an item's want {} that this version does not know", static_cast<int>(from)));
    }
}

wire::Item::Want wire_of(item_want from) {
    switch (from) {
        case item_want::place: return wire::Item::PLACE;
        case item_want::run: return wire::Item::RUN;
        case item_want::destroy: return wire::Item::DESTROY;
    }
    return wire::Item::PLACE;
}

void fill(wire::RegisteredNode& into, registered_node const& from) {
    into.set_node(bytes_of(from.node));
    into.set_pod_subnet(from.pod_subnet);
    into.set_name(from.name);
    into.set_is_cordoned(from.standing.is_cordoned);
    into.set_is_dead(from.standing.is_dead);
    fill_taints(from.standing.taints, *into.mutable_taints());
    for (auto const& [name, value] : from.labels) (*into.mutable_labels())[name] = value;
    for (auto const& each : from.remnants) {
        auto& one = *into.add_remnants();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
    }
}

registered_node read(wire::RegisteredNode const& from) {
    registered_node made{read_id<node_id>(from.node()), from.pod_subnet(), from.name()};
    made.standing.is_cordoned = from.is_cordoned();
    made.standing.is_dead = from.is_dead();
    made.standing.taints = read_taints(from.taints());
    for (auto const& [name, value] : from.labels()) made.labels[name] = value;
    for (auto const& each : from.remnants())
        made.remnants.push_back({read_id<instance_id>(each.instance()), each.fence()});
    return made;
}

}  // namespace

wire::PrimaryMessage to_wire(facts const& from, told_releases& told) {
    wire::PrimaryMessage made;
    told.begin(made);
    made.set_at(from.at);
    made.set_is_complete(from.complete);
    made.set_has_everything(from.everything);
    made.set_cluster(bytes_of(from.cluster));
    made.set_cluster_cidr(from.cluster_cidr);
    for (auto const& each : from.items) {
        auto& one = *made.add_items();
        one.set_instance(bytes_of(each.instance));
        one.set_want(wire_of(each.want));
        one.set_release(told.tell(each.made_from, made));
        one.set_node(bytes_of(each.node));
        one.set_fence(each.fence);
        one.set_name(each.name);
        one.set_is_vacated(!each.occupies_room);
        one.set_workload(each.workload);
        one.set_state(static_cast<std::uint32_t>(each.state));
        one.set_seq(each.seq);
        one.set_restarts(each.restarts);
        one.set_exposed_port(each.exposed_port);
        if (each.index) one.set_index(*each.index);
        one.set_permitted_boot(each.permitted_boot);
    }
    copy_ids(from.removed, *made.mutable_removed());
    copy_ids(from.refused, *made.mutable_refused());
    for (auto const& each : from.nodes) fill(*made.add_nodes(), each);
    copy_ids(from.removed_nodes, *made.mutable_removed_nodes());
    for (auto const& each : from.streams) fill(*made.add_streams(), each);
    return made;
}

result<facts> from_wire(wire::PrimaryMessage const& from, known_releases& known) {
    return guarded([&] {
        known.learn(from);
        facts made{.at = from.at(), .complete = from.is_complete(), .everything = from.has_everything()};
        made.cluster = read_id<cluster_id>(from.cluster());
        made.cluster_cidr = from.cluster_cidr();
        for (auto const& each : from.items()) {
            item one{.instance = read_id<instance_id>(each.instance()), .want = read(each.want())};
            one.made_from = known.find(each.release());
            one.node = read_id<node_id>(each.node());
            one.fence = each.fence();
            one.name = each.name();
            one.occupies_room = !each.is_vacated();
            one.workload = each.workload();
            one.state = read_word(each.state(), instance_state::terminated);
            one.seq = each.seq();
            one.restarts = each.restarts();
            one.exposed_port = read_port(each.exposed_port());
            if (each.has_index()) one.index = each.index();
            one.permitted_boot = each.permitted_boot();
            if (one.made_from == nullptr) fail("an item without a release");
            made.items.push_back(std::move(one));
        }
        made.removed = read_ids<instance_id>(from.removed());
        made.refused = read_ids<instance_id>(from.refused());
        for (auto const& each : from.nodes()) made.nodes.push_back(read(each));
        made.removed_nodes = read_ids<node_id>(from.removed_nodes());
        for (auto const& each : from.streams()) made.streams.push_back(read(each));
        return made;
    });
}

wire::SchedulerMessage to_wire(reports const& from) {
    wire::SchedulerMessage made;
    for (auto const& each : from.proposals) {
        auto& one = *made.add_proposals();
        one.set_instance(bytes_of(each.instance));
        one.set_node(bytes_of(each.node));
    }
    for (auto const& each : from.unplaced) {
        auto& one = *made.add_unplaced();
        copy_ids(each.instances, *one.mutable_instances());
        one.set_reason(each.reason);
    }
    for (auto const& each : from.nodes) {
        auto& one = *made.add_nodes();
        one.set_node(bytes_of(each.node));
        one.set_is_heard(each.heard);
        if (each.facts) fill(*one.mutable_facts(), *each.facts);
    }
    for (auto const& each : from.states) fill(*made.add_states(), each.instance, each.fence, each.status);
    for (auto const& each : from.gone) {
        auto& one = *made.add_gone();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
        one.set_node(bytes_of(each.node));
    }
    for (auto const& each : from.loads) {
        auto& one = *made.add_loads();
        one.set_node(bytes_of(each.node));
        fill(*one.mutable_metrics(), each.metrics);
    }
    return made;
}

result<reports> from_wire(wire::SchedulerMessage const& from) {
    return guarded([&] {
        reports made;
        for (auto const& each : from.proposals())
            made.proposals.push_back({read_id<instance_id>(each.instance()), read_id<node_id>(each.node())});
        for (auto const& each : from.unplaced())
            made.unplaced.push_back({read_ids<instance_id>(each.instances()), each.reason()});
        for (auto const& each : from.nodes()) {
            node_report one{.node = read_id<node_id>(each.node()), .heard = each.is_heard()};
            if (each.has_facts()) one.facts = read(each.facts());
            made.nodes.push_back(std::move(one));
        }
        for (auto const& each : from.states())
            made.states.push_back({read_id<instance_id>(each.instance()), each.fence(), read(each.status())});
        for (auto const& each : from.gone())
            made.gone.push_back({read_id<instance_id>(each.instance()), each.fence(), read_id<node_id>(each.node())});
        for (auto const& each : from.loads())
            made.loads.push_back({read_id<node_id>(each.node()), read(each.metrics())});
        return made;
    });
}

}  // namespace rik::detail
