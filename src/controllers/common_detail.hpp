// What the controllers share: which instances count, in what order they go, free indexes, counts.
#pragma once

#include <rik/controllers/controller.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rik::detail {

using instance_list = std::vector<seen_instance const*>;

/// Returns true if it runs or will run, and nobody wants it to go.
bool is_active(seen_instance const& of);

/// Those that count for the workload: its own and those that it adopts. What is adopted and let go is planned.
class claimed_instances {
public:
    claimed_instances(workload_view const& of, workload_plan& plan);

    instance_list const& active() const { return active_; }

private:
    instance_list active_;
};

/// When it is available.
class availability {
public:
    explicit availability(workload_view const& of)
        : now_(of.now), min_ready_(std::chrono::ceil<wall_time::duration>(of.wanted.definition->upkeep.min_ready)) {}

    bool operator()(seen_instance const& of) const;
    /// When it will be if it stays ready; nullopt: it is not ready, or available already.
    std::optional<wall_time> comes_at(seen_instance const& of) const;

private:
    wall_time now_;
    wall_time::duration min_ready_;
};

/// Sorts what may go, what goes first at the front. `active` must outlive it.
class removal_order {
public:
    enum class first : std::uint8_t { as_kubernetes, unavailable };
    removal_order(workload_view const& of, instance_list const& active, first rule);
    void sort(instance_list& which) const;

private:
    struct ranked;
    bool goes_before(ranked const& a, ranked const& b) const;
    int compare_as_kubernetes(ranked const& a, ranked const& b) const;

    workload_view const& of_;
    availability is_available_;
    first rule_;
    instance_list const& active_;
};

/// The lowest indexes that no active instance has, and none that is adopted gets.
class free_indexes {
public:
    free_indexes(instance_list const& active, std::span<to_adopt const> adopted);
    std::uint32_t take();

private:
    std::vector<std::uint32_t> taken_;
    bool is_sorted_ = false;  ///< only once an index is taken: nearly always none is
    std::size_t passed_ = 0;
    std::uint32_t next_ = 0;
};

/// What has been ready for so long, or has failed so long ago, is no failure in a row.
inline constexpr auto failures_forgotten_after = std::chrono::minutes(10);
/// After so many failures in a row the pause is the longest.
inline constexpr std::size_t failures_counted_max = 5;
/// 1 s, 4 s, 16 s, 64 s, 256 s; none before the first failure.
constexpr std::chrono::seconds pause_after(std::size_t failures) {
    if (failures == 0) return std::chrono::seconds(0);
    return std::chrono::seconds(1 << (2 * (std::min(failures, failures_counted_max) - 1)));
}
static_assert(pause_after(0) == std::chrono::seconds(0) && pause_after(1) == std::chrono::seconds(1) &&
              pause_after(5) == std::chrono::seconds(256) && pause_after(9) == pause_after(5));

/// Returns true if an instance of `release`, of which `wanted` shall be, may be made now. Each time that as many as
/// that have failed, the pause after the last failure grows; at its end the plan looks again.
bool may_retry(workload_view const& of, release_id const& release, std::int64_t wanted, workload_plan& plan);

/// `at` if it comes before what is planned.
void look_again_at(workload_plan& plan, std::optional<wall_time> at);

/// Lists no more changes than may be listed.
void add_removal(workload_view const& of, workload_plan& plan, seen_instance const& which, std::string why);
void add_creation(workload_view const& of, workload_plan& plan, to_create made);

/// The counts of what is active and leaving.
void count_progress(workload_view const& of, instance_list const& active, workload_plan& plan);

/// What is said of a workload whose instances are counted.
void settle_replica_set(workload_view const& of, workload_plan& plan);
/// `total`: the instances that all its releases shall have.
void settle_deployment(workload_view const& of, std::int64_t total, workload_plan& plan);

/// Old releases that no instance is made from, the oldest first; of these `kept` stay.
void forget_releases(workload_view const& of, std::uint64_t kept, workload_plan& plan);

seen_release const* find_release(workload_view const& of, release_id const& which);

std::string number_text(std::int64_t count, std::string_view noun);  ///< "1 instance", "3 instances"

}  // namespace rik::detail
