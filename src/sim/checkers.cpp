// What must hold at every moment of a simulation, checked from outside the roles.
#include <rik/sim/cluster.hpp>

#include <fmt/format.h>

#include <map>
#include <set>

namespace rik::sim {

std::string cluster::violations() const {
    std::string wrong;
    std::map<instance_id, std::size_t> runs_on;
    for (std::size_t index = 0; index < machines_.size(); ++index) {
        std::set<instance_id> here;
        for (auto const& key : machines_[index]->running()) here.insert(key.instance);
        for (auto const& id : here)
            if (auto const [other, is_first] = runs_on.emplace(id, index); !is_first)
                wrong += fmt::format("instance {} runs on node-{} and node-{}\n", id.text(), other->second, index);
        auto const room = static_cast<std::size_t>(options_.pods_per_node);
        if (here.size() > room) wrong += fmt::format("node-{} runs {} Pods and offers {}\n", index, here.size(), room);
    }
    return wrong;
}

}  // namespace rik::sim
