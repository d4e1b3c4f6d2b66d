// The events of a simulated cluster.
#pragma once

#include <sim/scenario.hpp>

#include <utility>
#include <vector>

namespace rik::testing {

/// All that are kept, the oldest first.
inline awaitable<std::vector<event>> told_events(sim::cluster& cluster) {
    auto const listed = co_await cluster.api().events().list(caller(), event_filter());
    REQUIRE(listed.has_value());
    std::vector<event> all;
    for (auto const& row : listed->rows) {
        auto told = parse_event(*row);
        REQUIRE(told.has_value());
        all.push_back(std::move(*told));
    }
    co_return all;
}

}  // namespace rik::testing
