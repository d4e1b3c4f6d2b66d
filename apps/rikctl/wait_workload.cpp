#include "wait_workload.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "parse_json.hpp"
#include "patient_server.hpp"
#include "rollout_reasons.hpp"
#include "rollout_wait.hpp"

namespace rikctl {

namespace {

using goal = rik::wait_goal::what;
using outcome = rik::wait_verdict::what;

constexpr auto condition_period = std::chrono::milliseconds(250);
/// How many instances it wants, and whether it is there, is in no watch of its instances.
constexpr auto question_period = std::chrono::seconds(1);

constexpr std::array<std::string_view, 2> condition_words{"Available", "Progressing"};
constexpr std::array<std::string_view, 3> status_words{"True", "False", "Unknown"};

/// The one of `words` that is the same but for the case of its letters; empty if there is none.
std::string find_in_any_case(auto const& words, std::string_view text) {
    auto const lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? char(letter | 0x20) : letter; };
    for (std::string_view const each : words)
        if (std::ranges::equal(each, text, {}, lower, lower)) return std::string(each);
    return {};
}

bool is_own_condition(rik::wait_goal const& wanted) {
    return wanted.kind == goal::condition && std::ranges::count(condition_words, wanted.condition) > 0;
}

/// Follows one workload.
class workload_waiting {
public:
    workload_waiting(session& with, rik::client const& server, rik::wait_request const& request)
        : with_(with),
          server_(with, server, {request.deadline, request.was_reached}),
          request_(request),
          tracker_(request.goal, {}) {}

    /// Errors: as of client.
    rik::result<void> read() {
        auto const found = server_.ask([&](rik::client& of) {
            if (!id_.empty()) return of.get(rik::resource_kind::workload, id_);
            return of.get(rik::resource_kind::workload, request_.name, request_.definition_kind);
        });
        if (!found) return found.error();
        workload_ = parse_json(*found);
        asked_at_ = with_.now();
        id_ = string_at(workload_, "/id");
        tracker_.expect_at_least(static_cast<std::size_t>(wanted()));
        return {};
    }
    std::string kind() const { return string_at(workload_, "/kind"); }

    rik::result<rik::wait_verdict> follow() {
        rik::list_filter instances;
        instances.workload = id_;
        instances.is_of_all_tenants = true;
        for (;;) {
            auto now = verdict();
            if (now.outcome != outcome::waiting || with_.now() >= request_.deadline) return at_end(std::move(now));
            auto const period =
                is_own_condition(request_.goal) ? rik::duration(condition_period) : rik::duration(question_period);
            auto const event = server_.next(instances, std::min(request_.deadline, asked_at_ + period));
            if (!event) return event.error();
            if (*event)
                if (auto const fed = take(**event); !fed) return fed.error();
            if (with_.now() < asked_at_ + period || with_.now() >= request_.deadline) continue;
            auto const found = read();
            if (!found && found.error().code == rik::errc::not_found)
                return rik::wait_verdict{outcome::impossible, fmt::format("{} was deleted", request_.name)};
            if (!found && !server_.is_lost()) return found.error();
        }
    }

private:
    std::int64_t wanted() const { return number_at(workload_, "/progress/wanted"); }

    /// What leaves is to the tracker what has gone already.
    rik::result<void> take(rik::watch_event const& event) {
        using type = rik::watch_event_type;
        if (event.type == type::restarted) here_.clear();
        if (event.type == type::synced) is_synced_ = true;
        if (event.type != type::added && event.type != type::modified && event.type != type::deleted)
            return tracker_.feed(event);
        auto const object = parse_json(event.object);
        auto const id = string_at(object, "/id");
        if (event.type != type::deleted && !is_leaving(object)) {
            here_.insert(id);
            return tracker_.feed(event);
        }
        here_.erase(id);
        return tracker_.feed({type::deleted, event.object});
    }

    rik::wait_verdict verdict() const {
        if (is_leaving(workload_))
            return {outcome::impossible, fmt::format("{} is being deleted", string_at(workload_, "/name"))};
        if (is_own_condition(request_.goal)) return verdict_of_condition();
        if (!is_synced_) return {};
        if (here_.empty()) return {outcome::waiting, fmt::format("0 of {} instances are there", wanted())};
        return tracker_.verdict();
    }

    rik::wait_verdict verdict_of_condition() const {
        auto const& type = request_.goal.condition;
        auto const& status = request_.goal.state_word;
        if (number_at(workload_, "/progress/generation") != number_at(workload_, "/generation"))
            return {outcome::waiting, "it has not been looked at yet"};
        for (auto const& each : array_at(workload_, "/progress/conditions")) {
            if (string_at(each, "/type") != type) continue;
            auto why = fmt::format("{} is {}: {}: {}", type, string_at(each, "/status"), string_at(each, "/reason"),
                                   string_at(each, "/message"));
            return {string_at(each, "/status") == status ? outcome::met : outcome::waiting, std::move(why)};
        }
        return {outcome::waiting, fmt::format("it has no condition {}", type)};
    }

    rik::wait_verdict at_end(rik::wait_verdict verdict) const {
        if (verdict.outcome != outcome::waiting || !server_.is_lost()) return verdict;
        verdict.why += verdict.why.empty() ? "the server does not answer" : "; the server does not answer";
        return verdict;
    }

    session& with_;
    patient_server server_;
    rik::wait_request request_;
    rik::wait_tracker tracker_;
    boost::json::value workload_ = nullptr;
    std::string id_ = {};
    rik::time_point asked_at_ = {};
    std::set<std::string> here_ = {};  ///< ids of the instances that do not leave
    bool is_synced_ = false;
};

}  // namespace

std::optional<rik::wait_goal> parse_deployment_condition(std::string_view text) {
    constexpr std::string_view beginning = "condition=";
    if (!text.starts_with(beginning)) return std::nullopt;
    text.remove_prefix(beginning.size());
    auto const equals = text.find('=');
    rik::wait_goal wanted{.kind = goal::condition, .state_word = "True"};
    wanted.condition = find_in_any_case(condition_words, text.substr(0, equals));
    if (equals != std::string_view::npos) wanted.state_word = find_in_any_case(status_words, text.substr(equals + 1));
    if (wanted.condition.empty() || wanted.state_word.empty()) return std::nullopt;
    return wanted;
}

bool is_goal_of_workload(rik::wait_request const& request) {
    if (request.kind != rik::resource_kind::workload || rik::is_job_condition(request.goal)) return false;
    auto const kind = request.goal.kind;
    return kind == goal::running || kind == goal::ready || kind == goal::started || kind == goal::condition;
}

rik::result<rik::wait_verdict> wait_for_workload(session& with, rik::client& server, rik::wait_request const& request) {
    workload_waiting one(with, server, request);
    if (auto const found = one.read(); !found) return found.error();
    if (is_own_condition(request.goal) && one.kind() != "Deployment")
        return rik::error{
            rik::errc::invalid,
            fmt::format("a {} has no condition {}: only a Deployment has", one.kind(), request.goal.condition),
            {},
            "of others wait for ready"};
    if (keeps_instances(one.kind())) return one.follow();
    auto rest = request;
    rest.was_reached = true;
    return rik::wait_for(server, rest);
}

}  // namespace rikctl
