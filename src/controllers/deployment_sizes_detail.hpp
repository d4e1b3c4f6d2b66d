// How many instances of each release a Deployment wants: the arithmetic of a rollout, on counts alone.
// Source: Kubernetes, pkg/controller/deployment: rolling.go, recreate.go, sync.go and util/deployment_util.go, whose
// ReplicaSets are the releases here.
#pragma once

#include <rik/controllers/controller.hpp>
#include <rik/model/upkeep.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// A release of a Deployment.
struct planned_release {
    release_id id = {};
    std::uint64_t number = 1;
    bool is_current = false;
    std::int64_t count = 0;      ///< that are wanted of it
    std::int64_t wanted = 0;     ///< replicas of the workload when that was said
    std::int64_t max = 0;        ///< those and the surge
    bool was_sized = false;      ///< ever
    std::int64_t available = 0;  ///< of those that are active, at most `count`
};

struct size_bounds {
    std::int64_t replicas = 0;
    std::int64_t surge = 0;        ///< 0 unless it rolls
    std::int64_t unavailable = 0;  ///< likewise, and at most `replicas`
    std::int64_t total_max() const { return replicas + surge; }
    std::int64_t available_min() const { return replicas - unavailable; }
};
size_bounds bounds_of(workload_upkeep const& upkeep, std::int64_t replicas);

/// The releases of one Deployment, by number, while their sizes are decided. The current one is among them.
class release_sizes {
public:
    release_sizes(std::vector<planned_release> all, size_bounds const& bounds);

    /// One step of a rolling update that changes something, or none: first the current release grows, then old ones
    /// shrink, those that are not available first.
    void roll();
    /// Old releases go to 0; the current one comes when `old_are_gone`.
    void recreate(bool old_are_gone);
    /// A change of `replicas`, or a rollout that is paused: each release has its share.
    void scale(bool is_rolling);
    /// Returns true if the count of replicas is another than when sizes were said.
    bool must_scale() const;

    std::vector<planned_release> const& all() const { return all_; }
    planned_release const& current() const;
    std::int64_t total() const;

private:
    planned_release& find_current();
    std::vector<planned_release*> old_ones();
    std::vector<planned_release*> active_ones();
    bool grow_current();
    bool shrink_old();
    std::int64_t shrink_unavailable(std::int64_t count_max);
    std::int64_t shrink_available();
    planned_release* find_only_or_latest();
    bool is_saturated() const;
    void share_out();
    void set(planned_release& of, std::int64_t count);

    std::vector<planned_release> all_;
    size_bounds bounds_;
};

}  // namespace rik::detail
