// From a definition to its text: for programs that make definitions in code.
#include <rik/model/definition.hpp>

#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace detail {

namespace {

void put_text(json::object& into, std::string_view name, std::string_view text) {
    if (!text.empty()) into[name] = text;
}

void put_object(json::object& into, std::string_view name, json::object object) {
    if (!object.empty()) into[name] = std::move(object);
}

void put_list(json::object& into, std::string_view name, json::array list) {
    if (!list.empty()) into[name] = std::move(list);
}

json::object object_of(string_map const& map) {
    json::object object;
    for (auto const& [key, value] : map) object[key] = value;
    return object;
}

json::array array_of(std::vector<std::string> const& texts) { return json::array(texts.begin(), texts.end()); }

template <class Items, class Write>
json::array array_of(Items const& items, Write write) {
    json::array array;
    for (auto const& each : items) array.push_back(write(each));
    return array;
}

json::value amount_value(std::string_view resource, std::int64_t amount) {
    if (resource == resource::cpu) return json::value(fmt::format("{}m", amount));
    return json::value(amount);
}

/// A request that is equal to its limit follows from it; one of 0 beside a limit must be said.
json::object resources_object(resources const& requests, resources const& limits) {
    json::object asked;
    json::object allowed;
    for (auto const& [name, amount] : limits.entries()) {
        allowed[name] = amount_value(name, amount);
        if (requests.get(name) != amount) asked[name] = amount_value(name, requests.get(name));
    }
    for (auto const& [name, amount] : requests.entries())
        if (limits.get(name) == 0) asked[name] = amount_value(name, amount);
    json::object object;
    put_object(object, "requests", std::move(asked));
    put_object(object, "limits", std::move(allowed));
    return object;
}

json::object source_object(field_reference const& from) { return {{"fieldRef", {{"fieldPath", from.path}}}}; }

json::object source_object(amount_reference const& from) {
    json::object object;
    object["resource"] = fmt::format("{}.{}", from.is_limit ? "limits" : "requests", from.resource);
    put_text(object, "containerName", from.container);
    object["divisor"] = amount_value(from.resource, from.divisor);
    return {{"resourceFieldRef", std::move(object)}};
}

json::object source_object(std::monostate) { return {}; }

json::object variable_object(environment_variable const& from) {
    json::object object{{"name", from.name}};
    put_text(object, "value", from.value);
    put_object(object, "valueFrom", std::visit([](auto const& source) { return source_object(source); }, from.from));
    return object;
}

json::object port_object(container_port const& from) {
    json::object object;
    put_text(object, "name", from.name);
    object["containerPort"] = from.port;
    if (from.host_port != 0) object["hostPort"] = from.host_port;
    object["protocol"] = to_string(from.protocol);
    return object;
}

json::object rights_object(container_rights const& from) {
    json::object object;
    if (from.user) object["runAsUser"] = *from.user;
    if (from.group) object["runAsGroup"] = *from.group;
    if (from.is_never_root) object["runAsNonRoot"] = true;
    if (from.has_read_only_root) object["readOnlyRootFilesystem"] = true;
    json::object capabilities;
    put_list(capabilities, "add", array_of(from.added_capabilities));
    put_list(capabilities, "drop", array_of(from.dropped_capabilities));
    put_object(object, "capabilities", std::move(capabilities));
    return object;
}

/// Whole seconds, rounded up: of less than one there would be none.
std::int64_t seconds_of(duration of) { return std::chrono::ceil<std::chrono::seconds>(of).count(); }

json::object header_object(http_header const& from) { return {{"name", from.name}, {"value", from.value}}; }

void put_action(json::object& into, exec_action const& from) { into["exec"] = {{"command", array_of(from.command)}}; }

void put_action(json::object& into, http_action const& from) {
    json::object object{{"path", from.path}, {"port", from.port}};
    if (from.is_https) object["scheme"] = "HTTPS";
    put_text(object, "host", from.host);
    put_list(object, "httpHeaders", array_of(from.headers, header_object));
    into["httpGet"] = std::move(object);
}

void put_action(json::object& into, tcp_action const& from) {
    json::object object{{"port", from.port}};
    put_text(object, "host", from.host);
    into["tcpSocket"] = std::move(object);
}

void put_action(json::object& into, grpc_action const& from) {
    json::object object{{"port", from.port}};
    put_text(object, "service", from.service);
    into["grpc"] = std::move(object);
}

void put_action(json::object& into, sleep_action const& from) { into["sleep"] = {{"seconds", seconds_of(from.time)}}; }

template <class Action>
json::object action_object(Action const& from) {
    json::object object;
    std::visit([&](auto const& action) { put_action(object, action); }, from);
    return object;
}

void put_seconds(json::object& into, std::string_view name, duration value, duration usual) {
    if (value != usual) into[name] = seconds_of(value);
}

json::object probe_object(probe_definition const& from) {
    static probe_rules const usual;
    auto object = action_object(from.action);
    put_seconds(object, "initialDelaySeconds", from.rules.initial_delay, usual.initial_delay);
    put_seconds(object, "periodSeconds", from.rules.period, usual.period);
    put_seconds(object, "timeoutSeconds", from.rules.timeout, usual.timeout);
    if (from.rules.success_threshold != usual.success_threshold)
        object["successThreshold"] = from.rules.success_threshold;
    if (from.rules.failure_threshold != usual.failure_threshold)
        object["failureThreshold"] = from.rules.failure_threshold;
    if (from.rules.grace) object["terminationGracePeriodSeconds"] = seconds_of(*from.rules.grace);
    return object;
}

void put_probes(json::object& into, container_definition const& from) {
    if (from.startup) into["startupProbe"] = probe_object(*from.startup);
    if (from.readiness) into["readinessProbe"] = probe_object(*from.readiness);
    if (from.liveness) into["livenessProbe"] = probe_object(*from.liveness);
    json::object lifecycle;
    if (from.post_start) lifecycle["postStart"] = action_object(*from.post_start);
    if (from.pre_stop) lifecycle["preStop"] = action_object(*from.pre_stop);
    put_object(into, "lifecycle", std::move(lifecycle));
}

json::object mount_object(volume_mount const& from) {
    json::object object{{"name", from.volume}, {"mountPath", from.path}};
    put_text(object, "subPath", from.sub_path);
    if (from.is_read_only) object["readOnly"] = true;
    return object;
}

json::object volume_object(volume_definition const& from) {
    auto const& source = std::get<empty_dir>(from.source);
    json::object fields;
    if (source.is_in_memory) fields["medium"] = "Memory";
    if (source.bytes_max != 0) fields["sizeLimit"] = source.bytes_max;
    return {{"name", from.name}, {"emptyDir", std::move(fields)}};
}

json::object container_object(container_definition const& from) {
    json::object object{{"name", from.name}, {"image", from.image}};
    if (from.role == container_role::sidecar) object["restartPolicy"] = "Always";
    if (from.pull_policy) object["imagePullPolicy"] = to_string(*from.pull_policy);
    if (from.command) object["command"] = array_of(*from.command);
    if (from.args) object["args"] = array_of(*from.args);
    put_list(object, "env", array_of(from.env, variable_object));
    put_text(object, "workingDir", from.working_dir);
    put_list(object, "ports", array_of(from.ports, port_object));
    put_object(object, "resources", resources_object(from.requests, from.limits));
    put_object(object, "securityContext", rights_object(from.rights));
    put_list(object, "volumeMounts", array_of(from.mounts, mount_object));
    put_probes(object, from);
    return object;
}

json::object execution_object(function_definition const& function, container_definition const& unit) {
    json::object object{{"rootfs", function.rootfs}};
    put_text(object, "sha256", function.sha256);
    if (unit.command) object["command"] = array_of(*unit.command);
    put_list(object, "env", array_of(unit.env, variable_object));
    return object;
}

/// Precondition: it is of a Function. One that was made in code may have no container yet.
json::object function_object(instance_template const& from) {
    auto const& function = *from.function;
    auto unit = from.containers.empty() ? container_definition() : from.containers.front();
    if (unit.readiness == function_readiness(function.target_port)) unit.readiness.reset();
    json::object exposure;
    if (function.port != 0) exposure["port"] = function.port;
    exposure["targetPort"] = function.target_port;
    json::object object{{"execution", execution_object(function, unit)}};
    object["exposure"] = std::move(exposure);
    put_object(object, "resources", resources_object(unit.requests, unit.limits));
    put_probes(object, unit);
    return object;
}

json::object toleration_object(toleration const& from) {
    json::object object;
    put_text(object, "key", from.key);
    object["operator"] = to_string(from.how);
    put_text(object, "value", from.value);
    if (from.effect) object["effect"] = to_string(*from.effect);
    if (from.seconds) object["tolerationSeconds"] = *from.seconds;
    return object;
}

json::object alias_object(host_alias const& from) {
    json::object object{{"ip", from.address}};
    put_list(object, "hostnames", array_of(from.names));
    return object;
}

/// "ndots:2"
json::object option_object(std::string const& text) {
    auto const colon = std::min(text.find(':'), text.size());
    json::object object{{"name", text.substr(0, colon)}};
    put_text(object, "value", std::string_view(text).substr(std::min(colon + 1, text.size())));
    return object;
}

json::object dns_object(dns_settings const& from) {
    json::object object;
    put_list(object, "nameservers", array_of(from.servers));
    put_list(object, "searches", array_of(from.searches));
    put_list(object, "options", array_of(from.options, option_object));
    return object;
}

void put_place(json::object& into, instance_template const& from) {
    put_text(into, "nodeName", from.node_name);
    put_object(into, "nodeSelector", object_of(from.node_selector));
    put_list(into, "tolerations", array_of(from.tolerations, toleration_object));
    if (from.priority != 0) into["priority"] = from.priority;
}

void put_network(json::object& into, instance_template const& from) {
    if (from.has_host_network) into["hostNetwork"] = true;
    if (from.dns.policy != dns_policy::cluster_first) into["dnsPolicy"] = to_string(from.dns.policy);
    put_object(into, "dnsConfig", dns_object(from.dns));
    put_list(into, "hostAliases", array_of(from.host_aliases, alias_object));
}

json::object groups_object(instance_template const& from) {
    json::object object;
    put_list(object, "supplementalGroups", json::array(from.groups.begin(), from.groups.end()));
    if (from.volume_group) object["fsGroup"] = *from.volume_group;
    return object;
}

/// The init containers and sidecars, or the main ones.
json::array containers_array(instance_template const& from, bool is_main) {
    json::array array;
    for (auto const& each : from.containers)
        if ((each.role == container_role::main) == is_main) array.push_back(container_object(each));
    return array;
}

json::object spec_object(instance_template const& from, restart_policy usual_restart) {
    json::object spec;
    if (from.function) {
        spec["function"] = function_object(from);
    } else {
        put_list(spec, "initContainers", containers_array(from, false));
        put_list(spec, "containers", containers_array(from, true));
        put_list(spec, "volumes", array_of(from.volumes, volume_object));
    }
    if (from.restart != usual_restart) spec["restartPolicy"] = to_string(from.restart);
    if (from.grace_period != limits::grace_period_default)
        spec["terminationGracePeriodSeconds"] = seconds_of(from.grace_period);
    put_text(spec, "hostname", from.hostname);
    put_place(spec, from);
    put_network(spec, from);
    put_object(spec, "securityContext", groups_object(from));
    put_object(spec, "resources", resources_object(from.requests, from.limits));
    return spec;
}

void put_names(json::object& into, std::string_view tenant, workload_definition const& from) {
    into["name"] = from.name;
    put_text(into, tenant, from.tenant);
    put_object(into, "labels", object_of(from.labels));
    auto const annotations =
        is_managed(from.kind) ? from.annotations : annotations_with(from.annotations, from.spec.delays);
    put_object(into, "annotations", object_of(annotations));
}

json::object template_object(workload_definition const& from) {
    json::object meta;
    put_object(meta, "labels", object_of(from.spec.labels));
    put_object(meta, "annotations", object_of(annotations_with(from.spec.annotations, from.spec.delays)));
    auto spec = spec_object(from.spec, usual_restart(from.form, from.kind));
    if (from.form == definition_form::rik) {
        meta["spec"] = std::move(spec);
        return meta;
    }
    json::object made;
    put_object(made, "metadata", std::move(meta));
    made["spec"] = std::move(spec);
    return made;
}

/// What Kubernetes' form has in spec.
void put_managed(json::object& into, workload_definition const& from) {
    json::object own;
    put_upkeep(own, from);
    own["template"] = template_object(from);
    if (from.kind == workload_kind::cron_job) return put_cron_job(into, from, std::move(own));
    for (auto& each : own) into[each.key()] = std::move(each.value());
}

void put_bare(json::object& root, workload_definition const& from) {
    if (from.form == definition_form::rik && from.replicas != 1) root["replicas"] = from.replicas;
    root["spec"] = spec_object(from.spec, usual_restart(from.form, from.kind));
}

std::string_view api_version_of(workload_definition const& from) {
    if (!is_managed(from.kind) || from.form == definition_form::rik) return "v1";
    return has_end(from.kind) ? "batch/v1" : "apps/v1";
}

}  // namespace

}  // namespace detail

std::string definition_text(workload_definition const& of) {
    detail::json::object root{{"apiVersion", detail::api_version_of(of)}, {"kind", to_string(of.kind)}};
    if (of.form == definition_form::rik) {
        detail::put_names(root, "tenant", of);
    } else {
        detail::json::object meta;
        detail::put_names(meta, "namespace", of);
        root["metadata"] = std::move(meta);
    }
    if (!is_managed(of.kind)) {
        detail::put_bare(root, of);
    } else if (of.form == definition_form::rik) {
        detail::put_managed(root, of);
    } else {
        detail::json::object spec;
        detail::put_managed(spec, of);
        root["spec"] = std::move(spec);
    }
    return detail::canonical_text(root);
}

}  // namespace rik
