// What linux_network.hpp hides.
#pragma once

#include <rik/network/linux/linux_network.hpp>

#include "network/linux/firewall_detail.hpp"
#include "network/linux/flow_sweeper_detail.hpp"
#include "network/linux/host_ports_detail.hpp"
#include "network/linux/interfaces_detail.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rik {

namespace detail {

using pod_veths = std::vector<std::pair<instance_id, pod_veth>>;

std::set<std::string> names_of(pod_veths const& links);
std::vector<pod_veth> veths_of(pod_veths const& links);
std::string route_localnet_of(std::string const& link);

inline constexpr char const* ip_forward = "net/ipv4/ip_forward";

}  // namespace detail

/// Everything but `interfaces_` belongs to the callers' strand; `interfaces_` to the namespace thread.
class linux_network::inner {
public:
    explicit inner(linux_network_options options);

    awaitable<result<std::vector<lost_pod>>> open(node_network what, std::vector<pod_attachment> present);
    awaitable<result<void>> attach(pod_attachment pod);
    std::optional<guest_network> describe(instance_id instance) const;
    awaitable<result<void>> detach(instance_id instance);
    awaitable<result<std::vector<lost_pod>>> repair();
    awaitable<std::vector<instance_id>> list_cut_off(std::vector<instance_id> attached);
    awaitable<result<void>> remove_all();

private:
    struct known_pod {
        pod_attachment attachment;
        bool is_whole = false;  ///< false while attach works on it, and after it was cancelled
    };

    /// What the namespace thread needs to know of the Pods.
    struct wanted_interfaces {
        detail::pod_veths whole = {};
        std::set<std::string> unfinished = {};  ///< what others are working on
    };

    result<detail::pod_veth> veth_of(pod_attachment const& pod) const;
    wanted_interfaces interfaces_now() const;
    awaitable<result<std::vector<lost_pod>>> open_interfaces(wanted_interfaces wanted);
    result<std::vector<lost_pod>> bring_up(ipv4_subnet subnet, wanted_interfaces const& wanted);
    result<std::uint32_t> find_mtu();
    awaitable<result<void>> repair_interfaces();
    awaitable<result<void>> repair_mtu();
    awaitable<> warn_of_mtu();
    awaitable<result<void>> repair_settings();
    awaitable<result<void>> repair_firewall();
    awaitable<result<void>> change_settings();
    awaitable<result<void>> add_veth(detail::pod_veth link);
    awaitable<result<void>> add_veth_once(detail::pod_veth link);
    awaitable<result<void>> remove_veth(instance_id instance);
    awaitable<result<void>> add_ports(std::vector<detail::port_mapping> mappings);
    awaitable<result<void>> remove_ports(std::vector<detail::port_mapping> mappings);
    detail::firewall_entries entries_now() const;
    awaitable<result<void>> guard(detail::pod_veth const& link);
    awaitable<> stop_guarding(instance_id instance);
    awaitable<result<void>> rebuild_firewall(error why);
    // forget_flows.cpp
    enum class knowing : std::uint8_t { all_pods, some_pods };
    awaitable<> forget_flows_past(std::vector<detail::port_mapping> ports);
    awaitable<> forget_flows_of_nobody();
    awaitable<> forget_stray_flows(knowing what);
    void tell_of_flows(result<void> const& forgotten);
    awaitable<result<void>> give_up(instance_id instance, error why);
    void forget(instance_id instance);

    linux_network_options options_;
    detail::node_interfaces interfaces_;
    detail::firewall firewall_;
    detail::flow_sweeper sweeper_;
    std::optional<detail::firewall_rules> rules_;  ///< set while the network is open
    std::map<instance_id, known_pod> pods_;
    detail::port_table ports_;
    std::map<instance_id, detail::guest_identity> guests_;  ///< those behind taps
    std::vector<lost_pod> lost_;                            ///< by a repair that nobody was told of yet
    std::size_t condemned_count_ = 0;
    std::map<instance_id, std::uint32_t> flows_due_;  ///< addresses whose connections are to be forgotten
    std::set<std::uint32_t> flows_of_nobody_;         ///< likewise, and no Pod has them
    std::string flows_problem_;                       ///< as it was told
};

}  // namespace rik
