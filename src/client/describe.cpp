#include <rik/client/print.hpp>

#include "client/describe_lines.hpp"
#include "client/json_view.hpp"
#include "client/load_text.hpp"
#include "client/object_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace {

using namespace detail;
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

/// "gpu=yes:NoSchedule", each in a line of its own.
std::string taints_text(object const& node) {
    std::vector<std::string> lines;
    for (auto const* each : objects_at(node, "taints")) {
        auto const value = text_at(*each, "value");
        lines.push_back(
            fmt::format("{}{}{}:{}", text_at(*each, "key"), value.empty() ? "" : "=", value, text_at(*each, "effect")));
    }
    return join(lines, "\n");
}

std::string amounts_text(object const& amounts) {
    std::vector<std::string> parts;
    for (auto const& [name, amount] : amounts)
        parts.push_back(fmt::format("{} {}", std::string_view(name), text_of(amount)));
    return join(parts, ", ");
}

std::string lines_of_map(object const& map) {
    std::vector<std::string> lines;
    for (auto const& [name, value] : map) lines.push_back(fmt::format("{}={}", std::string_view(name), text_of(value)));
    return join(lines, "\n");
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

/// What a definition says of one container, beyond its name and image.
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
}

object const& wanted_container(object const& workload, std::string_view name) {
    static object const none;
    for (auto const* each : objects_at(workload, "definition.spec.containers")) {
        if (text_at(*each, "name") == name) return *each;
    }
    return none;
}

std::string reason_text(object const& of) {
    auto const reason = text_at(of, "reason");
    auto const message = text_at(of, "message");
    if (reason.empty() || message.empty()) return reason + message;
    return fmt::format("{}: {}", reason, message);
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

void add_containers(describe_lines& lines, object const& instance, object const& workload) {
    auto const containers = objects_at(instance, "containers");
    if (containers.empty()) return;
    lines.heading("Containers:");
    lines.indent();
    for (auto const* each : containers) {
        lines.heading(text_at(*each, "name"));
        lines.indent();
        lines.add("Image", text_at(*each, "image"));
        lines.add("Digest", text_at(*each, "imageDigest"));
        lines.add("State", container_state_text(*each));
        lines.add("Reason", reason_text(*each));
        lines.add_time("Started", time_at(*each, "startedAt"));
        lines.add_time("Finished", time_at(*each, "finishedAt"));
        if (number_at(*each, "restartCount").value_or(0) > 0) lines.add("Restarts", text_at(*each, "restartCount"));
        add_wanted(lines, wanted_container(workload, text_at(*each, "name")));
        lines.outdent();
    }
    lines.outdent();
}

/// How long after `start` something happened, which tells where the time went: finely where it is short.
std::string after_text(std::optional<wall_time> when, std::optional<wall_time> start) {
    if (!when || !start || *when < *start) return {};
    auto const length = *when - *start;
    if (length < std::chrono::seconds(1) || length >= std::chrono::seconds(10))
        return "+" + to_short_string(std::chrono::duration_cast<duration>(length));
    return fmt::format("+{:.2f}s", std::chrono::duration<double>(length).count());
}

void add_unreadable(describe_lines& lines, std::string_view title, error const& why) {
    lines.add(title, fmt::format("cannot be read: {}", to_string(why)));
}

/// The object in `json`; an empty one if there is no text. Errors: corrupt; what `json` is.
result<object> part_of(result<std::string> const& json) {
    if (!json) return json.error();
    if (json->empty()) return object();
    return parse_object(*json);
}

/// "its node has no room (x3 since 2026-07-01 12:00:00 UTC)"
std::string told_text(object const& event) {
    auto text = text_at(event, "message");
    auto const count = number_at(event, "count").value_or(1);
    auto const first = time_at(event, "firstTime");
    if (count > 1 && first) text += fmt::format(" (x{} since {})", count, date_text(*first));
    return text;
}

void add_story(describe_lines& lines, result<std::string> const& json, std::optional<wall_time> created) {
    auto const events = part_of(json);
    if (!events) return add_unreadable(lines, "Events", events.error());
    std::vector<table_row> rows{{{"TIME"}, {"AFTER"}, {"FROM"}, {"REASON"}, {"MESSAGE"}}};
    for (auto const* each : objects_at(*events, "items")) {
        auto const when = time_at(*each, "time");
        auto const is_warning = text_at(*each, "type") == "warning";
        rows.push_back({{when ? date_text(*when) : text_at(*each, "time")},
                        {after_text(when, created)},
                        {text_at(*each, "source")},
                        {text_at(*each, "reason") + (is_warning ? " (!)" : "")},
                        {told_text(*each)}});
    }
    if (rows.size() == 1) return lines.heading("Events: none are kept");
    lines.heading("Events:");
    lines.indent();
    lines.text(table_writer(false).write(rows));
    lines.outdent();
}

/// Returns true if something in the list is in another tenant than default.
bool spans_tenants(std::string_view list) {
    auto const parsed = parse_object(list);
    if (!parsed) return false;
    return std::ranges::any_of(objects_at(*parsed, "items"), [](auto const* each) {
        auto const tenant = text_at(*each, "tenant");
        return !tenant.empty() && tenant != "default";
    });
}

void add_table(describe_lines& lines, std::string_view title, resource_kind kind, result<std::string> const& json,
               table_options const& options) {
    if (!json) return add_unreadable(lines, title, json.error());
    auto rows = table_rows(kind, *json, options);
    if (!rows) return add_unreadable(lines, title, rows.error());
    if (rows->empty()) return lines.add(title, "none");
    lines.heading(fmt::format("{}:", title));
    rows->insert(rows->begin(), table_header(kind, options));
    lines.indent();
    lines.text(table_writer(false).write(*rows));
    lines.outdent();
}

void add_identity(describe_lines& lines, object const& of) {
    lines.add("Name", text_at(of, "name"));
    lines.add("Id", text_at(of, "id"));
    lines.add("Kind", text_at(of, "kind"));
    if (auto const tenant = text_at(of, "tenant"); tenant != "default") lines.add("Tenant", tenant);
}

void add_labels(describe_lines& lines, object const& of) {
    lines.add("Labels", lines_of_map(object_at(of, "labels")));
    lines.add("Annotations", lines_of_map(object_at(of, "annotations")));
    lines.add_time("Created", time_at(of, "createdAt"));
    lines.add_time("Deleted", time_at(of, "deletingSince"));
}

std::string name_and_id(object const& in, std::string_view member) {
    auto const& ref = object_at(in, member);
    if (ref.empty()) return {};
    return fmt::format("{} ({})", text_at(ref, "name"), text_at(ref, "id"));
}

void add_load(describe_lines& lines, object const& metrics) {
    if (metrics.empty()) return;
    lines.add("CPU used", cpu_load_text(metrics));
    lines.add("Memory used", memory_load_text(metrics));
    for (auto const* each : objects_at(metrics, "disks")) lines.add(text_at(*each, "disk_name"), disk_load_text(*each));
}

}  // namespace

result<std::string> describe_instance(std::string_view instance, result<std::string> const& workload,
                                      result<std::string> const& events, wall_time now) {
    auto const of = parse_object(instance);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("Workload", name_and_id(*of, "workload"));
    lines.add("Node", find(*of, "node.name") != nullptr ? name_and_id(*of, "node") : "none yet");
    lines.add("State", text_at(*of, "state"));
    lines.add_time("Since", time_at(*of, "since"));
    lines.add("Reason", reason_text(*of));
    lines.add("Ready", is_true(*of, "ready") ? "yes" : "no");
    lines.add("Addresses", texts(array_at(*of, "addresses")));
    std::vector<std::string> ports;
    for (auto const* each : objects_at(*of, "hostPorts"))
        ports.push_back(fmt::format("{} ({})", host_port_text(*each), text_at(*each, "container")));
    lines.add("Host ports", join(ports, "\n"));
    add_labels(lines, *of);
    auto const owner = part_of(workload);
    if (!owner) add_unreadable(lines, "Definition", owner.error());
    add_containers(lines, *of, owner ? *owner : object());
    add_story(lines, events, time_at(*of, "createdAt"));
    return lines.take();
}

result<std::string> describe_workload(std::string_view workload, result<std::string> const& instances,
                                      result<std::string> const& events, wall_time now) {
    auto const of = parse_object(workload);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("State", text_at(*of, "state"));
    lines.add("Replicas", text_at(*of, "replicas"));
    lines.add("Generation", text_at(*of, "generation"));
    lines.add("Release", text_at(*of, "release"));
    add_labels(lines, *of);
    auto const containers = objects_at(*of, "definition.spec.containers");
    if (!containers.empty()) lines.heading("Containers:");
    lines.indent();
    for (auto const* each : containers) {
        lines.heading(text_at(*each, "name"));
        lines.indent();
        lines.add("Image", text_at(*each, "image"));
        add_wanted(lines, *each);
        lines.outdent();
    }
    lines.outdent();
    lines.add("Root fs", text_at(*of, "definition.spec.function.execution.rootfs"));
    add_table(lines, "Instances", resource_kind::instance, instances, {.now = now});
    add_story(lines, events, time_at(*of, "createdAt"));
    return lines.take();
}

result<std::string> describe_tenant(std::string_view tenant, result<std::string> const& workloads,
                                    result<std::string> const& instances, wall_time now) {
    auto const of = parse_object(tenant);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("State", text_at(*of, "state"));
    add_labels(lines, *of);
    add_table(lines, "Workloads", resource_kind::workload, workloads, {.now = now});
    add_table(lines, "Instances", resource_kind::instance, instances, {.now = now});
    return lines.take();
}

result<std::string> describe_node(std::string_view node, result<std::string> const& instances,
                                  result<std::string> const& events, wall_time now) {
    auto const of = parse_object(node);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("State", node_state_text(*of));
    lines.add_time("Since", time_at(*of, "stateSince"));
    lines.add("Taints", taints_text(*of));
    for (auto const* each : objects_at(*of, "troubles")) lines.add(text_at(*each, "reason"), text_at(*each, "message"));
    lines.add("Version", text_at(*of, "version"));
    lines.add("Boot id", text_at(*of, "bootId"));
    lines.add("Runtimes", texts(array_at(*of, "runtimes")));
    lines.add("Addresses", texts(array_at(*of, "addresses")));
    lines.add("Pod subnet", text_at(*of, "podSubnet"));
    lines.add("Capacity", amounts_text(object_at(*of, "capacity")));
    lines.add("Requested", amounts_text(object_at(*of, "requested")));
    add_load(lines, object_at(*of, "metrics"));
    add_labels(lines, *of);
    auto const has_tenants = instances && spans_tenants(*instances);
    add_table(lines, "Instances", resource_kind::instance, instances, {.now = now, .has_tenants = has_tenants});
    add_story(lines, events, time_at(*of, "createdAt"));
    return lines.take();
}

}  // namespace rik
