// What an earlier agent, or none that is known, has left on the machine and no record owns.
#pragma once

#include "network_detail.hpp"
#include "room_detail.hpp"

#include <rik/async/task_group.hpp>

#include <functional>
#include <map>
#include <optional>

namespace rik::detail {

/// Removes it beside the agent's work, as often as it takes. Use it from one strand only.
class orphans {
public:
    /// `gone` is told of each that was ordered to be destroyed, when nothing is left of it.
    orphans(asio::any_io_executor strand, clock& time, pod_network& pods, node_room& room, log out,
            std::function<void(instance_id const&, revision)> gone)
        : time_(time),
          pods_(pods),
          room_(room),
          out_(std::move(out)),
          tell_gone_(std::move(gone)),
          gone_(strand),
          tasks_(strand) {}

    void remove(runtime& of, found_sandbox const& found);
    /// Returns false if there is no such orphan.
    bool condemn(instance_id const& id, revision fence);
    /// Waits until nothing is left of `id`, if it is one.
    awaitable<> wait_until_gone(instance_id id);
    awaitable<> stop() { return tasks_.stop(); }

private:
    awaitable<> remove_one(runtime& of, instance_id instance);

    clock& time_;
    pod_network& pods_;
    node_room& room_;
    log out_;
    std::function<void(instance_id const&, revision)> tell_gone_;
    std::map<instance_id, std::optional<revision>> all_;  ///< with the fence of those that were ordered to go
    notifier gone_;
    task_group tasks_;
};

}  // namespace rik::detail
