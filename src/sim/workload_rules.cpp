#include "workload_rules_detail.hpp"

#include <fmt/format.h>

#include <utility>

namespace rik::sim {

namespace {

bool are_done(instance_status const& of) {
    std::size_t count = 0;
    for (auto const& each : of.containers) {
        if (each.role != container_role::main) continue;
        if (each.state != container_state::exited || each.exit_code != 0) return false;
        ++count;
    }
    return count > 0;
}

std::int64_t most_of(workload const& row) {
    if (row.kind == workload_kind::deployment)
        return row.replicas + room_of_deployment(row.definition->upkeep, row.replicas).surge;
    return row.kind == workload_kind::job ? row.definition->upkeep.job->parallelism : row.replicas;
}

}  // namespace

void workload_rules::put(workload const& row) {
    workloads_[row.id] = {row.name, row.current_release, is_one_with_its_instance(row), row.deleting_since.has_value(),
                          row.kind, most_of(row),        row.orphans_instances};
    touched_.insert(row.id);
}

void workload_rules::put(release_ptr const& row) {
    releases_[row->id] = row;
    releases_of_[row->workload].insert(row->id);
    touched_.insert(row->workload);
}

void workload_rules::touch(std::optional<workload_id> const& which, instance_id const& one, bool is_there) {
    if (!which) return;
    touched_.insert(*which);
    if (is_there)
        instances_of_[*which].insert(one);
    else
        instances_of_[*which].erase(one);
}

/// One that is adopted was made before: a workload may have too many for that.
void workload_rules::put(instance const& row) {
    auto const before = instances_.find(row.id());
    if (before == instances_.end() && row.owner()) grown_.insert(*row.owner());
    if (before != instances_.end() && before->second.owner != row.owner()) touch(before->second.owner, row.id(), false);
    auto const is_active = !row.is_condemned() && !is_finished(row.state());
    instances_[row.id()] = {row.owner(),
                            row.made_from()->id,
                            row.is_condemned(),
                            is_active,
                            row.meant_for(),
                            row.index(),
                            row.made_from()->definition->kind == workload_kind::job,
                            !row.is_counted() && are_done(row.status())};
    touch(row.owner(), row.id(), true);
    if (!is_active) note_end(instances_.at(row.id()), row.id(), row.state());
}

/// How it ended first is what counts.
void workload_rules::note_end(known_instance const& of, instance_id const& which, instance_state state) {
    if (!of.is_of_job || !of.owner) return;
    auto const owner = workloads_.find(*of.owner);
    if (owner != workloads_.end() && owner->second.kind != workload_kind::job) return;  // it has adopted it
    auto& ends = jobs_[*of.owner];
    if (ends.succeeded.contains(which) || ends.failed.contains(which) || ends.cut.contains(which)) return;
    if (state == instance_state::succeeded)
        ends.succeeded.insert(which);
    else if (state == instance_state::failed)
        ends.failed.insert(which);
    else
        ends.cut.insert(which);
}

void workload_rules::put(job_record const& counts) {
    auto& ends = jobs_[counts.workload];
    ends.succeeded_count = counts.succeeded;
    ends.failed_count = counts.failed + counts.ignored;
    touched_.insert(counts.workload);
}

void workload_rules::remove(workload_id const& which) {
    auto const held = workloads_.extract(which);
    if (held && held.mapped().orphans_instances) orphaning_.insert(which);
    touched_.insert(which);
}

void workload_rules::remove(release_id const& which) {
    auto const held = releases_.extract(which);
    if (!held) return;
    releases_of_[held.mapped()->workload].erase(which);
    touched_.insert(held.mapped()->workload);
}

void workload_rules::remove(instance_id const& which) {
    auto const held = instances_.extract(which);
    if (!held) return;
    note_end(held.mapped(), which, held.mapped().is_done ? instance_state::succeeded : instance_state::terminated);
    touch(held.mapped().owner, which, false);
}

std::vector<std::string> workload_rules::broken() {
    std::vector<std::string> found;
    for (auto const& each : std::exchange(touched_, {})) check(each, found);
    for (auto const& each : std::exchange(grown_, {})) check_count(each, found);
    return found;
}

void workload_rules::check(workload_id const& which, std::vector<std::string>& found) const {
    check_releases(which, found);
    check_instance(which, found);
    check_ends(which, found);
}

/// A Job that is being deleted counts no more.
void workload_rules::check_ends(workload_id const& which, std::vector<std::string>& found) const {
    auto const row = workloads_.find(which);
    auto const ends = jobs_.find(which);
    if (row == workloads_.end() || ends == jobs_.end() || row->second.is_leaving) return;
    auto const& [succeeded, failed, cut, succeeded_count, failed_count] = ends->second;
    if (succeeded_count != succeeded.size())
        found.push_back(fmt::format("Job {} has counted {} successes, and {} instances have succeeded",
                                    row->second.name, succeeded_count, succeeded.size()));
    if (failed_count < failed.size() || failed_count > failed.size() + cut.size())
        found.push_back(
            fmt::format("Job {} has counted {} failures; {} instances have failed, {} went before their end",
                        row->second.name, failed_count, failed.size(), cut.size()));
}

void workload_rules::check_releases(workload_id const& which, std::vector<std::string>& found) const {
    auto const theirs = releases_of_.find(which);
    if (theirs == releases_of_.end()) return;
    if (!theirs->second.empty() && !workloads_.contains(which) && !orphaning_.contains(which))
        found.push_back(fmt::format("a release has no workload {}", which.text()));
    for (auto a = theirs->second.begin(); a != theirs->second.end(); ++a) {
        for (auto b = std::next(a); b != theirs->second.end(); ++b) {
            auto const& one = *releases_.at(*a);
            auto const& other = *releases_.at(*b);
            if (one.number == other.number)
                found.push_back(
                    fmt::format("two releases of workload {} have the number {}", which.text(), one.number));
            if (one.spec() == other.spec() && one.definition->annotations == other.definition->annotations)
                found.push_back(fmt::format("two releases of workload {} are the same", which.text()));
        }
    }
}

void workload_rules::check_instance(workload_id const& which, std::vector<std::string>& found) const {
    auto const of = instances_of_.find(which);
    auto const count = of == instances_of_.end() ? 0 : of->second.size();
    auto const row = workloads_.find(which);
    if (row == workloads_.end()) {
        if (count > 0) found.push_back(fmt::format("{} instances have no workload {}", count, which.text()));
        return;
    }
    auto const& [name, current, is_one, is_leaving, kind, most, orphans] = row->second;
    if (!releases_.contains(current)) found.push_back(fmt::format("workload {} has no release", name));
    if (!is_one) return;
    if (count != 1) found.push_back(fmt::format("Pod {} has {} instances", name, count));
    for (std::size_t i = 0; i < count; ++i) {
        auto const& one = instances_.at(*std::next(of->second.begin(), static_cast<std::ptrdiff_t>(i)));
        if (one.is_leaving && !is_leaving) found.push_back(fmt::format("Pod {} stays, and its instance goes", name));
    }
}

/// A count may be above it for other reasons: somebody has asked for fewer. Then none is made.
void workload_rules::check_count(workload_id const& which, std::vector<std::string>& found) const {
    auto const row = workloads_.find(which);
    if (row == workloads_.end() || !is_managed(row->second.kind)) return;
    std::int64_t count = 0;
    std::map<node_id, std::int64_t> on;
    std::set<std::uint32_t> indexes;
    auto const has_indexes = row->second.kind == workload_kind::job;
    auto const has_ordinals = has_identities(row->second.kind);
    for (auto const& each : instances_of_.at(which)) {
        auto const& one = instances_.at(each);
        count += one.is_active ? 1 : 0;
        if (one.is_active && one.meant_for) ++on[*one.meant_for];
        if (has_indexes && one.is_active && one.index && !indexes.insert(*one.index).second)
            found.push_back(fmt::format("Job {} has two instances of index {}", row->second.name, *one.index));
        if (has_ordinals && one.index && !indexes.insert(*one.index).second)
            found.push_back(
                fmt::format("StatefulSet {} has two instances of ordinal {}", row->second.name, *one.index));
    }
    // What is missing of a StatefulSet comes before what is too much goes.
    auto const is_counted = row->second.kind != workload_kind::daemon_set && !has_ordinals;
    if (is_counted && count > row->second.most)
        found.push_back(
            fmt::format("workload {} has {} instances, and may have {}", row->second.name, count, row->second.most));
    for (auto const& [node, many] : on)
        if (many > 2) found.push_back(fmt::format("workload {} has {} instances on one node", row->second.name, many));
}

std::vector<release_id> workload_rules::unused() const {
    std::set<release_id> used;
    for (auto const& [id, row] : workloads_) {
        used.insert(row.current);
        if (!is_managed(row.kind)) continue;  // it may go back to them
        if (auto const theirs = releases_of_.find(id); theirs != releases_of_.end())
            used.insert(theirs->second.begin(), theirs->second.end());
    }
    for (auto const& [id, row] : instances_) used.insert(row.from);
    std::vector<release_id> found;
    for (auto const& [id, row] : releases_)
        if (!used.contains(id)) found.push_back(id);
    return found;
}

}  // namespace rik::sim
