// From an order, or a restart, to running containers.
#pragma once

#include "pod_images_detail.hpp"
#include "pod_sandbox_detail.hpp"
#include "pod_watch_detail.hpp"

#include <optional>
#include <vector>

namespace rik::detail {

/// Use it from one strand only.
class pod_starts {
public:
    pod_starts(pod_core& pod, container_notes& notes, pod_sandbox& sandbox, pod_watch& watch);

    /// From nothing: pulls the images, and makes what the containers share. Precondition: the Pod has a new machine.
    void begin();
    /// Its sandbox is an earlier agent's: nothing more starts in it before the Pod has room.
    void begin_in_old_sandbox();
    /// An earlier agent has begun that attempt, and nothing of it has run. What there is of it goes before the next
    /// try.
    void take_half_made(std::size_t unit, container_key key) { half_made_[unit] = std::move(key); }
    /// Makes an attempt, beside the caller, and tells the machine the outcome.
    void start(pod_action const& what) { tasks_.spawn(start_unit(what)); }
    /// What has not started yet never will. What has begun in the runtime is removed with the rest.
    awaitable<> cancel();
    awaitable<> stop();

private:
    awaitable<> prepare();
    awaitable<result<void>> make_pod();
    awaitable<> take_room();
    awaitable<> start_unit(pod_action what);
    awaitable<result<container_start>> try_start(pod_action what, image_ptr image);
    awaitable<result<container_start>> start_in_turn(container_request request);
    void take_start(pod_action const& what, result<container_start> started);
    void take_failure(pod_action const& what, error const& why);

    pod_core& pod_;
    container_notes& notes_;
    pod_sandbox& sandbox_;
    pod_watch& watch_;
    notifier progressed_;  ///< something that a start waits for
    pod_images images_;
    std::vector<std::optional<container_key>> half_made_;
    bool has_place_ = false;  ///< among those of the node that start
    int start_count_ = 0;     ///< of containers that only wait for the sandbox, or for the runtime
    limiter one_by_one_;      ///< starts of its containers
    task_group tasks_;        // last member: the tasks use everything above
};

}  // namespace rik::detail
