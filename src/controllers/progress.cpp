#include "progress_detail.hpp"

#include "common_detail.hpp"

#include <fmt/format.h>

#include <utility>

namespace rik::detail {

namespace {

constexpr auto no_deadline = std::chrono::seconds(std::numeric_limits<std::int32_t>::max());

constexpr std::string_view reason_created = "NewReplicaSetCreated";
constexpr std::string_view reason_found = "FoundNewReplicaSet";
constexpr std::string_view reason_updated = "ReplicaSetUpdated";
constexpr std::string_view reason_complete = "NewReplicaSetAvailable";
constexpr std::string_view reason_stuck = "ProgressDeadlineExceeded";
constexpr std::string_view reason_paused = "DeploymentPaused";
constexpr std::string_view reason_resumed = "DeploymentResumed";

class condition_writer {
public:
    condition_writer(workload_view const& of, workload_plan& plan) : of_(of), plan_(plan) {}

    void say_available(size_bounds const& bounds) {
        auto const is_enough = plan_.progress.available >= bounds.available_min();
        add(make(
            workload_condition_type::available, is_enough ? condition_status::yes : condition_status::no,
            is_enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            is_enough ? "Deployment has minimum availability." : "Deployment does not have minimum availability."));
    }

    void say_progressing() {
        auto const& upkeep = of_.wanted.definition->upkeep;
        if (upkeep.progress_deadline >= no_deadline) return;
        auto const base = base_condition(upkeep.is_paused);
        add(upkeep.is_paused ? base : judged(base, upkeep.progress_deadline));
    }

private:
    workload_condition const* last(workload_condition_type type) const {
        return of_.before == nullptr ? nullptr : of_.before->find(type);
    }

    /// One that says the same as the last is as old as that.
    workload_condition make(workload_condition_type type, condition_status status, std::string_view reason,
                            std::string message) const {
        workload_condition made{type, status, std::string(reason), std::move(message), of_.now, of_.now};
        auto const* const before = last(type);
        if (before == nullptr || before->status != status) return made;
        made.since = before->since;
        if (before->reason == reason && before->message == made.message) made.updated_at = before->updated_at;
        return made;
    }
    workload_condition progressing(condition_status status, std::string_view reason, std::string message) const {
        return make(workload_condition_type::progressing, status, reason, std::move(message));
    }
    void add(workload_condition made) { plan_.progress.conditions.push_back(std::move(made)); }

    /// Where the clock stands before this look: a new rollout, or a pause that begins or ends, sets it anew.
    workload_condition base_condition(bool is_paused) const {
        auto const* const before = last(workload_condition_type::progressing);
        auto const was_paused = before != nullptr && before->reason == reason_paused;
        if (is_paused) {
            auto const is_stuck = before != nullptr && before->reason == reason_stuck;
            if (was_paused || is_stuck) return *before;
            return progressing(condition_status::unknown, reason_paused, "Deployment is paused");
        }
        if (was_paused) return progressing(condition_status::unknown, reason_resumed, "Deployment is resumed");
        if (before != nullptr && of_.before->release == of_.wanted.current_release) return *before;
        auto made = first_of_rollout();
        made.updated_at = of_.now;
        return made;
    }
    workload_condition first_of_rollout() const {
        auto const* const current = find_release(of_, of_.wanted.current_release);
        auto const was_there = current != nullptr && current->size.has_value();
        return progressing(condition_status::yes, was_there ? reason_found : reason_created,
                           fmt::format("{} new replica set \"{}\"", was_there ? "Found" : "Created", release_name()));
    }

    workload_condition judged(workload_condition const& base, duration deadline) {
        auto const& now = plan_.progress;
        auto const about = [&](std::string_view what) {
            return fmt::format("ReplicaSet \"{}\" {}", release_name(), what);
        };
        if (base.reason == reason_complete && now.have == now.updated) return base;
        if (now.is_complete)
            return progressing(condition_status::yes, reason_complete, about("has successfully progressed."));
        if (is_moving()) {
            auto made = progressing(condition_status::yes, reason_updated, about("is progressing."));
            made.updated_at = of_.now;
            return watched(std::move(made), deadline);
        }
        if (base.reason == reason_complete || base.reason == reason_stuck) return base;
        if (deadline_of(base, deadline) > of_.now) return watched(base, deadline);
        return progressing(condition_status::no, reason_stuck, about("has timed out progressing."));
    }

    static wall_time deadline_of(workload_condition const& of, duration deadline) {
        return of.updated_at + std::chrono::ceil<wall_time::duration>(deadline);
    }
    workload_condition watched(workload_condition of, duration deadline) {
        look_again_at(plan_, deadline_of(of, deadline));
        return of;
    }

    /// More of what is new, or less of what is old, than at the last look.
    bool is_moving() const {
        auto const* const before = of_.before;
        auto const& now = plan_.progress;
        if (before == nullptr || before->release != now.release) return false;
        return now.updated > before->updated || now.have - now.updated < before->have - before->updated ||
               now.ready > before->ready || now.available > before->available;
    }

    std::string release_name() const {
        auto const* const current = find_release(of_, of_.wanted.current_release);
        return fmt::format("{}-{}", of_.wanted.name, current == nullptr ? of_.wanted.releases_made : current->number);
    }

    workload_view const& of_;
    workload_plan& plan_;
};

}  // namespace

void add_conditions(workload_view const& of, size_bounds const& bounds, workload_plan& plan) {
    condition_writer writer(of, plan);
    writer.say_available(bounds);
    writer.say_progressing();
}

}  // namespace rik::detail
