// Tells users what happens, in the commit that makes it happen.
#pragma once

#include "cluster_state_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/model/tenant.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// Adds events to transactions. It changes nothing itself.
class event_writer {
public:
    event_writer(clock& time, cluster_state& state) : time_(time), state_(state) {}

    /// Adds `happened` to a commit. An event that says what an earlier one said takes its place, and counts.
    /// Precondition: `into` has no event that says the same about the same object.
    void note(transaction& into, event happened);

    /// An event of now, without its reason and its message.
    event about(workload const& subject) const;
    event about(instance const& subject) const;
    event about(node const& subject) const;
    event about(tenant_record const& subject) const;

    /// Tells of `leaving`, for each managed workload that some of them belong to, in an event and in a step of its
    /// record; `why`: "its node is being drained". Precondition: nothing else in `into` is about these records, but for
    /// those of workloads that are being deleted.
    void tell_departure(transaction& into, std::vector<stored<instance>> const& leaving, std::string_view why);

    /// An event of `of`, which is managed, and a step of its record.
    void tell_step(transaction& into, workload const& of, std::string reason, std::string message,
                   event_type type = event_type::normal);

private:
    void add_step(transaction& into, workload const& of, std::string what) const;
    std::uint64_t count_same(event& happened) const;
    workload_id group_of(workload_id const& owner) const;
    event begin(std::string object_kind, std::string object_id, std::string object_name) const;

    clock& time_;
    cluster_state& state_;
    std::uint64_t sequence_ = 0;  ///< of the last one; a commit that is refused leaves a gap, which nobody minds
};

}  // namespace rik::detail
