#include "json_detail.hpp"

#include <rik/base/quantity.hpp>
#include <rik/model/conditions.hpp>

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

namespace rik::detail {

namespace {

json::object map_object(string_map const& map) {
    json::object object;
    for (auto const& [name, value] : map) object[name] = value;
    return object;
}

json::array text_array(std::vector<std::string> const& texts) { return json::array(texts.begin(), texts.end()); }

json::array troubles_array(std::vector<node_trouble> const& troubles) {
    json::array all;
    for (auto const& each : troubles) all.push_back(json::object{{"reason", each.reason}, {"message", each.message}});
    return all;
}

json::array taints_array(std::vector<taint> const& taints) {
    json::array all;
    for (auto const& each : taints)
        all.push_back(json::object{{"key", each.key}, {"value", each.value}, {"effect", to_string(each.effect)}});
    return all;
}

json::value time_value(std::optional<wall_time> const& when) {
    if (!when) return nullptr;
    return json::value(to_string(*when));
}

std::string amount_text(std::string_view name, std::int64_t amount) {
    if (name == resource::cpu) return milli_text(amount);
    if (name == resource::memory || name == resource::storage) return bytes_text(amount);
    return std::to_string(amount);
}

json::object resources_object(resources const& amounts) {
    json::object object;
    for (auto const& [name, amount] : amounts.entries()) object[name] = amount_text(name, amount);
    return object;
}

/// The same members for every kind; an object of the whole cluster has no tenant.
void put_meta(json::object& object, meta const& of) {
    object["id"] = of.uid;
    object["name"] = of.name;
    if (!of.tenant.empty()) object["tenant"] = of.tenant;
    object["labels"] = map_object(of.labels);
    object["annotations"] = map_object(of.annotations);
    object["createdAt"] = to_string(of.created_at);
    object["updatedAt"] = to_string(of.updated_at);
    object["generation"] = of.generation;
    object["revision"] = of.changed_at;
    object["deletingSince"] = time_value(of.deleting_since);
}

json::object named(std::string id, std::string_view name) {
    json::object object;
    object["id"] = std::move(id);
    object["name"] = name;
    return object;
}

json::value owner_value(instance const& row, directory const& names) {
    if (!row.owner()) return nullptr;
    auto const* owner = names.find_workload(row.owner());
    return named(row.owner()->text(), owner == nullptr ? std::string_view() : owner->name);
}

json::value node_value(instance const& row, directory const& names) {
    if (!row.binding()) return nullptr;
    auto const* on = names.find_node(row.binding());
    return named(row.binding()->node.text(), on == nullptr ? std::string_view() : on->facts.name);
}

std::string_view image_of(instance const& row, std::string_view container) {
    for (auto const& each : row.spec().containers)
        if (each.name == container) return each.image;
    return {};
}

json::value code_value(std::optional<int> const& code) { return code ? json::value(*code) : json::value(nullptr); }

json::value last_state_value(rare<container_end> const& last) {
    if (!last) return nullptr;
    return json::object{{"state", to_string(container_state::exited)},
                        {"reason", last->reason},
                        {"message", last->message},
                        {"exitCode", code_value(last->exit_code)},
                        {"startedAt", time_value(last->started_at)},
                        {"finishedAt", time_value(last->finished_at)}};
}

json::object machine_object(machine_boot const& machine) {
    json::array steps;
    for (auto const& each : machine.steps) {
        json::object step;
        step["step"] = each.name;
        step["afterMs"] = each.after_ms;
        steps.push_back(std::move(step));
    }
    json::object object;
    object["acceleration"] = machine.acceleration;
    object["boot"] = std::move(steps);
    return object;
}

/// A node of an earlier version says it of the whole only: then all its containers are.
bool is_ready(instance const& row, container_status const& status) {
    return status.ready || (row.status().ready && status.state == container_state::running);
}

/// The attempt that a container waits for has not begun: it is no restart yet.   Source: Kubernetes, restartCount
std::uint32_t restarts_done(container_status const& status) {
    auto const waits_again = status.state == container_state::waiting && status.restart_count > 0;
    return waits_again ? status.restart_count - 1 : status.restart_count;
}

json::object container_object(instance const& row, container_status const& status) {
    json::object object;
    object["name"] = status.name;
    object["role"] = to_string(status.role);
    object["image"] = image_of(row, status.name);
    object["imageDigest"] = status.image_digest;
    object["state"] = to_string(status.state);
    object["reason"] = status.reason;
    object["message"] = status.message;
    object["exitCode"] = code_value(status.exit_code);
    object["startedAt"] = time_value(status.started_at);
    object["finishedAt"] = time_value(status.finished_at);
    object["started"] = status.started || is_ready(row, status);
    object["ready"] = is_ready(row, status);
    object["restartCount"] = restarts_done(status);
    object["startsAt"] = time_value(status.starts_at);
    object["lastState"] = last_state_value(status.last);
    if (status.machine) object["machine"] = machine_object(*status.machine);
    return object;
}

/// Before anything is reported of the containers.
instance_status expected_status(instance const& row) {
    instance_status expected{.state = row.state()};
    for (auto const& each : row.spec().containers)
        expected.containers.push_back({.name = each.name, .role = each.role});
    explain_unstarted(expected);
    return expected;
}

/// What is reported of the containers, or, before that, what they will be.
json::array containers_array(instance const& row) {
    json::array array;
    for (auto const& status : row.status().containers) array.push_back(container_object(row, status));
    if (!array.empty()) return array;
    for (auto const& status : expected_status(row).containers) array.push_back(container_object(row, status));
    return array;
}

json::array conditions_array(instance const& row, bool is_unheard) {
    json::array array;
    for (auto const& each : conditions_of(row, is_unheard)) {
        json::object object;
        object["type"] = to_string(each.type);
        object["status"] = to_string(each.status);
        object["reason"] = each.reason;
        object["message"] = each.message;
        object["since"] = time_value(each.since);
        array.push_back(std::move(object));
    }
    return array;
}

json::object host_port_object(container_port const& from, std::uint16_t host_port, std::string_view container) {
    json::object object;
    object["hostPort"] = host_port;
    object["port"] = from.port;
    object["protocol"] = to_string(from.protocol);
    object["container"] = container;
    return object;
}

/// Its port of the node. Of a Function whose definition names none that is the one that was chosen; 0: none.
std::uint16_t host_port_of(container_port const& each, instance const& of) {
    return each.host_port == 0 && needs_chosen_port(of.spec()) ? of.exposed_port() : each.host_port;
}

json::array host_ports_array(instance const& row) {
    json::array array;
    for (auto const& container : row.spec().containers)
        for (auto const& each : container.ports)
            if (auto const port = host_port_of(each, row); port != 0)
                array.push_back(host_port_object(each, port, container.name));
    return array;
}

std::string_view shown_state(instance const& row, directory const& names) {
    if (names.is_unheard(row) && !is_finished(row.state())) return "unknown";
    return to_string(row.state());
}

void put_status(json::object& object, instance const& row, directory const& names) {
    auto const& status = row.status();
    auto const is_unknown = names.is_unheard(row) && !is_finished(row.state());
    object["state"] = shown_state(row, names);
    object["reason"] = is_unknown ? "NodeUnheard" : std::string_view(status.reason);
    auto const* const on = is_unknown ? names.find_node(row.binding()) : nullptr;
    auto const node_words = on == nullptr ? std::string("Its node") : "Its node " + on->facts.name;
    object["message"] =
        is_unknown ? node_words + " is not heard; what is shown is what was last reported." : status.message;
    object["since"] = to_string(status.since == wall_time() ? row.created_at() : status.since);
    object["ready"] = status.ready && !is_unknown;
    object["addresses"] = text_array(status.addresses);
    object["hostPorts"] = host_ports_array(row);
    if (auto exposed = exposure_of(row); !exposed.empty()) object["exposure"] = std::move(exposed);
    object["initializedAt"] = time_value(status.initialized_at);
    object["restarts"] = row.restarts();
    object["restartsDone"] = status.restarts;
    object["conditions"] = conditions_array(row, is_unknown);
    object["containers"] = containers_array(row);
}

/// The names are those of the riklet.   Source: riklet-architecture.md, "Node metrics"
json::value metrics_value(node_metrics const& from) {
    json::array disks;
    for (auto const& each : from.disks)
        disks.push_back(json::object{{"disk_name", each.name}, {"total", each.total_bytes}, {"free", each.free_bytes}});
    return json::object{{"cpu", {{"total", from.cpu_total}, {"free", from.cpu_free_percent}}},
                        {"memory", {{"total", from.memory_total_bytes}, {"free", from.memory_free_bytes}}},
                        {"disks", std::move(disks)},
                        {"measuredAt", to_string(from.measured_at)}};
}

}  // namespace

namespace {

json::array conditions_array(std::vector<workload_condition> const& from) {
    json::array all;
    for (auto const& each : from)
        all.push_back(json::object{{"type", to_string(each.type)},
                                   {"status", to_string(each.status)},
                                   {"reason", each.reason},
                                   {"message", each.message},
                                   {"since", to_string(each.since)},
                                   {"updatedAt", to_string(each.updated_at)}});
    return all;
}

/// The names are those of Kubernetes' status of a Job where it has them.
json::object job_object(workload_progress const& of) {
    auto const& job = *of.job;
    return {{"startedAt", time_value(job.started_at)},
            {"finishedAt", time_value(job.finished_at)},
            {"active", of.have},
            {"ready", of.ready},
            {"terminating", of.leaving},
            {"succeeded", job.succeeded},
            {"failed", job.failed},
            {"ignored", job.ignored},
            {"completedIndexes", to_string(job.completed_indexes)},
            {"failedIndexes", to_string(job.failed_indexes)},
            {"uncountedTerminatedPods", json::object()}};  // an end is counted in the commit that shows it
}

/// The names are those of Kubernetes' status of a CronJob where it has them.
json::object cron_object(cron_progress const& of) {
    return {{"active", text_array(of.active)},
            {"lastScheduleTime", time_value(of.last_run)},
            {"lastSuccessfulTime", time_value(of.last_success)},
            {"nextScheduleTime", time_value(of.next_run)}};
}

json::value index_value(std::optional<std::uint32_t> const& index) {
    return index ? json::value(*index) : json::value(nullptr);
}

json::array failures_array(std::vector<job_failure> const& from) {
    json::array all;
    for (auto const& each : from)
        all.push_back(json::object{{"time", to_string(each.at)},
                                   {"number", each.number},
                                   {"instance", each.instance},
                                   {"index", index_value(each.index)},
                                   {"container", each.container},
                                   {"exitCode", code_value(each.exit_code)},
                                   {"reason", each.reason},
                                   {"verdict", each.verdict}});
    return all;
}

json::value progress_value(workload_progress const* of) {
    if (of == nullptr) return nullptr;
    json::object made{{"generation", of->generation},
                      {"wanted", of->wanted},
                      {"have", of->have},
                      {"updated", of->updated},
                      {"ready", of->ready},
                      {"available", of->available},
                      {"unavailable", of->unavailable},
                      {"leaving", of->leaving},
                      {"misplaced", of->misplaced},
                      {"isComplete", of->is_complete},
                      {"heldUp", of->held_up},
                      {"release", of->release.text()},
                      {"conditions", conditions_array(of->conditions)}};
    if (of->job) made["job"] = job_object(*of);
    if (of->cron) made["cron"] = cron_object(*of->cron);
    return made;
}

json::array steps_array(std::vector<rollout_step> const& from) {
    json::array all;
    for (auto const& each : from) all.push_back(json::object{{"time", to_string(each.at)}, {"what", each.what}});
    return all;
}

/// "kubernetes.io/change-cause" of a definition; empty: it has none.   Source: kubectl rollout history
std::string_view change_cause(workload_definition const& of) {
    auto const found = of.annotations.find("kubernetes.io/change-cause");
    return found == of.annotations.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string release_text(release const& of) {
    return fmt::format(R"({{"id":"{}","number":{},"createdAt":"{}","cause":{},"definition":{}}})", of.id.text(),
                       of.number, to_string(of.created_at), json::serialize(json::string(change_cause(*of.definition))),
                       of.definition->text);
}

static json::value restart_value(workload_story const& of) {
    auto const& wish = of.row->restart;
    if (!wish) return nullptr;
    return json::object{{"askedAt", to_string(wish->at)}, {"atOnce", wish->is_at_once}, {"isDone", of.has_restarted}};
}

std::string rollout_text(workload_story const& of) {
    json::object object;
    object["id"] = of.row->id.text();
    object["name"] = of.row->name;
    object["kind"] = to_string(of.row->kind);
    object["generation"] = of.row->generation;
    object["release"] = of.row->current_release.text();
    object["state"] = to_string(state_of(*of.row, of.progress ? &*of.progress : nullptr));
    object["isPaused"] = of.row->definition->upkeep.is_paused;
    object["progress"] = progress_value(of.progress ? &*of.progress : nullptr);
    object["restart"] = restart_value(of);
    object["steps"] = steps_array(of.steps);
    if (of.row->kind == workload_kind::job)
        object["failures"] = failures_array(of.counts ? of.counts->failures : std::vector<job_failure>());
    std::string releases;
    for (auto const& each : of.releases) releases += (releases.empty() ? "" : ",") + release_text(*each);
    auto text = json::serialize(object);
    text.pop_back();
    return fmt::format(R"({},"releases":[{}]}})", text, releases);
}

std::string workload_text(stored<workload> const& row, workload_state state, workload_progress const* progress,
                          std::vector<std::string> const& warnings) {
    json::object object;
    put_meta(object, meta_of(*row, row.changed_at));
    object["kind"] = to_string(row->kind);
    object["state"] = to_string(state);
    object["pausedSince"] = time_value(row->paused_since);
    object["replicas"] = row->replicas;
    object["release"] = row->current_release.text();
    object["releaseNumber"] = row->releases_made;  // the current one has the highest
    object["owner"] = row->owner ? json::value(row->owner->text()) : json::value(nullptr);
    if (is_managed(row->kind)) object["progress"] = progress_value(progress);
    if (!warnings.empty()) object["warnings"] = text_array(warnings);
    auto text = json::serialize(object);
    text.pop_back();
    // The definition is JSON already: parsing it only to write it again would be most of the work.
    return fmt::format(R"({},"definition":{}}})", text, row->definition->text);
}

std::string change_text(workload_change const& of, workload_progress const* progress) {
    std::string changes;
    for (auto const& each : of.changes) {
        // The values are JSON already.
        changes += fmt::format(R"({}{{"path":{},"before":{},"after":{}}})", changes.empty() ? "" : ",",
                               json::serialize(json::string(each.path)), each.before.value_or("null"),
                               each.after.value_or("null"));
    }
    return fmt::format(R"({{"outcome":"{}","changes":[{}],"warnings":{},"workload":{}}})", to_string(of.outcome),
                       changes, json::serialize(text_array(of.warnings)),
                       workload_text(of.row, state_of(*of.row, progress), progress));
}

/// Another workload's number, of what was adopted or left behind, would stand for a release that it is not of. A
/// release that is rolled out again has a new number, which instances that were made before do not know.
static json::value release_number(instance const& row, directory const& names) {
    auto const& from = *row.made_from();
    if (row.owner() != from.workload) return nullptr;
    auto const* owner = names.find_workload(row.owner());
    return owner != nullptr && owner->current_release == from.id ? owner->releases_made : from.number;
}

std::string instance_text(stored<instance> const& row, directory const& names) {
    json::object object;
    put_meta(object, meta_of(*row, row.changed_at));
    object["kind"] = to_string(row->spec().form);
    object["workload"] = owner_value(*row, names);
    object["release"] = release_number(*row, names);
    object["index"] = row->index() ? json::value(*row->index()) : json::value(nullptr);
    object["node"] = node_value(*row, names);
    object["fence"] = row->binding() ? json::value(row->binding()->fence) : json::value(nullptr);
    put_status(object, *row, names);
    return json::serialize(object);
}

std::string node_text(stored<node> const& row, node_usage const& usage) {
    json::object object;
    put_meta(object, meta_of(*row, row.changed_at));
    object["state"] = to_string(row->state);
    object["stateSince"] = to_string(row->state_since);
    object["troubles"] = troubles_array(row->facts.troubles);
    object["unschedulable"] = row->standing.is_cordoned;
    object["declaredDead"] = row->standing.is_dead;
    object["taints"] = taints_array(row->standing.taints);
    object["version"] = row->facts.version;
    object["bootId"] = row->facts.boot_id;
    object["runtimes"] = text_array(row->facts.runtimes);
    object["missingRuntimes"] = map_object(row->facts.missing_runtimes);
    object["addresses"] = text_array(row->facts.addresses);
    object["podSubnet"] = row->pod_subnet;
    object["capacity"] = resources_object(row->facts.capacity);
    object["requested"] = resources_object(usage.requested);
    object["instances"] = usage.instances_count;
    object["metrics"] = usage.measured ? metrics_value(*usage.measured) : json::value(nullptr);
    return json::serialize(object);
}

std::string event_text(event const& happened) {
    json::object object;
    object["time"] = to_string(happened.at);
    object["type"] = happened.type == event_type::warning ? "warning" : "normal";
    object["kind"] = happened.object_kind;
    object["id"] = happened.object_id;
    object["name"] = happened.object_name;
    object["tenant"] = happened.tenant;
    object["reason"] = happened.reason;
    object["message"] = happened.message;
    object["source"] = happened.source;
    object["count"] = happened.count;
    object["firstTime"] = to_string(happened.first_at.value_or(happened.at));
    return json::serialize(object);
}

std::string tenant_text(stored<tenant_record> const& row) {
    json::object object;
    put_meta(object, meta_of(*row, row.changed_at));
    object["state"] = to_string(row->state());
    return json::serialize(object);
}

}  // namespace rik::detail
