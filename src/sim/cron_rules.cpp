#include "cron_rules_detail.hpp"

#include <rik/controllers/cron_job.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik::sim {

void cron_rules::put(workload const& row) {
    if (row.kind == workload_kind::job) return put_job(row);
    if (row.kind != workload_kind::cron_job) return;
    auto& known = cron_jobs_[row.id];
    known.name = row.name;
    known.concurrency = row.definition->upkeep.cron->concurrency;
}

void cron_rules::put_job(workload const& row) {
    auto const known = jobs_.find(row.id);
    if (known == jobs_.end() && !row.owner) return;
    if (known == jobs_.end()) made_.insert(row.id);
    auto& one = jobs_[row.id];
    one.name = row.name;
    one.owner = row.owner;
    one.is_leaving = row.deleting_since.has_value();
    auto const said = row.annotations().find(std::string(scheduled_at_annotation));
    one.scheduled_at = said == row.annotations().end() ? std::string() : said->second;
}

void cron_rules::put(rollout_record const& of) {
    auto const known = jobs_.find(of.workload);
    if (known == jobs_.end()) return;
    auto const state = of.progress.state;
    known->second.has_ended = state == workload_state::succeeded || state == workload_state::failed;
}

void cron_rules::remove(workload_id const& which) {
    jobs_.erase(which);
    made_.erase(which);
    if (cron_jobs_.erase(which) > 0) gone_.insert(which);
}

std::vector<std::string> cron_rules::broken() {
    std::vector<std::string> found;
    for (auto const& each : std::exchange(made_, {})) check_new(jobs_.at(each), found);
    for (auto const& each : std::exchange(gone_, {}))
        for (auto const& [id, one] : jobs_)
            if (one.owner == each) found.push_back(fmt::format("Job {} belongs to a CronJob that is gone", one.name));
    return found;
}

void cron_rules::check_new(job const& made, std::vector<std::string>& found) {
    auto const cron = made.owner ? cron_jobs_.find(*made.owner) : cron_jobs_.end();
    if (cron == cron_jobs_.end())
        return found.push_back(fmt::format("Job {} was made by a CronJob that is not there", made.name));
    if (made.scheduled_at.empty()) return;
    auto& [name, concurrency, started] = cron->second;
    if (!started.insert(made.scheduled_at).second)
        found.push_back(fmt::format("CronJob {} has started the run of {} twice", name, made.scheduled_at));
    if (concurrency == concurrency_policy::allow) return;
    for (auto const& [id, other] : jobs_) {
        auto const is_run = other.owner == made.owner && other.name != made.name && !other.scheduled_at.empty();
        if (!is_run || other.has_ended) continue;
        if (concurrency == concurrency_policy::forbid || !other.is_leaving)
            found.push_back(fmt::format("CronJob {} has made {} while {} runs ({})", name, made.name, other.name,
                                        to_string(concurrency)));
    }
}

}  // namespace rik::sim
