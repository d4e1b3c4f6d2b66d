#include "client/describe_container.hpp"

#include "client/object_text.hpp"

#include <rik/model/machine_boot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace rik::detail {

namespace {

using boost::json::object;

/// Words as a shell would need them written.
std::string command_text(boost::json::array const& words) {
    std::vector<std::string> parts;
    for (auto const& each : words) {
        auto word = text_of(each);
        auto const is_plain = !word.empty() && word.find_first_of(" \t\n\"'\\$`|&;<>()*?") == std::string::npos;
        if (is_plain) {
            parts.push_back(std::move(word));
            continue;
        }
        std::string quoted = "'";
        for (auto const byte : word) quoted += byte == '\'' ? std::string("'\\''") : std::string(1, byte);
        parts.push_back(quoted + "'");
    }
    return join(parts, " ");
}

/// "NAME=value", "NAME <- metadata.name", "NAME <- limits.memory of web"
std::string variable_text(object const& variable) {
    auto const name = text_at(variable, "name");
    if (auto const field = text_at(variable, "valueFrom.fieldRef.fieldPath"); !field.empty())
        return fmt::format("{} <- {}", name, field);
    auto const amount = text_at(variable, "valueFrom.resourceFieldRef.resource");
    if (amount.empty()) return fmt::format("{}={}", name, text_at(variable, "value"));
    auto const of = text_at(variable, "valueFrom.resourceFieldRef.containerName");
    return fmt::format("{} <- {}{}{}", name, amount, of.empty() ? "" : " of ", of);
}

/// A member of a probe that is a number, or what it is where nothing is said.
std::int64_t number_or(object const& probe, std::string_view member, std::int64_t otherwise) {
    return number_at(probe, member).value_or(otherwise);
}

std::string http_text(object const& action) {
    auto scheme = text_at(action, "scheme");
    std::ranges::transform(scheme, scheme.begin(),
                           [](char letter) { return letter >= 'A' && letter <= 'Z' ? char(letter | 0x20) : letter; });
    auto const path = text_at(action, "path");
    return fmt::format("http-get {}://{}:{}{}", scheme.empty() ? "http" : scheme, text_at(action, "host"),
                       text_at(action, "port"), path.empty() ? "/" : path);
}

/// What a probe or a hook does; empty if it is none that this version knows.
std::string action_text(object const& of) {
    if (find(of, "exec") != nullptr) return fmt::format("exec [{}]", command_text(array_at(of, "exec.command")));
    if (find(of, "httpGet") != nullptr) return http_text(object_at(of, "httpGet"));
    if (find(of, "tcpSocket") != nullptr)
        return fmt::format("tcp-socket {}:{}", text_at(of, "tcpSocket.host"), text_at(of, "tcpSocket.port"));
    if (find(of, "sleep") != nullptr) return fmt::format("sleep {}s", text_at(of, "sleep.seconds"));
    if (find(of, "grpc") == nullptr) return {};
    auto const service = text_at(of, "grpc.service");
    return fmt::format("grpc :{}{}{}", text_at(of, "grpc.port"), service.empty() ? "" : " ", service);
}

/// "/data from scratch (ro), path=sub"
std::string mount_text(object const& mount) {
    auto const sub = text_at(mount, "subPath");
    return fmt::format("{} from {} ({}){}{}", text_at(mount, "mountPath"), text_at(mount, "name"),
                       is_true(mount, "readOnly") ? "ro" : "rw", sub.empty() ? "" : ", path=", sub);
}

void add_health(describe_lines& lines, object const& container) {
    constexpr std::array probes{std::pair("Startup", "startupProbe"), std::pair("Liveness", "livenessProbe"),
                                std::pair("Readiness", "readinessProbe")};
    for (auto const& [title, member] : probes) lines.add(title, probe_text(object_at(container, member)));
    lines.add("Post start", action_text(object_at(container, "lifecycle.postStart")));
    lines.add("Pre stop", action_text(object_at(container, "lifecycle.preStop")));
    std::vector<std::string> mounts;
    for (auto const* each : objects_at(container, "volumeMounts")) mounts.push_back(mount_text(*each));
    lines.add("Mounts", join(mounts, "\n"));
}

/// "exited with code 1 after 12s"
std::string container_state_text(object const& container) {
    auto text = text_at(container, "state");
    auto const code = text_at(container, "exitCode");
    auto const started = time_at(container, "startedAt");
    auto const finished = time_at(container, "finishedAt");
    if (text != "exited") return text;
    if (!code.empty()) text += fmt::format(" with code {}", code);
    if (started && finished && *finished >= *started)
        text += fmt::format(" after {}", to_short_string(std::chrono::duration_cast<duration>(*finished - *started)));
    return text;
}

void add_last(describe_lines& lines, object const& last) {
    if (last.empty()) return;
    lines.add("Last state", container_state_text(last));
    lines.add("Last reason", reason_text(last));
    lines.add_time("Last started", time_at(last, "startedAt"));
    lines.add_time("Last finished", time_at(last, "finishedAt"));
}

/// "qemuStarted" as people write it.
std::string_view step_text(std::string_view name) {
    constexpr std::array known{std::pair(boot_step_name::qemu, std::string_view("QEMU started")),
                               std::pair(boot_step_name::restored, std::string_view("restored")),
                               std::pair(boot_step_name::kernel, std::string_view("kernel up")),
                               std::pair(boot_step_name::init, std::string_view("init up"))};
    for (auto const& [each, text] : known)
        if (each == name) return text;
    return name;
}

void add_machine(describe_lines& lines, object const& machine) {
    if (machine.empty()) return;
    auto const by = text_at(machine, "acceleration");
    lines.add("Machine", by == "tcg" ? "tcg (emulated)" : by);
    std::vector<std::string> steps;
    std::string_view how;
    for (auto const* each : objects_at(machine, "boot")) {
        auto const seconds = static_cast<double>(number_at(*each, "afterMs").value_or(0)) / 1000;
        auto const name = text_at(*each, "step");
        steps.push_back(fmt::format("{} {:.2f}s", step_text(name), seconds));
        if (name == boot_step_name::restored) how = "warm: ";
        if (name == boot_step_name::kernel) how = "cold: ";
    }
    lines.add("Boot", fmt::format("{}{}", how, join(steps, ", ")));
}

}  // namespace

std::string reason_text(object const& of) {
    auto const reason = text_at(of, "reason");
    auto const message = text_at(of, "message");
    if (reason.empty() || message.empty()) return reason + message;
    return fmt::format("{}: {}", reason, message);
}

std::string amounts_text(object const& amounts) {
    std::vector<std::string> parts;
    for (auto const& [name, amount] : amounts)
        parts.push_back(fmt::format("{} {}", std::string_view(name), text_of(amount)));
    return join(parts, ", ");
}

std::string probe_text(object const& probe) {
    auto const action = action_text(probe);
    if (action.empty()) return {};
    return fmt::format("{} delay={}s timeout={}s period={}s #success={} #failure={}", action,
                       number_or(probe, "initialDelaySeconds", 0), number_or(probe, "timeoutSeconds", 1),
                       number_or(probe, "periodSeconds", 10), number_or(probe, "successThreshold", 1),
                       number_or(probe, "failureThreshold", 3));
}

std::string volume_text(object const& volume) {
    for (auto const& [name, value] : volume) {
        if (name == "name") continue;
        if (name != "emptyDir") return std::string(name);
        auto const limit = text_at(volume, "emptyDir.sizeLimit");
        return fmt::format("emptyDir{}{}{}", text_at(volume, "emptyDir.medium") == "Memory" ? " in memory" : "",
                           limit.empty() ? "" : ", at most ", limit);
    }
    return "emptyDir";
}

object wanted_container(object const& workload, std::string_view name) {
    for (std::string_view const list : {"containers", "initContainers"})
        for (auto const* each : objects_at(workload, spec_path(workload, list)))
            if (text_at(*each, "name") == name) return *each;
    return function_unit(workload);
}

void add_wanted(describe_lines& lines, object const& container) {
    lines.add("Command", command_text(array_at(container, "command")));
    lines.add("Args", command_text(array_at(container, "args")));
    lines.add("Directory", text_at(container, "workingDir"));
    lines.add("Ports", join(definition_ports(container), ", "));
    std::vector<std::string> variables;
    for (auto const* each : objects_at(container, "env")) variables.push_back(variable_text(*each));
    lines.add("Env", join(variables, "\n"));
    lines.add("Requests", amounts_text(object_at(container, "resources.requests")));
    lines.add("Limits", amounts_text(object_at(container, "resources.limits")));
    add_health(lines, container);
}

void add_seen(describe_lines& lines, object const& container) {
    lines.add("Image", text_at(container, "image"));
    lines.add("Digest", text_at(container, "imageDigest"));
    if (text_at(container, "role") == "sidecar") lines.add("Role", "sidecar");
    lines.add("State", container_state_text(container));
    lines.add("Reason", reason_text(container));
    lines.add_time("Started", time_at(container, "startedAt"));
    lines.add_time("Finished", time_at(container, "finishedAt"));
    if (auto const when = time_at(container, "startsAt")) lines.add("Starts at", date_text(*when));
    add_machine(lines, object_at(container, "machine"));
    add_last(lines, object_at(container, "lastState"));
    if (find(container, "ready") != nullptr) lines.add("Ready", is_true(container, "ready") ? "yes" : "no");
    if (number_at(container, "restartCount").value_or(0) > 0) lines.add("Restarts", text_at(container, "restartCount"));
}

}  // namespace rik::detail
