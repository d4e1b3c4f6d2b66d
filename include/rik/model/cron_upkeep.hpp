// What is wanted of a CronJob beside its schedule and the template of its Jobs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace rik {

/// What happens when a run is due while another is active.   Source: Kubernetes, concurrencyPolicy
enum class concurrency_policy : std::uint8_t {
    allow,    ///< it is started beside it
    forbid,   ///< it waits, and is late then
    replace,  ///< the active one is deleted
};

/// The defaults are those of Kubernetes.
struct cron_upkeep {
    concurrency_policy concurrency = concurrency_policy::allow;
    /// No run is started that long after its time; nullopt: however late.
    std::optional<std::chrono::seconds> starting_deadline = {};
    bool is_suspended = false;            ///< no run is started; those that are active go on
    std::size_t succeeded_jobs_kept = 3;  ///< the newest ones
    std::size_t failed_jobs_kept = 1;
    friend bool operator==(cron_upkeep const&, cron_upkeep const&) = default;
};

/// Jobs are named after their CronJob, with a time behind it, and names of Jobs end in those of instances.
/// Source: Kubernetes, ValidateCronJobCreate
inline constexpr std::size_t cron_job_name_bytes_max = 52;

}  // namespace rik
