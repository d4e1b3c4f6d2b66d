// The second half of parsing a definition: from a JSON tree to a workload_definition, with all problems at once.
#include <rik/model/definition.hpp>

#include "model/definition_check.hpp"
#include "model/definition_fields.hpp"
#include "model/definition_positions.hpp"
#include "model/definition_tree.hpp"
#include "model/fields/rows_detail.hpp"

#include <rik/base/nearest_word.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik {

namespace detail {

namespace {

constexpr std::string_view kind_remedy =
    "leave it out; there are Pod, ReplicaSet, Deployment, DaemonSet, StatefulSet, Job, CronJob and Namespace, and in "
    "RIK's form Function and Tenant";

/// Kinds of Kubernetes that RIK does not have yet.
constexpr std::array kinds_to_come{"ConfigMap",
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
                                   "ReplicationController"};

/// RIK's has its name at the top. What is almost `metadata` was meant to be that, and is no field of RIK's form.
definition_form form_of(json::object const& root) {
    if (root.if_contains("metadata") != nullptr) return definition_form::kubernetes;
    auto const is_meant = std::ranges::any_of(root, [](json::key_value_pair const& member) {
        return nearest_word({member.key().data(), member.key().size()}).consider("metadata").found().has_value();
    });
    return is_meant && root.if_contains("name") == nullptr ? definition_form::kubernetes : definition_form::rik;
}

std::string_view kind_of(json::object const& root) {
    auto const* kind = root.if_contains("kind");
    auto const* text = kind == nullptr ? nullptr : kind->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

bool is_tenant(definition_type const& type) { return type.kind == "Tenant" || type.kind == "Namespace"; }

bool is_list(json::object const& root) { return kind_of(root) == "List"; }

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

/// The kind that a misspelt one was meant to be.
std::optional<std::string_view> meant_kind(std::string_view kind) {
    nearest_word nearest(kind);
    for (auto const* known : {"Pod", "Function", "ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job",
                              "CronJob", "Tenant", "Namespace", "List"})
        nearest.consider(known);
    return nearest.found();
}

/// What a definition of an unknown kind is checked as.
definition_type const* meant_type(std::string_view kind, definition_form form) {
    auto const* const meant = find_definition_type(meant_kind(kind).value_or("Pod"), form);
    return meant != nullptr ? meant : find_definition_type("Pod", form);
}

/// The problem with a kind that nobody knows. If it was meant to be a workload, the rest is worth a look, which tells
/// of the kind, too.
std::optional<error> unknown_kind(std::string_view kind, definition_form form) {
    if (kind.empty() || find_definition_type(kind, form) != nullptr) return std::nullopt;
    auto const meant = meant_kind(kind);
    if (meant && parse_workload_kind(*meant)) return std::nullopt;
    return error{errc::invalid, fmt::format("'{}' is not a kind of RIK", shortened(kind)), "kind",
                 meant ? fmt::format("did you mean {}?", *meant) : std::string(kind_remedy)};
}

/// A file of some other program has none of them.
bool is_definition(json::object const& root) {
    constexpr std::array common{"apiVersion", "kind", "metadata", "spec"};
    return root.empty() ||
           std::ranges::any_of(common, [&](auto const* name) { return root.if_contains(name) != nullptr; });
}

/// "apps/v1" and the like are of Kubernetes' form only.
bool lacks_metadata(json::object const& root) {
    auto const* version = root.if_contains("apiVersion");
    auto const* text = version == nullptr ? nullptr : version->if_string();
    return text != nullptr && form_of(root) == definition_form::rik && (*text == "apps/v1" || *text == "batch/v1");
}

// RIK's form

/// What a template in RIK's form is of.
instance_form read_form(field_reader const& spec) {
    if (auto const* function = spec.object("function"); function != nullptr && !function->empty()) {
        check_only_of_function(spec);
        return instance_form::function;
    }
    if (spec.find("containers") == nullptr)
        spec.notes().problem(spec.path_of("containers"), "is missing",
                             "a Pod needs at least one container, and a Function needs function.execution.rootfs");
    return instance_form::pod;
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
        auto const unit = read_function(spec, into);
        return read_pod(spec, unit, into);
    }
    check_no_function(spec);
    read_volumes(spec, into);
    auto const containers = read_containers(spec, into);
    read_pod(spec, containers, into);
}

void read_labels(field_reader const& fields, string_map& into) {
    into = fields.map("labels");
    for (auto const& [key, value] : into)
        if (key.starts_with(own_label_prefix))
            fields.notes().problem(path_of(fields.path_of("labels"), key), "is a label that only RIK sets",
                                   "choose another key");
}

/// Those of what is started, with what they say of restarts.
void read_annotations(field_reader const& fields, string_map& into, restart_delays& delays) {
    into = fields.map("annotations");
    read_delays(fields, into, delays);
    warn_of_annotations(fields, into);
}

/// Of a managed workload's own annotations none says how its instances run.
void read_annotations_of_managed(field_reader const& fields, string_map& into) {
    into = fields.map("annotations");
    for (auto const& [key, value] : into)
        if (key.starts_with(own_label_prefix))
            fields.notes().warn_unused(path_of(fields.path_of("annotations"), key),
                                       "annotations of its instances are those of its template");
}

/// `tenant` is what the form calls the field.
void read_names(field_reader const& fields, std::string_view tenant, workload_definition& into) {
    into.name = fields.text("name").value_or("");
    if (auto const given = fields.text(tenant); given && !given->empty()) into.tenant = *given;
    read_labels(fields, into.labels);
    if (is_managed(into.kind)) return read_annotations_of_managed(fields, into.annotations);
    read_annotations(fields, into.annotations, into.spec.delays);
}

void read_template_meta(field_reader const& fields, instance_template& into) {
    read_labels(fields, into.labels);
    read_annotations(fields, into.annotations, into.delays);
}

void read_template(field_reader const& fields, workload_definition& into) {
    if (into.form == definition_form::rik)
        read_template_meta(fields, into.spec);
    else
        fields.in("metadata", [&](field_reader const& meta) { read_template_meta(meta, into.spec); });
    fields.in("spec", [&](field_reader const& spec) {
        if (into.form == definition_form::rik) into.spec.form = read_form(spec);
        read_spec(spec, into.spec);
        warn_of_toleration_seconds(spec, into.kind, into.spec);
    });
}

std::uint32_t read_replicas(field_reader const& fields) {
    return static_cast<std::uint32_t>(std::max<std::int64_t>(fields.integer("replicas").value_or(1), 0));
}

/// `fields` has what a Job is made from, in either form.
void read_job_template(field_reader const& fields, workload_definition& into) {
    fields.in("template", [&](field_reader const& from) { read_template(from, into); });
    read_job(fields, into);
}

void read_job_names(field_reader const& fields, cron_job_upkeep& into) {
    read_labels(fields, into.job_labels);
    read_annotations_of_managed(fields, into.job_annotations);
}

void read_cron(field_reader const& fields, workload_definition& into) {
    read_cron_job(fields, into);
    auto& cron = *into.upkeep.cron;
    fields.in("jobTemplate", [&](field_reader const& job) {
        if (into.form == definition_form::rik) {
            read_job_names(job, cron);
            return read_job_template(job, into);
        }
        job.in("metadata", [&](field_reader const& meta) { read_job_names(meta, cron); });
        job.in("spec", [&](field_reader const& spec) { read_job_template(spec, into); });
    });
}

/// `fields` is the spec in Kubernetes' form, and all of it in RIK's.
void read_managed(field_reader const& fields, workload_definition& into) {
    if (into.kind == workload_kind::cron_job) return read_cron(fields, into);
    into.replicas = read_replicas(fields);
    fields.in("template", [&](field_reader const& from) { read_template(from, into); });
    read_upkeep(fields, into);
}

void read_bare(field_reader const& fields, workload_definition& into) {
    into.replicas = read_replicas(fields);
    into.spec.form = into.kind == workload_kind::function ? instance_form::function : instance_form::pod;
    into.spec.labels = into.labels;
    fields.in("spec", [&](field_reader const& spec) {
        read_spec(spec, into.spec);
        warn_of_toleration_seconds(spec, into.kind, into.spec);
    });
}

void read_definition(json::object const& root, workload_definition& into, findings& notes) {
    field_reader const fields(root, {}, notes);
    if (into.form == definition_form::rik)
        read_names(fields, "tenant", into);
    else
        fields.in("metadata", [&](field_reader const& meta) { read_names(meta, "namespace", into); });
    into.spec.restart = usual_restart(into.form, into.kind);
    if (!is_managed(into.kind)) return read_bare(fields, into);
    if (into.form == definition_form::rik) return read_managed(fields, into);
    fields.in("spec", [&](field_reader const& spec) { read_managed(spec, into); });
}

/// What is accepted must be read again from this text when the store opens, within the same limit.
void check_kept_text(std::string_view canonical, findings& notes) {
    if (canonical.size() <= limits::definition_bytes_max) return;
    notes.problem({},
                  fmt::format("the definition has {} bytes as JSON, in which it is kept; the limit is {}",
                              canonical.size(), limits::definition_bytes_max),
                  "make it smaller");
}

json::object const* root_of(json::value const& tree, findings& notes) {
    auto const* root = tree.if_object();
    if (root == nullptr)
        notes.problem({}, fmt::format("the definition is {}, not an object", kind_text(tree)),
                      tree.is_array() ? "give its entries one by one, with a line --- between them"
                                      : "begin with apiVersion, kind and name");
    return root;
}

void read_workload(json::object const& root, workload_definition& into, findings& notes) {
    into.form = form_of(root);
    auto const kind = kind_of(root);
    if (is_list(root))
        return notes.problem("kind", "is List, and one definition is wanted here", "give its items one by one");
    if (!is_definition(root))
        return notes.problem({}, "it is no definition: it has neither apiVersion nor kind",
                             "begin with apiVersion, kind and name");
    if (auto foreign = foreign_kind(kind, into.form)) return notes.problem(std::move(foreign));
    if (auto unknown = unknown_kind(kind, into.form)) return notes.problem(std::move(unknown));
    if (lacks_metadata(root))
        return notes.problem("metadata", "is missing: in Kubernetes' form, which has this apiVersion, it has the name",
                             "write metadata with a name; or apiVersion v1, for RIK's form, which has name at the top");
    auto const* type = find_definition_type(kind, into.form);
    if (type != nullptr && is_tenant(*type))
        return notes.problem("kind", fmt::format("is {}, and a workload is wanted here", kind),
                             "use `rikctl apply -f` or `rikctl create tenant`");
    if (type == nullptr) type = meant_type(kind, into.form);
    into.kind = parse_workload_kind(type->kind).value_or(workload_kind::pod);
    check_fields(root, *type->type, notes);
    read_definition(root, into, notes);
}

/// With its text.
void read_whole(json::object const& root, workload_definition& into, findings& notes) {
    read_workload(root, into, notes);
    into.text = canonical_text(root);
    check_kept_text(into.text, notes);
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
    auto const* root = tree.is_complete ? root_of(tree.root, notes) : nullptr;
    if (root == nullptr) return parsed;
    read_whole(*root, parsed.definition, notes);
    position_teller(text, from).tell(parsed.found);
    return parsed;
}

namespace {

/// A tenant, if `root` defines one.
definition_type const* tenant_type(json::value const& root) {
    auto const* object = root.if_object();
    auto const* type = object == nullptr ? nullptr : find_definition_type(kind_of(*object), form_of(*object));
    return type != nullptr && is_tenant(*type) ? type : nullptr;
}

definition_of_file read_entry(json::value const& root, problems found) {
    definition_of_file entry;
    findings notes(entry.parsed);
    note_all(found, notes);
    if (auto const* type = tenant_type(root))
        entry.tenant = read_tenant(root.get_object(), *type, notes);
    else if (auto const* object = root_of(root, notes))
        read_whole(*object, entry.parsed.definition, notes);
    return entry;
}

definition_of_file wrong_entry(json::value const& of, std::string message, std::string_view remedy) {
    definition_of_file entry{.text = canonical_text(of)};
    findings(entry.parsed).problem({}, std::move(message), remedy);
    return entry;
}

/// Adds the items of a List, which may have lists in it. `at` is its path in the document.
class list_reader {
public:
    list_reader(std::string_view text, text_position from, std::vector<definition_of_file>& into)
        : positions_(text, from), into_(into) {}

    /// Recursion is bounded: the tree is.
    void read(json::object const& list, std::string const& at) {
        check(list, at);
        auto const* items = list.if_contains("items");
        auto const* all = items == nullptr ? nullptr : items->if_array();
        if (all == nullptr) return;
        for (std::size_t i = 0; i < all->size() && into_.size() <= limits::definitions_per_file_max; ++i)
            read_item((*all)[i], path_of(at.empty() ? "items" : at + ".items", i));
    }

private:
    void check(json::object const& list, std::string const& at) {
        parsed_definition checked;
        findings notes(checked);
        check_fields(list, rows::list_type, notes);
        if (!checked.found.empty()) add({.text = canonical_text(list), .parsed = std::move(checked)}, at);
    }
    void read_item(json::value const& item, std::string const& at) {
        auto const* object = item.if_object();
        if (object != nullptr && is_list(*object)) return read(*object, at);
        if (object == nullptr)
            return into_.push_back(wrong_entry(item, fmt::format("{} is {}, not an object", at, kind_text(item)),
                                               "write a definition there"));
        auto entry = read_entry(item, {});
        entry.text = canonical_text(item);
        add(std::move(entry), at);
    }
    void add(definition_of_file entry, std::string const& at) {
        positions_.tell(entry.parsed.found, at);
        into_.push_back(std::move(entry));
    }

    position_teller positions_;
    std::vector<definition_of_file>& into_;
};

}  // namespace

void parse_tree_of_file(definition_tree tree, std::string_view text, text_position from,
                        std::vector<definition_of_file>& into) {
    auto const* object = tree.is_complete ? tree.root.if_object() : nullptr;
    if (object != nullptr && is_list(*object) && tree.found.empty())
        return list_reader(text, from, into).read(*object, {});
    definition_of_file entry;
    if (!tree.is_complete)
        entry.parsed.found = std::move(tree.found);
    else
        entry = read_entry(tree.root, std::move(tree.found));
    entry.text = text;
    position_teller(text, from).tell(entry.parsed.found);
    into.push_back(std::move(entry));
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
