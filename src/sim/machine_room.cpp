// What a simulated machine counts, and what it remembers of its faults.
#include "machine_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::sim {

resources machine::in_use() const {
    resources taken;
    std::set<instance_id> pods;
    for (auto const& [key, each] : containers_) {
        if (each->is_over(time_.now())) continue;
        taken.add(each->asked.definition.requests);
        pods.insert(key.instance);
    }
    taken.set(resource::pods, static_cast<std::int64_t>(pods.size()));
    return taken;
}

disk_room machine::room_now() const {
    auto room = measured.of_state;
    auto const take = [&](disk_share const& what) {
        room.free_bytes = std::max<std::int64_t>(room.free_bytes - what.bytes, 0);
        room.free_files = std::max<std::int64_t>(room.free_files - what.files, 0);
    };
    for (auto const& [key, each] : containers_) take(behaviour_of(each->asked.definition.image).layer);
    for (auto const& each : deletions_)
        if (each.ends_at > time_.now()) take(each.of);
    return room;
}

bool machine::has_injected(std::string_view text) const {
    return std::any_of(injected_.begin(), injected_.end(),
                       [&](std::string const& each) { return text.find(each) != std::string_view::npos; });
}

error machine::inject(error why) {
    injected_.insert(why.message);
    return why;
}

error machine::refuse(instance_id const& told, error why) {
    witness_.refused(told, why);
    return why;
}

std::optional<error> machine::lacks_room(container_request const& asked) const {
    if (facts_.capacity.empty()) return std::nullopt;
    // A Pod of which something has run here has its room, even on a machine that has shrunk since.
    auto const is_of_it = [&](auto const& each) { return each.first.instance == asked.key.instance; };
    if (std::ranges::any_of(containers_, is_of_it) || std::ranges::any_of(logs_, is_of_it)) return std::nullopt;
    auto const taken = in_use();
    auto more = asked.definition.requests;
    more.set(resource::pods, 1);
    auto const lacking = more.first_lacking(facts_.capacity, taken);
    if (!lacking) return std::nullopt;
    return error{errc::exhausted, fmt::format("{}: {} would be taken, {} is offered", *lacking,
                                              taken.get(*lacking) + more.get(*lacking), facts_.capacity.get(*lacking))};
}

}  // namespace rik::sim
