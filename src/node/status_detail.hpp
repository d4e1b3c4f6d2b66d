// What an instance's state is, given its containers: pure.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>

namespace rik::detail {

/// How an instance ends by itself.
struct instance_end {
    instance_state state = instance_state::succeeded;
    std::string reason;
    std::string message;
};

/// A Pod runs until all its containers have exited: all with 0 is success; the first other exit ends it as failed.
/// nullopt: it goes on. (Until supervision exists: SETTLED, "Reboot".)
std::optional<instance_end> end_of(instance_template const& pod, std::vector<container_status> const& containers);

/// All containers waiting, for a status that begins.
std::vector<container_status> waiting_containers(instance_template const& pod);

void set_running(container_status& which, wall_time when);
void set_exited(container_status& which, container_exit const& exit);
/// A container that never ran, or was ended with its instance.
void set_not_started(container_status& which, std::string reason, std::string message);

}  // namespace rik::detail
