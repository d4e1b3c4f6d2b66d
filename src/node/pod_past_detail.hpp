// What an agent leaves to the next one of an instance, and what that one makes of it.
#pragma once

#include "pod_starts_detail.hpp"

#include <optional>
#include <vector>

namespace rik::detail {

/// Use it from one strand only.
class pod_past {
public:
    pod_past(pod_core& pod, container_notes& notes, pod_starts& starts, pod_watch& watch)
        : pod_(pod), notes_(notes), starts_(starts), watch_(watch) {}

    /// Keeps what the machine must not forget. Precondition: it has one.
    void remember();
    std::vector<unit_memory> recall() const;

    /// The status of an instance that is new tells of no container yet.
    void fit_status();
    /// Its sandbox is there, and something in it has run.
    bool has_remains() const;
    /// How it has ended while nobody looked, if nothing of it can go on; nullopt: all of it starts again.
    std::optional<instance_end> find_end();
    /// Makes a machine that goes on with what is left. Precondition: `fit_status` was called.
    void take_over();

private:
    void take_over_found();
    void take_over_unit(std::size_t unit, found_container const& newest);
    void lose_vanished();
    void clear_old_attempts();
    found_container const* newest_in(std::size_t unit) const;
    time_point moment_of(wall_time when) const;

    pod_core& pod_;
    container_notes& notes_;
    pod_starts& starts_;
    pod_watch& watch_;
};

}  // namespace rik::detail
