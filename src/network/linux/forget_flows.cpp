// The kernel translates the packets of a connection as it did the first one, whatever the rules say now: what began
// under other rules is forgotten.
#include "network/linux/linux_network_detail.hpp"

#include <utility>

namespace rik {

using namespace detail;

/// Precondition: the firewall's map has them.
awaitable<> linux_network::inner::forget_flows_past(std::vector<port_mapping> ports) {
    if (ports.empty()) co_return;
    flow_targets targets;
    targets.ports = std::move(ports);
    targets.addresses = std::exchange(flows_of_nobody_, {});
    auto const forgotten = co_await sweeper_.forget(std::move(targets));
    tell_of_flows(forgotten);
}

/// A look at the kernel's table takes as long for one address as for many, and until an address is another Pod's what
/// is remembered of it harms nobody. So they are collected: see detach, attach and repair.
/// Precondition: no rule leads there any more, and nobody sends from there.
awaitable<> linux_network::inner::forget_flows_of_nobody() {
    if (flows_of_nobody_.empty()) co_return;
    flow_targets targets;
    targets.addresses = std::exchange(flows_of_nobody_, {});
    auto const forgotten = co_await sweeper_.forget(std::move(targets));
    tell_of_flows(forgotten);
}

awaitable<> linux_network::inner::forget_stray_flows(knowing what) {
    if (!rules_) co_return;
    flow_survey survey{.rules = *rules_, .ports = ports_.all(), .present = std::nullopt};
    if (what == knowing::all_pods) {
        survey.present.emplace();
        for (auto const& [instance, link] : interfaces_now().whole) survey.present->insert(link.address);
    }
    auto const forgotten = co_await sweeper_.forget_strays(std::move(survey));
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
