#include "network/linux/flow_sweeper_detail.hpp"

#include "network/linux/conntrack_detail.hpp"
#include "network/linux/link_messages_detail.hpp"

#include <rik/async/shield.hpp>

#include <boost/asio/post.hpp>

#include <linux/rtnetlink.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <utility>

namespace rik::detail {

namespace {

/// With more of them one walk that gets every entry is cheaper: it costs as much as five that the kernel filters.
constexpr std::size_t filtered_walk_count_max = 4;
/// A walk looks at every bucket of the kernel's table, however few entries there are. So with few entries one walk that
/// gets them all does less than one for each target.
constexpr std::size_t few_flows_max = 500;

/// Which addresses are this machine's. Asks the kernel once for each.
class own_addresses {
public:
    bool contains(std::uint32_t address) {
        auto const [known, is_new] = known_.try_emplace(address, false);
        if (is_new) known->second = look(address);
        return known->second;
    }

private:
    bool look(std::uint32_t address) {
        if (!socket_) socket_.emplace(netlink_socket::open());
        if (!*socket_) return false;
        auto const routes = (*socket_)->ask(get_route(address));
        return routes && !routes->empty() && routes->front().body<rtmsg>().rtm_type == RTN_LOCAL;
    }

    std::optional<result<netlink_socket>> socket_;
    std::map<std::uint32_t, bool> known_;
};

bool misses_any(flow const& which, std::vector<port_mapping> const& ports, own_addresses& own) {
    return std::any_of(ports.begin(), ports.end(), [&](auto const& port) { return misses(which, port); }) &&
           own.contains(which.there.destination);
}

bool concerns_any(flow const& which, std::set<std::uint32_t> const& addresses) {
    return std::any_of(addresses.begin(), addresses.end(), [&](auto address) { return concerns(which, address); });
}

/// Of this network namespace; many if that cannot be read.
std::size_t count_flows() {
    std::ifstream file("/proc/sys/net/netfilter/nf_conntrack_count");
    auto count = std::numeric_limits<std::size_t>::max();
    file >> count;
    return file ? count : std::numeric_limits<std::size_t>::max();
}

std::vector<flow_filter> filters_for(flow_targets const& targets) {
    if (count_flows() <= few_flows_max) return {flow_filter{}};
    if (targets.ports.size() + 2 * targets.addresses.size() > filtered_walk_count_max) return {flow_filter{}};
    std::vector<flow_filter> filters;
    for (auto const& port : targets.ports) filters.push_back(filter_for(port));
    for (auto const address : targets.addresses) {
        filters.push_back({.source = address});
        filters.push_back({.answerer = address});
    }
    return filters;
}

result<void> forget_now(flow_targets const& targets) {
    own_addresses own;
    auto const is_stale = [&](flow const& which) {
        return concerns_any(which, targets.addresses) || misses_any(which, targets.ports, own);
    };
    for (auto const& filter : filters_for(targets)) {
        auto const deleted = delete_flows(filter, is_stale);
        if (!deleted) return deleted.error();
    }
    return {};
}

bool is_nobodys(std::uint32_t address, flow_survey const& survey) {
    auto const& pods = survey.rules.pod_subnet;
    return survey.present && pods.contains(address) && address != pods.gateway() && !survey.present->contains(address);
}

bool is_stray(flow const& which, flow_survey const& survey, own_addresses& own) {
    if (which.is_in_zone) return false;
    if (is_nobodys(which.there.source, survey) || is_nobodys(which.back.source, survey)) return true;
    if (is_unmasked(which, survey.rules) && !own.contains(which.there.destination)) return true;
    return misses_any(which, survey.ports, own);
}

}  // namespace

flow_sweeper::flow_sweeper(asio::any_io_executor pool) : strand_(asio::make_strand(std::move(pool))) {}

awaitable<result<void>> flow_sweeper::forget(flow_targets targets) {
    return shield(on_strand(asio::any_io_executor(strand_), run_in_batch(std::move(targets))));
}

awaitable<result<void>> flow_sweeper::run_in_batch(flow_targets targets) {
    if (!waiting_) waiting_ = std::make_shared<batch>();
    auto const mine = waiting_;
    auto& all = mine->targets;
    all.ports.insert(all.ports.end(), targets.ports.begin(), targets.ports.end());
    all.addresses.merge(targets.addresses);
    // Everybody who reached the strand while the last walk ran is before this in its queue.
    co_await asio::post(strand_, asio::use_awaitable);
    if (!mine->has_run) run_waiting();
    co_return mine->outcome;
}

void flow_sweeper::run_waiting() {
    auto const current = std::exchange(waiting_, nullptr);
    current->outcome = forget_now(current->targets);
    current->has_run = true;
}

awaitable<result<void>> flow_sweeper::forget_strays(flow_survey survey) {
    return shield(on_strand(asio::any_io_executor(strand_), look_at_all(std::move(survey))));
}

awaitable<result<void>> flow_sweeper::look_at_all(flow_survey survey) {
    own_addresses own;
    auto const deleted = delete_flows({}, [&](flow const& which) { return is_stray(which, survey, own); });
    if (!deleted) co_return deleted.error();
    co_return result<void>{};
}

}  // namespace rik::detail
