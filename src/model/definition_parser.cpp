// The second half of parsing a definition: from a JSON tree to a workload_definition, with all problems at once.
#include <rik/model/definition.hpp>

#include "model/definition_check.hpp"
#include "model/definition_fields.hpp"
#include "model/definition_positions.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik {

namespace detail {

namespace {

constexpr std::string_view kind_remedy = "use Pod, or Function in RIK's form";

/// Kinds of Kubernetes that RIK does not have yet.
constexpr std::array kinds_to_come{"Deployment",
                                   "ReplicaSet",
                                   "StatefulSet",
                                   "DaemonSet",
                                   "Job",
                                   "CronJob",
                                   "ConfigMap",
                                   "Secret",
                                   "Service",
                                   "Ingress",
                                   "PersistentVolumeClaim",
                                   "PersistentVolume",
                                   "StorageClass",
                                   "ServiceAccount",
                                   "Role",
                                   "RoleBinding",
                                   "ClusterRole",
                                   "ClusterRoleBinding",
                                   "NetworkPolicy",
                                   "PodDisruptionBudget",
                                   "HorizontalPodAutoscaler",
                                   "LimitRange",
                                   "ResourceQuota",
                                   "PriorityClass",
                                   "RuntimeClass",
                                   "CustomResourceDefinition",
                                   "ReplicationController",
                                   "List"};

definition_form form_of(json::object const& root) {
    return root.if_contains("metadata") != nullptr ? definition_form::kubernetes : definition_form::rik;
}

std::string_view kind_of(json::object const& root) {
    auto const* kind = root.if_contains("kind");
    auto const* text = kind == nullptr ? nullptr : kind->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

bool is_tenant(definition_type const& type) { return type.kind == "Tenant" || type.kind == "Namespace"; }

/// The problem with a kind of the other form, or one that comes later; the rest is then not worth a look.
std::optional<error> foreign_kind(std::string_view kind, definition_form form) {
    if (std::find(kinds_to_come.begin(), kinds_to_come.end(), kind) != kinds_to_come.end())
        return error{errc::unsupported, fmt::format("'{}' is not a kind of RIK yet", kind), "kind",
                     std::string(kind_remedy)};
    auto const other = form == definition_form::rik ? definition_form::kubernetes : definition_form::rik;
    if (find_definition_type(kind, form) != nullptr || find_definition_type(kind, other) == nullptr)
        return std::nullopt;
    return error{
        errc::invalid, fmt::format("{} is a kind of {}, and this is {}", kind, to_string(other), to_string(form)),
        "kind",
        other == definition_form::rik ? "write name at the top, and no metadata" : "write the name in metadata"};
}

// RIK's form

void read_exposure(field_reader const& fields, function_definition& into) {
    into.port = static_cast<std::uint16_t>(fields.integer("port").value_or(into.port));
    into.target_port = static_cast<std::uint16_t>(fields.integer("targetPort").value_or(into.target_port));
}

void read_function(field_reader const& spec, instance_template& into) {
    if (spec.find("function") == nullptr)
        spec.notes().problem(spec.path_of("function"), "is missing", "a Function needs function.execution.rootfs");
    if (auto const* containers = spec.list("containers"); containers != nullptr && !containers->empty())
        spec.notes().problem(spec.path_of("containers"), "does not belong into a Function",
                             "leave it out, or make the kind Pod");
    spec.in("function", [&](field_reader const& fields) {
        function_definition function;
        if (fields.find("execution") == nullptr)
            fields.notes().problem(fields.path_of("execution.rootfs"), "is missing",
                                   "give the http or https URL of the image of its root file system");
        fields.in("execution", [&](field_reader const& from) { function.rootfs = from.text("rootfs").value_or(""); });
        fields.in("exposure", [&](field_reader const& from) { read_exposure(from, function); });
        into.function = std::move(function);
    });
}

/// RIK's schema wants `function` in a Pod; it may be null or empty there.
void check_no_function(field_reader const& spec) {
    auto const* function = spec.find("function");
    if (function == nullptr || (function->is_object() && function->get_object().empty())) return;
    spec.notes().problem(spec.path_of("function"), "does not belong into a Pod",
                         "leave it out, or make the kind Function");
}

// Both forms

void read_spec(field_reader const& spec, instance_template& into) {
    if (auto const policy = parse_restart_policy(spec.text("restartPolicy").value_or(""))) into.restart = *policy;
    if (auto const seconds = spec.integer("terminationGracePeriodSeconds"))
        into.grace_period = std::chrono::seconds(*seconds);
    if (into.form == instance_form::function) {
        read_function(spec, into);
        return read_pod(spec, {}, into);
    }
    check_no_function(spec);
    read_volumes(spec, into);
    auto const containers = read_containers(spec, into);
    read_pod(spec, containers, into);
}

/// `tenant` is what the form calls the field.
void read_names(field_reader const& fields, std::string_view tenant, workload_definition& into) {
    into.name = fields.text("name").value_or("");
    if (auto const given = fields.text(tenant); given && !given->empty()) into.tenant = *given;
    into.labels = fields.map("labels");
    into.annotations = fields.map("annotations");
    read_delays(fields, into.annotations, into.spec.delays);
    for (auto const& [key, value] : into.labels)
        if (key.starts_with(own_label_prefix))
            fields.notes().problem(path_of(fields.path_of("labels"), key), "is a label that only RIK sets",
                                   "choose another key");
}

void read_definition(json::object const& root, workload_definition& into, findings& notes) {
    field_reader const fields(root, {}, notes);
    into.kind = parse_workload_kind(kind_of(root)).value_or(workload_kind::pod);
    if (into.form == definition_form::rik)
        read_names(fields, "tenant", into);
    else
        fields.in("metadata", [&](field_reader const& meta) { read_names(meta, "namespace", into); });
    into.replicas = static_cast<std::uint32_t>(std::max<std::int64_t>(fields.integer("replicas").value_or(1), 0));
    into.spec.form = into.kind == workload_kind::function ? instance_form::function : instance_form::pod;
    into.spec.labels = into.labels;
    into.spec.restart = usual_restart(into.form);
    fields.in("spec", [&](field_reader const& spec) { read_spec(spec, into.spec); });
}

/// What is accepted must be read again from this text when the store opens, within the same limit.
void check_kept_text(std::string_view canonical, findings& notes) {
    if (canonical.size() <= limits::definition_bytes_max) return;
    notes.problem({},
                  fmt::format("the definition has {} bytes as JSON, in which it is kept; the limit is {}",
                              canonical.size(), limits::definition_bytes_max),
                  "make it smaller");
}

json::object const* root_of(definition_tree const& tree, findings& notes) {
    if (!tree.is_complete) return nullptr;
    auto const* root = tree.root.if_object();
    if (root == nullptr)
        notes.problem({}, fmt::format("the definition is {}, not an object", kind_text(tree.root)),
                      "begin with apiVersion, kind and name");
    return root;
}

void read_workload(json::object const& root, workload_definition& into, findings& notes) {
    into.form = form_of(root);
    auto const kind = kind_of(root);
    if (auto foreign = foreign_kind(kind, into.form)) return notes.problem(std::move(foreign));
    auto const* type = find_definition_type(kind, into.form);
    if (type != nullptr && is_tenant(*type))
        return notes.problem("kind", fmt::format("is {}, and a workload is wanted here", kind),
                             "use `rikctl apply -f` or `rikctl create tenant`");
    if (type == nullptr) type = find_definition_type("Pod", into.form);
    check_fields(root, *type->type, notes);
    read_definition(root, into, notes);
}

tenant_definition read_tenant(json::object const& root, definition_type const& type, findings& notes) {
    check_fields(root, *type.type, notes);
    field_reader const fields(root, {}, notes);
    workload_definition named;
    if (type.form == definition_form::rik)
        read_names(fields, "tenant", named);
    else
        fields.in("metadata", [&](field_reader const& meta) { read_names(meta, "namespace", named); });
    notes.problem(check_label_name(named.name, type.form == definition_form::rik ? "name" : "metadata.name"));
    return {std::move(named.name), std::move(named.labels), std::move(named.annotations)};
}

void note_all(problems& found, findings& notes) {
    for (auto& problem : found) notes.problem(std::move(problem));
}

}  // namespace

parsed_definition parse_tree(definition_tree tree, std::string_view text, text_position from) {
    parsed_definition parsed;
    findings notes(parsed);
    note_all(tree.found, notes);
    if (auto const* root = root_of(tree, notes)) {
        read_workload(*root, parsed.definition, notes);
        parsed.definition.text = canonical_text(tree.root);
        check_kept_text(parsed.definition.text, notes);
        tell_positions(parsed.found, text, from);
    }
    return parsed;
}

definition_of_file parse_tree_of_file(definition_tree tree, std::string_view text, text_position from) {
    definition_of_file entry{.text = std::string(text)};
    auto const* root = tree.is_complete ? tree.root.if_object() : nullptr;
    auto const* type = root == nullptr ? nullptr : find_definition_type(kind_of(*root), form_of(*root));
    if (type == nullptr || !is_tenant(*type)) {
        entry.parsed = parse_tree(std::move(tree), text, from);
        return entry;
    }
    findings notes(entry.parsed);
    note_all(tree.found, notes);
    entry.tenant = read_tenant(*root, *type, notes);
    tell_positions(entry.parsed.found, text, from);
    return entry;
}

}  // namespace detail

parsed_definition parse_definition_json(std::string_view text) {
    return detail::parse_tree(detail::read_json_tree(text), text, {});
}

parsed_definition parse_definition_yaml(std::string_view text) {
    return detail::parse_tree(detail::read_yaml_tree(text), text, {});
}

parsed_definition parse_definition(std::string_view text) {
    return detail::is_json(text) ? parse_definition_json(text) : parse_definition_yaml(text);
}

}  // namespace rik
