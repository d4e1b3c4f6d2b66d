// What is done with containers that run: they are probed, their hooks run, and they are stopped.
#pragma once

#include "container_notes_detail.hpp"

#include <rik/async/task_group.hpp>

namespace rik::detail {

/// Use it from one strand only.
class pod_acts {
public:
    pod_acts(pod_core& pod, container_notes& notes) : pod_(pod), notes_(notes), tasks_(pod.on.strand) {}

    /// Does it beside the caller, and tells the machine the outcome. Precondition: it is no start.
    void begin(pod_action const& what);
    awaitable<> stop() { return tasks_.stop(); }

private:
    awaitable<> probe(pod_action what);
    awaitable<result<probe_answer>> ask(container_key key, probe_action what, time_point deadline);
    void take_answer(pod_action const& what, result<probe_answer> const& answer);
    awaitable<> run_hook(pod_action what);
    awaitable<bool> has_ended(container_key key);
    awaitable<result<probe_answer>> do_hook(container_key key, hook_action what);
    awaitable<> stop_unit(pod_action what);
    awaitable<> kill_unit(pod_action what);
    void log_failure(char const* message, pod_action const& what, error const& why) const;

    pod_core& pod_;
    container_notes& notes_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::detail
