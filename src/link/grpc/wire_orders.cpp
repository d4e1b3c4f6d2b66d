#include "wire_parts_detail.hpp"

#include <chrono>
#include <variant>

namespace rik::detail {

namespace {

// Beside those that are declared here.
using detail::fill;
using detail::read;

void fill(wire::Digest& into, held_digest const& from) {
    into.set_high(from.high());
    into.set_low(from.low());
    into.set_count(from.count());
}

held_digest read(wire::Digest const& from) { return {from.high(), from.low(), from.count()}; }

void fill(wire::Hello& into, hello const& from) {
    into.set_node(bytes_of(from.node));
    into.set_cluster(bytes_of(from.cluster));
    into.set_floor(from.floor);
    fill(*into.mutable_facts(), from.facts);
    into.set_protocol_version(from.protocol_version);
    copy_texts(from.features, *into.mutable_features());
    fill(*into.mutable_digest(), from.digest);
}

hello read(wire::Hello const& from) {
    hello made{.node = read_id<node_id>(from.node()), .cluster = read_id<cluster_id>(from.cluster())};
    made.floor = from.floor();
    made.facts = read(from.facts());
    made.protocol_version = from.protocol_version();
    made.features.assign(from.features().begin(), from.features().end());
    made.digest = read(from.digest());
    return made;
}

void fill(wire::Held& into, held const& from) {
    into.set_is_inventory(from.inventory);
    into.set_has_more(!from.complete);
    fill(*into.mutable_digest(), from.digest);
    for (auto const& each : from.states) fill(*into.add_states(), each.instance, each.fence, each.status);
    for (auto const& each : from.gone) {
        auto& one = *into.add_gone();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
    }
    if (from.metrics) fill(*into.mutable_metrics(), *from.metrics);
    if (!from.troubles) return;
    auto& told = *into.mutable_troubles();
    for (auto const& each : *from.troubles) {
        auto& one = *told.add_all();
        one.set_reason(each.reason);
        one.set_message(each.message);
    }
}

held read(wire::Held const& from) {
    held made{.inventory = from.is_inventory(), .complete = !from.has_more()};
    made.digest = read(from.digest());
    for (auto const& each : from.states())
        made.states.push_back({read_id<instance_id>(each.instance()), each.fence(), read(each.status())});
    for (auto const& each : from.gone()) made.gone.push_back({read_id<instance_id>(each.instance()), each.fence()});
    if (from.has_metrics()) made.metrics = read(from.metrics());
    if (from.has_troubles()) made.troubles = read_troubles(from.troubles().all());
    return made;
}

}  // namespace

wire::NodeMessage to_wire(from_node const& from) {
    wire::NodeMessage made;
    if (auto const* const greeting = std::get_if<hello>(&from))
        fill(*made.mutable_hello(), *greeting);
    else
        fill(*made.mutable_held(), std::get<held>(from));
    return made;
}

result<from_node> from_wire(wire::NodeMessage const& from) {
    return guarded([&]() -> from_node {
        if (from.has_hello()) return read(from.hello());
        if (from.has_held()) return read(from.held());
        fail("a message of a node that this version does not know");
    });
}

wire::OrdersMessage to_wire(orders const& from, told_releases& told) {
    wire::OrdersMessage made;
    told.begin(made);
    made.set_at(from.at);
    if (from.cluster) made.set_cluster(bytes_of(*from.cluster));
    made.set_cluster_cidr(from.cluster_cidr);
    made.set_pod_subnet(from.pod_subnet);
    made.set_send_inventory(from.send_inventory);
    made.set_refusal(from.refusal);
    made.set_beat_period_us(std::chrono::duration_cast<std::chrono::microseconds>(from.beat_period).count());
    for (auto const& each : from.due) {
        auto& one = *made.add_due();
        one.set_instance(bytes_of(each.instance));
        one.set_fence(each.fence);
        one.set_is_run(each.run);
        one.set_release(told.tell(each.made_from, made));
        one.set_name(each.name);
        one.set_restarts(each.restarts);
        one.set_exposed_port(each.exposed_port);
        if (each.index) one.set_index(*each.index);
        one.set_permitted_boot(each.permitted_boot);
    }
    for (auto const& each : from.streams) fill(*made.add_streams(), each);
    return made;
}

result<orders> from_wire(wire::OrdersMessage const& from, known_releases& known) {
    return guarded([&] {
        known.learn(from);
        orders made{.at = from.at()};
        if (!from.cluster().empty()) made.cluster = read_id<cluster_id>(from.cluster());
        made.cluster_cidr = from.cluster_cidr();
        made.pod_subnet = from.pod_subnet();
        made.send_inventory = from.send_inventory();
        made.refusal = from.refusal();
        made.beat_period = std::chrono::microseconds(from.beat_period_us());
        for (auto const& each : from.due()) {
            order one{.instance = read_id<instance_id>(each.instance()), .fence = each.fence(), .run = each.is_run()};
            one.made_from = known.find(each.release());
            one.name = each.name();
            one.restarts = each.restarts();
            one.exposed_port = read_port(each.exposed_port());
            if (each.has_index()) one.index = each.index();
            one.permitted_boot = each.permitted_boot();
            made.due.push_back(std::move(one));
        }
        for (auto const& each : from.streams()) made.streams.push_back(read(each));
        return made;
    });
}

}  // namespace rik::detail
