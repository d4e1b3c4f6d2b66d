#include "container_events_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::string_view image_back_off = "ImagePullBackOff";
constexpr std::array failures{std::string_view("ErrImagePull"), std::string_view("CreateContainerConfigError"),
                              std::string_view("RunContainerError")};

constexpr std::string_view stopping = "Stopping";  // how a node calls it until the container has ended

/// How a node says what a probe or a hook has answered, and the event that tells of it.
constexpr std::string_view probe_words = " probe failed: ";
constexpr std::array hook_words{std::pair(std::string_view("its postStart hook failed"), "FailedPostStartHook"),
                                std::pair(std::string_view("its preStop hook failed"), "FailedPreStopHook")};

bool waits_because(container_status const& of, std::string_view reason) {
    return of.state == container_state::waiting && of.reason == reason;
}

bool waits_after_failure(container_status const& of) {
    return of.state == container_state::waiting && std::ranges::find(failures, of.reason) != failures.end();
}

bool has_new_attempt(container_status const& before, container_status const& now) {
    return now.restart_count != before.restart_count;
}

std::string with_detail(std::string text, std::string const& detail) {
    return detail.empty() ? text : fmt::format("{}: {}", text, detail);
}

/// One container, from one status to the next.
class container_story {
public:
    container_story(container_status const& before, container_status const& now, std::vector<container_event>& into)
        : before_(before), now_(now), into_(into) {}

    void tell_end() {
        auto const is_over = before_.state == container_state::running && now_.state != container_state::running;
        if (!is_over && !has_new_attempt(before_, now_)) return;
        if (now_.state == container_state::exited) return tell_end(now_.reason, now_.message, now_.exit_code);
        if (!now_.last || is_told()) return;
        tell_end(now_.last->reason, now_.last->message, now_.last->exit_code);
    }

    void tell_waiting() {
        if (waits_because(now_, before_.reason)) return;
        if (waits_because(now_, "CrashLoopBackOff"))
            warn("BackOff", fmt::format("container {} waits before it starts again", now_.name));
        if (waits_because(now_, image_back_off))
            warn("BackOff", fmt::format("container {} waits before its image is pulled again", now_.name));
        if (waits_after_failure(now_)) warn("Failed", with_detail(subject(), now_.message));
    }

    void tell_image() {
        auto const was_missing = waits_because(before_, image_back_off) || waits_because(before_, failures.front());
        if (was_missing && !now_.image_digest.empty())
            note("Pulled", fmt::format("container {} has its image", now_.name));
    }

    /// The first start of main containers is told as that of the instance.
    void tell_start() {
        if (now_.state != container_state::running) return;
        if (before_.state == container_state::running && !has_new_attempt(before_, now_)) return;
        if (now_.role == container_role::main && now_.restart_count == 0) return;
        note("Started", fmt::format("container {} has started", now_.name));
    }

    void tell_health() {
        auto const runs_on = before_.state == container_state::running && now_.state == container_state::running &&
                             !has_new_attempt(before_, now_);
        auto const is_stopping = now_.reason == stopping;
        if (runs_on && is_stopping && before_.reason != stopping) note("Killing", with_detail(subject(), now_.message));
        if (!runs_on || is_stopping) return;
        auto const tells_of_probe = now_.message.find(probe_words) != std::string::npos;
        if (before_.ready && !now_.ready)
            warn("Unhealthy", with_detail(fmt::format("container {} is not ready any more", now_.name), now_.message));
        else if (tells_of_probe && now_.message != before_.message)
            warn("Unhealthy", with_detail(subject(), now_.message));
    }

    /// Also while the instance is being destroyed: whoever wrote the hook wants to know.
    void tell_hooks() {
        for (auto const& [words, reason] : hook_words) {
            auto const at = now_.message.find(words);
            if (at == std::string::npos || before_.message.find(words) != std::string::npos) continue;
            warn(reason, with_detail(subject(), now_.message.substr(at)));
        }
    }

private:
    /// When it had exited, or when it began to wait.
    bool is_told() const {
        if (before_.state == container_state::waiting) return now_.last == before_.last;
        return before_.state == container_state::exited;
    }
    std::string subject() const { return fmt::format("container {}", now_.name); }

    void tell_end(std::string const& reason, std::string const& message, std::optional<int> code) {
        if (code == 0) return;
        auto text = code ? fmt::format("container {} has ended with code {}", now_.name, *code)
                         : fmt::format("container {} has ended", now_.name);
        warn(reason.empty() ? "Error" : reason, with_detail(std::move(text), message));
    }

    void note(std::string_view reason, std::string message) {
        into_.push_back({event_type::normal, std::string(reason), std::move(message)});
    }
    void warn(std::string_view reason, std::string message) {
        into_.push_back({event_type::warning, std::string(reason), std::move(message)});
    }

    container_status const& before_;
    container_status const& now_;
    std::vector<container_event>& into_;
};

}  // namespace

std::vector<container_event> container_events(instance_status const& before, instance_status const& now) {
    std::vector<container_event> all;
    if (is_finished(now.state)) return all;
    auto const is_going = now.state == instance_state::destroying;
    auto const is_asked_for = !is_going && now.restarts > before.restarts;
    if (is_asked_for) all.push_back({event_type::normal, "Restarted", "its containers are started again, as asked"});
    for (auto const& each : now.containers) {
        auto const old = std::ranges::find(before.containers, each.name, &container_status::name);
        auto const none = container_status{.name = each.name, .role = each.role};
        container_story story(old == before.containers.end() ? none : *old, each, all);
        story.tell_hooks();
        if (is_going) continue;
        if (!is_asked_for) story.tell_end();
        story.tell_waiting();
        story.tell_image();
        story.tell_start();
        story.tell_health();
    }
    return all;
}

}  // namespace rik::detail
