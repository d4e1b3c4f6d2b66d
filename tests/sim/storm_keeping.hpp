// Somebody in a storm who has workloads that keep themselves: applies, scales and deletes them, and their instances.
#pragma once

#include <sim/storm_user.hpp>

#include <rik/model/definition_change.hpp>

#include <algorithm>

namespace rik::testing {

class user_of_keepers {
public:
    user_of_keepers(sim::cluster& cluster, sim::world& world) : cluster_(cluster), world_(world) {}

    awaitable<> work_until(time_point end) {
        while (world_.time().now() < end) {
            co_await world_.time().sleep_for(random_time(3s));
            if (!cluster_.has_primary()) continue;
            auto const name = fmt::format("{}{}", prefix, world_.random().below(kinds.size()));
            switch (world_.random().below(12)) {
                case 0: co_await remove(name, cascade::all); break;
                case 1: co_await remove(name, cascade::orphan); break;
                case 2:
                case 3: co_await remove_instance(name); break;
                case 4: co_await pause(name); break;
                case 5:
                case 6: co_await resume(name); break;
                case 7: co_await restart(name); break;
                case 8: co_await start_by_hand(name); break;
                default: co_await apply(name); break;
            }
        }
    }

    /// Throws if an acknowledged change is lost, or a workload is not kept. What is this user's is taken out of `rows`
    /// and `workloads`.
    void check(std::map<instance_id, stored<instance>>& rows, std::map<workload_id, stored<workload>>& workloads,
               std::size_t nodes_count) const {
        std::set<std::string> there;
        for (auto const& [id, row] : workloads) {
            if (!is_ours(row->name)) continue;
            there.insert(row->name);
            check_text(*row);
            check_kept(*row, rows, nodes_count);
        }
        for (auto const& [name, text] : known_)
            if (text && !text->empty() && !there.contains(name)) fail("a workload is lost: " + name);
        std::erase_if(rows, [&](auto const& row) {
            if (!row.second->owner()) return is_ours(row.second->name());  // somebody has left it behind
            return workloads.contains(*row.second->owner()) && is_ours(workloads.at(*row.second->owner())->name);
        });
        std::erase_if(workloads, [](auto const& row) { return is_ours(row.second->name); });
    }

    std::size_t changed_count() const { return changed_count_; }

    /// What starts by itself again and again would never come to rest.
    awaitable<> suspend_cron_jobs() {
        for (std::size_t i = 0; i < kinds.size(); ++i) {
            if (kinds[i] != "CronJob") continue;
            auto const name = fmt::format("{}{}", prefix, i);
            for (auto done = answer::unknown; done == answer::unknown;) {
                object_ref which(name);
                auto pausing = cluster_.api().upkeep().pause(caller(), std::move(which), any_revision);
                auto const said = co_await ask(std::move(pausing));
                take_change(name, said);
                done = answer_of(said);
                co_await world_.time().sleep_for(1s);
            }
        }
    }

private:
    static constexpr std::string_view prefix = "kept-";
    static constexpr std::array<std::string_view, 10> kinds{"ReplicaSet",  "Deployment", "DaemonSet", "Deployment",
                                                            "Deployment",  "Job",        "Job",       "StatefulSet",
                                                            "StatefulSet", "CronJob"};
    static bool is_ours(std::string const& name) { return name.starts_with(prefix); }
    static std::string_view kind_of(std::string const& name) {
        return kinds[static_cast<std::size_t>(name.back() - '0')];
    }

    void check_text(workload const& row) const {
        auto const known = known_.find(row.name);
        if (known == known_.end() || !known->second) return;
        if (known->second->empty()) fail("a deleted workload is there: " + row.name);
        auto const differs = changes_between(*known->second, row.definition->text);
        if (!differs.empty()) fail(row.name + " has lost a change: " + to_string(differs.front()));
    }

    /// Nothing of it may be made, so that there is as much as is wanted; and unless one waits for room, it is all
    /// current.
    static void check_kept(workload const& row, std::map<instance_id, stored<instance>> const& rows,
                           std::size_t nodes_count) {
        if (row.kind == workload_kind::job) return check_job(row, rows);
        if (row.kind == workload_kind::cron_job) return;  // its runs are checked at every commit
        std::size_t count = 0;
        std::size_t old_count = 0;
        bool is_waiting = false;
        std::set<node_id> nodes;
        for (auto const& [id, each] : rows) {
            if (each->owner() != row.id || is_finished(each->state())) continue;
            ++count;
            // What was adopted from another workload is as good as of the current release if it is the same.
            auto const is_same = each->made_from()->workload != row.id && each->spec() == row.definition->spec;
            old_count += each->made_from()->id != row.current_release && !is_same ? 1 : 0;
            is_waiting = is_waiting || each->is_pending() || each->status().reason == "WaitingForRoom";
            if (each->meant_for()) nodes.insert(*each->meant_for());
            if (!each->meant_for() && each->binding()) nodes.insert(each->binding()->node);  // it was adopted
        }
        auto const is_daemon_set = row.kind == workload_kind::daemon_set;
        auto const nodes_wanted = row.paused_since ? 0 : nodes_count;
        auto const wanted = is_daemon_set ? nodes_wanted : row.wanted_replicas();
        // One that waits may hold up those after it.
        auto const is_cut_short = row.kind == workload_kind::stateful_set && is_waiting;
        if ((count < wanted && !is_cut_short) || (count > wanted && !is_waiting))
            fail(fmt::format("workload {} has {} instances instead of {}", row.name, count, wanted));
        if (is_daemon_set && nodes.size() != nodes_wanted) fail(row.name + " is not on every node");
        if (row.kind != workload_kind::replica_set && old_count > 0 && !is_waiting)
            fail(row.name + " has instances of an old release");
    }

    /// What it has counted is checked at every commit. Whether it comes to its end depends on when it was suspended:
    /// but then nothing of it runs.
    static void check_job(workload const& row, std::map<instance_id, stored<instance>> const& rows) {
        std::size_t count = 0;
        for (auto const& [id, each] : rows)
            count += each->owner() == row.id && !is_finished(each->state()) && !each->is_condemned() ? 1 : 0;
        auto const& job = *row.definition->upkeep.job;
        if (count > (job.is_suspended ? 0 : job.parallelism))
            fail(fmt::format("Job {} has {} instances that are active", row.name, count));
    }

    duration random_time(duration max) {
        return duration(world_.random().below(static_cast<std::uint64_t>(max.count())));
    }

    template <class T>
    awaitable<result<T>> ask(awaitable<result<T>> call) {
        return with_deadline(world_.time(), world_.time().now() + patience, std::move(call));
    }

    /// The last two are in RIK's form, with its shorter tolerance; the very last is of Functions.
    std::string roll_text(std::string const& name) {
        auto const* const image = world_.random().below(2) == 0 ? "web:1" : "slow:1";
        auto const replicas = world_.random().below(4);
        auto const kind = kind_of(name);
        if (kind == "Job") return job_text(name);
        if (kind == "StatefulSet") return stateful_text(name, image, replicas);
        if (kind == "CronJob") return cron_job_text(name);
        auto const container =
            fmt::format(R"({{"name":"main","image":"{}","resources":{{"requests":{{"cpu":"50m"}}}}}})", image);
        auto const count = kind == "DaemonSet" ? std::string() : fmt::format(R"("replicas":{},)", replicas);
        if (name.back() == '4')
            return fmt::format(
                R"({{"apiVersion":"v1","kind":"{}","name":"{}",{}"template":{{"spec":{{"function":{{"execution":{{"rootfs":"docker://{}"}},)"
                R"("resources":{{"requests":{{"cpu":"50m"}}}}}}}}}}}})",
                kind, name, count, image);
        if (name.back() == '3')
            return fmt::format(
                R"({{"apiVersion":"v1","kind":"{}","name":"{}",{}"template":{{"spec":{{"containers":[{}]}}}}}})", kind,
                name, count, container);
        return fmt::format(
            R"({{"apiVersion":"apps/v1","kind":"{}","metadata":{{"name":"{}"}},"spec":{{{}"selector":{{"matchLabels":{{"a":"b"}}}},)"
            R"("template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{{"containers":[{}],"tolerations":[{{"operator":"Exists"}}]}}}}}}}})",
            kind, name, count, container);
    }

    /// One comes up in order. Its labels are its own, so that nobody adopts what has the name of an ordinal.
    std::string stateful_text(std::string const& name, std::string_view image, std::uint64_t replicas) {
        return fmt::format(
            R"({{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{{"name":"{}"}},"spec":{{"replicas":{},"podManagementPolicy":"{}",)"
            R"("selector":{{"matchLabels":{{"a":"{}"}}}},"template":{{"metadata":{{"labels":{{"a":"{}"}}}},"spec":{{)"
            R"("containers":[{{"name":"main","image":"{}","resources":{{"requests":{{"cpu":"50m"}}}}}}]}}}}}}}})",
            name, replicas, name.back() == '7' ? "OrderedReady" : "Parallel", name, name, image);
    }

    /// One has indexes. Its template stays: that of a Job does not change.
    std::string job_text(std::string const& name) {
        auto const is_indexed = name.back() == '6';
        return fmt::format(
            R"({{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"{}"}},"spec":{{"parallelism":{},"completions":20,)"
            R"({}"backoffLimit":{},"template":{{"spec":{{"restartPolicy":"{}","containers":[{{"name":"main","image":"brief:1",)"
            R"("resources":{{"requests":{{"cpu":"50m"}}}}}}],"tolerations":[{{"operator":"Exists"}}]}}}}}}}})",
            name, world_.random().below(4), is_indexed ? R"("completionMode":"Indexed",)" : "", 50,
            is_indexed ? "Never" : "OnFailure");
    }

    /// A run takes as long as the time between two, or longer.
    std::string cron_job_text(std::string const& name) {
        constexpr std::array<std::string_view, 3> policies{"Forbid", "Replace", "Allow"};
        auto const schedule = world_.random().below(2) == 0 ? "* * * * *" : "@every 45s";
        auto const policy = policies[world_.random().below(policies.size())];
        auto const failed_max = world_.random().below(3);
        auto const completions = 1 + world_.random().below(12);
        return fmt::format(
            R"({{"apiVersion":"v1","kind":"CronJob","name":"{}","schedule":"{}","concurrencyPolicy":"{}","failedJobsHistoryLimit":{},)"
            R"("jobTemplate":{{"backoffLimit":2,"completions":{},"template":{{"spec":{{"containers":[{{"name":"main","image":"brief:1",)"
            R"("resources":{{"requests":{{"cpu":"50m"}}}}}}],"tolerations":[{{"operator":"Exists"}}]}}}}}}}})",
            name, schedule, policy, failed_max, completions);
    }

    /// Of what is no CronJob, or is not there, there is none.
    awaitable<> start_by_hand(std::string name) {
        object_ref which(name);
        auto starting = cluster_.api().workloads().start_job(caller(), std::move(which), std::string());
        auto const said = co_await ask(std::move(starting));
        take(said);
    }

    awaitable<> apply(std::string name) {
        auto parsed = parse_definition(roll_text(name));
        if (!parsed.found.empty()) fail(to_string(parsed.found.front()));
        auto applying = cluster_.api().workloads().apply(caller(), std::move(parsed.definition), change_options());
        auto const said = co_await ask(std::move(applying));
        auto const code = answer_of(said);
        if (code == answer::unknown) known_[name] = std::nullopt;
        if (code == answer::refused && said.error().code != errc::conflict) fail(to_string(said.error()));
        if (code != answer::acknowledged) co_return;
        known_[name] = said->row->definition->text;
        if (said->outcome == change_outcome::changed) ++changed_count_;
    }

    /// Whether it may be is for its state to say.
    void take(result<stored<workload>> const& said) {
        if (answer_of(said) != answer::refused) return;
        auto const code = said.error().code;
        if (code != errc::conflict && code != errc::not_found) fail(to_string(said.error()));
    }

    /// The definition of a Job or a CronJob says whether it is suspended.
    void take_change(std::string const& name, result<stored<workload>> const& said) {
        take(said);
        if (!kind_of(name).ends_with("Job")) return;
        auto const code = answer_of(said);
        if (code == answer::unknown) known_[name] = std::nullopt;
        if (code == answer::acknowledged) known_[name] = (*said)->definition->text;
    }

    awaitable<> pause(std::string name) {
        object_ref which(name);
        auto pausing = cluster_.api().upkeep().pause(caller(), std::move(which), any_revision);
        auto const said = co_await ask(std::move(pausing));
        take_change(name, said);
    }

    awaitable<> resume(std::string name) {
        object_ref which(name);
        auto resuming = cluster_.api().upkeep().resume(caller(), std::move(which), any_revision);
        auto const said = co_await ask(std::move(resuming));
        take_change(name, said);
    }

    awaitable<> restart(std::string name) {
        object_ref which(std::move(name));
        auto const is_at_once = world_.random().below(2) == 0;
        auto restarting = cluster_.api().upkeep().restart(caller(), std::move(which), is_at_once, any_revision);
        auto const said = co_await ask(std::move(restarting));
        take(said);
    }

    awaitable<> remove(std::string name, cascade of_instances) {
        object_ref which(name);
        remove_options const how(any_revision, of_instances);
        auto removing = cluster_.api().workloads().remove(caller(), std::move(which), how);
        auto const said = co_await ask(std::move(removing));
        auto const code = answer_of(said);
        // Its instances cannot be kept any more where it goes with them already.
        auto const goes_already =
            code == answer::refused && said.error().code == errc::conflict && of_instances == cascade::orphan;
        if (code == answer::refused && !goes_already && said.error().code != errc::not_found)
            fail(to_string(said.error()));
        auto const is_going = code == answer::acknowledged || goes_already;
        known_[name] = is_going ? std::optional(std::string()) : std::nullopt;
    }

    awaitable<> remove_instance(std::string name) {
        object_ref which(name);
        auto const owner = co_await ask(cluster_.api().workloads().get(caller(), std::move(which)));
        if (!owner || !cluster_.has_primary()) co_return;
        instance_filter filter;
        filter.workload = (*owner)->id;
        auto const all = co_await ask(cluster_.api().instances().list(caller(), std::move(filter), page()));
        if (!all || all->rows.empty() || !cluster_.has_primary()) co_return;
        object_ref one(all->rows[world_.random().below(all->rows.size())]->id());
        auto removing = cluster_.api().instances().remove(caller(), std::move(one), any_revision);
        [[maybe_unused]] auto const said = co_await ask(std::move(removing));  // another one comes either way
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::map<std::string, std::optional<std::string>> known_;  ///< the text; empty: it is gone; nullopt: unknown
    std::size_t changed_count_ = 0;
};

}  // namespace rik::testing
