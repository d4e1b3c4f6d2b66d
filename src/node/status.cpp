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
constexpr duration same_moment = std::chrono::milliseconds(100);
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

/// "at its memory limit of 64Mi"
std::string memory_text(container_exit const& exit) {
    if (exit.memory_limit_hit > 0)
        return fmt::format("at {} memory limit of {}", exit.is_limit_of_pod ? "its Pod's" : "its",
                           bytes_text(exit.memory_limit_hit));
    return "because its node was short of memory";
}

/// "; 2 of its processes had been killed at its memory limit of 64Mi"
std::string describe_memory_kills(container_exit const& exit) {
    if (exit.memory_kills == 0) return {};
    return fmt::format("; {} of its processes had been killed {}", exit.memory_kills, memory_text(exit));
}

void describe_end(container_status& which, container_exit const& exit) {
    if (!exit.code_known) {
        which.reason = "ExitCodeLost";
        which.message = "has ended; its exit code is lost with the process that watched it";
    } else if (exit.out_of_memory) {
        which.reason = "OOMKilled";
        which.message = fmt::format("was killed {}", memory_text(exit));
        return;
    } else {
        which.reason = exit.code == 0 ? "Completed" : "Error";
        which.message = describe_exit(exit.code);
        if (!exit.reason.empty()) which.message = fmt::format("{}; {}", exit.reason, which.message);
    }
    which.message += describe_memory_kills(exit);
}

/// What is known of containers that exited with 0, beyond that: "; container a: 1 of its processes had been killed ..."
std::string more_than_exits(std::vector<container_status> const& containers) {
    auto const plain = describe_exit(0);
    std::string more;
    for (auto const& each : containers) {
        std::string_view said = each.message;
        if (each.reason == "Stopped" && said.ends_with("; " + plain))
            said.remove_suffix(plain.size() + 2);
        else if (said.starts_with(plain + "; "))
            said.remove_prefix(plain.size() + 2);
        else
            continue;
        more += fmt::format("; container {}: {}", each.name, said);
    }
    return more;
}

std::string times_text(std::uint32_t count) { return count == 1 ? "once" : fmt::format("{} times", count); }

bool runs(container_status const& each) { return each.state == container_state::running; }

bool is_done_init(container_status const& each) {
    return each.role == container_role::init && each.state == container_state::exited && each.exit_code == 0;
}

instance_end failed_with(container_status const& which) {
    return {instance_state::failed, which.reason, fmt::format("container {}: {}", which.name, which.message)};
}

/// The word of a Pod for that of a container which cannot be started; empty: it is no such word.
std::string_view instance_reason_of(std::string_view word) {
    if (word == "ErrImagePull" || word == "ImagePullBackOff") return "ImagePullFailed";
    if (word == "RunContainerError") return "StartFailed";
    return word == "CreateContainerConfigError" ? word : std::string_view();
}

/// "main: the registry does not have it (image demo:9)": of names that may be long the reason does not wait.
std::string about(std::string const& container, std::string_view message) {
    auto const prefix = fmt::format("container {}: ", container);
    if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
    auto const end = message.starts_with("image ") ? message.find(": ") : message.npos;
    if (end == message.npos) return fmt::format("{}: {}", container, message);
    return fmt::format("{}: {} ({})", container, message.substr(end + 2), message.substr(0, end));
}

container_end attempt_of(container_status const& which) {
    return {which.reason, which.message, which.exit_code, which.started_at, which.finished_at};
}
/// How its last attempt has ended comes first: that is what people look for.
void set_start_reason(container_status& which, container_outlook const& of) {
    auto const say = [&](std::string reason, std::string message) {
        which.reason = std::move(reason);
        which.message = std::move(message);
    };
    if (of.trouble) return say(of.trouble->reason, of.trouble->message);
    if (of.starts_at) return say("CrashLoopBackOff", which.last ? which.last->message : "waits before it starts again");
    if (!of.has_its_turn) return say("PodInitializing", "waits for the init containers before it");
    say("ContainerCreating", which.last ? which.last->message + "; is being started again" : "is being prepared");
}

}  // namespace

std::optional<instance_end> end_of(std::vector<container_status> const& containers) {
    auto is_over = false;
    container_status const* first_failed = nullptr;
    for (auto const& each : containers) {
        auto const has_failed = each.state == container_state::exited && each.exit_code != 0;
        if (each.role == container_role::init && has_failed) return failed_with(each);
        if (each.role != container_role::main) continue;
        if (each.state != container_state::exited) return std::nullopt;
        if (has_failed && first_failed == nullptr) first_failed = &each;
        is_over = true;  // what never ran has not ended
    }
    if (!is_over) return std::nullopt;
    if (first_failed != nullptr) return failed_with(*first_failed);
    return instance_end{instance_state::succeeded, "Completed",
                        "all containers exited with 0" + more_than_exits(containers)};
}

bool has_running(found_sandbox const& found) {
    return std::ranges::any_of(found.containers, [](found_container const& each) { return each.running; });
}

bool all_run(std::vector<container_status> const& containers) {
    return std::ranges::all_of(containers, [](auto const& each) { return is_done_init(each) || runs(each); });
}

std::string describe_progress(std::vector<container_status> const& containers) {
    std::size_t running_count = 0;
    std::size_t count = 0;
    std::string others;
    for (auto const& each : containers) {
        if (is_done_init(each)) continue;
        ++count;
        if (runs(each))
            ++running_count;
        else
            others += fmt::format("{}: {}; ", each.name, each.message);
    }
    if (count == 1 && running_count == 0) return others.substr(0, others.size() - 2);
    auto const verb = running_count == 1 ? "runs" : "run";
    return fmt::format("{}{} of {} containers {}", others, running_count, count, verb);
}

progress progress_of(std::vector<container_status> const& containers) {
    for (auto const& each : containers)
        if (each.state == container_state::waiting && each.starts_at)
            return {"CrashLoopBackOff", describe_progress(containers)};
    if (!all_run(containers)) return {"ContainerExited", describe_progress(containers)};
    std::string restarted;
    for (auto const& each : containers)
        if (each.restart_count > 0 && runs(each))
            restarted += fmt::format("{} was restarted {}{}; ", each.name, times_text(each.restart_count),
                                     each.last ? fmt::format(", after it {}", each.last->message) : std::string());
    return {restarted.empty() ? "Started" : "Restarted", restarted + "all containers run"};
}

std::optional<progress> start_trouble_of(std::vector<container_status> const& containers) {
    for (auto const& each : containers) {
        if (each.state != container_state::waiting) continue;
        auto const word = instance_reason_of(each.reason);
        if (!word.empty()) return progress{std::string(word), about(each.name, each.message)};
    }
    return std::nullopt;
}

/// What comes after it may start.
static bool has_come_far_enough(container_status const& each) {
    return each.role == container_role::init ? is_done_init(each) : each.started;
}

progress start_progress_of(std::vector<container_status> const& containers) {
    for (auto const& each : containers) {
        if (each.role == container_role::main || has_come_far_enough(each) || each.reason == "PodInitializing")
            continue;
        auto const what = each.role == container_role::init ? "init container" : "sidecar";
        auto const does = each.message.empty() ? std::string("runs") : each.message;
        return {"Initializing", fmt::format("{} {}: {}", what, each.name, does)};
    }
    return {"Preparing", "its containers are made"};
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
        all.push_back(
            {.name = each.name, .role = each.role, .reason = "ContainerCreating", .message = "is being prepared"});
    return all;
}

void set_running(container_status& which, wall_time when) {
    which.state = container_state::running;
    which.reason = "Started";
    which.message.clear();
    which.started_at = when;
    which.exit_code.reset();
    which.finished_at.reset();
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
    which.message = fmt::format("was {}; {}", cause, which.message);
}

void set_lost(std::vector<container_status>& containers, wall_time when) {
    for (auto& each : containers)
        if (each.state == container_state::running)
            set_exited(each, container_exit{.code_known = false, .finished_at = when});
}

void set_stopping(container_status& which, std::string_view cause) {
    which.reason = stopping;
    which.message = fmt::format("stopped because {}", cause);
}

void add_to_stopping(container_status& which, std::string_view what) {
    if (which.reason == stopping && which.message.find(what) == std::string::npos)
        which.message += fmt::format("; {}", what);
}

void set_stopping_no_more(container_status& which) {
    if (which.reason != stopping) return;
    which.reason = "Started";
    which.message.clear();
}

void note_ready(container_status& which, wall_time now) {
    if (!which.machine || !which.started_at || which.machine->steps.empty()) return;
    auto& steps = which.machine->steps;
    if (steps.back().name != boot_step_name::running) return;  // a later one is there, or the node knows too little
    auto const waited = std::chrono::duration_cast<std::chrono::milliseconds>(now - *which.started_at).count();
    steps.push_back({std::string(boot_step_name::ready), steps.back().after_ms + std::max<std::int64_t>(waited, 0)});
}

void set_restarting(container_status& which) {
    which.last = attempt_of(which);
    set_waiting(which);
}

void set_not_started(container_status& which, start_trouble const& why) {
    set_waiting(which);
    which.reason = why.reason;
    which.message = why.message;
}

void set_waiting(container_status& which) {
    which.state = container_state::waiting;
    which.exit_code.reset();
    which.started_at.reset();
    which.finished_at.reset();
    which.machine.reset();
}

/// Its next attempt never comes.
static void set_not_restarted(container_status& which) {
    auto const last = *std::exchange(which.last, std::nullopt);
    which.state = container_state::exited;
    which.reason = last.reason;
    which.message = last.message;
    which.exit_code = last.exit_code;
    which.started_at = last.started_at;
    which.finished_at = last.finished_at;
}

void settle(container_status& which, container_outlook const& of) {
    which.restart_count = of.restart_count;
    which.started = of.has_started;
    which.ready = of.is_ready;
    switch (of.phase) {
        case unit_phase::done:
            which.starts_at.reset();
            if (which.state != container_state::waiting) return;
            if (of.trouble) return set_start_reason(which, of);
            if (which.last) set_not_restarted(which);
            return;
        case unit_phase::running:
            which.starts_at.reset();
            if (which.reason != stopping) which.message = of.note;
            return;
        case unit_phase::waiting:
        case unit_phase::starting:
            // Two clocks are read one after the other: the same moment is not quite the same.
            if (!which.starts_at || !of.starts_at || std::chrono::abs(*which.starts_at - *of.starts_at) > same_moment)
                which.starts_at = of.starts_at;
            return set_start_reason(which, of);
    }
}

std::optional<std::uint32_t> attempt_to_read(container_status const& of, bool is_previous) {
    auto const has_run = of.state != container_state::waiting;
    if (has_run && !is_previous) return of.restart_count;
    if (of.restart_count == 0) return std::nullopt;
    return of.restart_count - 1;
}

}  // namespace rik::detail
