// What is said of an instance as a whole.
#pragma once

#include "container_notes_detail.hpp"

#include <string>

namespace rik::detail {

/// Use it from one strand only.
class pod_telling {
public:
    pod_telling(pod_core& pod, container_notes& notes) : pod_(pod), notes_(notes) {}

    /// It is made, or made anew. Precondition, of all but `tell_ending` and `tell_end`: it has a machine.
    void begin();
    /// It runs on after an earlier agent.
    void tell_taken_over();
    /// Everything that is said follows from what is known now; it is published if it has changed.
    void tell();
    /// Says once that it is about to end, and to which containers that happens because of it. Precondition: its end is
    /// kept.
    void tell_ending();
    /// Nothing of it is left but its logs. Precondition: its end is kept.
    void tell_end();
    void tell_readiness();

private:
    void tell_start();
    void tell_progress();
    bool is_ready() const;
    std::string progress_key() const;

    pod_core& pod_;
    container_notes& notes_;
    bool is_end_told_ = false;
    time_point began_at_ = {};
    std::string progress_key_;  ///< of what was said last
};

}  // namespace rik::detail
