#include "cron_jobs_detail.hpp"

#include "lookup_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

/// It owns what its views refer to. Not copied, so that they stay right.
struct cron_jobs::scene {
    workload_scene cron = {};
    std::vector<stored<workload>> rows = {};
    std::vector<seen_job> jobs = {};
    workload_progress before = {};
    std::vector<rollout_step> steps = {};  ///< new ones
};

namespace {

bool is_said(rollout_record const& in, std::string_view what) {
    return std::ranges::any_of(in.steps, [&](rollout_step const& each) { return each.what == what; });
}

/// Do two say the same, but for what follows from the schedule and from the Jobs that are there?
bool is_kept_alike(workload_progress const& a, workload_progress const& b) {
    cron_progress const none;
    auto const& one = a.cron ? *a.cron : none;
    auto const& other = b.cron ? *b.cron : none;
    return one.last_run == other.last_run && one.last_success == other.last_success;
}

}  // namespace

bool has_ended(workload_progress const& job) {
    return job.state == workload_state::succeeded || job.state == workload_state::failed;
}

cron_jobs::scene cron_jobs::look_at(stored<workload> const& wanted, known_progress const& known) const {
    scene found{.cron = look_at_releases(state_.head(), wanted)};
    found.rows = state_.head().list<workload>(owner_index(wanted->id));
    for (auto const& each : found.rows) {
        if (each->kind != workload_kind::job) continue;
        auto const said = known.find(each->id);
        if (said != known.end()) {
            found.jobs.push_back(see_job(*each, &said->second));
            continue;
        }
        auto const kept = look_at_record(state_.head(), each);
        found.jobs.push_back(see_job(*each, kept.kept ? &kept.record.progress : nullptr));
    }
    auto const said = known.find(wanted->id);
    found.before = said != known.end() ? said->second : found.cron.record.progress;
    // What was started before is not known any more: better a run too few than one twice.
    if (found.cron.damage) found.before.cron.emplace().last_run = time_.wall();
    return found;
}

cron_jobs::outcome cron_jobs::write(stored<workload> const& wanted, known_progress const& known, transaction& into) {
    auto of = look_at(wanted, known);
    if (of.cron.damage)
        out_.error("what was kept of a CronJob is damaged; its next run is the one after now",
                   {{"workload", wanted->name}, {"error", to_string(*of.cron.damage)}});
    if (is_leaving(state_.head(), wanted->tenant)) return {.progress = std::move(of.before)};
    auto plan = plan_cron_job(
        {.wanted = *wanted, .jobs = of.jobs, .releases = of.cron.releases, .now = time_.wall(), .before = &of.before});
    write_start(of, plan, into);
    auto const has_more = write_removals(of, plan, into);
    write_remarks(of, plan.remarks, into);
    write_record(of, plan, into);
    return {.progress = std::move(plan.progress), .look_again = plan.look_again, .has_more = has_more};
}

/// A run whose Job cannot be made is lost: its name is taken, and may be so for ever.
void cron_jobs::write_start(scene& of, cron_job_plan& plan, transaction& into) {
    if (!plan.start) return;
    auto const& cron = *of.cron.wanted;
    auto definition = std::move(plan.start->definition);
    definition.tenant = cron.tenant;
    auto const name = definition.name;
    auto const made = creation_.add(into, std::move(definition), &cron);
    if (made) return;
    plan.start.reset();
    plan.replaced.clear();
    plan.progress.cron->active.pop_back();
    std::erase_if(plan.remarks, [](cron_remark const& each) {
        return each.reason == "SuccessfulCreate" || each.reason == "SuccessfulDelete";
    });
    plan.remarks.push_back(
        {"FailedCreate", fmt::format("Job {} could not be made: {}", name, to_string(made.error())), true});
}

bool cron_jobs::write_removals(scene const& of, cron_job_plan const& plan, transaction& into) {
    std::size_t count = 0;
    auto const remove_some = [&](std::vector<job_to_remove> const& which, std::string_view reason) {
        for (auto const& each : which) {
            if (count == limits::instances_per_slice_max) return;
            auto const row = std::ranges::find(of.rows, each.job, [](auto const& one) { return one->id; });
            if (row == of.rows.end() || (*row)->deleting_since) continue;
            removals_.retire(into, *row, std::string(reason), each.why);
            ++count;
        }
    };
    remove_some(plan.replaced, "Replaced");
    remove_some(plan.forgotten, "Forgotten");
    for (auto const& each : plan.forgotten_releases)
        if (auto const row = state_.head().find<release>(each)) into.remove<release>(each, row.changed_at);
    return count == limits::instances_per_slice_max;
}

/// Each look finds them anew.
void cron_jobs::write_remarks(scene& of, std::vector<cron_remark> const& remarks, transaction& into) {
    for (auto const& each : remarks) {
        if (is_said(of.cron.record, each.message)) continue;
        auto happened = events_.about(*of.cron.wanted);
        happened.type = each.is_warning ? event_type::warning : event_type::normal;
        happened.reason = each.reason;
        happened.message = each.message;
        events_.note(into, std::move(happened));
        of.steps.push_back({time_.wall(), each.message});
    }
}

/// One that waits writes nothing, however often it is looked at.
void cron_jobs::write_record(scene& of, cron_job_plan const& plan, transaction& into) {
    auto& record = of.cron.record;
    auto const is_alike = is_kept_alike(record.progress, plan.progress);
    if (of.steps.empty() && is_alike && !of.cron.damage) return;
    record.progress = plan.progress;
    for (auto& each : of.steps) record.add_step(std::move(each));
    into.put(to_document(record, *of.cron.wanted), of.cron.kept.changed_at);
}

void cron_jobs::note_end(workload const& job, workload_progress const& ended, transaction& into) {
    auto const cron = job.owner ? state_.head().find<workload>(*job.owner) : stored<workload>();
    if (!cron || cron->deleting_since) return;
    auto const is_success = ended.state == workload_state::succeeded;
    auto happened = events_.about(*cron);
    happened.type = is_success ? event_type::normal : event_type::warning;
    happened.reason = "SawCompletedJob";
    happened.message = fmt::format("Job {} has {}", job.name, is_success ? "succeeded" : "failed");
    events_.note(into, std::move(happened));
}

namespace {

workload without_owner(workload row) {
    row.owner = std::nullopt;
    return row;
}

/// Of those that nobody has told to go, or, where they stay, of all: the first that fit into a commit.
std::vector<stored<workload>> jobs_to_tell(view const& in, workload const& cron) {
    auto some = in.list<workload>(owner_index(cron.id));
    if (!cron.orphans_instances) std::erase_if(some, [](auto const& each) { return each->deleting_since.has_value(); });
    if (some.size() > limits::instances_per_slice_max) some.resize(limits::instances_per_slice_max);
    return some;
}

}  // namespace

/// Whether it leaves its Jobs is asked for each slice: its tenant may be deleted meanwhile, and takes them along.
awaitable<result<void>> remove_jobs_of(cluster_state& state, removals& leaving, workload_id which) {
    for (;;) {
        auto const cron = state.head().find<workload>(which);
        if (!cron || cron->kind != workload_kind::cron_job || !cron->deleting_since) co_return result<void>{};
        auto const some = jobs_to_tell(state.head(), *cron);
        if (some.empty()) break;
        transaction slice;
        for (auto const& each : some) {
            if (cron->orphans_instances)
                slice.put(without_owner(*each), each.changed_at);
            else
                leaving.mark(slice, each);
        }
        auto const told = state.apply(std::move(slice));
        if (!told) co_return told;
        auto const room = co_await state.wait_for_slice();
        if (!room) co_return room;
    }
    auto const left = state.head().list<workload>(owner_index(which));
    for (auto const& each : left) {
        auto const id = each->id;
        auto const removed = co_await leaving.remove_instances_of(id);
        if (!removed) co_return removed;
    }
    co_return result<void>{};
}

}  // namespace rik::detail
