// Turns what a controller plans into commits.
#pragma once

#include "instance_creation_detail.hpp"
#include "removals_detail.hpp"
#include "workload_scene_detail.hpp"

#include <rik/placement/placement.hpp>

#include <cstddef>
#include <set>
#include <string>

namespace rik::detail {

/// What of a plan was not written.
struct plan_rest {
    bool has_more = false;
    bool is_short = false;            ///< of something that others may give back: it is worth another try later
    std::size_t creations_count = 0;  ///< so many of the plan's were come to, from its first
};

/// Adds to transactions; it commits nothing. Use it from the primary's strand only.
class plan_writer {
public:
    plan_writer(clock& time, entropy& random, cluster_state const& state, event_writer& events,
                instance_creation& creation, removals& leaving, placement_policy const& policy)
        : time_(time),
          random_(random),
          state_(state),
          events_(events),
          creation_(creation),
          removals_(leaving),
          ports_(random, state),
          policy_(policy) {}

    /// A commit's worth of it, whose parts may stand alone. What was done is added to the record of the workload, with
    /// why.
    plan_rest write(workload_scene scene, rik::workload_plan const& plan, transaction& into);

private:
    struct slice {
        workload_scene& scene;
        transaction& into;
        std::size_t room;  ///< for so many more instances
        std::set<std::string> names = {};
        std::set<instance_id> written = {};  ///< rows that the commit has already
        std::vector<rollout_step> steps = {};
        bool is_recorded = false;  ///< something of the record has changed
        bool is_short = false;     ///< see plan_rest
    };
    void write_sizes(slice& part, rik::workload_plan const& plan);
    void write_lost(slice& part);
    void write_removals(slice& part, rik::workload_plan const& plan);
    void write_owners(slice& part, rik::workload_plan const& plan);
    /// Returns how many of the plan's it has come to.
    std::size_t write_creations(slice& part, rik::workload_plan const& plan);
    void write_bindings(slice& part);
    void write_restarts(slice& part, rik::workload_plan const& plan);
    void write_news(slice& part, workload_progress const& now);
    void write_record(slice& part, rik::workload_plan const& plan);
    result<void> create(slice& part, to_create const& what);
    void say_once(slice& part, std::string reason, std::string message);
    bool bind(slice& part, stored<instance> const& row);
    std::string free_name(slice const& part);
    std::optional<node_binding> binding_for(release const& what, node_id const& where) const;
    void say(slice& part, std::string reason, std::string message, event_type type = event_type::normal);

    clock& time_;
    entropy& random_;
    cluster_state const& state_;
    event_writer& events_;
    instance_creation& creation_;
    removals& removals_;
    exposed_ports ports_;
    placement_policy const& policy_;
};

}  // namespace rik::detail
