// Acts for one instance: asks its pod_machine what is due, has it done, and tells how it is.
#pragma once

#include "pod_acts_detail.hpp"
#include "pod_past_detail.hpp"

namespace rik::detail {

/// The life of the instance. What is done in it is done by the classes that it owns. Use it from one strand only.
class pod_actor {
public:
    pod_actor(node_instance_ptr mine, pod_context const& on);

    instance_id const& id() const { return pod_.mine->id(); }
    /// Lives as long as the record: ends when the instance was destroyed. Cancel: nothing is stopped; call `stop` then.
    awaitable<> run();
    /// Ends what `run` has begun. No container is stopped.
    awaitable<> stop();

private:
    awaitable<> live();
    awaitable<bool> resume();
    awaitable<bool> begin_anew();
    awaitable<> drive();
    void act();
    void obey_wishes();
    void restart();
    void look_at_network();
    void look_at_end();
    awaitable<> settle();
    awaitable<> stay_finished();
    awaitable<> leave();
    awaitable<> stop_acting();

    pod_core pod_;
    container_notes notes_;
    pod_telling telling_;
    pod_sandbox sandbox_;
    pod_watch watch_;
    pod_acts acts_;
    pod_starts starts_;
    pod_past past_;
    bool is_lost_ = false;              ///< all of it is made anew when it has ended
    std::uint32_t restarts_begun_ = 0;  ///< how many of instance_fields::restarts are obeyed, or on their way
    task_group life_;                   // last member: the task uses everything above
};

}  // namespace rik::detail
