#include "network_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// How often the network is looked at: who flushes the firewall or deletes a bridge tells nobody.
constexpr duration repair_period = std::chrono::seconds(10);

pod_attachment attachment_of(node_instance const& mine, std::filesystem::path network_namespace) {
    pod_attachment made{.instance = mine.fields.id, .network_namespace = std::move(network_namespace)};
    made.address = mine.fields.status.addresses.empty() ? std::string() : mine.fields.status.addresses.front();
    made.host_ports = host_ports(mine.spec(), mine.fields.exposed_port);
    return made;
}

}  // namespace

result<void> pod_network::set(std::string pod_subnet, std::string cluster_cidr) {
    auto const subnet = ipv4_subnet::parse(pod_subnet);
    if (!subnet) return subnet.error();
    pod_subnet_ = std::move(pod_subnet);
    cluster_cidr_ = std::move(cluster_cidr);
    addresses_.emplace(*subnet);
    changed_.notify();
    return {};
}

std::vector<pod_attachment> pod_network::present_pods() const {
    std::vector<pod_attachment> present;
    for (auto const& [id, mine] : records_.all())
        if (mine->found && mine->found->is_whole && !mine->spec().has_host_network && !mine->status().addresses.empty())
            present.push_back(attachment_of(*mine, mine->found->network_namespace));
    return present;
}

awaitable<> pod_network::run() {
    co_await open();
    while (true) {
        co_await time_.sleep_for(repair_period);
        auto const repaired = co_await under_.repair();
        tell_of(repaired ? std::nullopt : std::optional(repaired.error()));
        if (!repaired) co_await tell_cut_off(repaired.error());
        if (!repaired) continue;
        for (auto const& each : *repaired) lose(each);
    }
}

/// Says that the network cannot be had, and why; nullopt: it is there. Nothing is said twice.
void pod_network::tell_of(std::optional<error> const& why) {
    auto problem = why ? to_string(*why) : std::string();
    if (problem == problem_) return;
    problem_ = std::move(problem);
    if (why)
        out_.error(is_open_ ? "the Pod network is damaged and cannot be repaired; Pods wait for it"
                            : "the Pod network cannot be opened; Pods wait for it",
                   {{"error", problem_}});
    else
        out_.info("the Pod network is ready");
    tell_();
    changed_.notify();
}

/// Those that have no network because it cannot be opened or repaired; `why` may go, whatever it is.
awaitable<> pod_network::tell_cut_off(error why) {
    std::vector<instance_id> running;
    for (auto const& [id, mine] : records_.all())
        if (mine->status().state == instance_state::running && !mine->end && !mine->spec().has_host_network)
            running.push_back(id);
    auto const cut_off = co_await under_.list_cut_off(std::move(running));
    why.code = errc::unavailable;
    for (auto const& each : cut_off) {
        auto const found = records_.find(each);
        if (found != nullptr && !found->network_lost) lose({.instance = each, .why = why});
    }
}

/// Retries, since what stands in its way may go.
awaitable<> pod_network::open() {
    auto pause = limits::reconnect_pause_min;
    while (!is_open_) {
        while (pod_subnet_.empty()) co_await changed_.wait();
        node_network what{.pod_subnet = pod_subnet_, .cluster_cidr = cluster_cidr_};
        auto present = present_pods();
        auto const opened = co_await under_.open(std::move(what), std::move(present));
        if (opened) {
            is_open_ = true;
            tell_of(std::nullopt);
            for (auto const& each : *opened) lose(each);
            changed_.notify();
            co_return;
        }
        tell_of(opened.error());
        co_await tell_cut_off(opened.error());
        co_await time_.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

void pod_network::lose(lost_pod const& which) {
    auto const found = records_.find(which.instance);
    if (found == nullptr) return;
    found->network_lost = which.why;
    found->poke();
}

awaitable<> pod_network::wait_until_ready(node_instance_ptr mine) {
    while (!is_open_ || !problem_.empty()) {
        auto const& said = mine->status().message;
        if (!problem_.empty() && said != problem_)
            records_.report(*mine, instance_state::creating, "NetworkNotReady", problem_);
        co_await changed_.wait();
    }
}

awaitable<result<void>> pod_network::change() {
    co_await changed_.wait();
    co_return result<void>{};
}

result<void> pod_network::allocate(node_instance& mine) {
    if (!mine.status().addresses.empty()) return {};
    if (!addresses_) return error{errc::unavailable, "the node does not know its Pod subnet yet"};
    auto address = addresses_->allocate();
    if (!address) return address.error();
    mine.status().addresses.push_back(std::move(*address));
    records_.keep(mine);
    return {};
}

void pod_network::reserve(node_instance& mine) {
    auto const is_pooled = addresses_.has_value() && !mine.spec().has_host_network;
    std::erase_if(mine.status().addresses, [&](std::string const& address) {
        auto const reserved = is_pooled ? addresses_->reserve(address) : result<void>{};
        if (!reserved)
            out_.error("address not kept", {{"instance", mine.fields.name}, {"error", to_string(reserved.error())}});
        return !reserved;
    });
}

void pod_network::give_back(node_instance& mine) {
    for (auto const& address : mine.status().addresses)
        if (addresses_ && !mine.spec().has_host_network) addresses_->free(address);
    mine.status().addresses.clear();
}

awaitable<result<void>> pod_network::attach(node_instance_ptr mine, std::filesystem::path network_namespace) {
    auto attachment = attachment_of(*mine, std::move(network_namespace));
    co_return co_await under_.attach(std::move(attachment));
}

}  // namespace rik::detail
