#include "status_detail.hpp"

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

constexpr int signal_base = 128;
constexpr std::string_view stopping = "Stopping";  // the reason of a container, until it has ended

/// A program may exit with a code above 128, too, so it is only said which signal it would be.
std::string describe_exit(int code) {
    // All else that a container must not call is an error to it: this is for calls of another architecture.
    if (code == signal_base + SIGSYS)
        return fmt::format("exited with {} ({} + signal {}, perhaps of a 32-bit program, which rik does not run)", code,
                           signal_base, SIGSYS);
    if (code > signal_base && code <= signal_base + SIGRTMAX)
        return fmt::format("exited with {} ({} + signal {})", code, signal_base, code - signal_base);
    return fmt::format("exited with {}", code);
}

std::string memory_text(container_exit const& exit) {
    if (exit.memory_limit_hit > 0)
        return fmt::format("{} met its memory limit of {}", exit.is_limit_of_pod ? "its Pod" : "it",
                           bytes_text(exit.memory_limit_hit));
    return "its node was short of memory";
}

/// "; 2 of its processes had been killed because it met its memory limit of 64Mi"
std::string describe_memory_kills(container_exit const& exit) {
    if (exit.memory_kills == 0) return {};
    return fmt::format("; {} of its processes had been killed because {}", exit.memory_kills, memory_text(exit));
}

void describe_end(container_status& which, container_exit const& exit) {
    if (!exit.code_known) {
        which.reason = "ExitCodeLost";
        which.message = "it has ended; its exit code is lost with the process that watched it";
    } else if (exit.out_of_memory) {
        which.reason = "OOMKilled";
        which.message = fmt::format("was killed because {}", memory_text(exit));
        return;
    } else {
        which.reason = exit.code == 0 ? "Completed" : "Error";
        which.message = describe_exit(exit.code);
    }
    which.message += describe_memory_kills(exit);
}

/// What is known of containers that exited with 0, beyond that: "; container a: 1 of its processes had been killed ..."
std::string more_than_exits(std::vector<container_status> const& containers) {
    auto const plain = describe_exit(0) + "; ";
    std::string more;
    for (auto const& each : containers)
        if (each.message.starts_with(plain))
            more += fmt::format("; container {}: {}", each.name, std::string_view(each.message).substr(plain.size()));
    return more;
}

}  // namespace

std::optional<instance_end> end_of(std::vector<container_status> const& containers) {
    bool all_exited = !containers.empty();  // what never ran has not ended
    for (auto const& each : containers) {
        if (each.state != container_state::exited) {
            all_exited = false;
            continue;
        }
        if (each.exit_code == 0) continue;
        auto why = fmt::format("container {}: {}", each.name, each.message);
        return instance_end{instance_state::failed, each.reason, std::move(why)};
    }
    if (!all_exited) return std::nullopt;
    return instance_end{instance_state::succeeded, "Completed",
                        "all containers exited with 0" + more_than_exits(containers)};
}

bool all_run(std::vector<container_status> const& containers) {
    return std::all_of(containers.begin(), containers.end(),
                       [](auto const& each) { return each.state == container_state::running; });
}

std::string describe_progress(std::vector<container_status> const& containers) {
    std::size_t running_count = 0;
    std::string others;
    for (auto const& each : containers) {
        if (each.state == container_state::running)
            ++running_count;
        else
            others += fmt::format("; container {}: {}", each.name, each.message);
    }
    auto const verb = running_count == 1 ? "runs" : "run";
    return fmt::format("{} of {} containers {}{}", running_count, containers.size(), verb, others);
}

std::string encode_end(instance_end const& how) {
    return fmt::format("{}\n{}\n{}", to_string(how.state), how.reason, how.message);
}

std::optional<instance_end> parse_end(std::string_view text) {
    auto const first = text.find('\n');
    auto const second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    auto const state = parse_instance_state(text.substr(0, first));
    if (!state || !is_finished(*state)) return std::nullopt;
    return instance_end{*state, std::string(text.substr(first + 1, second - first - 1)),
                        std::string(text.substr(second + 1))};
}

std::vector<container_status> waiting_containers(instance_template const& pod) {
    std::vector<container_status> all;
    for (auto const& each : pod.containers)
        all.push_back({.name = each.name, .reason = "ContainerCreating", .message = "is being prepared"});
    return all;
}

void set_running(container_status& which, wall_time when) {
    which.state = container_state::running;
    which.reason = "Started";
    which.message.clear();
    which.started_at = when;
}

void set_exited(container_status& which, container_exit const& exit) {
    which.state = container_state::exited;
    which.finished_at = exit.finished_at;
    which.exit_code = exit.code_known ? std::optional(exit.code) : std::nullopt;
    auto const was_stopping = which.reason == stopping;
    auto const cause = std::exchange(which.message, {});
    describe_end(which, exit);
    if (!was_stopping) return;
    if (exit.code_known && !exit.out_of_memory) which.reason = "Stopped";
    which.message = fmt::format("{}; {}", which.message, cause);
}

void set_lost(std::vector<container_status>& containers, wall_time when) {
    for (auto& each : containers)
        if (each.state == container_state::running)
            set_exited(each, container_exit{.code_known = false, .finished_at = when});
}

void set_stopping(container_status& which, std::string_view cause) {
    which.reason = stopping;
    which.message = fmt::format("stopped because its Pod ends: {}", cause);
}

void set_not_started(container_status& which, std::string reason, std::string message) {
    which.state = container_state::waiting;
    which.reason = std::move(reason);
    which.message = std::move(message);
}

}  // namespace rik::detail
