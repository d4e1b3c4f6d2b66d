// What an instance's state is, given its containers: pure.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// How an instance ends by itself.
struct instance_end {
    instance_state state = instance_state::succeeded;
    std::string reason;
    std::string message;
    friend bool operator==(instance_end const&, instance_end const&) = default;
};

/// A Pod runs until all its containers have exited: all with 0 is success; the first other exit ends it as failed.
/// nullopt: it goes on. (Until supervision exists: docs/compatibility.md, `spec.restartPolicy`.)
std::optional<instance_end> end_of(std::vector<container_status> const& containers);

bool all_run(std::vector<container_status> const& containers);
/// "1 of 2 containers runs; container a: exited with 0": for a Pod that goes on.
std::string describe_progress(std::vector<container_status> const& containers);

/// As a row on disk: state, reason and message, a line each; the message may have more of them.
std::string encode_end(instance_end const& how);
std::optional<instance_end> parse_end(std::string_view text);

/// All containers waiting, for a status that begins.
std::vector<container_status> waiting_containers(instance_template const& pod);

void set_running(container_status& which, wall_time when);
/// A container that was being stopped goes on saying why.
void set_exited(container_status& which, container_exit const& exit);
/// Nothing of them is left: those that are said to run have ended, and nobody knows how.
void set_lost(std::vector<container_status>& containers, wall_time when);
/// It runs yet, and is ended because of `cause`.
void set_stopping(container_status& which, std::string_view cause);
/// A container that never ran, or was ended with its instance.
void set_not_started(container_status& which, std::string reason, std::string message);

}  // namespace rik::detail
