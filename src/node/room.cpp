#include "room_detail.hpp"

#include "admission_detail.hpp"

#include <fmt/format.h>

#include <utility>

namespace rik::detail {

awaitable<> node_room::take(node_instance_ptr mine) {
    while (!mine->has_room) {
        auto why = lacks(*mine);
        mine->has_room = !why;
        if (mine->has_room) break;
        if (mine->status().message != *why)
            records_.report(*mine, instance_state::creating, "WaitingForRoom", std::move(*why));
        co_await changed_.wait();
    }
    if (mine->status().reason == "WaitingForRoom")
        records_.report(*mine, instance_state::creating, "Preparing",
                        "there is room for it now; its containers are made");
}

std::optional<std::string> node_room::lacks(node_instance const& mine) const {
    if (!orphans_.empty())
        return fmt::format("waits until {} Pods that belong to no instance are removed", orphans_.size());
    resources taken;
    for (auto const& [id, each] : records_.all())
        if (each->has_room) taken.add(each->fields.made_from->requests);
    return lacks_room(facts_.capacity, taken, mine.fields.made_from->requests);
}

void node_room::give_back(node_instance& mine) {
    if (std::exchange(mine.has_room, false)) changed_.notify();
}

void node_room::remove_orphan(instance_id const& id) {
    if (orphans_.erase(id) > 0) changed_.notify();
}

}  // namespace rik::detail
