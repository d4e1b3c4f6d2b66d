#include <rik/model/instance.hpp>

#include <algorithm>

namespace rik {

namespace {

/// It waits for nothing but its turn.
bool waits_for_its_turn(container_status const& which) {
    return which.state == container_state::waiting && (which.reason.empty() || which.reason == "ContainerCreating");
}

}  // namespace

void explain_unstarted(instance_status& status) {
    auto const is_deleted = status.state == instance_state::destroying || status.state == instance_state::terminated;
    if (!is_deleted && status.state != instance_state::failed) return;
    for (auto& each : status.containers) {
        if (!waits_for_its_turn(each)) continue;
        each.reason = is_deleted ? "PodDeleted" : "PodFailed";
        each.message = is_deleted ? "did not start: its Pod is being deleted" : "did not start: its Pod has failed";
    }
}

bool instance::takes_room() const {
    if (!binding() || is_finished(state())) return false;
    auto const& seen = status().containers;
    auto const has_ended = !seen.empty() && std::all_of(seen.begin(), seen.end(), [](container_status const& each) {
        return each.state == container_state::exited;
    });
    // A running instance whose containers have all exited may restart them; a condemned one starts nothing.
    return !(has_ended && is_condemned());
}

}  // namespace rik
