#include <rik/client/wait.hpp>

#include "client/json_view.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace rik {

namespace {

using boost::json::object;
using detail::text_at;
using goal = wait_goal::what;
using outcome = wait_verdict::what;

constexpr std::array<std::string_view, 8> instance_words{"pending", "creating",   "running",    "succeeded",
                                                         "failed",  "destroying", "terminated", "unknown"};
constexpr std::array<std::string_view, 3> finished_words{"succeeded", "failed", "terminated"};
constexpr std::array<std::string_view, 5> workload_words{"active", "paused", "destroying", "succeeded", "failed"};
constexpr std::array<std::string_view, 2> tenant_words{"active", "destroying"};
constexpr std::array<std::string_view, 3> node_words{"ready", "notReady", "unheard"};

bool is_in(auto const& words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

bool is_going(object const& of) {
    return text_at(of, "state") == "destroying" || !text_at(of, "deletingSince").empty();
}

/// It is said to run, and is over: a container has failed, or all have exited. How it ended is told next.
bool is_ending(object const& of) {
    auto const containers = detail::objects_at(of, "containers");
    auto const has_exited = [](auto const* each) { return text_at(*each, "state") == "exited"; };
    auto const has_failed = [&](auto const* each) { return has_exited(each) && text_at(*each, "exitCode") != "0"; };
    if (containers.empty()) return false;
    return std::ranges::any_of(containers, has_failed) || std::ranges::all_of(containers, has_exited);
}

/// The status of a Job's condition; one that it has not is false of it.
std::string job_condition(object const& of, std::string_view type) {
    for (auto const* each : detail::objects_at(of, "progress.conditions"))
        if (text_at(*each, "type") == type) return text_at(*each, "status");
    return "False";
}

bool has_condition(wait_goal const& wanted, object const& of) {
    if (is_job_condition(wanted)) return job_condition(of, wanted.condition) == wanted.state_word;
    return std::ranges::any_of(detail::objects_at(of, "conditions"), [&](auto const* each) {
        return text_at(*each, "type") == wanted.condition && text_at(*each, "status") == wanted.state_word;
    });
}

/// It has obeyed, and is there again.
bool has_restarted(wait_goal const& wanted, object const& of) {
    auto const done = detail::number_at(of, "restartsDone").value_or(0);
    return done >= static_cast<std::int64_t>(wanted.restarts) && detail::is_true(of, "ready");
}

bool is_met(wait_goal const& wanted, object const& of) {
    auto const state = text_at(of, "state");
    switch (wanted.kind) {
        case goal::running: return state == "running" && !is_ending(of);
        case goal::ready: return state == "ready" || (state == "running" && detail::is_true(of, "ready"));
        case goal::started: return state == "running" || is_in(finished_words, state);
        case goal::finished: return is_in(finished_words, state);
        case goal::deleted: return false;
        case goal::state: return state == wanted.state_word;
        case goal::condition: return has_condition(wanted, of);
        case goal::restarted: return state == "running" && has_restarted(wanted, of);
    }
    return false;
}

/// Can the goal never be reached from here? What is finished stays so; what is being deleted only goes on going.
bool is_impossible(wait_goal const& wanted, object const& of) {
    if (wanted.kind == goal::deleted) return false;
    auto const may_come_back = wanted.kind == goal::condition && wanted.state_word != "True";
    if (may_come_back && !is_job_condition(wanted)) return false;
    auto const going_allows =
        wanted.kind == goal::finished || wanted.state_word == "destroying" || wanted.state_word == "terminated";
    if (is_going(of)) return !going_allows;
    auto const is_finished = is_in(finished_words, text_at(of, "state"));
    return is_finished && wanted.state_word != "destroying" && wanted.state_word != "terminated";
}

/// Is it met by what is gone? Its processes have ended, however, and `terminated` is what was last seen of it.
bool is_met_by_deletion(wait_goal const& wanted) {
    return wanted.kind == goal::deleted || wanted.kind == goal::finished || wanted.state_word == "terminated";
}

/// Why a Job fails: ": BackoffLimitExceeded: ..."; empty if it does not. What is to be Failed is FailureTarget before.
std::string job_failure(object const& of) {
    for (std::string_view const type : {"Failed", "FailureTarget"})
        for (auto const* each : detail::objects_at(of, "progress.conditions"))
            if (text_at(*each, "type") == type && text_at(*each, "status") == "True")
                return fmt::format(": {}: {}", text_at(*each, "reason"), text_at(*each, "message"));
    return {};
}

/// "web-1 failed: ImagePullFailed: no such image"
std::string story(object const& of) {
    auto text = fmt::format("{} is {}{}", text_at(of, "name"), text_at(of, "state"), job_failure(of));
    for (auto const* member : {"reason", "message"}) {
        if (auto const part = text_at(of, member); !part.empty()) text += ": " + part;
    }
    for (auto const* each : detail::objects_at(of, "containers")) {
        auto const code = text_at(*each, "exitCode");
        auto const name = text_at(*each, "name");
        auto const is_told = text.find(fmt::format("container {}: ", name)) != std::string::npos;
        if (!code.empty() && code != "0" && !is_told) text += fmt::format(" (container {}: exit code {})", name, code);
    }
    return text;
}

wait_verdict judge_object(wait_goal const& wanted, object const& of) {
    wait_verdict verdict{outcome::waiting, story(of), text_at(of, "name"), text_at(of, "state")};
    if (is_met(wanted, of))
        verdict.outcome = outcome::met;
    else if (is_impossible(wanted, of))
        verdict.outcome = outcome::impossible;
    else if (wanted.kind == goal::ready && verdict.state == "running")
        verdict.why += " (it runs, and is not ready)";
    return verdict;
}

}  // namespace

std::string to_string(wait_goal const& wanted) {
    switch (wanted.kind) {
        case goal::running: return "running";
        case goal::ready: return "ready";
        case goal::started: return "started";
        case goal::finished: return "finished";
        case goal::deleted: return "deleted";
        case goal::state: return wanted.state_word;
        case goal::condition:
            return wanted.state_word == "True" ? wanted.condition : wanted.condition + '=' + wanted.state_word;
        case goal::restarted: return "restarted";
    }
    return {};
}

namespace {

constexpr std::array<std::string_view, 5> condition_words{"PodScheduled", "PodReadyToStartContainers", "Initialized",
                                                          "ContainersReady", "Ready"};
constexpr std::array<std::string_view, 5> job_condition_words{"Complete", "Failed", "SuccessCriteriaMet",
                                                              "FailureTarget", "Suspended"};
constexpr std::array<std::string_view, 3> condition_statuses{"True", "False", "Unknown"};

/// The one of `words` that is the same but for the case of its letters; empty if there is none.
std::string find_in_any_case(auto const& words, std::string_view text) {
    auto const lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? char(letter | 0x20) : letter; };
    for (std::string_view const each : words)
        if (std::ranges::equal(each, text, {}, lower, lower)) return std::string(each);
    return {};
}

/// "Ready", "Ready=False"
result<wait_goal> parse_condition(std::string_view text) {
    auto const equals = text.find('=');
    wait_goal wanted{.kind = goal::condition, .state_word = "True"};
    wanted.condition = find_in_any_case(condition_words, text.substr(0, equals));
    if (wanted.condition.empty()) wanted.condition = find_in_any_case(job_condition_words, text.substr(0, equals));
    if (equals != std::string_view::npos)
        wanted.state_word = find_in_any_case(condition_statuses, text.substr(equals + 1));
    auto const is_true = wanted.state_word == "True";
    if (is_true && wanted.condition == "Complete") return wait_goal{goal::state, "succeeded"};
    if (is_true && wanted.condition == "Failed") return wait_goal{goal::state, "failed"};
    if (!wanted.condition.empty() && !wanted.state_word.empty()) return wanted;
    return error{
        errc::invalid,
        fmt::format("'{}' is no condition", text),
        {},
        fmt::format("wait for condition=TYPE or condition=TYPE=STATUS, where TYPE is one of {}, or of a Job {}, and "
                    "STATUS one of {}",
                    fmt::join(condition_words, ", "), fmt::join(job_condition_words, ", "),
                    fmt::join(condition_statuses, ", "))};
}

/// Returns true if of all workloads only a Job can meet it. A Deployment fails, too: it gets nowhere.
bool is_of_jobs(wait_goal const& wanted) {
    return is_job_condition(wanted) || (wanted.kind == goal::state && wanted.state_word == "succeeded");
}

/// In the words of whoever waits: what the API calls succeeded is complete.
std::string asked_word(wait_goal const& wanted) {
    return wanted.kind == goal::state && wanted.state_word == "succeeded" ? "complete" : to_string(wanted);
}

}  // namespace

bool is_job_condition(wait_goal const& wanted) {
    return wanted.kind == goal::condition && is_in(job_condition_words, wanted.condition);
}

result<wait_goal> parse_wait_goal(std::string_view text) {
    for (auto const kind : {goal::running, goal::ready, goal::started, goal::finished, goal::deleted}) {
        if (wait_goal wanted{kind}; to_string(wanted) == text) return wanted;
    }
    if (text == "complete") return wait_goal{goal::state, "succeeded"};  // of a Job, in the words of kubectl
    constexpr std::string_view of_condition = "condition=";
    if (text.starts_with(of_condition)) return parse_condition(text.substr(of_condition.size()));
    auto const word = text.starts_with("state=") ? text.substr(6) : text;
    if (is_in(instance_words, word) || is_in(workload_words, word) || is_in(node_words, word))
        return wait_goal{goal::state, std::string(word)};
    return error{
        errc::invalid,
        fmt::format("'{}' is nothing to wait for", text),
        {},
        "wait for running, ready, started, finished, deleted, complete, failed, condition=TYPE or state=WORD, where "
        "WORD is a state as `get -o json` shows it"};
}

result<void> check_wait_goal(resource_kind kind, wait_goal const& wanted) {
    auto const is_state = wanted.kind == goal::state;
    auto const refuse = [&](std::string_view remedy) {
        return error{errc::invalid,
                     fmt::format("{} {} is never {}", kind == resource_kind::instance ? "an" : "a", to_string(kind),
                                 to_string(wanted)),
                     {},
                     std::string(remedy)};
    };
    if (kind == resource_kind::instance && is_job_condition(wanted))
        return refuse("wait for finished, state=succeeded or state=failed");
    if (kind == resource_kind::instance && is_state && !is_in(instance_words, wanted.state_word))
        return refuse("wait for a state that `rikctl get instances -o json` shows");
    auto const fits_tenant = wanted.kind == goal::deleted || (is_state && is_in(tenant_words, wanted.state_word));
    if (kind == resource_kind::tenant && !fits_tenant)
        return refuse("wait for deleted, state=active or state=destroying");
    if (kind == resource_kind::workload && is_state && !is_in(workload_words, wanted.state_word))
        return refuse(
            "wait for running, ready, started, finished, deleted, complete, failed, state=active, state=paused or "
            "state=destroying");
    auto const fits_node = wanted.kind == goal::ready || (is_state && is_in(node_words, wanted.state_word));
    if (kind == resource_kind::node && !fits_node) return refuse("wait for ready, state=notReady or state=unheard");
    return {};
}

result<void> check_wait_goal(std::string_view definition_kind, wait_goal const& wanted) {
    auto const refuse = [&](std::string_view remedy) {
        return error{errc::invalid,
                     fmt::format("a {} is never {}", definition_kind, asked_word(wanted)),
                     {},
                     std::string(remedy)};
    };
    auto const has_failed = wanted.kind == goal::state && wanted.state_word == "failed";
    auto const is_of_instances = wanted.kind == goal::ready || wanted.kind == goal::finished;
    if (definition_kind == "CronJob" && (is_of_instances || has_failed || is_of_jobs(wanted)))
        return refuse("wait for one of its Jobs: rikctl get jobs");
    if (definition_kind != "Job" && is_of_jobs(wanted))
        return refuse("only of a Job can that be waited for; of others wait for ready, finished or deleted");
    return {};
}

wait_tracker::wait_tracker(wait_goal wanted, std::string name_or_id)
    : goal_(std::move(wanted)), name_or_id_(std::move(name_or_id)) {}

bool wait_tracker::concerns(std::string_view name, std::string_view id) const {
    return name_or_id_.empty() || name_or_id_ == name || name_or_id_ == id;
}

result<void> wait_tracker::feed(watch_event const& event) {
    if (event.type == watch_event_type::disconnected || event.type == watch_event_type::reconnected) return {};
    if (event.type == watch_event_type::synced) {
        is_synced_ = true;
        return {};
    }
    if (event.type == watch_event_type::restarted) {
        is_synced_ = false;
        by_id_.clear();
        return {};
    }
    auto const of = detail::parse_object(event.object);
    if (!of) return of.error();
    auto const id = text_at(*of, "id");
    if (!concerns(text_at(*of, "name"), id)) return {};
    was_seen_ = true;
    seen_name_ = text_at(*of, "name");
    if (event.type == watch_event_type::deleted && name_or_id_.empty() && is_met_by_deletion(goal_))
        by_id_[id] = {outcome::met, "it is gone"};
    else if (event.type == watch_event_type::deleted)
        by_id_.erase(id);
    else
        by_id_[id] = judge_object(goal_, *of);
    return {};
}

wait_verdict wait_tracker::verdict_of_none() const {
    if (!is_synced_) return {};
    if (goal_.kind == goal::deleted) return {outcome::met, "it is gone"};
    if (was_seen_ && !name_or_id_.empty() && is_met_by_deletion(goal_)) return {outcome::met, "it is gone"};
    if (name_or_id_.empty() && !was_seen_) return {outcome::waiting, "it has no instances"};
    if (name_or_id_.empty()) return {outcome::impossible, "its instances were deleted"};
    if (was_seen_) return {outcome::impossible, fmt::format("{} was deleted", seen_name_)};
    return {outcome::impossible, fmt::format("{} does not exist", name_or_id_)};
}

/// Of several, all must meet the goal, and one that cannot is enough to give up. None of them counts before the watch
/// has shown all that is there.
wait_verdict wait_tracker::verdict() const {
    if (by_id_.empty()) return verdict_of_none();
    auto all_met = is_synced_ || !name_or_id_.empty();
    wait_verdict open{outcome::waiting, {}};
    for (auto const& [id, each] : by_id_) {
        if (each.outcome == outcome::impossible) return each;
        if (each.outcome == outcome::met) continue;
        all_met = false;
        if (open.why.empty()) open = each;
    }
    if (all_met && by_id_.size() < expected_)
        return {outcome::waiting, fmt::format("{} of {} instances are there", by_id_.size(), expected_)};
    return all_met ? wait_verdict{outcome::met, by_id_.begin()->second.why} : open;
}

}  // namespace rik
