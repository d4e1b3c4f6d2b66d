// What somebody else has changed of the node's network is made anew.
#include "network/linux/linux_network_detail.hpp"

#include "network/linux/sysctl_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

using namespace detail;

std::set<std::string> detail::names_of(pod_veths const& links) {
    std::set<std::string> names;
    for (auto const& [instance, link] : links) names.insert(link.name);
    return names;
}

std::vector<pod_veth> detail::veths_of(pod_veths const& links) {
    std::vector<pod_veth> all;
    for (auto const& [instance, link] : links) all.push_back(link);
    return all;
}

std::string detail::route_localnet_of(std::string const& link) {
    return fmt::format("net/ipv4/conf/{}/route_localnet", link);
}

linux_network::inner::wanted_interfaces linux_network::inner::interfaces_now() const {
    wanted_interfaces wanted;
    for (auto const& [instance, pod] : pods_) {
        auto const link = veth_of(pod.attachment);
        if (!link) continue;
        if (pod.is_whole)
            wanted.whole.emplace_back(instance, *link);
        else
            wanted.unfinished.insert(link->name);
    }
    return wanted;
}

awaitable<result<std::vector<lost_pod>>> linux_network::inner::repair() {
    if (!rules_) co_return std::vector<lost_pod>{};
    auto repaired = co_await repair_interfaces();
    if (repaired && rules_) repaired = co_await repair_mtu();
    if (repaired && rules_) repaired = co_await repair_settings();
    if (repaired && rules_) repaired = co_await repair_firewall();
    if (!repaired) co_return repaired.error();
    co_await forget_flows_of_nobody();
    co_return std::exchange(lost_, {});
}

/// Nobody is told to have no network because nobody can look.
awaitable<std::vector<instance_id>> linux_network::inner::list_cut_off(std::vector<instance_id> attached) {
    auto work = [this] { return interfaces_.list_joined(); };
    auto const joined = co_await offload(options_.namespace_executor, std::move(work));
    if (!joined) co_return std::vector<instance_id>{};
    std::erase_if(attached, [&](auto const& each) {
        return joined->contains(pod_veth_name(options_.tag, each)) ||
               joined->contains(pod_tap_name(options_.tag, each));
    });
    co_return std::move(attached);
}

awaitable<result<void>> linux_network::inner::repair_interfaces() {
    auto wanted = interfaces_now();
    auto work = [this, names = names_of(wanted.whole)] { return interfaces_.are_as_made(names); };
    auto const whole = co_await offload(options_.namespace_executor, std::move(work));
    if (!whole) co_return whole.error();
    if (*whole || !rules_) co_return result<void>{};
    options_.logger.warning("somebody else has changed the node's bridge or a Pod's link: making it anew");
    wanted = interfaces_now();  // maybe other Pods than before
    auto const lost = co_await open_interfaces(std::move(wanted));
    if (!lost) co_return lost.error();
    lost_.insert(lost_.end(), lost->begin(), lost->end());
    if (lost->empty() || !rules_) co_return result<void>{};
    error why{errc::not_found, "it leads to Pods that have no network any more"};
    co_return co_await rebuild_firewall(std::move(why));
}

/// Follows the way out of the machine, which may have become another one.
awaitable<result<void>> linux_network::inner::repair_mtu() {
    auto work = [this, wanted = veths_of(interfaces_now().whole)]() -> result<bool> {
        auto const mtu = find_mtu();
        if (!mtu) return mtu.error();
        interfaces_.set_mtu(*mtu);
        return interfaces_.apply_mtu(wanted);
    };
    auto const changed = co_await offload(options_.namespace_executor, std::move(work));
    if (!changed) co_return changed.error();
    if (*changed) options_.logger.info("the MTU of the Pods' links has changed");
    co_return result<void>{};
}

awaitable<> linux_network::inner::warn_of_mtu() {
    if (options_.mtu == 0) co_return;
    auto work = [this] { return interfaces_.default_route_mtu(); };
    auto const uplink = co_await offload(options_.namespace_executor, std::move(work));
    if (!uplink || *uplink >= options_.mtu) co_return;
    options_.logger.warning(
        "the MTU that was asked for is larger than the default route's: packets of Pods may be lost",
        {{"mtu", std::to_string(options_.mtu)}, {"default_route", std::to_string(*uplink)}});
}

namespace {

/// Errors: exhausted, nobody can look now.
result<bool> has_settings(std::string_view tag) {
    auto const forwards = has_sysctl(ip_forward, "1");
    if (!forwards || !*forwards) return forwards;
    return has_sysctl(route_localnet_of(bridge_name(tag)), "1");
}

}  // namespace

awaitable<result<void>> linux_network::inner::repair_settings() {
    auto work = [tag = options_.tag] { return has_settings(tag); };
    auto const are_there = co_await offload(options_.pool_executor, std::move(work));
    if (!are_there) co_return are_there.error();
    if (*are_there || !rules_) co_return result<void>{};
    options_.logger.warning("somebody else has changed a sysctl that Pods need: setting it again");
    co_return co_await change_settings();
}

awaitable<result<void>> linux_network::inner::repair_firewall() {
    auto const is_whole = co_await firewall_.is_as_made();
    if (!is_whole) co_return is_whole.error();
    if (*is_whole || !rules_) co_return result<void>{};
    error why{errc::conflict, "somebody else has changed or removed it"};
    co_return co_await rebuild_firewall(std::move(why));
}

}  // namespace rik
