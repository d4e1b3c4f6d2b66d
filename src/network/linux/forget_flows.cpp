// The kernel translates the packets of a connection as it did the first one, whatever the rules say now: what began
// under other rules is forgotten.
#include "network/linux/conntrack_detail.hpp"
#include "network/linux/link_messages_detail.hpp"
#include "network/linux/linux_network_detail.hpp"

#include <rik/async/shield.hpp>

#include <linux/rtnetlink.h>

#include <algorithm>
#include <utility>

namespace rik {

using namespace detail;

namespace {

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

result<void> forget_missing(std::vector<port_mapping> const& ports) {
    own_addresses own;
    for (auto const& port : ports) {
        auto const is_stale = [&](flow const& which) {
            return misses(which, port) && own.contains(which.there.destination);
        };
        auto const deleted = delete_flows(filter_for(port), is_stale);
        if (!deleted) return deleted.error();
    }
    return {};
}

result<void> forget_address(std::uint32_t address) {
    auto const is_stale = [address](flow const& which) { return concerns(which, address); };
    auto const begun_by_it = delete_flows({.source = address}, is_stale);
    if (!begun_by_it) return begun_by_it.error();
    auto const answered_by_it = delete_flows({.answerer = address}, is_stale);
    if (!answered_by_it) return answered_by_it.error();
    return {};
}

/// What a walk over the whole table looks for.
struct whole_view {
    firewall_rules rules;
    std::vector<port_mapping> ports;
    std::optional<std::set<std::uint32_t>> present;  ///< every other address of a Pod is nobody's; nullopt: not known
};

bool is_nobodys(std::uint32_t address, whole_view const& view) {
    auto const& pods = view.rules.pod_subnet;
    return view.present && pods.contains(address) && address != pods.gateway() && !view.present->contains(address);
}

result<void> forget_strays(whole_view const& view) {
    own_addresses own;
    auto const is_stale = [&](flow const& which) {
        if (which.is_in_zone) return false;
        if (is_nobodys(which.there.source, view) || is_nobodys(which.back.source, view)) return true;
        auto const is_astray = is_unmasked(which, view.rules)
                                   ? !own.contains(which.there.destination)
                                   : std::any_of(view.ports.begin(), view.ports.end(), [&](auto const& port) {
                                         return misses(which, port) && own.contains(which.there.destination);
                                     });
        return is_astray;
    };
    auto const deleted = delete_flows({}, is_stale);
    if (!deleted) return deleted.error();
    return {};
}

}  // namespace

/// Precondition: the firewall's map has them.
awaitable<> linux_network::inner::forget_flows_past(std::vector<port_mapping> ports) {
    if (ports.empty()) co_return;
    auto work = [ports = std::move(ports)] { return forget_missing(ports); };
    auto const forgotten = co_await offload(options_.pool_executor, std::move(work));
    tell_of_flows(forgotten);
}

/// Precondition: no rule leads there any more, and nobody sends from there.
awaitable<> linux_network::inner::forget_flows_of(std::uint32_t address) {
    auto work = [address] { return forget_address(address); };
    auto const forgotten = co_await offload(options_.pool_executor, std::move(work));
    tell_of_flows(forgotten);
}

awaitable<> linux_network::inner::forget_stray_flows(knowing what) {
    if (!rules_) co_return;
    whole_view view{.rules = *rules_, .ports = ports_.all(), .present = std::nullopt};
    if (what == knowing::all_pods) {
        view.present.emplace();
        for (auto const& [instance, link] : links_now().whole) view.present->insert(link.address);
    }
    auto work = [view = std::move(view)] { return forget_strays(view); };
    auto const forgotten = co_await offload(options_.pool_executor, std::move(work));
    tell_of_flows(forgotten);
}

/// Pods run without, so that it is no error; and it is said once.
void linux_network::inner::tell_of_flows(result<void> const& forgotten) {
    auto problem = forgotten ? std::string() : to_string(forgotten.error());
    if (problem == flows_problem_) return;
    flows_problem_ = std::move(problem);
    if (forgotten) return;
    options_.logger.warning(
        "the kernel's old connections cannot be forgotten: clients of a UDP host port may go on to "
        "reach the Pod that had it before",
        {{"error", flows_problem_}});
}

}  // namespace rik
