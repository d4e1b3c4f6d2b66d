#include <rik/client/print.hpp>

#include "client/describe_container.hpp"
#include "client/describe_lines.hpp"
#include "client/json_view.hpp"
#include "client/load_text.hpp"
#include "client/object_text.hpp"
#include "client/pod_display.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace {

using namespace detail;
using boost::json::object;

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

std::string lines_of_map(object const& map) {
    std::vector<std::string> lines;
    for (auto const& [name, value] : map) lines.push_back(fmt::format("{}={}", std::string_view(name), text_of(value)));
    return join(lines, "\n");
}

/// One section: the containers of which `is_meant` says so.
template <class Which>
void add_section(describe_lines& lines, std::string_view title, object const& instance, object const& workload,
                 Which is_meant) {
    auto all = objects_at(instance, "containers");
    std::erase_if(all, [&](auto const* each) { return !is_meant(text_at(*each, "role")); });
    if (all.empty()) return;
    lines.heading(title);
    lines.indent();
    for (auto const* each : all) {
        lines.heading(text_at(*each, "name"));
        lines.indent();
        add_seen(lines, *each);
        add_wanted(lines, wanted_container(workload, text_at(*each, "name")));
        lines.outdent();
    }
    lines.outdent();
}

/// In the order in which they start.
void add_containers(describe_lines& lines, object const& instance, object const& workload) {
    auto const is_before = [](std::string_view role) { return role == "init" || role == "sidecar"; };
    add_section(lines, "Init containers:", instance, workload, is_before);
    auto const is_function = text_at(instance, "kind") == "Function";
    add_section(lines, is_function ? "Function:" : "Containers:", instance, workload,
                [&](std::string_view role) { return !is_before(role); });
}

void add_definitions(describe_lines& lines, std::string_view title, std::vector<object const*> const& containers) {
    if (containers.empty()) return;
    lines.heading(title);
    lines.indent();
    for (auto const* each : containers) {
        lines.heading(text_at(*each, "name"));
        lines.indent();
        lines.add("Image", text_at(*each, "image"));
        lines.add("Role", text_at(*each, "role"));
        add_wanted(lines, *each);
        lines.outdent();
    }
    lines.outdent();
}

void add_volumes(describe_lines& lines, object const& workload) {
    auto const all = objects_at(workload, spec_path(workload, "volumes"));
    if (all.empty()) return;
    lines.heading("Volumes:");
    lines.indent();
    for (auto const* each : all) lines.add(text_at(*each, "name"), volume_text(*each));
    lines.outdent();
}

void add_conditions(describe_lines& lines, object const& instance, wall_time now) {
    std::vector<table_row> rows{{{"TYPE"}, {"STATUS"}, {"SINCE"}, {"REASON"}}};
    for (auto const* each : objects_at(instance, "conditions")) {
        auto const since = time_at(*each, "since");
        rows.push_back({{text_at(*each, "type")},
                        {text_at(*each, "status")},
                        {since ? age_of(since, now) : std::string("-")},
                        {reason_text(*each)}});
    }
    if (rows.size() == 1) return;
    lines.heading("Conditions:");
    lines.indent();
    lines.text(table_writer(false).write(rows));
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
    auto whole = options;
    whole.has_whole_reasons = true;
    auto rows = table_rows(kind, *json, whole);
    if (!rows) return add_unreadable(lines, title, rows.error());
    if (rows->empty()) return lines.add(title, "none");
    lines.heading(fmt::format("{}:", title));
    rows->insert(rows->begin(), table_header(kind, whole));
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
    lines.add("Release", text_at(*of, "release"));
    lines.add("Node", find(*of, "node.name") != nullptr ? name_and_id(*of, "node") : "none yet");
    lines.add("State", text_at(*of, "state"));
    lines.add_time("Since", time_at(*of, "since"));
    lines.add("Reason", told_reason(*of, now));
    lines.add("Status", display_of(*of).status);
    lines.add("Ready", is_true(*of, "ready") ? "yes" : "no");
    if (number_at(*of, "restarts").value_or(0) > number_at(*of, "restartsDone").value_or(0))
        lines.add("Restart", "asked for; its node has not obeyed yet");
    lines.add("Addresses", texts(array_at(*of, "addresses")));
    std::vector<std::string> ports;
    for (auto const* each : objects_at(*of, "hostPorts"))
        ports.push_back(fmt::format("{} ({})", host_port_text(*each), text_at(*each, "container")));
    lines.add("Host ports", join(ports, "\n"));
    add_labels(lines, *of);
    auto const owner = part_of(workload);
    if (!owner) add_unreadable(lines, "Definition", owner.error());
    add_containers(lines, *of, owner ? *owner : object());
    add_volumes(lines, owner ? *owner : object());
    add_conditions(lines, *of, now);
    add_story(lines, events, time_at(*of, "createdAt"));
    return lines.take();
}

namespace {

/// What of a Job has ended, and what runs.
void add_job(describe_lines& lines, object const& job) {
    auto const count = [&](std::string_view what) { return number_at(job, what).value_or(0); };
    auto text = fmt::format("{} active, {} succeeded, {} failed", count("active"), count("succeeded"), count("failed"));
    if (count("ignored") > 0) text += fmt::format(", {} that do not count", count("ignored"));
    if (count("terminating") > 0) text += fmt::format(", {} leaving", count("terminating"));
    lines.add("Progress", text);
    lines.add("Completed indexes", text_at(job, "completedIndexes"));
    lines.add("Failed indexes", text_at(job, "failedIndexes"));
    lines.add_time("Started", time_at(job, "startedAt"));
    lines.add_time("Finished", time_at(job, "finishedAt"));
}

/// What its definition says of how it runs; what it does not say is left out.
void add_job_rules(describe_lines& lines, object const& of) {
    auto const seconds = [&](std::string_view name, std::string_view member) {
        auto const text = cron_text(of, member);
        if (!text.empty()) lines.add(name, text + "s");
    };
    lines.add("Parallelism", cron_text(of, "parallelism"));
    lines.add("Completions", cron_text(of, "completions"));
    lines.add("Completion mode", cron_text(of, "completionMode"));
    lines.add("Backoff limit", cron_text(of, "backoffLimit"));
    seconds("Active deadline", "activeDeadlineSeconds");
    seconds("TTL", "ttlSecondsAfterFinished");
}

/// "in 3h20m (2026-11-21 19:19:38 UTC)"
std::string coming_text(std::optional<wall_time> when, wall_time now) {
    if (!when) return "none";
    return fmt::format("in {} ({})", to_short_string(std::max<duration>(*when - now, duration())), date_text(*when));
}

/// When a CronJob starts Jobs, and when it has.
void add_cron_job(describe_lines& lines, object const& of, wall_time now) {
    auto const or_usual = [&](std::string_view member, std::string_view usual) {
        auto text = cron_text(of, member);
        return text.empty() ? std::string(usual) : text;
    };
    lines.add("Schedule", fmt::format("{} ({})", cron_text(of, "schedule"), or_usual("timeZone", "UTC")));
    lines.add("Suspended", cron_text(of, "suspend") == "true" ? "yes" : "no");
    lines.add("Concurrency", or_usual("concurrencyPolicy", "Allow"));
    if (auto const deadline = cron_text(of, "startingDeadlineSeconds"); !deadline.empty())
        lines.add("Starting deadline", deadline + "s");
    lines.add("History", fmt::format("{} succeeded, {} failed", or_usual("successfulJobsHistoryLimit", "3"),
                                     or_usual("failedJobsHistoryLimit", "1")));
    constexpr std::size_t named_max = 10;
    auto active = array_at(of, "progress.cron.active");
    auto const more = active.size() - std::min(active.size(), named_max);
    active.resize(active.size() - more);
    auto const named = active.empty() ? std::string("none") : texts(active);
    lines.add("Active", more == 0 ? named : fmt::format("{} and {} more", named, more));
    lines.add_time("Last run", time_at(of, "progress.cron.lastScheduleTime"));
    lines.add_time("Last success", time_at(of, "progress.cron.lastSuccessfulTime"));
    lines.add("Next run", coming_text(time_at(of, "progress.cron.nextScheduleTime"), now));
}

void add_said(describe_lines& lines, object const& of) {
    if (auto const why = text_at(of, "progress.heldUp"); !why.empty()) lines.add("Held up", why);
    for (auto const* each : objects_at(of, "progress.conditions"))
        lines.add(text_at(*each, "type"), fmt::format("{} ({}): {}", text_at(*each, "status"), text_at(*each, "reason"),
                                                      text_at(*each, "message")));
}

/// What a managed workload has, and what is true of it.
void add_progress(describe_lines& lines, object const& of) {
    auto const count = [&](std::string_view what) {
        return number_at(of, "progress." + std::string(what)).value_or(0);
    };
    if (!number_at(of, "progress.wanted")) return;
    if (text_at(of, "kind") == "CronJob") return add_said(lines, of);
    if (auto const& job = object_at(of, "progress.job"); !job.empty()) {
        add_job(lines, job);
        return add_said(lines, of);
    }
    lines.add("Progress",
              fmt::format("{} wanted, {} there, {} updated, {} ready, {} available, {} unavailable, {} leaving",
                          count("wanted"), count("have"), count("updated"), count("ready"), count("available"),
                          count("unavailable"), count("leaving")));
    add_said(lines, of);
}

/// What one looks for stands first: what is wrong, what is not ready, what runs, and what is done.
int attention_rank(object const& instance) {
    auto const shown = display_of(instance);
    if (shown.how == tone::bad) return 0;
    if (shown.status == "Completed") return 3;
    return is_true(instance, "ready") ? 2 : 1;
}

/// There may be thousands: the others come only as far as there is room.
void add_instances(describe_lines& lines, object const& of, result<std::string> const& instances, wall_time now) {
    constexpr std::size_t shown_max = 30;
    auto const list = part_of(instances);
    if (!list) return add_unreadable(lines, "Instances", list.error());
    std::vector<std::pair<int, object const*>> ranked;
    for (auto const* each : objects_at(*list, "items")) ranked.emplace_back(attention_rank(*each), each);
    std::ranges::stable_sort(ranked, {}, &std::pair<int, object const*>::first);
    boost::json::array shown;
    for (auto const& [rank, each] : ranked)
        if (shown.size() < shown_max) shown.push_back(*each);
    auto const more = ranked.size() - shown.size();
    auto const text = boost::json::serialize(object{{"items", std::move(shown)}});
    add_table(lines, "Instances", resource_kind::instance, text, {.now = now});
    if (more == 0) return;
    auto const tenant = text_at(of, "tenant");
    auto const where = tenant.empty() || tenant == "default" ? std::string() : " -n " + tenant;
    lines.heading(
        fmt::format("  ... and {} more: rikctl{} get instances --workload {}", more, where, text_at(of, "name")));
}

}  // namespace

result<std::string> describe_workload(std::string_view workload, result<std::string> const& instances,
                                      result<std::string> const& events, wall_time now) {
    auto const of = parse_object(workload);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("State", text_at(*of, "state"));
    if (find(*of, "pausedSince") != nullptr && !text_at(*of, "pausedSince").empty())
        lines.add_time("Paused since", time_at(*of, "pausedSince"));
    auto const kind = text_at(*of, "kind");
    auto const is_cron_job = kind == "CronJob";
    if (kind != "Job" && kind != "DaemonSet" && !is_cron_job) lines.add("Replicas", text_at(*of, "replicas"));
    lines.add("Generation", text_at(*of, "generation"));
    auto const release = text_at(*of, "release");
    auto const number = text_at(*of, "releaseNumber");  // a server of an earlier version does not say it
    lines.add("Release", number.empty() ? release : fmt::format("{} ({})", number, release));
    if (is_cron_job) add_cron_job(lines, *of, now);
    if (kind == "Job") add_job_rules(lines, *of);
    add_progress(lines, *of);
    add_labels(lines, *of);
    add_definitions(lines, "Init containers:", objects_at(*of, spec_path(*of, "initContainers")));
    add_definitions(lines, "Containers:", objects_at(*of, spec_path(*of, "containers")));
    if (auto const function = function_unit(*of); !function.empty()) add_definitions(lines, "Function:", {&function});
    add_volumes(lines, *of);
    if (!is_cron_job) add_instances(lines, *of, instances, now);
    add_story(lines, events, time_at(*of, "createdAt"));
    return lines.take();
}

std::string describe_jobs(result<std::string> const& jobs, wall_time now) {
    describe_lines lines(now);
    auto const list = part_of(jobs);
    if (!list) {
        add_unreadable(lines, "Jobs", list.error());
        return lines.take();
    }
    auto all = objects_at(*list, "items");
    if (all.empty()) return {};
    std::ranges::sort(all, std::greater(), [](auto const* each) { return time_at(*each, "createdAt"); });
    std::vector<table_row> rows{{{"NAME"}, {"STATE"}, {"STARTED"}, {"TOOK"}}};
    for (auto const* each : all) {
        auto const started = time_at(*each, "progress.job.startedAt");
        auto const finished = time_at(*each, "progress.job.finishedAt");
        rows.push_back({{text_at(*each, "name")},
                        {text_at(*each, "state")},
                        {started ? age_of(started, now) + " ago" : std::string("-")},
                        {started && finished ? to_short_string(*finished - *started) : std::string("-")}});
    }
    lines.heading("Jobs:");
    lines.indent();
    lines.text(table_writer(false).write(rows));
    lines.outdent();
    return lines.take();
}

namespace {

/// "pi-x2k4v (index 3)"
std::string failed_instance_text(object const& failure) {
    auto const index = number_at(failure, "index");
    auto const name = text_at(failure, "instance");
    return index ? fmt::format("{} (index {})", name, *index) : name;
}

std::string failure_text(object const& failure) {
    auto const code = text_at(failure, "exitCode");
    auto text = code.empty() ? text_at(failure, "reason")
                             : fmt::format("container {} ended with {} ({})", text_at(failure, "container"), code,
                                           text_at(failure, "reason"));
    if (auto const verdict = text_at(failure, "verdict"); !verdict.empty()) text += ": " + verdict;
    return text;
}

}  // namespace

result<std::string> describe_failures(std::string_view rollout, wall_time now) {
    auto const of = parse_object(rollout);
    if (!of) return of.error();
    describe_lines lines(now);
    auto const all = objects_at(*of, "failures");
    if (all.empty()) return lines.take();
    lines.heading("Failures:");
    lines.indent();
    for (auto const* each : all) {
        auto const when = time_at(*each, "time");
        lines.add(fmt::format("{}. {}", text_at(*each, "number"), failed_instance_text(*each)),
                  fmt::format("{} ago: {}", age_of(when, now), failure_text(*each)));
    }
    lines.outdent();
    return lines.take();
}

result<std::string> describe_tenant(std::string_view tenant, tenant_parts const& parts, wall_time now) {
    auto const of = parse_object(tenant);
    if (!of) return of.error();
    describe_lines lines(now);
    add_identity(lines, *of);
    lines.add("State", text_at(*of, "state"));
    add_labels(lines, *of);
    add_table(lines, "Workloads", resource_kind::workload, parts.workloads, {.now = now});
    add_table(lines, "Instances", resource_kind::instance, parts.instances, {.now = now});
    add_story(lines, parts.events, time_at(*of, "createdAt"));
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
    for (auto const& [name, why] : object_at(*of, "missingRuntimes"))
        lines.add(fmt::format("No {}", std::string_view(name)), text_of(why));
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
