// Sees what happens to the containers of a Pod by themselves: they end, and write more than they may.
#pragma once

#include "container_notes_detail.hpp"

#include <rik/async/task_group.hpp>

#include <string>
#include <utility>
#include <vector>

namespace rik::detail {

/// Use it from one strand only.
class pod_watch {
public:
    pod_watch(pod_core& pod, container_notes& notes) : pod_(pod), notes_(notes), tasks_(pod.on.strand) {}

    /// An attempt runs: its end will be seen.
    void begin(std::size_t unit, std::uint32_t attempt);
    /// One that is said to run has ended. Nothing happens if it is not the current one.
    void take_exit(std::size_t unit, std::uint32_t attempt, container_exit const& how, time_point at);
    /// One that had ended was followed by another attempt, which is yet to start.
    void restart(std::size_t unit, std::uint32_t old_attempt);
    /// Nothing of an attempt runs: what it has left is to be removed. If that fails, it goes with the sandbox.
    void remove(container_key key) {
        outdated_.push_back(std::move(key));
        pod_.look_again();
    }
    /// Begins with that, beside the caller. What is remembered now names a later attempt; before that is on disk
    /// nothing is removed: else the next agent, if it finds neither, would start the same attempt again.
    void remove_outdated();
    /// The Pod ends when it holds more on the disk than it may: see find_overfull.
    void begin_disk_limits();
    awaitable<> stop() { return tasks_.stop(); }

private:
    awaitable<> wait_for_end(std::size_t unit, container_key key);
    awaitable<> remove_attempt(container_key key, revision remembered_at);
    awaitable<> look_at_disk();
    void log_problem(container_key const& key, std::string const& problem) const;

    pod_core& pod_;
    container_notes& notes_;
    std::vector<container_key> outdated_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::detail
