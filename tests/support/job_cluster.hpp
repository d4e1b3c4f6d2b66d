// A Job with its instances as rows, and what is counted of them: a store, a primary and nodes in one small object, for
// tests of the controller and of the counts.
#pragma once

#include <rik/controllers/controller.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

class job_cluster {
public:
    /// `spec`: the fields of the Job, as JSON members in RIK's form.
    explicit job_cluster(std::string const& spec, std::string const& restart = "Never") {
        auto parsed =
            parse_definition(R"({"apiVersion":"v1","kind":"Job","name":"pi",)" + spec + (spec.empty() ? "" : ",") +
                             R"("template":{"spec":{"restartPolicy":")" + restart +
                             R"(","containers":[{"name":"main","image":"x"},{"name":"other","image":"x"}]}}})");
        problems_ = std::move(parsed.found);
        row_.definition = std::make_shared<workload_definition const>(std::move(parsed.definition));
        row_.id = id<workload_tag>();
        row_.name = "pi";
        row_.kind = workload_kind::job;
        row_.current_release = id<release_tag>();
        release_ = std::make_shared<release const>(make_release(row_.current_release, row_.id, row_.definition));
        counts_.workload = row_.id;
    }

    problems const& found() const { return problems_; }
    workload const& row() const { return row_; }
    job_upkeep const& job() const { return *row_.definition->upkeep.job; }
    /// The definition changes; no instance does.
    void change(std::function<void(job_upkeep&)> const& how) {
        auto next = *row_.definition;
        how(*next.upkeep.job);
        row_.definition = std::make_shared<workload_definition const>(std::move(next));
        ++row_.generation;
    }
    job_record const& counts() const { return counts_; }
    job_record& counts() { return counts_; }
    workload_progress const& progress() const { return progress_; }
    wall_time now() const { return now_; }
    void pass(duration time) { now_ += std::chrono::duration_cast<wall_time::duration>(time); }

    std::map<instance_id, instance> const& rows() const { return rows_; }
    instance const* find(instance_id const& which) const {
        auto const found = rows_.find(which);
        return found == rows_.end() ? nullptr : &found->second;
    }
    static bool is_active(instance const& of) {
        return !is_finished(of.state()) && !of.is_condemned() && !of.deleting_since();
    }
    std::vector<instance_id> active() const {
        std::vector<instance_id> some;
        for (auto const& [id, row] : rows_)
            if (is_active(row)) some.push_back(id);
        return some;
    }
    std::vector<instance_id> leaving() const {
        std::vector<instance_id> some;
        for (auto const& [id, row] : rows_)
            if (row.is_condemned()) some.push_back(id);
        return some;
    }

    /// Asks the controller, and keeps what it says. `loses_some`: with this look some are given up.
    workload_plan plan(bool loses_some = false) {
        std::vector<seen_instance> seen;
        for (auto const& [id, row] : rows_) seen.push_back(see(row, row_.id));
        seen_release const one{row_.current_release, 1};
        workload_view view{.wanted = row_, .instances = seen, .releases = {&one, 1}, .now = now_};
        view.before = has_progress_ ? &progress_ : nullptr;
        view.counts = &counts_;
        view.loses_some = loses_some;
        auto made = plan_workload(view);
        progress_ = made.progress;
        has_progress_ = true;
        return made;
    }
    /// The primary has lost what it had in memory; what was kept comes back.
    void forget_memory() { has_progress_ = has_progress_ && progress_.job.has_value(); }

    instance_id create(to_create const& what) {
        instance_fields fields{.id = id<instance_tag>(), .name = "pi-" + std::to_string(ids_)};
        fields.owner = row_.id;
        fields.made_from = release_;
        fields.index = what.index;
        fields.created_at = fields.status.since = now_;
        auto const made = fields.id;
        rows_.emplace(made, instance(std::move(fields)));
        return made;
    }
    void condemn(instance_id const& which, bool is_excused, bool is_disrupted = false) {
        auto const* const row = find(which);
        if (row == nullptr || row->is_condemned()) return;
        auto next = row->fields();
        if (!next.binding) return take_away(which, is_excused);
        next.binding->condemned = true;
        next.deleting_since = now_;
        next.is_disrupted = is_disrupted;
        next.status.state = instance_state::destroying;
        if (is_excused) next.is_counted = true;
        put(std::move(next));
    }
    /// All of it, or only as many changes as `most`.
    void carry_out(workload_plan const& plan, std::size_t most = 1'000'000) {
        for (auto const& each : plan.removals)
            if (most > 0) {
                condemn(each.instance, each.is_excused);
                --most;
            }
        for (auto const& each : plan.creations)
            if (most > 0) {
                create(each);
                --most;
            }
    }
    /// Until nothing changes.
    workload_plan settle() {
        auto made = plan();
        for (int i = 0; i < 20 && !made.changes_nothing(); ++i) {
            carry_out(made);
            made = plan();
        }
        return made;
    }

    void start(instance_id const& which) {
        auto next = find(which)->fields();
        next.binding = node_binding{.node = id<node_tag>(), .fence = ++ids_};
        next.status.state = instance_state::running;
        next.status.ready = true;
        next.status.ready_since = next.status.since = now_;
        put(std::move(next));
    }
    void start_all() {
        for (auto const& each : active())
            if (find(each)->is_pending()) start(each);
    }
    /// Its node reports its end.
    void finish(instance_id const& which, int exit_code, std::string container = "main") {
        auto next = find(which)->fields();
        for (auto const* name : {"main", "other"}) {
            container_status one{.name = name};
            one.state = container_state::exited;
            one.exit_code = name == container ? exit_code : 0;
            one.reason = *one.exit_code == 0 ? "Completed" : "Error";
            next.status.containers.push_back(std::move(one));
        }
        if (!next.binding->condemned) {
            next.status.state = exit_code == 0 ? instance_state::succeeded : instance_state::failed;
            next.status.since = now_;
            next.status.ready = false;
            next.binding->vacated = true;
        }
        put(std::move(next));
    }
    /// It runs again, and ended with 3 before.
    void restart_containers(instance_id const& which, std::uint32_t count) {
        auto next = find(which)->fields();
        container_status again{.name = "main", .state = container_state::running, .restart_count = count};
        again.last = container_end{.reason = "Error", .exit_code = 3};
        next.status.containers.clear();
        next.status.containers.push_back(std::move(again));
        put(std::move(next));
    }
    /// Nothing of it has ever run.
    void fail_to_start(instance_id const& which, std::string reason, std::string message) {
        auto next = find(which)->fields();
        next.status.state = instance_state::failed;
        next.status.reason = std::move(reason);
        next.status.message = std::move(message);
        next.status.since = now_;
        put(std::move(next));
    }
    /// The row goes: its node has nothing of it any more, or was given up.
    void take_away(instance_id const& which, bool is_excused = false) {
        auto const before = rows_.extract(which);
        if (!is_excused) count_end(row_, &before.mapped(), nullptr, now_, counts_);
    }
    /// The same row again: what a node reports twice.
    void report_again(instance_id const& which) { put(find(which)->fields()); }

private:
    void put(instance_fields next) {
        auto const found = rows_.find(next.id);
        count_end(row_, &found->second, &next, now_, counts_);
        found->second = instance(std::move(next));
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
    release_ptr release_;
    std::map<instance_id, instance> rows_;
    job_record counts_;
    workload_progress progress_;
    bool has_progress_ = false;
    wall_time now_ = wall_time(std::chrono::hours(480'000));
    std::uint64_t ids_ = 0;
};

}  // namespace rik::testing
