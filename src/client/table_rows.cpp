#include <rik/client/print.hpp>

#include "client/json_view.hpp"
#include "client/object_text.hpp"
#include "client/pod_display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rik {

namespace {

using namespace detail;
using boost::json::object;

constexpr std::size_t reason_bytes_max = 110;

/// One column: its title, whether only the wide form has it, and its cell of an object.
struct column {
    std::string_view title;
    bool is_wide;
    table_cell (*cell)(object const& of, table_options const& options);
};

template <std::size_t Length>
struct literal {
    char text[Length];
    constexpr literal(char const (&from)[Length]) { std::copy_n(from, Length, text); }
};

template <literal Path>
table_cell member(object const& of, table_options const&) {
    return {text_at(of, Path.text)};
}

template <literal Path>
table_cell age(object const& of, table_options const& options) {
    return {age_of(time_at(of, Path.text), options.now)};
}

table_cell state(object const& of, table_options const&) { return {text_at(of, "state"), tone_of(of)}; }

table_cell state_of_node(object const& of, table_options const&) {
    auto const word = node_state_text(of);
    return {word, word == "ready" ? tone::good : tone::bad};
}

/// Why a node takes no instances.
table_cell node_reason(object const& of, table_options const& options) {
    std::vector<std::string> all;
    for (auto const* each : objects_at(of, "troubles"))
        all.push_back(fmt::format("{}: {}", text_at(*each, "reason"), text_at(*each, "message")));
    auto const text = join(all, "; ");
    return {options.wide || options.has_whole_reasons ? text : shortened(text, reason_bytes_max)};
}

table_cell addresses(object const& of, table_options const&) { return {texts(array_at(of, "addresses"))}; }

table_cell labels(object const& of, table_options const&) { return {labels_text(object_at(of, "labels"))}; }

/// Without the wide form a long message is cut: `describe` and `-o wide` have all of it.
table_cell reason(object const& of, table_options const& options) {
    auto const tells = options.wide || tone_of(of) != tone::good || display_of(of).how == tone::bad;
    auto text = tells ? told_reason(of, options.now) : text_at(of, "reason");
    if (!options.wide && !options.has_whole_reasons) text = shortened(text, reason_bytes_max);
    return {text};
}

/// How many of its containers are ready, but for init containers.
table_cell ready(object const& of, table_options const&) {
    auto const shown = display_of(of);
    if (shown.container_count == 0) return {is_true(of, "ready") ? "yes" : "no"};
    return {fmt::format("{}/{}", shown.ready_count, shown.container_count)};
}

table_cell status(object const& of, table_options const&) {
    auto shown = display_of(of);
    return {std::move(shown.status), shown.how};
}

/// "2 (3m ago)"
table_cell restarts(object const& of, table_options const& options) {
    auto const shown = display_of(of);
    if (shown.restart_count == 0 || !shown.restarted_at) return {std::to_string(shown.restart_count)};
    return {fmt::format("{} ({} ago)", shown.restart_count, age_of(shown.restarted_at, options.now))};
}

table_cell instance_images(object const& of, table_options const&) {
    return {images_text(objects_at(of, "containers"))};
}

table_cell instance_ports(object const& of, table_options const&) {
    std::vector<std::string> ports;
    for (auto const* each : objects_at(of, "hostPorts")) ports.push_back(host_port_text(*each));
    return {join(ports, ",")};
}

table_cell workload_images(object const& of, table_options const&) {
    auto const function = function_unit(of);
    auto all = objects_at(of, spec_path(of, "containers"));
    if (!function.empty()) all.push_back(&function);
    return {images_text(all)};
}

table_cell workload_ports(object const& of, table_options const&) {
    std::vector<std::string> ports;
    for (auto const* each : objects_at(of, spec_path(of, "containers"))) {
        for (auto& port : definition_ports(*each)) ports.push_back(std::move(port));
    }
    for (auto& port : definition_ports(function_unit(of))) ports.push_back(std::move(port));
    return {join(ports, ",")};
}

template <literal Resource>
table_cell used(object const& of, table_options const&) {
    auto const requested = text_at(of, fmt::format("requested.{}", Resource.text));
    auto const capacity = text_at(of, fmt::format("capacity.{}", Resource.text));
    if (capacity.empty()) return {};
    return {fmt::format("{}/{}", requested.empty() ? "0" : requested, capacity)};
}

table_cell runtimes(object const& of, table_options const&) { return {texts(array_at(of, "runtimes"))}; }

table_cell event_type(object const& of, table_options const&) {
    auto const word = text_at(of, "type");
    return {word, word == "warning" ? tone::bad : tone::plain};
}

/// "5s", or "5s (x3 over 12m)".
table_cell event_age(object const& of, table_options const& options) {
    auto age = age_of(time_at(of, "time"), options.now);
    auto const count = number_at(of, "count").value_or(1);
    if (count > 1) age += fmt::format(" (x{} over {})", count, age_of(time_at(of, "firstTime"), options.now));
    return {age};
}

table_cell event_object(object const& of, table_options const&) {
    return {fmt::format("{}/{}", text_at(of, "kind"), text_at(of, "name"))};
}

/// "2/5": so many have succeeded of those that must; of a work queue there is no such number.
table_cell job_progress(object const& of, std::int64_t succeeded) {
    std::optional<std::int64_t> wanted;
    auto is_queue = false;
    for (auto const* form : {"definition.spec.", "definition."}) {
        if (!wanted) wanted = number_at(of, std::string(form) + "completions");
        is_queue = is_queue || number_at(of, std::string(form) + "parallelism").has_value();
    }
    auto text = std::to_string(succeeded);
    if (wanted || !is_queue) text += fmt::format("/{}", wanted.value_or(1));
    return {text, text_at(of, "state") == "active" ? tone::busy : tone::plain};
}

std::size_t active_jobs_count(object const& of) { return array_at(of, "progress.cron.active").size(); }

table_cell schedule(object const& of, table_options const&) { return {cron_text(of, "schedule")}; }

table_cell time_zone_of(object const& of, table_options const&) {
    auto const zone = cron_text(of, "timeZone");
    return {zone.empty() ? "UTC" : zone};
}

table_cell is_suspended(object const& of, table_options const&) {
    return {cron_text(of, "suspend") == "true" ? "True" : "False"};
}

/// A watch does not say how far a workload is.
bool is_untold(object const& of) { return of.if_contains("progress") == nullptr; }

table_cell active_jobs(object const& of, table_options const&) {
    if (is_untold(of)) return {"-"};
    auto const count = active_jobs_count(of);
    return {std::to_string(count), count > 0 ? tone::busy : tone::plain};
}

table_cell last_schedule(object const& of, table_options const& options) {
    if (is_untold(of)) return {"-"};
    auto const when = time_at(of, "progress.cron.lastScheduleTime");
    return {when ? age_of(when, options.now) : "<none>"};
}

/// How long it is until then.
table_cell next_schedule(object const& of, table_options const& options) {
    if (is_untold(of)) return {"-"};
    auto const when = time_at(of, "progress.cron.nextScheduleTime");
    if (!when) return {"<none>"};
    return {"in " + to_short_string(std::max<duration>(*when - options.now, duration()))};
}

/// "2/3" of what keeps itself; how many were written of what does not.
table_cell replicas(object const& of, table_options const&) {
    if (of.if_contains("progress") == nullptr) return {text_at(of, "replicas")};
    if (text_at(of, "kind") == "CronJob") return {fmt::format("{} active", active_jobs_count(of))};
    if (auto const done = number_at(of, "progress.job.succeeded")) return job_progress(of, *done);
    auto const wanted = number_at(of, "progress.wanted");
    if (!wanted) return {fmt::format("0/{}", text_at(of, "replicas"))};
    auto const are_ready = number_at(of, "progress.ready").value_or(0);
    return {fmt::format("{}/{}", are_ready, *wanted), are_ready < *wanted ? tone::busy : tone::plain};
}

constexpr std::array workload_columns{
    column{"NAME", false, member<"name">},
    column{"KIND", false, member<"kind">},
    column{"STATE", false, state},
    column{"REPLICAS", false, replicas},
    column{"AGE", false, age<"createdAt">},
    column{"UPDATED", true, member<"progress.updated">},
    column{"AVAILABLE", true, member<"progress.available">},
    column{"IMAGES", true, workload_images},
    column{"PORTS", true, workload_ports},
    column{"LABELS", true, labels},
    column{"ID", true, member<"id">},
};

/// Source: kubectl get cronjobs
constexpr std::array cron_job_columns{
    column{"NAME", false, member<"name">},
    column{"SCHEDULE", false, schedule},
    column{"TIMEZONE", false, time_zone_of},
    column{"SUSPEND", false, is_suspended},
    column{"ACTIVE", false, active_jobs},
    column{"LAST SCHEDULE", false, last_schedule},
    column{"NEXT SCHEDULE", false, next_schedule},
    column{"AGE", false, age<"createdAt">},
    column{"IMAGES", true, workload_images},
    column{"LABELS", true, labels},
    column{"ID", true, member<"id">},
};

constexpr std::array instance_columns{
    column{"NAME", false, member<"name">},
    column{"READY", false, ready},
    column{"STATUS", false, status},
    column{"RESTARTS", false, restarts},
    column{"NODE", false, member<"node.name">},
    column{"ADDRESS", false, addresses},
    column{"AGE", false, age<"createdAt">},
    column{"WORKLOAD", true, member<"workload.name">},
    column{"RELEASE", true, member<"release">},
    column{"PORTS", true, instance_ports},
    column{"IMAGES", true, instance_images},
    column{"ID", true, member<"id">},
    column{"REASON", false, reason},
};

constexpr std::array node_columns{
    column{"NAME", false, member<"name">},
    column{"STATE", false, state_of_node},
    column{"SINCE", false, age<"stateSince">},
    column{"INSTANCES", false, member<"instances">},
    column{"CPU", false, used<"cpu">},
    column{"MEMORY", false, used<"memory">},
    column{"ADDRESS", false, addresses},
    column{"AGE", false, age<"createdAt">},
    column{"PODS", true, used<"pods">},
    column{"POD-SUBNET", true, member<"podSubnet">},
    column{"RUNTIMES", true, runtimes},
    column{"VERSION", true, member<"version">},
    column{"LABELS", true, labels},
    column{"ID", true, member<"id">},
    column{"REASON", false, node_reason},
};

constexpr std::array event_columns{
    column{"TIME", true, member<"time">},        column{"AGE", false, event_age},
    column{"TYPE", false, event_type},           column{"OBJECT", false, event_object},
    column{"SOURCE", true, member<"source">},    column{"REASON", false, member<"reason">},
    column{"MESSAGE", false, member<"message">},
};

constexpr std::array tenant_columns{
    column{"NAME", false, member<"name">}, column{"STATE", false, state},    column{"AGE", false, age<"createdAt">},
    column{"LABELS", true, labels},        column{"ID", true, member<"id">},
};

constexpr column tenant_column{"TENANT", false, member<"tenant">};

std::span<column const> columns_of(resource_kind kind, table_options const& options) {
    if (kind == resource_kind::workload && options.definition_kind == "CronJob") return cron_job_columns;
    switch (kind) {
        case resource_kind::workload: return workload_columns;
        case resource_kind::instance: return instance_columns;
        case resource_kind::node: return node_columns;
        case resource_kind::event: return event_columns;
        case resource_kind::tenant: return tenant_columns;
    }
    return {};
}

/// The columns that are shown, in their order.
std::vector<column const*> shown_columns(resource_kind kind, table_options const& options) {
    std::vector<column const*> shown;
    if (options.has_tenants && belongs_to_tenant(kind)) shown.push_back(&tenant_column);
    for (auto const& each : columns_of(kind, options))
        if (options.wide || !each.is_wide) shown.push_back(&each);
    return shown;
}

/// Every list of rik has items, and everything else of it a name.
result<std::vector<object const*>> items_of_rik(object const& from) {
    if (find(from, "items") == nullptr && find(from, "name") == nullptr)
        return error{errc::corrupt, "the server's answer is no object of rik", {}, "is it rik that listens there?"};
    return items_of(from);
}

table_row row_of(resource_kind kind, object const& of, table_options const& options) {
    table_row row;
    for (auto const* each : shown_columns(kind, options)) row.push_back(each->cell(of, options));
    return row;
}

}  // namespace

table_row table_header(resource_kind kind, table_options const& options) {
    table_row row;
    for (auto const* each : shown_columns(kind, options)) row.push_back({std::string(each->title)});
    return row;
}

table_row table_sample(resource_kind kind, table_options const& options) {
    auto row = table_header(kind, options);
    for (auto& cell : row) {
        if (cell.text == "TENANT") cell.text = "default";
        if (cell.text == "NAME") cell.text = "jolly-cat-1234";
        if (cell.text == "KIND") cell.text = "Deployment";
        if (cell.text == "STATE") cell.text = "provisioning";
        if (cell.text == "REPLICAS") cell.text = "1000/1000";
        if (cell.text == "STATUS") cell.text = "ContainerCreating";
        if (cell.text == "RESTARTS") cell.text = "2 (59m ago)";
        if (cell.text == "NODE") cell.text = "node-1";
        if (cell.text == "ADDRESS") cell.text = "10.210.100.100";
        if (cell.text == "AGE") cell.text = "59m59s";
        if (cell.text == "SCHEDULE") cell.text = "*/15 8-17 * * 1-5";
        if (cell.text == "OBJECT") cell.text = "instance/jolly-cat-1234";
        if (cell.text == "REASON") cell.text = "Unschedulable";
    }
    return row;
}

result<std::vector<table_row>> table_rows(resource_kind kind, std::string_view json, table_options const& options) {
    auto const parsed = parse_object(json);
    if (!parsed) return parsed.error();
    auto const items = items_of_rik(*parsed);
    if (!items) return items.error();
    std::vector<table_row> rows;
    for (auto const* each : *items) rows.push_back(row_of(kind, *each, options));
    return rows;
}

result<std::vector<std::string>> object_names(std::string_view json) {
    auto const parsed = parse_object(json);
    if (!parsed) return parsed.error();
    auto const items = items_of_rik(*parsed);
    if (!items) return items.error();
    std::vector<std::string> names;
    for (auto const* each : *items) names.push_back(text_at(*each, "name"));
    return names;
}

result<std::string> object_id(std::string_view json) {
    auto const parsed = parse_object(json);
    if (!parsed) return parsed.error();
    auto id = text_at(*parsed, "id");
    if (id.empty()) return error{errc::corrupt, "the server's answer has no id"};
    return id;
}

}  // namespace rik
