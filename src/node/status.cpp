#include "status_detail.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

std::optional<instance_end> end_of(instance_template const&, std::vector<container_status> const& containers) {
    bool all_exited = true;
    for (auto const& each : containers) {
        if (each.state != container_state::exited) {
            all_exited = false;
            continue;
        }
        if (each.exit_code == 0) continue;
        auto why = fmt::format("container {}: {}", each.name, each.message);
        return instance_end{instance_state::failed, each.reason, std::move(why)};
    }
    if (!all_exited) return std::nullopt;
    return instance_end{instance_state::succeeded, "Completed", "all containers exited with 0"};
}

std::vector<container_status> waiting_containers(instance_template const& pod) {
    std::vector<container_status> all;
    for (auto const& each : pod.containers)
        all.push_back({.name = each.name, .reason = "ContainerCreating", .message = "is being prepared"});
    return all;
}

void set_running(container_status& which, wall_time when) {
    which.state = container_state::running;
    which.reason = "Started";
    which.message.clear();
    which.started_at = when;
}

void set_exited(container_status& which, container_exit const& exit) {
    which.state = container_state::exited;
    which.finished_at = exit.finished_at;
    if (!exit.code_known) {
        which.exit_code = std::nullopt;
        which.reason = "ExitCodeLost";
        which.message = "it has ended; its exit code is lost with the process that watched it";
        return;
    }
    which.exit_code = exit.code;
    if (exit.out_of_memory) {
        which.reason = "OOMKilled";
        which.message = "it was killed because it used more memory than its limit";
    } else if (exit.code == 0) {
        which.reason = "Completed";
        which.message = "exited with 0";
    } else {
        which.reason = "Error";
        which.message = exit.code > 128 ? fmt::format("ended by signal {} (exit code {})", exit.code - 128, exit.code)
                                        : fmt::format("exited with {}", exit.code);
    }
}

void set_not_started(container_status& which, std::string reason, std::string message) {
    which.state = container_state::waiting;
    which.reason = std::move(reason);
    which.message = std::move(message);
}

}  // namespace rik::detail
