// What is known of the containers of a Pod beside what its machine decides, and their statuses, which follow from both.
#pragma once

#include "pod_core_detail.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// Use it from one strand only.
class container_notes {
public:
    explicit container_notes(pod_core& pod) : pod_(pod), all_(pod.unit_count()) {}

    /// The Pod is made anew: nothing is known of it.
    void reset() { all_.assign(all_.size(), {}); }

    /// It cannot be started now.
    void set_trouble(std::size_t unit, std::string reason, error const& why);
    void drop_trouble(std::size_t unit) { all_[unit].trouble.reset(); }
    /// It never starts, for its newest trouble. Precondition: it has one.
    void give_up(std::size_t unit);
    void start(std::size_t unit, container_start how);
    /// It has run, in any attempt since the Pod was made.
    void set_has_run(std::size_t unit) { all_[unit].has_run = true; }
    void exit(std::size_t unit, container_exit const& how);
    /// It is being stopped because `cause`, if it runs.
    void mark_stopping(std::size_t unit, std::string_view cause);
    /// What its newest probe of that kind said, which the machine knows: how it failed, or nothing.
    void take_probe(std::size_t unit, probe_kind kind, std::string const& failure);

    bool have_mains_run() const;
    /// Brings the statuses in line with what is known now. Precondition: the Pod has a machine.
    void settle();

private:
    struct note {
        bool has_run = false;
        bool is_ours = false;  ///< this agent has started its attempt: how long that took is known
        std::optional<start_trouble> trouble = {};
        std::string of_probes = {};
        probe_kind failed_probe = probe_kind::startup;  ///< which says `of_probes`
        time_point probe_said_at = {};
    };

    container_outlook outlook_of(std::size_t unit) const;

    pod_core& pod_;
    std::vector<note> all_;
};

}  // namespace rik::detail
