#include "client/pod_display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

using boost::json::object;
using words = std::string_view;

constexpr std::array phases{
    std::pair(words("pending"), words("Pending")),       std::pair(words("creating"), words("Pending")),
    std::pair(words("running"), words("Running")),       std::pair(words("succeeded"), words("Completed")),
    std::pair(words("failed"), words("Failed")),         std::pair(words("destroying"), words("Terminating")),
    std::pair(words("terminated"), words("Terminated")), std::pair(words("unknown"), words("Unknown"))};

/// A state that this version does not know is shown as it is.
std::string phase_of(object const& instance) {
    auto const state = text_at(instance, "state");
    auto const known = std::ranges::find(phases, words(state), &std::pair<words, words>::first);
    return known == phases.end() ? state : std::string(known->second);
}

bool is_init(object const& container) { return text_at(container, "role") == "init"; }
bool is_sidecar(object const& container) { return text_at(container, "role") == "sidecar"; }
bool is_main(object const& container) { return !is_init(container) && !is_sidecar(container); }

/// It says of its Pod, not of itself, why it does not start.
bool tells_of_its_pod(words reason) { return reason == "PodFailed" || reason == "PodDeleted"; }

/// Why a container waits, or how it has ended; empty while it runs, or waits for its turn.
std::string reason_of(object const& container) {
    auto const state = text_at(container, "state");
    auto reason = text_at(container, "reason");
    if (state == "waiting") return tells_of_its_pod(reason) ? std::string() : reason;
    if (state != "exited" || !reason.empty()) return state == "exited" ? reason : std::string();
    return fmt::format("ExitCode:{}", text_at(container, "exitCode"));
}

/// Does what comes after it wait for it?
bool is_passed(object const& container) {
    if (is_sidecar(container)) return is_true(container, "started");
    return text_at(container, "state") == "exited" && text_at(container, "exitCode") == "0";
}

/// "Init:1/2", "Init:CrashLoopBackOff"; empty when the main containers' turn has come.
std::string initializing(std::vector<object const*> const& all) {
    auto const total = std::ranges::count_if(all, [](auto const* each) { return !is_main(*each); });
    std::ptrdiff_t passed = 0;
    for (auto const* each : all) {
        if (is_main(*each)) continue;
        if (is_passed(*each)) {
            ++passed;
            continue;
        }
        auto const reason = reason_of(*each);
        auto const is_usual = reason.empty() || reason == "PodInitializing" || reason == "ContainerCreating";
        return is_usual ? fmt::format("Init:{}/{}", passed, total) : "Init:" + reason;
    }
    return {};
}

/// What the first of these containers that does not run says.
template <class Which>
std::string first_reason(std::vector<object const*> const& all, Which is_meant) {
    for (auto const* each : all)
        if (is_meant(*each))
            if (auto reason = reason_of(*each); !reason.empty()) return reason;
    return {};
}

/// One that has ended in good order, or because another one has ended, does not tell why its Pod has failed.
std::string reason_of_failed(std::vector<object const*> const& all) {
    auto const tells = [](object const& each) {
        auto const reason = reason_of(each);
        return is_main(each) && reason != "Completed" && reason != "Stopped";
    };
    auto reason = first_reason(all, tells);
    return reason.empty() ? first_reason(all, is_main) : reason;
}

bool has_running_main(std::vector<object const*> const& all) {
    return std::ranges::any_of(all,
                               [](auto const* each) { return is_main(*each) && text_at(*each, "state") == "running"; });
}

/// What its node says of the Pod as a whole is more than how each container has ended.
std::string reason_of_failure(object const& instance, std::string of_containers) {
    auto reason = text_at(instance, "reason");
    if (reason == "Evicted" || of_containers.empty()) return reason.empty() ? "Failed" : reason;
    return of_containers;
}

/// "Init:1/2"
bool is_count(words status) { return status.starts_with("Init:") && status.find('/') != words::npos; }

bool is_going(object const& instance) {
    auto const state = text_at(instance, "state");
    return state == "destroying" || (!text_at(instance, "deletingSince").empty() && state != "terminated");
}

std::string status_of(object const& instance, std::vector<object const*> const& all) {
    auto const phase = phase_of(instance);
    if (is_going(instance)) return "Terminating";
    if (phase == "Completed" || phase == "Terminated" || phase == "Unknown") return phase;
    auto const is_initialized = !text_at(instance, "initializedAt").empty();
    auto waiting = is_initialized ? std::string() : initializing(all);
    if (!waiting.empty() && !(phase == "Failed" && is_count(waiting))) return waiting;
    if (phase == "Failed") return reason_of_failure(instance, reason_of_failed(all));
    auto reason = first_reason(all, is_main);
    if (reason == "Completed" && has_running_main(all)) return is_true(instance, "ready") ? "Running" : "NotReady";
    if (reason.empty()) reason = first_reason(all, is_sidecar);
    return reason.empty() ? phase : reason;
}

bool is_bad(words status) {
    constexpr std::array usual{words("Pending"),     words("ContainerCreating"), words("PodInitializing"),
                               words("Terminating"), words("Terminated"),        words("NotReady"),
                               words("Running"),     words("Completed")};
    return !is_count(status) && std::ranges::find(usual, status) == usual.end();
}

/// A server of an earlier version says it of the whole only. Of what runs on a node that is not heard nobody knows.
bool is_ready(object const& container, object const& instance) {
    if (text_at(instance, "state") == "unknown") return false;
    if (find(container, "ready") != nullptr) return is_true(container, "ready");
    return text_at(container, "state") == "running" && is_true(instance, "ready");
}

tone tone_of_status(pod_display const& shown, object const& instance) {
    if (is_bad(shown.status)) return tone::bad;
    if (shown.status == "Completed") return tone::good;
    return shown.status == "Running" && is_true(instance, "ready") ? tone::good : tone::busy;
}

}  // namespace

/// An init container counts restarts only while nothing else does.
pod_display display_of(object const& instance) {
    auto const all = objects_at(instance, "containers");
    pod_display shown{.status = status_of(instance, all)};
    auto const is_initializing = shown.status.starts_with("Init:");
    for (auto const* each : all) {
        if (!is_init(*each)) {
            ++shown.container_count;
            shown.ready_count += is_ready(*each, instance) ? 1 : 0;
        }
        if (is_init(*each) && !is_initializing) continue;
        shown.restart_count += number_at(*each, "restartCount").value_or(0);
        if (auto const ended = time_at(*each, "lastState.finishedAt"))
            shown.restarted_at = std::max(shown.restarted_at.value_or(*ended), *ended);
    }
    shown.how = tone_of_status(shown, instance);
    return shown;
}

namespace {

/// "main: its readiness probe failed: http :8080/: HTTP 503"; empty if no container that runs says why it is not ready.
std::string unready_text(std::vector<object const*> const& all) {
    for (auto const* each : all) {
        if (is_init(*each) || text_at(*each, "state") != "running" || is_true(*each, "ready")) continue;
        auto const message = text_at(*each, "message");
        if (!message.empty()) return fmt::format("{}: {}", text_at(*each, "name"), message);
    }
    return {};
}

/// "; starts again in 20s", of the first container that waits for its time.
std::string next_start_text(std::vector<object const*> const& all, wall_time now) {
    for (auto const* each : all) {
        auto const when = time_at(*each, "startsAt");
        if (!when || *when <= now || text_at(*each, "state") != "waiting") continue;
        auto const pause = std::chrono::ceil<std::chrono::seconds>(*when - now);
        auto const who = all.size() == 1 ? std::string() : text_at(*each, "name") + " ";
        return fmt::format("; {}starts again in {}", who, to_short_string(pause));
    }
    return {};
}

/// Nothing is wrong with it, as far as the whole goes.
bool is_about_running(words reason) { return reason == "Started" || reason == "Restarted" || reason == "TakenOver"; }

}  // namespace

std::string told_reason(object const& instance, wall_time now) {
    auto const all = objects_at(instance, "containers");
    auto const reason = text_at(instance, "reason");
    auto message = text_at(instance, "message");
    auto const is_up = text_at(instance, "state") == "running" && !is_true(instance, "ready");
    if (is_up && is_about_running(reason))
        if (auto unready = unready_text(all); !unready.empty()) message = std::move(unready);
    if (reason.empty() || message.empty()) return reason + message;
    if (is_up || text_at(instance, "state") == "creating") message += next_start_text(all, now);
    return fmt::format("{}: {}", reason, message);
}

}  // namespace rik::detail
