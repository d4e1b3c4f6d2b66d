#include <rik/model/instance.hpp>

#include <algorithm>

namespace rik {

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
