// What a Job keeps of its instances that have ended: counts that outlive them.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/document.hpp>
#include <rik/model/index_set.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

struct workload;

inline constexpr std::string_view job_record_kind = "job";

/// An instance that has failed, for people.
struct job_failure {
    wall_time at = {};
    std::uint64_t number = 0;  ///< it was the first, the second, ... of the Job
    std::string instance = {};
    std::optional<std::uint32_t> index = {};
    std::string container = {};  ///< that ended first with another code than 0; empty: none did
    std::optional<int> exit_code = {};
    std::string reason = {};   ///< one word
    std::string verdict = {};  ///< what follows, and by which rule
    friend bool operator==(job_failure const&, job_failure const&) = default;
};

/// One document for each Job; it goes with that. It is written in the commit that sees an end, or that takes the row of
/// the instance away, and by nobody else: so each end is in it once.
struct job_record {
    workload_id workload = {};
    std::uint64_t succeeded = 0;  ///< instances; of an indexed one `completed` says more
    std::uint64_t failed = 0;     ///< instances whose end counts
    std::uint64_t ignored = 0;    ///< instances that have failed and do not count, as a rule says
    index_set completed = {};
    index_set failed_indexes = {};
    /// Of indexes that may be tried again: [0] those that have failed once, [1] twice.
    std::vector<index_set> failed_times = {};
    std::uint32_t failures_in_row = 0;  ///< since the last success
    std::optional<wall_time> last_failure_at = {};
    std::string fatal = {};                  ///< for people: which end the rule FailJob has matched; empty: none
    std::vector<job_failure> failures = {};  ///< the newest last; at most limits::job_failures_max
    friend bool operator==(job_record const&, job_record const&) = default;

    /// How often it has failed so far; 0 also if it has succeeded or failed for good.
    std::uint32_t failures_of(std::uint32_t index) const;
};

document_key job_record_key(workload const& of);
document to_document(job_record const& from, workload const& of);
/// Errors: corrupt, the document is none.
result<job_record> parse_job_record(document const& from);

}  // namespace rik
