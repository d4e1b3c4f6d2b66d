// The second half of parsing a definition: from a JSON tree to a workload_definition, with all problems at once.
#include <rik/model/definition.hpp>

#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace rik {

namespace detail {

namespace {

constexpr std::array definition_rules{field_rule{"apiVersion"}, field_rule{"kind"},   field_rule{"name"},
                                      field_rule{"tenant"},     field_rule{"labels"}, field_rule{"annotations"},
                                      field_rule{"replicas"},   field_rule{"spec"}};
constexpr std::array spec_rules{field_rule{"containers"}, field_rule{"function"}, field_rule{"restartPolicy"},
                                field_rule{"terminationGracePeriodSeconds"}, field_rule{"hostname"}};
constexpr std::array function_rules{field_rule{"execution"}, field_rule{"exposure"}};
constexpr std::array execution_rules{field_rule{"rootfs"}};
constexpr std::array exposure_rules{field_rule{"port"}, field_rule{"targetPort"}, field_rule{"type"}};

constexpr std::array kinds_to_come{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"};
constexpr std::string_view kind_remedy = "use Pod or Function";
constexpr std::int64_t grace_period_seconds_max = 86'400;

void check_version(field_reader const& fields) {
    auto const version = fields.needed_text("apiVersion", "write v1");
    if (version && *version != "v1" && *version != "v0")
        fields.notes().problem("apiVersion", fmt::format("'{}' is not a version of RIK", shortened(*version)),
                               "write v1");
}

workload_kind read_kind(field_reader const& fields) {
    auto const text = fields.needed_text("kind", kind_remedy);
    if (!text) return workload_kind::pod;
    if (auto const kind = parse_workload_kind(*text)) return *kind;
    auto const comes_later = std::find(kinds_to_come.begin(), kinds_to_come.end(), *text) != kinds_to_come.end();
    fields.notes().problem(error{comes_later ? errc::unsupported : errc::invalid,
                                 fmt::format("'{}' is not a kind {}", shortened(*text), comes_later ? "yet" : "of RIK"),
                                 "kind", std::string(kind_remedy)});
    return workload_kind::pod;
}

void read_identity(field_reader const& fields, workload_definition& into) {
    check_version(fields);
    into.kind = read_kind(fields);
    if (auto const name = fields.needed_text("name", "name the workload")) {
        into.name = *name;
        fields.notes().problem(check_object_name(*name, "name"));
    }
    if (auto const tenant = fields.text("tenant")) {
        into.tenant = *tenant;
        fields.notes().problem(check_label_name(*tenant, "tenant"));
    }
    into.labels = read_labels(fields, "labels");
    into.annotations = read_string_map(fields, "annotations");
}

void read_replicas(field_reader const& fields, workload_definition& into) {
    auto const replicas = fields.integer("replicas", {1, static_cast<std::int64_t>(limits::replicas_per_request_max)});
    if (!replicas) return;
    into.replicas = static_cast<std::uint32_t>(*replicas);
    if (into.replicas > 1)
        fields.notes().warn_unused("replicas",
                                   "a workload of this kind starts nothing by itself; ask for instances of it");
}

void read_restart_policy(field_reader const& spec, instance_template& into) {
    auto const text = spec.text("restartPolicy");
    if (!text) return;
    auto const policy = parse_restart_policy(*text);
    if (!policy)
        return spec.notes().problem(spec.path_of("restartPolicy"),
                                    fmt::format("'{}' is not a restart policy", shortened(*text)),
                                    "use Always, OnFailure or Never");
    into.restart = *policy;
    // Never is what happens anyway.
    if (*policy != restart_policy::never)
        spec.notes().warn_unused(
            spec.path_of("restartPolicy"),
            "restarts come with supervision; until then a Pod runs until all its containers have exited");
}

void read_exposure(field_reader const& function, function_definition& into) {
    auto const* object = function.object("exposure");
    if (object == nullptr) return;
    field_reader const fields(*object, function.path_of("exposure"), exposure_rules, function.notes());
    into.port = static_cast<std::uint16_t>(fields.integer("port", port_range).value_or(into.port));
    into.target_port = static_cast<std::uint16_t>(fields.integer("targetPort", port_range).value_or(into.target_port));
    check_port_type(fields);
    if (fields.find("type") != nullptr)
        fields.notes().warn_unused(fields.path_of("type"), "a Function always has a port of its node");
}

void read_execution(field_reader const& function, function_definition& into) {
    constexpr std::string_view remedy = "give the http or https URL of the image of its root file system";
    auto const* object = function.object("execution");
    if (object == nullptr) {
        if (function.find("execution") == nullptr)
            function.notes().problem(function.path_of("execution.rootfs"), "is missing", remedy);
        return;
    }
    field_reader const fields(*object, function.path_of("execution"), execution_rules, function.notes());
    auto const rootfs = fields.needed_text("rootfs", remedy);
    if (!rootfs) return;
    into.rootfs = *rootfs;
    auto const is_url = rootfs->starts_with("http://") || rootfs->starts_with("https://");
    auto const has_blank =
        std::any_of(rootfs->begin(), rootfs->end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
    if (!is_url || has_blank)
        fields.notes().problem(fields.path_of("rootfs"), fmt::format("'{}' is not a URL", shortened(*rootfs)), remedy);
}

/// RIK's schema wants `function` in a Pod and `containers` in a Function; both may be null or empty there.
void read_function(field_reader const& spec, instance_template& into) {
    auto const is_function = into.form == instance_form::function;
    auto const* object = spec.object("function");
    if (object == nullptr) {
        if (is_function && spec.find("function") == nullptr)
            spec.notes().problem(spec.path_of("function"), "is missing", "a Function needs function.execution.rootfs");
        return;
    }
    if (!is_function) {
        if (!object->empty())
            spec.notes().problem(spec.path_of("function"), "does not belong into a Pod",
                                 "leave it out, or make the kind Function");
        return;
    }
    field_reader const fields(*object, spec.path_of("function"), function_rules, spec.notes());
    function_definition function;
    read_execution(fields, function);
    read_exposure(fields, function);
    into.function = std::move(function);
}

void check_host_ports(instance_template const& pod, findings& notes) {
    std::set<std::pair<std::uint16_t, port_protocol>> taken;
    for (std::size_t i = 0; i < pod.containers.size() && !notes.is_full(); ++i) {
        auto const& ports = pod.containers[i].ports;
        for (std::size_t j = 0; j < ports.size() && !notes.is_full(); ++j) {
            if (ports[j].host_port == 0 || taken.emplace(ports[j].host_port, ports[j].protocol).second) continue;
            notes.problem(fmt::format("spec.containers[{}].ports[{}].hostPort", i, j),
                          fmt::format("{}/{} is taken by another port of this Pod", ports[j].host_port,
                                      to_string(ports[j].protocol)),
                          "give every port a host port of its own");
        }
    }
}

void read_pod_containers(field_reader const& spec, instance_template& into) {
    auto const* list = spec.list("containers");
    auto const is_empty = list == nullptr || list->empty();
    if (into.form == instance_form::function) {
        if (!is_empty)
            spec.notes().problem(spec.path_of("containers"), "does not belong into a Function",
                                 "leave it out, or make the kind Pod");
        return;
    }
    auto const is_wrong_type = list == nullptr && spec.find("containers") != nullptr;
    if (is_empty && !is_wrong_type)
        spec.notes().problem(spec.path_of("containers"), list == nullptr ? "is missing" : "is empty",
                             "a Pod needs at least one container");
    if (is_empty) return;
    into.containers = read_containers(*list, spec.path_of("containers"), spec.notes());
    check_host_ports(into, spec.notes());
}

void read_spec(field_reader const& fields, workload_definition& into) {
    auto const* object = fields.object("spec");
    if (object == nullptr) {
        if (fields.find("spec") == nullptr)
            fields.notes().problem("spec", "is missing", "describe the containers, or the function, there");
        return;
    }
    field_reader const spec(*object, "spec", spec_rules, fields.notes());
    read_pod_containers(spec, into.spec);
    read_function(spec, into.spec);
    read_restart_policy(spec, into.spec);
    if (auto const seconds = spec.integer("terminationGracePeriodSeconds", {0, grace_period_seconds_max}))
        into.spec.grace_period = std::chrono::seconds(*seconds);
    if (auto const hostname = spec.text("hostname")) {
        into.spec.hostname = *hostname;
        spec.notes().problem(check_label_name(*hostname, spec.path_of("hostname")));
    }
}

void read_definition(json::object const& root, workload_definition& into, findings& notes) {
    if (root.if_contains("metadata") != nullptr) {
        notes.problem(error{errc::unsupported, "definitions in Kubernetes' form come with a later version", "metadata",
                            "write it in RIK's form: apiVersion: v1, kind, name and spec at the top"});
        return;
    }
    field_reader const fields(root, {}, definition_rules, notes);
    read_identity(fields, into);
    read_replicas(fields, into);
    into.spec.form = into.kind == workload_kind::function ? instance_form::function : instance_form::pod;
    into.spec.labels = into.labels;
    read_spec(fields, into);
}

/// What is accepted must be read again from this text when the store opens, within the same limit.
void check_kept_text(std::string_view canonical, findings& notes) {
    if (canonical.size() <= limits::definition_bytes_max) return;
    notes.problem({},
                  fmt::format("the definition has {} bytes as JSON, in which it is kept; the limit is {}",
                              canonical.size(), limits::definition_bytes_max),
                  "make it smaller");
}

}  // namespace

parsed_definition parse_tree(definition_tree tree) {
    parsed_definition parsed;
    findings notes(parsed);
    for (auto& problem : tree.found) notes.problem(std::move(problem));
    if (!tree.is_complete) return parsed;
    auto const* root = tree.root.if_object();
    if (root == nullptr) {
        notes.problem({}, fmt::format("the definition is {}, not an object", kind_text(tree.root)),
                      "begin with apiVersion, kind and name");
        return parsed;
    }
    read_definition(*root, parsed.definition, notes);
    if (!parsed.found.empty()) return parsed;
    parsed.definition.text = canonical_text(tree.root);
    check_kept_text(parsed.definition.text, notes);
    return parsed;
}

}  // namespace detail

parsed_definition parse_definition_json(std::string_view text) {
    return detail::parse_tree(detail::read_json_tree(text));
}

parsed_definition parse_definition_yaml(std::string_view text) {
    return detail::parse_tree(detail::read_yaml_tree(text));
}

parsed_definition parse_definition(std::string_view text) {
    return detail::is_json(text) ? parse_definition_json(text) : parse_definition_yaml(text);
}

}  // namespace rik
