#include "impl_detail.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace rik {

namespace {

result<void> check_ready(bool is_connected, std::vector<node_trouble> const& troubles) {
    if (!is_connected) return error{errc::unavailable, "no scheduler is connected"};
    if (troubles.empty()) return {};
    return error{errc::unavailable, fmt::format("{}: {}", troubles.front().reason, troubles.front().message)};
}

metric states_of(std::map<std::string, std::size_t> const& counts) {
    metric made{.name = "rik_node_instances", .help = "Instances that this node holds, by their state."};
    for (auto const& [state, count] : counts) made.samples.push_back({static_cast<double>(count), {{"state", state}}});
    return made;
}

}  // namespace

role_health node_agent::impl::health() const {
    auto const is_connected = link_.is_connected();
    role_health made{.ready = check_ready(is_connected, facts_.troubles)};
    made.metrics.push_back(
        make_gauge("rik_node_scheduler_connected", "1 while a scheduler is connected.", is_connected ? 1 : 0));
    made.metrics.push_back(make_gauge("rik_node_troubles", "What keeps the node from taking instances.",
                                      static_cast<double>(facts_.troubles.size())));
    std::map<std::string, std::size_t> counts;
    for (auto const& [id, each] : records_.all()) ++counts[std::string(to_string(each->fields.status.state))];
    if (!counts.empty()) made.metrics.push_back(states_of(counts));
    metric capacity{.name = "rik_node_capacity",
                    .help = "What the node offers: cpu in thousandths, memory in bytes, pods."};
    for (auto const& [name, amount] : facts_.capacity.entries())
        capacity.samples.push_back({static_cast<double>(amount), {{"resource", std::string(name)}}});
    if (!capacity.samples.empty()) made.metrics.push_back(std::move(capacity));
    for (auto& each : usage_.metrics()) made.metrics.push_back(std::move(each));
    return made;
}

role_health node_agent::health() const { return impl_->health(); }

}  // namespace rik
