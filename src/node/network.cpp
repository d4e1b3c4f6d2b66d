// The Pod network of the node, and what its instances have of it.
#include "impl_detail.hpp"
#include "requests_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

result<void> node_agent::impl::set_network(std::string pod_subnet, std::string cluster_cidr) {
    auto const subnet = ipv4_subnet::parse(pod_subnet);
    if (!subnet) return subnet.error();
    pod_subnet_ = std::move(pod_subnet);
    cluster_cidr_ = std::move(cluster_cidr);
    addresses_.emplace(*subnet);
    network_changed_.notify();
    return {};
}

std::vector<pod_attachment> node_agent::impl::present_pods() {
    std::vector<pod_attachment> present;
    for (auto const& [id, mine] : instances_)
        if (mine->found && mine->found->is_whole && !mine->spec().has_host_network && !mine->status().addresses.empty())
            present.push_back(attachment_of(*mine, mine->found->network_namespace));
    return present;
}

namespace {

/// How often the network is looked at: who flushes the firewall or deletes a bridge tells nobody.
constexpr duration repair_period = std::chrono::seconds(10);

}  // namespace

awaitable<> node_agent::impl::keep_network() {
    co_await open_network();
    while (true) {
        co_await ports_.time.sleep_for(repair_period);
        auto const repaired = co_await ports_.pods.repair();
        tell_of_network(repaired ? std::nullopt : std::optional(repaired.error()));
        if (!repaired) co_await tell_cut_off(repaired.error());
        if (!repaired) continue;
        for (auto const& each : *repaired) lose_network(each);
    }
}

void node_agent::impl::tell_of_network(std::optional<error> const& why) {
    auto problem = why ? to_string(*why) : std::string();
    if (problem == network_problem_) return;
    network_problem_ = std::move(problem);
    if (why)
        options_.out.error(is_network_open_ ? "the Pod network is damaged and cannot be repaired; Pods wait for it"
                                            : "the Pod network cannot be opened; Pods wait for it",
                           {{"error", network_problem_}});
    else
        options_.out.info("the Pod network is ready");
    settle_troubles();
    network_changed_.notify();
    for (auto const& [id, mine] : instances_)
        if (mine->network_lost) mine->changed.notify();
}

/// Those that have no network because it cannot be opened or repaired; `why` may go, whatever it is.
awaitable<> node_agent::impl::tell_cut_off(error why) {
    std::vector<instance_id> running;
    for (auto const& [id, mine] : instances_)
        if (mine->status().state == instance_state::running && !mine->end && !mine->spec().has_host_network)
            running.push_back(id);
    auto const cut_off = co_await ports_.pods.list_cut_off(std::move(running));
    why.code = errc::unavailable;
    for (auto const& each : cut_off) {
        auto const found = instances_.find(each);
        if (found != instances_.end() && !found->second->network_lost) lose_network({.instance = each, .why = why});
    }
}

/// Opens the network as soon as it is known which it is; retries, since what stands in its way may go.
awaitable<> node_agent::impl::open_network() {
    auto pause = limits::reconnect_pause_min;
    while (!is_network_open_) {
        while (pod_subnet_.empty()) co_await network_changed_.wait();
        node_network what{.pod_subnet = pod_subnet_, .cluster_cidr = cluster_cidr_};
        auto present = present_pods();
        auto const opened = co_await ports_.pods.open(std::move(what), std::move(present));
        if (opened) {
            is_network_open_ = true;
            tell_of_network(std::nullopt);
            for (auto const& each : *opened) lose_network(each);
            network_changed_.notify();
            co_return;
        }
        tell_of_network(opened.error());
        co_await tell_cut_off(opened.error());
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

void node_agent::impl::lose_network(lost_pod const& which) {
    auto const found = instances_.find(which.instance);
    if (found == instances_.end()) return;
    found->second->network_lost = which.why;
    found->second->changed.notify();
}

awaitable<> node_agent::impl::network_ready(node_instance_ptr mine) {
    while (!is_network_open_ || !network_problem_.empty()) {
        auto const& said = mine->status().message;
        if (!network_problem_.empty() && said != network_problem_)
            report(*mine, instance_state::creating, "NetworkNotReady", network_problem_);
        co_await network_changed_.wait();
    }
}

awaitable<result<void>> node_agent::impl::change_of(notifier& changed) {
    co_await changed.wait();
    co_return result<void>{};
}

/// Tries once; when that fails it says so and waits for a moment, or for something else to happen to the instance.
/// While the network itself is damaged it only waits.
awaitable<> node_agent::impl::put_back_on_network(node_instance_ptr mine) {
    complain(*mine, instance_state::running, "NetworkLost", *mine->network_lost);
    if (network_problem_.empty()) {
        auto const made = co_await make_sandbox(mine);
        if (made) {
            mine->network_lost.reset();
            co_return report(*mine, instance_state::running, "NetworkRepaired", "is on the network again");
        }
        mine->network_lost = made.error().why;
    }
    if (detail::end_of(mine->status().containers)) co_return;  // it was told while nobody waited here
    auto const looks_again = ports_.time.now() + limits::reconnect_pause_max;
    auto changing = change_of(mine->changed);
    auto const changed = co_await with_deadline(ports_.time, looks_again, std::move(changing));
    (void)changed;
}

node_agent::impl::start_result<void> node_agent::impl::allocate_address(node_instance& mine) {
    if (mine.spec().has_host_network) {  // the node may have got another one at a reboot
        mine.status().addresses = detail::addresses_on(facts_);
        return {};
    }
    if (!mine.status().addresses.empty()) return {};
    if (!addresses_)
        return start_failure{"NetworkFailed", error{errc::unavailable, "the node does not know its Pod subnet yet"}};
    auto address = addresses_->allocate();
    if (!address) return start_failure{"NetworkFailed", address.error()};
    mine.status().addresses.push_back(std::move(*address));
    keep(mine);
    return {};
}

void node_agent::impl::give_back_address(node_instance& mine) {
    for (auto const& address : mine.status().addresses)
        if (addresses_ && !mine.spec().has_host_network) addresses_->free(address);
    mine.status().addresses.clear();
}

pod_attachment node_agent::impl::attachment_of(node_instance const& mine,
                                               std::filesystem::path network_namespace) const {
    pod_attachment made{.instance = mine.fields.id, .network_namespace = std::move(network_namespace)};
    made.address = mine.fields.status.addresses.empty() ? std::string() : mine.fields.status.addresses.front();
    made.host_ports = host_ports(mine.fields.made_from->spec());
    return made;
}

}  // namespace rik
