#include "workloads_detail.hpp"

#include "listing_detail.hpp"
#include "lookup_detail.hpp"
#include "node_changes_detail.hpp"

#include <rik/controllers/cron_job.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// Returns true if a list or a watch of `which` has this row. `keeper`: where it is asked for progress; null: a watch,
/// on any thread.
auto chosen(caller who, workload_filter which, workload_keeper const* keeper) {
    return [who = std::move(who), which = std::move(which), keeper](workload const& row) {
        if (!which.tenant.empty() && row.tenant != which.tenant) return false;
        auto const state = keeper == nullptr ? state_of_row(row) : state_of(row, keeper->find_progress(row.id));
        if (!matches(which.chosen, row, state)) return false;
        return !authorize(who, verb::list, object_kind::workload, row.tenant);
    };
}

}  // namespace

awaitable<result<stored<workload>>> primary_workloads::create(caller who, workload_definition definition) {
    if (definition.tenant.empty()) definition.tenant = who.tenant;
    auto refusal = authorize(who, verb::create, object_kind::workload, definition.tenant);
    return gate_.enter(std::move(refusal), create_here(std::move(definition)));
}

awaitable<result<stored<workload>>> primary_workloads::create_here(workload_definition definition) {
    transaction changes;
    auto const row = creation_.add(changes, std::move(definition));
    if (!row) co_return co_await state_.when_durable(row.error());
    auto const done = co_await state_.commit(std::move(changes));
    if (!done) co_return done.error();
    co_return *row;
}

awaitable<result<stored<workload>>> primary_workloads::start_job(caller who, object_ref which, std::string name) {
    auto refusal = authorize(who, verb::create, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), start_job_here(std::move(who), std::move(which), std::move(name)));
}

/// Nothing is awaited between the look at the row and the commit.
awaitable<result<stored<workload>>> primary_workloads::start_job_here(caller who, object_ref which, std::string name) {
    auto const found = find_workload(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& cron = **found;
    if (auto const refused = authorize(who, verb::create, object_kind::workload, cron.tenant)) co_return *refused;
    transaction changes;
    auto const made = add_job_of(changes, cron, std::move(name));
    if (!made) co_return co_await state_.when_durable(made.error());
    auto const done = co_await state_.commit(std::move(changes));
    if (!done) co_return done.error();
    co_return *made;
}

namespace {

/// "hello-29933737"
bool is_name_of_run(std::string_view name, std::string_view cron_job) {
    if (!name.starts_with(cron_job) || name.size() < cron_job.size() + 2 || name[cron_job.size()] != '-') return false;
    return name.find_first_not_of("0123456789", cron_job.size() + 1) == std::string_view::npos;
}

}  // namespace

result<stored<workload>> primary_workloads::add_job_of(transaction& into, workload const& cron, std::string name) {
    if (cron.kind != workload_kind::cron_job)
        return error{errc::conflict, fmt::format("{} {} is no CronJob", to_string(cron.kind), cron.name), "kind",
                     "name a CronJob: its template says what the Job is"};
    if (cron.deleting_since)
        return error{errc::conflict,
                     fmt::format("CronJob {} is being deleted", cron.name),
                     {},
                     "wait until it is gone, and create it again"};
    if (is_name_of_run(name, cron.name))
        return error{errc::invalid, fmt::format("{} is the name of a run of CronJob {}", name, cron.name), "name",
                     "choose another name: the run would not be started"};
    if (name.empty()) name = creation_.free_name(cron.tenant, workload_kind::job, cron.name);
    auto job = job_of(*cron.definition, std::move(name), std::nullopt);
    if (!job) return job.error();
    job->tenant = cron.tenant;
    auto made = creation_.add(into, std::move(*job), &cron);
    if (!made) return made;
    auto happened = events_.about(cron);
    happened.reason = "SuccessfulCreate";
    happened.message = fmt::format("made Job {}: a user has asked for it", (*made)->name);
    events_.note(into, std::move(happened));
    return made;
}

awaitable<result<void>> primary_workloads::remove(caller who, object_ref which, remove_options how) {
    auto refusal = authorize(who, verb::remove, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), remove_here(std::move(who), std::move(which), how));
}

namespace {

std::string deletion_text(view const& in, workload const& row, remove_options how) {
    if (how.instances == cascade::orphan) return "a user deletes it, and leaves its instances";
    auto const count = in.count<instance>(owner_index(row.id));
    auto const instances = count == 0 ? std::string() : fmt::format(" with {}", count_text(count));
    return fmt::format("a user deletes it{}{}", instances, deletion_wait(in, row.id));
}

}  // namespace

awaitable<result<void>> primary_workloads::remove_here(caller who, object_ref which, remove_options how) {
    auto const found = find_workload(state_.head(), who, which);
    if (!found) co_return co_await state_.when_durable(found.error());
    auto const& row = *found;
    auto const id = row->id;
    if (auto const refused = authorize(who, verb::remove, object_kind::workload, row->tenant)) co_return *refused;
    if (auto const moved = check_revision(how.expected, row.changed_at, object_kind::workload, row->name))
        co_return co_await state_.when_durable(*moved);
    if (row->deleting_since && how.instances == cascade::orphan && !row->orphans_instances) {
        error const late{
            errc::conflict,
            fmt::format("{} {} is being deleted with its instances already", to_string(row->kind), row->name),
            {},
            "they cannot be kept any more"};
        co_return co_await state_.when_durable(late);
    }
    if (!row->deleting_since) {
        transaction deletion;
        if (is_managed(row->kind))
            events_.tell_step(deletion, *row, "Deleting", deletion_text(state_.head(), *row, how));
        removals_.mark(deletion, row, how.instances);
        auto const marked = state_.apply(std::move(deletion));
        if (!marked) co_return marked;
    }
    // Nobody else goes on with it before the next start: so a caller that is cancelled stays for its end.
    co_return co_await shield(removals_.remove_instances_of(id));
}

awaitable<result<stored<workload>>> primary_workloads::get(caller who, object_ref which) {
    auto refusal = authorize(who, verb::get, object_kind::workload, tenant_of(who, which));
    return gate_.read(std::move(refusal), [this, who = std::move(who), which = std::move(which)] {
        return find_workload(state_.durable(), who, which);
    });
}

namespace {

result<workload_story> story_of(view const& in, stored<workload> row, workload_progress const* progress) {
    workload_story told{.row = std::move(row)};
    if (progress != nullptr) told.progress = *progress;
    if (auto const kept = in.find<document>(rollout_key(*told.row))) {
        auto record = parse_rollout(*kept);
        if (!record) return record.error();
        told.steps = std::move(record->steps);
        auto const& wish = told.row->restart;
        auto const& course = record->restart;
        told.has_restarted = wish && course && course->asked_at == wish->at && course->is_done;
    }
    if (auto const kept = in.find<document>(job_record_key(*told.row))) {
        auto counts = parse_job_record(*kept);
        if (!counts) return counts.error();
        told.counts = std::move(*counts);
    }
    told.releases = in.list<release>("workload/" + told.row->id.text());
    std::ranges::sort(told.releases, {}, [](auto const& each) { return each->number; });
    return told;
}

}  // namespace

awaitable<result<workload_story>> primary_workloads::story(caller who, object_ref which) {
    auto refusal = authorize(who, verb::get, object_kind::workload, tenant_of(who, which));
    return gate_.read(std::move(refusal),
                      [this, who = std::move(who), which = std::move(which)]() -> result<workload_story> {
                          auto row = find_workload(state_.durable(), who, which);
                          if (!row) return row.error();
                          auto const id = (*row)->id;
                          return story_of(state_.durable(), std::move(*row), keeper_.find_progress(id));
                      });
}

awaitable<result<std::vector<std::optional<workload_progress>>>> primary_workloads::progress(
    caller who, std::vector<workload_id> which) {
    auto refusal = authorize(who, verb::list, object_kind::workload, who.tenant);
    return gate_.read(std::move(refusal),
                      [this, who = std::move(who),
                       which = std::move(which)]() -> result<std::vector<std::optional<workload_progress>>> {
                          std::vector<std::optional<workload_progress>> found(which.size());
                          for (std::size_t i = 0; i < which.size(); ++i) {
                              auto const row = state_.durable().find<workload>(which[i]);
                              if (!row || authorize(who, verb::list, object_kind::workload, row->tenant)) continue;
                              if (auto const* const known = keeper_.find_progress(which[i])) found[i] = *known;
                          }
                          return found;
                      });
}

awaitable<result<listing<workload>>> primary_workloads::list(caller who, workload_filter which, page part) {
    auto refusal = authorize(who, verb::list, object_kind::workload, which.tenant);
    if (auto const wrong = check_fields(which.chosen.fields, workload_selection_fields())) refusal = wrong;
    list_range range;
    range.tenant = which.tenant;
    auto is_meant = chosen(std::move(who), std::move(which), &keeper_);
    return gate_.enter(std::move(refusal),
                       read_list<workload>(strand_, state_, std::move(range), std::move(part), std::move(is_meant)));
}

awaitable<result<std::unique_ptr<watch_source>>> primary_workloads::watch(caller who, workload_filter which,
                                                                          watch_after after) {
    auto refusal = authorize(who, verb::watch, object_kind::workload, which.tenant);
    if (auto const wrong = check_fields(which.chosen.fields, workload_selection_fields())) refusal = wrong;
    auto tenant = which.tenant;
    auto meant = either_side<workload>(chosen(std::move(who), std::move(which), nullptr));
    return gate_.read(std::move(refusal), [this, after, tenant, meant = std::move(meant)] {
        subscription wanted{.table = table_id::workload};
        wanted.after = after;
        return open_watch_in(tenant, strand_, state_, std::move(wanted), meant);
    });
}

}  // namespace rik::detail
