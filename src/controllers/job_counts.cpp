// What the end of an instance means for its Job.
#include <rik/controllers/controller.hpp>

#include <rik/base/limits.hpp>
#include <rik/model/conditions.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace rik {

namespace {

enum class ending : std::uint8_t { success, failure };

/// An instance at the change that shows its end.
struct ended_instance {
    std::string const& name;
    instance_status const& status;
    std::optional<std::uint32_t> index;
    ending how;
    bool is_removed;    ///< it did not end by itself
    bool is_disrupted;  ///< for the sake of its node
    std::string cause;  ///< of a removal, for people
    wall_time at;
};

bool has_failed(container_status const& which) {
    return which.state == container_state::exited && which.exit_code.value_or(0) != 0;
}

/// Its node was told to end it, and it was done by then.
bool are_done(instance_status const& of) {
    auto const is_main = [](container_status const& each) { return each.role == container_role::main; };
    auto const is_done = [&](container_status const& each) {
        return !is_main(each) || (each.state == container_state::exited && each.exit_code == 0);
    };
    return std::ranges::any_of(of.containers, is_main) && std::ranges::all_of(of.containers, is_done);
}

/// How it has ended; nullopt: it has not, or not as far as its Job is concerned.
std::optional<ending> ending_of(job_upkeep const& of, instance const* before, instance_fields const* now) {
    if (now == nullptr) return are_done(before->status()) ? ending::success : ending::failure;
    if (is_finished(now->status.state))
        return now->status.state == instance_state::succeeded ? ending::success : ending::failure;
    auto const is_leaving = now->deleting_since || (now->binding && now->binding->condemned);
    if (is_leaving && of.replacement == replacement_policy::terminating_or_failed) return ending::failure;
    return std::nullopt;
}

/// What a condemned instance says of itself is why it was condemned, unless its node has said more since.
std::string cause_of_removal(instance_fields const& row, bool was_left) {
    if (was_left) return "its node was declared dead";
    if (!row.binding) return fmt::format("it was removed before it had a node: {}", row.status.message);
    if (row.status.reason == "Deleting" && !row.status.message.empty()) return row.status.message;
    return row.is_disrupted ? "its node was lost, or cleared" : "it was removed";
}

/// A row that goes without having been condemned was bound to a node that was declared dead, or never bound at all.
ended_instance look_at(instance const* before, instance_fields const* now, ending how, wall_time at) {
    auto const& row = now != nullptr ? *now : before->fields();
    auto const was_left = now == nullptr && row.binding && !row.binding->condemned;
    auto const is_removed = now == nullptr || !is_finished(row.status.state);
    return {.name = row.name,
            .status = row.status,
            .index = row.index,
            .how = how,
            .is_removed = is_removed,
            .is_disrupted = row.is_disrupted || was_left,
            .cause = is_removed ? cause_of_removal(row, was_left) : std::string(),
            .at = is_removed ? row.deleting_since.value_or(at) : row.status.since};
}

// Rules

bool matches(exit_code_rule const& rule, container_status const& which) {
    if (!has_failed(which) || (!rule.container.empty() && rule.container != which.name)) return false;
    auto const is_among = std::ranges::find(rule.codes, *which.exit_code) != rule.codes.end();
    return is_among == rule.is_in;
}

/// Of the conditions of Pods only that of a disruption says more than exit codes do.
bool matches(condition_pattern const& pattern, ended_instance const& which) {
    return which.is_disrupted && pattern.type == "DisruptionTarget" &&
           pattern.status == to_string(condition_status::yes);
}

/// What follows, and what is said of it.
struct verdict {
    failure_action action = failure_action::count;
    std::string why = {};  ///< empty: no rule matches
};

verdict judge(job_upkeep const& of, ended_instance const& which) {
    for (std::size_t i = 0; i < of.failure_rules.size(); ++i) {
        auto const& rule = of.failure_rules[i];
        auto const named = [&](std::string_view what) {
            return fmt::format("{}, as rule {} of podFailurePolicy says: {}", what, i, to_string(rule.action));
        };
        if (rule.exit_codes) {
            auto const found = std::ranges::find_if(which.status.containers,
                                                    [&](auto const& each) { return matches(*rule.exit_codes, each); });
            if (found != which.status.containers.end())
                return {rule.action, named(fmt::format("container {} has ended with {}", found->name,
                                                       found->exit_code.value_or(0)))};
        }
        if (std::ranges::any_of(rule.conditions, [&](auto const& each) { return matches(each, which); }))
            return {rule.action, named("its node was lost, or cleared")};
    }
    return {};
}

// Counts

/// Of an index that may be tried again; returns how often it has failed now.
std::uint32_t note_attempt(job_record& into, std::uint32_t index) {
    auto const before = into.failures_of(index);
    if (before > 0) into.failed_times[before - 1].erase(index);
    if (into.failed_times.size() <= before) into.failed_times.resize(before + 1);
    into.failed_times[before].insert(index);
    return before + 1;
}

void forget_attempts(job_record& into, std::uint32_t index) {
    if (auto const count = into.failures_of(index); count > 0) into.failed_times[count - 1].erase(index);
    while (!into.failed_times.empty() && into.failed_times.back().empty()) into.failed_times.pop_back();
}

void count_success(job_upkeep const& of, ended_instance const& which, job_record& into) {
    ++into.succeeded;
    into.failures_in_row = 0;
    if (!of.is_indexed() || !which.index) return;
    into.completed.insert(*which.index);
    forget_attempts(into, *which.index);
}

/// Returns what is said of it.
std::string count_at_index(job_upkeep const& of, std::uint32_t index, failure_action action, job_record& into) {
    auto const is_over = action == failure_action::fail_index;
    auto const failures = is_over ? into.failures_of(index) + 1 : note_attempt(into, index);
    if (!is_over && failures <= *of.backoff_limit_per_index)
        return fmt::format("failure {} of index {}, backoffLimitPerIndex is {}", failures, index,
                           *of.backoff_limit_per_index);
    forget_attempts(into, index);
    into.failed_indexes.insert(index);
    return is_over ? fmt::format("index {} has failed", index)
                   : fmt::format("index {} has failed: failure {} of it, backoffLimitPerIndex is {}", index, failures,
                                 *of.backoff_limit_per_index);
}

std::string count_failure(job_upkeep const& of, ended_instance const& which, verdict const& by, job_record& into) {
    ++into.failures_in_row;
    if (by.action == failure_action::ignore) {
        ++into.ignored;
        return by.why;
    }
    ++into.failed;
    if (by.action == failure_action::fail_job) {
        if (into.fatal.empty()) into.fatal = fmt::format("Instance {}: {}", which.name, by.why);
        return by.why;
    }
    auto said = of.backoff_limit_per_index && which.index
                    ? count_at_index(of, *which.index, by.action, into)
                    : fmt::format("failure {}, backoffLimit is {}", into.failed, of.backoff_limit);
    return by.why.empty() ? said : fmt::format("{}; {}", by.why, said);
}

/// Its last attempt has, and it was started again, or is to be.
bool had_failed(container_status const& which) { return which.last && which.last->exit_code.value_or(0) != 0; }

/// The container that has failed, and how often it was started again.
void tell_container(ended_instance const& which, job_failure& into, std::string& said) {
    auto const& all = which.status.containers;
    auto found = std::ranges::find_if(all, has_failed);
    auto const ended_last = found != all.end();
    if (!ended_last) found = std::ranges::find_if(all, had_failed);
    if (found == all.end()) return;
    into.container = found->name;
    into.exit_code = ended_last ? found->exit_code : found->last->exit_code;
    into.reason = ended_last ? found->reason : found->last->reason;
    if (found->restart_count > 0) said += fmt::format("; attempt {}", found->restart_count + 1);
}

void tell(ended_instance const& which, std::string said, job_record& into) {
    job_failure told{
        .at = which.at, .number = into.failed + into.ignored, .instance = which.name, .index = which.index};
    tell_container(which, told, said);
    if (which.is_removed) told.reason = which.is_disrupted ? "DisruptionTarget" : "Deleted";
    if (told.reason.empty()) told.reason = which.status.reason;
    // Where no code tells how it has ended, its message does.
    auto const& why = which.is_removed ? which.cause : which.status.message;
    if (!why.empty() && (which.is_removed || !told.exit_code)) said = fmt::format("{} ({})", why, said);
    told.verdict = std::move(said);
    into.failures.push_back(std::move(told));
    if (into.failures.size() > limits::job_failures_max) into.failures.erase(into.failures.begin());
}

}  // namespace

bool shows_end(workload const& of, instance const* before, instance_fields const* now) {
    auto const is_counted = now != nullptr ? now->is_counted : before->is_counted();
    return !is_counted && ending_of(*of.definition->upkeep.job, before, now).has_value();
}

bool count_end(workload const& of, instance const* before, instance_fields* now, wall_time at, job_record& into) {
    if (!shows_end(of, before, now)) return false;
    auto const& job = *of.definition->upkeep.job;
    auto const which = look_at(before, now, *ending_of(job, before, now), at);
    if (which.how == ending::success) {
        count_success(job, which, into);
    } else {
        into.last_failure_at = at;
        tell(which, count_failure(job, which, judge(job, which), into), into);
    }
    if (now != nullptr) now->is_counted = true;
    return true;
}

}  // namespace rik
