// A CronJob with its Jobs as rows: a store and a primary in one small object, for tests of the controller.
#pragma once

#include <rik/controllers/cron_job.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

class cron_cluster {
public:
    struct job {
        workload row;
        workload_progress progress;
        wall_time scheduled_at = {};  ///< of a manual one: when it was made
        bool is_done() const { return progress.holds(workload_condition_type::complete) || has_failed(); }
        bool has_failed() const { return progress.holds(workload_condition_type::failed); }
        bool is_manual() const { return row.annotations().contains(std::string(instantiate_annotation)); }
    };

    /// `spec`: the fields of the CronJob beside its template, as JSON members in RIK's form.
    explicit cron_cluster(std::string const& spec, wall_time now) : now_(now) {
        auto parsed = parse_definition(R"({"apiVersion":"v1","kind":"CronJob","name":"hello",)" + spec +
                                       R"(,"jobTemplate":{"labels":{"app":"hello"},"annotations":{"why":"tests"},)" +
                                       R"("backoffLimit":2,"template":{"spec":{"containers":[{"name":"main",)" +
                                       R"("image":"x"}]}}}})");
        problems_ = std::move(parsed.found);
        row_.definition = std::make_shared<workload_definition const>(std::move(parsed.definition));
        row_.id = id<workload_tag>();
        row_.name = "hello";
        row_.kind = workload_kind::cron_job;
        row_.created_at = now_;
        row_.current_release = id<release_tag>();
    }

    problems const& found() const { return problems_; }
    workload const& row() const { return row_; }
    cron_job_upkeep const& cron() const { return *row_.definition->upkeep.cron; }
    void change(std::function<void(cron_job_upkeep&)> const& how) {
        auto next = *row_.definition;
        how(*next.upkeep.cron);
        row_.definition = std::make_shared<workload_definition const>(std::move(next));
        ++row_.generation;
    }

    wall_time now() const { return now_; }
    void pass(duration time) { now_ += std::chrono::duration_cast<wall_time::duration>(time); }
    void at(wall_time when) { now_ = when; }

    std::map<std::string, job> const& jobs() const { return jobs_; }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (auto const& [name, one] : jobs_) all.push_back(name);
        return all;
    }
    /// Runs of the schedule that have not ended, also those that leave.
    std::vector<std::string> active_runs() const {
        std::vector<std::string> all;
        for (auto const& [name, one] : jobs_)
            if (!one.is_done() && !one.is_manual()) all.push_back(name);
        return all;
    }
    workload_progress const& progress() const { return progress_; }

    cron_job_plan plan() const {
        std::vector<seen_job> seen;
        for (auto const& [name, one] : jobs_) seen.push_back(see_job(one.row, &one.progress));
        seen_release const release{row_.current_release, 1};
        return plan_cron_job({.wanted = row_,
                              .jobs = seen,
                              .releases = {&release, 1},
                              .now = now_,
                              .before = has_progress_ ? &progress_ : nullptr});
    }
    /// In one commit.
    void carry_out(cron_job_plan const& plan) {
        if (plan.start) make(plan.start->definition, plan.start->scheduled_at);
        for (auto const* list : {&plan.replaced, &plan.forgotten})
            for (auto const& each : *list) tell_to_go(each.job);
        progress_ = plan.progress;
        has_progress_ = true;
    }
    cron_job_plan step() {
        auto made = plan();
        carry_out(made);
        return made;
    }
    /// A Job that a user starts.
    void start_by_hand(std::string name) {
        auto made = job_of(*row_.definition, std::move(name), std::nullopt);
        if (made) make(*made, now_);
    }

    void finish(std::string const& name, bool is_success) {
        auto& one = jobs_.at(name);
        one.progress.state = is_success ? workload_state::succeeded : workload_state::failed;
        one.progress.conditions.push_back(
            {is_success ? workload_condition_type::complete : workload_condition_type::failed, condition_status::yes});
        auto& times = one.progress.job ? *one.progress.job : one.progress.job.emplace();
        if (!times.started_at) times.started_at = one.row.created_at;
        times.finished_at = now_;
    }
    void delete_by_hand(std::string const& name) { jobs_.at(name).row.deleting_since = now_; }
    /// Those that were told to go are gone.
    void clear() {
        std::erase_if(jobs_, [](auto const& each) { return each.second.row.deleting_since.has_value(); });
    }

    /// Every name that was ever made, and how often.
    std::map<std::string, int> const& made() const { return made_; }

private:
    void make(workload_definition const& from, wall_time scheduled_at) {
        ++made_[from.name];
        workload row{.id = id<workload_tag>(), .name = from.name};
        row.kind = workload_kind::job;
        row.definition = std::make_shared<workload_definition const>(from);
        row.created_at = now_;
        row.owner = row_.id;
        jobs_.insert_or_assign(from.name, job{std::move(row), {}, scheduled_at});
    }
    void tell_to_go(workload_id const& which) {
        for (auto& [name, one] : jobs_)
            if (one.row.id == which && !one.row.deleting_since) one.row.deleting_since = now_;
    }
    template <class Kind>
    uid<Kind> id() {
        auto bytes = detail::uid_bytes{};
        auto number = ++ids_;
        for (std::size_t i = bytes.size(); i > 0; --i, number >>= 8) bytes[i - 1] = static_cast<std::uint8_t>(number);
        return uid<Kind>::from_bytes(bytes);
    }

    problems problems_;
    workload row_;
    std::map<std::string, job> jobs_;
    std::map<std::string, int> made_;
    workload_progress progress_;
    bool has_progress_ = false;
    wall_time now_;
    std::uint64_t ids_ = 0;
};

}  // namespace rik::testing
