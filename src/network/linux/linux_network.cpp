#include "network/linux/linux_network_detail.hpp"

#include "network/linux/sysctl_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

namespace {

using namespace detail;

/// So many interfaces at most wait for their namespace to take them along.
constexpr std::size_t condemned_count_max = 16;

/// So many addresses at most wait for their connections to be forgotten.
constexpr std::size_t flows_of_nobody_max = 64;

result<firewall_rules> read_rules(node_network const& what) {
    auto const pods = ipv4_subnet::parse(what.pod_subnet);
    if (!pods) return pods.error();
    auto const cluster = ipv4_subnet::parse(what.cluster_cidr);
    if (!cluster) return cluster.error();
    if (!cluster->contains(pods->network()) || cluster->prefix_bits() > pods->prefix_bits()) {
        return error{errc::invalid, fmt::format("Pod subnet {}: not in {}", pods->text(), cluster->text())};
    }
    return firewall_rules{.pod_subnet = *pods, .cluster_cidr = *cluster};
}

bool is_same(pod_attachment const& one, pod_attachment const& other) {
    return one.network_namespace == other.network_namespace && one.address == other.address &&
           one.host_ports == other.host_ports && one.link == other.link;
}

}  // namespace

linux_network::inner::inner(linux_network_options options)
    : options_(std::move(options)),
      interfaces_(options_.tag),
      firewall_(options_.tag, options_.pool_executor),
      sweeper_(options_.pool_executor) {}

result<pod_veth> linux_network::inner::veth_of(pod_attachment const& pod) const {
    auto const address = parse_ipv4(pod.address);
    if (!address) return address.error();
    auto const& subnet = rules_->pod_subnet;
    if (!subnet.contains(*address) || *address == subnet.gateway()) {
        return error{errc::invalid, fmt::format("address {} is not one for a Pod in {}", pod.address, subnet.text())};
    }
    auto const is_tap = pod.link == pod_link::tap;
    return pod_veth{
        .name = is_tap ? pod_tap_name(options_.tag, pod.instance) : pod_veth_name(options_.tag, pod.instance),
        .network_namespace = pod.network_namespace,
        .address = *address,
        .is_tap = is_tap};
}

std::optional<guest_network> linux_network::inner::describe(instance_id instance) const {
    auto const known = pods_.find(instance);
    if (!rules_ || known == pods_.end() || known->second.attachment.link != pod_link::tap) return std::nullopt;
    auto const link = veth_of(known->second.attachment);
    if (!link) return std::nullopt;
    return guest_network{.interface = link->name,
                         .address = known->second.attachment.address,
                         .prefix_bits = rules_->pod_subnet.prefix_bits(),
                         .gateway = ipv4_text(rules_->pod_subnet.gateway()),
                         .mac = mac_text(mac_of(link->address)),
                         .mtu = interfaces_.mtu()};
}

firewall_entries linux_network::inner::entries_now() const {
    firewall_entries all{.ports = ports_.all(), .guests = {}};
    for (auto const& [instance, guest] : guests_) all.guests.push_back(guest);
    return all;
}

/// Before there is an interface that somebody could lie behind.
awaitable<result<void>> linux_network::inner::guard(pod_veth const& link) {
    guest_identity guest{.interface = link.name, .mac = mac_of(link.address), .address = link.address};
    if (!firewall_.has_guests()) {
        auto const rebuilt = co_await firewall_.rebuild(*rules_, entries_now());
        co_return rebuilt;
    }
    co_return co_await firewall_.add_guest(std::move(guest));
}

/// An address that stayed in the table would take the node from the next Pod that gets it.
awaitable<> linux_network::inner::stop_guarding(instance_id instance) {
    auto const guest = guests_.extract(instance);
    if (guest.empty() || !firewall_.has_guests()) co_return;
    auto removing = firewall_.remove_guest(guest.mapped());
    auto const removed = co_await std::move(removing);
    if (removed || !rules_) co_return;
    auto const rebuilt = co_await rebuild_firewall(removed.error());
    if (!rebuilt)
        options_.logger.warning("a guest's entry in the firewall stays", {{"why", to_string(rebuilt.error())}});
}

void linux_network::inner::forget(instance_id instance) {
    pods_.erase(instance);
    guests_.erase(instance);
    ports_.give_back(instance);  // the rules are made from what is left
}

awaitable<result<std::vector<lost_pod>>> linux_network::inner::open(node_network what,
                                                                    std::vector<pod_attachment> present) {
    auto const rules = read_rules(what);
    if (!rules) co_return rules.error();
    rules_ = *rules;
    pods_.clear();
    guests_.clear();
    ports_.clear();
    wanted_interfaces wanted;
    std::vector<lost_pod> lost;
    for (auto const& each : present) {
        auto const link = veth_of(each);
        if (!link) {
            lost.push_back({.instance = each.instance, .why = link.error()});
            continue;
        }
        wanted.whole.emplace_back(each.instance, *link);
        if (link->is_tap) guests_[each.instance] = {link->name, mac_of(link->address), link->address};
        pods_.insert_or_assign(each.instance, known_pod{.attachment = each, .is_whole = true});
        for (auto const port : ports_.reopen(each.instance, mappings_of(each.host_ports, link->address))) {
            options_.logger.warning("another program has a Pod's host port, and is shadowed by it",
                                    {{"instance", each.instance.text()}, {"port", std::to_string(port)}});
        }
    }
    auto linked = co_await open_interfaces(std::move(wanted));
    if (!linked) rules_.reset();
    if (!linked) co_return linked.error();
    auto opened = co_await change_settings();
    if (opened) opened = co_await firewall_.rebuild(*rules_, entries_now());
    if (!opened) rules_.reset();
    if (!opened) co_return opened.error();
    co_await forget_stray_flows(knowing::all_pods);
    co_await warn_of_mtu();
    lost.insert(lost.end(), linked->begin(), linked->end());
    co_return lost;
}

awaitable<result<std::vector<lost_pod>>> linux_network::inner::open_interfaces(wanted_interfaces wanted) {
    auto work = [this, subnet = rules_->pod_subnet, wanted = std::move(wanted)] { return bring_up(subnet, wanted); };
    auto lost = co_await offload(options_.namespace_executor, std::move(work));
    if (!lost) co_return lost.error();
    for (auto const& each : *lost) forget(each.instance);
    co_return std::move(*lost);
}

result<std::vector<lost_pod>> linux_network::inner::bring_up(ipv4_subnet subnet, wanted_interfaces const& wanted) {
    auto const opened = interfaces_.open_bridge(subnet);
    if (!opened) return opened.error();
    auto const mtu = find_mtu();
    if (!mtu) return mtu.error();
    interfaces_.set_mtu(*mtu);
    auto names = wanted.unfinished;
    names.merge(names_of(wanted.whole));
    auto const kept = interfaces_.retain(names);
    if (!kept) return kept.error();
    std::vector<lost_pod> lost;
    for (auto const& [instance, link] : wanted.whole) {
        if (kept->contains(link.name)) continue;
        auto const attached = interfaces_.attach(link);
        if (!attached) lost.push_back({.instance = instance, .why = attached.error()});
    }
    auto const sized = interfaces_.apply_mtu(veths_of(wanted.whole));
    if (!sized) return sized.error();
    return lost;
}

/// Blocks.
result<std::uint32_t> linux_network::inner::find_mtu() {
    if (options_.mtu != 0) return options_.mtu;
    return interfaces_.default_route_mtu();
}

awaitable<result<void>> linux_network::inner::change_settings() {
    auto work = [this]() -> result<void> {
        auto const forwards = set_sysctl(ip_forward, "1");  // of the whole machine: it stays (ADR 16)
        if (!forwards) return forwards;
        return set_sysctl(route_localnet_of(bridge_name(options_.tag)), "1");  // goes with the bridge
    };
    co_return co_await offload(options_.pool_executor, std::move(work));
}

awaitable<result<void>> linux_network::inner::attach(pod_attachment pod) {
    if (!rules_) co_return error{errc::unavailable, "the node's network is not open"};
    auto const link = veth_of(pod);
    if (!link) co_return link.error();
    auto const known = pods_.find(pod.instance);
    if (known != pods_.end() && is_same(known->second.attachment, pod) && known->second.is_whole)
        co_return result<void>{};
    if (known != pods_.end() && !is_same(known->second.attachment, pod)) {
        auto const detached = co_await detach(pod.instance);
        if (!detached) co_return detached;
    }
    if (flows_of_nobody_.contains(link->address)) co_await forget_flows_of_nobody();
    auto mappings = mappings_of(pod.host_ports, link->address);
    auto const taken = ports_.open(pod.instance, mappings);
    if (!taken) co_return taken;
    auto const instance = pod.instance;
    pods_.insert_or_assign(instance, known_pod{.attachment = std::move(pod), .is_whole = false});

    if (link->is_tap) {
        guests_[instance] = {link->name, mac_of(link->address), link->address};
        auto const guarded = co_await guard(*link);
        if (!guarded) co_return co_await give_up(instance, guarded.error());
    }
    auto const linked = co_await add_veth(*link);
    if (!linked) co_return co_await give_up(instance, linked.error());
    auto const opened = co_await add_ports(mappings);
    if (!opened) co_return co_await give_up(instance, opened.error());
    co_await forget_flows_past(std::move(mappings));
    if (auto const found = pods_.find(instance); found != pods_.end()) found->second.is_whole = true;
    co_return result<void>{};
}

awaitable<result<void>> linux_network::inner::give_up(instance_id instance, error why) {
    auto const removed = co_await detach(instance);
    if (!removed) {
        options_.logger.warning("a Pod that got no network keeps parts of it until it is removed",
                                {{"instance", instance.text()}, {"reason", to_string(removed.error())}});
    }
    co_return why;
}

awaitable<result<void>> linux_network::inner::detach(instance_id instance) {
    auto const known = pods_.find(instance);
    if (known != pods_.end()) {
        auto const address = parse_ipv4(known->second.attachment.address);
        if (address) flows_due_[instance] = *address;
        pods_.erase(known);
    }
    auto mappings = ports_.close(instance);
    auto const has_ports = !mappings.empty();
    auto const closed = co_await remove_ports(std::move(mappings));
    if (closed) ports_.give_back(instance);
    auto const removed = co_await remove_veth(instance);
    co_await stop_guarding(instance);
    if (auto const due = flows_due_.extract(instance)) {
        flows_of_nobody_.insert(due.mapped());
        // Clients of a host port would go on to send to nobody.
        if (has_ports || flows_of_nobody_.size() >= flows_of_nobody_max) co_await forget_flows_of_nobody();
    }
    co_return closed ? removed : closed;
}

/// An interface that cannot be made may want the bridge, which somebody else has deleted.
awaitable<result<void>> linux_network::inner::add_veth(pod_veth link) {
    auto const added = co_await add_veth_once(link);
    if (added || added.error().code != errc::internal) co_return added;
    auto const repaired = co_await repair_interfaces();
    if (!repaired) co_return added;
    co_return co_await add_veth_once(std::move(link));
}

awaitable<result<void>> linux_network::inner::add_veth_once(pod_veth link) {
    auto work = [this, link = std::move(link)] { return interfaces_.attach(link); };
    co_return co_await offload(options_.namespace_executor, std::move(work));
}

awaitable<result<void>> linux_network::inner::remove_veth(instance_id instance) {
    auto const sweeps = ++condemned_count_ >= condemned_count_max;
    if (sweeps) condemned_count_ = 0;
    auto work = [this, sweeps, name = pod_veth_name(options_.tag, instance),
                 tap = pod_tap_name(options_.tag, instance)]() -> result<void> {
        if (auto const removed = interfaces_.remove_tap(tap); !removed) return removed;
        auto const disconnected = interfaces_.disconnect(name);
        return disconnected && sweeps ? interfaces_.sweep() : disconnected;
    };
    co_return co_await offload(options_.namespace_executor, std::move(work));
}

awaitable<result<void>> linux_network::inner::add_ports(std::vector<port_mapping> mappings) {
    if (mappings.empty()) co_return result<void>{};
    auto const added = co_await firewall_.add(std::move(mappings));
    if (added || !rules_) co_return added;
    co_return co_await rebuild_firewall(added.error());
}

awaitable<result<void>> linux_network::inner::remove_ports(std::vector<port_mapping> mappings) {
    if (mappings.empty()) co_return result<void>{};
    auto const removed = co_await firewall_.remove(std::move(mappings));
    if (removed || !rules_) co_return removed;
    co_return co_await rebuild_firewall(removed.error());
}

/// Somebody has changed or flushed our table: it is made anew from what we know.
awaitable<result<void>> linux_network::inner::rebuild_firewall(error why) {
    options_.logger.warning("the firewall's table is made anew", {{"reason", to_string(why)}});
    auto const rebuilt = co_await firewall_.rebuild(*rules_, entries_now());
    if (rebuilt) co_await forget_stray_flows(knowing::some_pods);
    co_return rebuilt;
}

awaitable<result<void>> linux_network::inner::remove_all() {
    rules_.reset();
    pods_.clear();
    guests_.clear();
    ports_.clear();
    flows_due_.clear();
    flows_of_nobody_.clear();
    auto const cleared = co_await firewall_.remove_table();
    auto work = [this] { return interfaces_.remove_all(); };
    auto const removed = co_await offload(options_.namespace_executor, std::move(work));
    co_return cleared ? removed : cleared;
}

linux_network::linux_network(linux_network_options options) : inner_(std::make_unique<inner>(std::move(options))) {}
linux_network::~linux_network() = default;

awaitable<result<std::vector<lost_pod>>> linux_network::open(node_network what, std::vector<pod_attachment> present) {
    return inner_->open(std::move(what), std::move(present));
}
awaitable<result<void>> linux_network::attach(pod_attachment pod) { return inner_->attach(std::move(pod)); }
std::optional<guest_network> linux_network::describe(instance_id instance) const { return inner_->describe(instance); }
awaitable<result<void>> linux_network::detach(instance_id instance) { return inner_->detach(instance); }
awaitable<result<std::vector<lost_pod>>> linux_network::repair() { return inner_->repair(); }
awaitable<std::vector<instance_id>> linux_network::list_cut_off(std::vector<instance_id> attached) {
    return inner_->list_cut_off(std::move(attached));
}
awaitable<result<void>> linux_network::remove_all() { return inner_->remove_all(); }

}  // namespace rik
