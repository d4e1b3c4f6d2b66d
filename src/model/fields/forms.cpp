// The outermost objects: definitions as a whole, in both forms.
#include "model/fields/rows_detail.hpp"

#include <rik/base/limits.hpp>

#include <array>

namespace rik {

namespace detail::rows {

namespace {

constexpr auto replicas_max = static_cast<std::int64_t>(limits::replicas_per_request_max);

constexpr std::array owner_reference_fields{
    field{"apiVersion", text(), "The version of the API that the owner belongs to."},
    field{"kind", text(), "The owner's kind."},
    field{"name", text(), "The owner's name."},
    field{"uid", text(), "The owner's id."},
    field{"controller", boolean(), "Whether the owner is what keeps the object at the wanted state."},
    field{"blockOwnerDeletion", boolean(), "Whether the owner stays until the object is gone."},
};
constexpr object_type owner_reference{"OwnerReference", "What an object belongs to.", owner_reference_fields};

constexpr std::array object_meta_fields{
    field{"name", text(object_name), "Names the object; unique for its kind within a namespace."}.needed(
        "name the object"),
    field{"generateName", text(), "The beginning of a name that the server completes."}.kept(
        "no name is made from it; metadata.name is what counts"),
    field{"namespace", text(dns_label), "The tenant of the object."}.by_default("that of the call"),
    field{"labels", map(label_key, text(label_value)), "Names and values by which objects are selected."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
    field{"ownerReferences", list(object(owner_reference)), "What the object is deleted with."}.refused(
        "an object of RIK has the owner that made it"),
    field{"finalizers", list(text()), "What must be done before the object may go."}.refused(
        "nobody would take them off, and the object would stay for ever"),
    field{"uid", text(), "The id of the object."}.kept(told_by_the_server),
    field{"resourceVersion", text(), "The revision of the object."}.kept(told_by_the_server),
    field{"generation", integer(0, std::numeric_limits<std::int64_t>::max()),
          "Grows with each change of what is wanted."}
        .kept(told_by_the_server),
    field{"creationTimestamp", text(), "When the object was made."}.kept(told_by_the_server),
    field{"deletionTimestamp", text(), "When the object was deleted."}.kept(told_by_the_server),
    field{"deletionGracePeriodSeconds", integer(), "How long the object had to end."}.kept(told_by_the_server),
    field{"managedFields", list(anything()), "Who changed which field."}.kept(told_by_the_server),
    field{"selfLink", text(), "The path of the object."}.kept(told_by_the_server),
    field{"clusterName", text(), "The cluster of the object."}.kept(told_by_the_server),
};

constexpr field api_version_row(std::string_view versions) {
    return field{"apiVersion", words(versions), "The version of the form."}.needed("write v1");
}
constexpr field kind_row(std::string_view kind) {
    return field{"kind", words(kind), "What is defined."}.needed(
        "use Pod, Function, ReplicaSet, Deployment, DaemonSet, StatefulSet, Job or CronJob");
}

constexpr std::array rik_fields{
    api_version_row("v1|v0"),
    kind_row("Pod|Function"),
    field{"name", text(object_name), "Names the workload; unique for its kind within a tenant."}.needed(
        "name the workload"),
    field{"tenant", text(dns_label), "The tenant that it belongs to."}.by_default("that of the call"),
    field{"labels", map(label_key, text(label_value)), "Names and values by which objects are selected."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
    field{"replicas", integer(1, replicas_max), "The number of instances that are expected."}.by_default("1").kept(
        "a workload of this kind starts nothing by itself; ask for instances of it"),
};
constexpr object_type rik_base{"Definition", "A workload in RIK's form.", rik_fields};

constexpr std::string_view spec_remedy = "describe the containers, or the function, there";

constexpr std::array rik_pod_form_fields{
    field{"spec", object(rik_pod_spec), "What its instances are made from."}.needed(spec_remedy),
};
constexpr std::array rik_function_fields{
    field{"spec", object(function_spec), "What its instances are made from."}.needed(spec_remedy),
};

constexpr std::array kubernetes_pod_fields{
    api_version_row("v1"),
    kind_row("Pod"),
    field{"metadata", object(object_meta), "What the object is called and belongs to."}.needed("give metadata.name"),
    field{"spec", object(pod_spec), "What the Pod is made from."}.needed("describe the containers there"),
    field{"status", anything(), "What was seen of the Pod."}.kept(told_by_the_server),
};

constexpr std::array rik_tenant_fields{
    api_version_row("v1|v0"),
    kind_row("Tenant"),
    field{"name", text(dns_label), "Names the tenant."}.needed("name the tenant"),
    field{"labels", map(label_key, text(label_value)), "Names and values by which objects are selected."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
};

constexpr std::array namespace_spec_fields{
    field{"finalizers", list(text()), "What must be done before the namespace may go."}.kept(
        "a namespace goes when all that is in it has gone"),
};
constexpr object_type namespace_spec{"NamespaceSpec", "How a namespace behaves.", namespace_spec_fields};

constexpr std::array kubernetes_namespace_fields{
    api_version_row("v1"),
    kind_row("Namespace"),
    field{"metadata", object(object_meta), "What the namespace is called."}.needed("give metadata.name"),
    field{"spec", object(namespace_spec), "How the namespace behaves."},
    field{"status", anything(), "What was seen of the namespace."}.kept(told_by_the_server),
};

constexpr std::array list_fields{
    api_version_row("v1"),
    field{"kind", words("List"), "That it is a list."}.needed("write List"),
    field{"metadata", anything(), "What a server says of the list."},
    field{"items", list(anything()), "The definitions."}.needed("give the definitions as items"),
};

}  // namespace

constinit object_type const list_type{"List", "Definitions of any kinds in Kubernetes' form.", list_fields};
constinit object_type const object_meta{"ObjectMeta", "What every object has.", object_meta_fields};
constinit object_type const rik_pod{"Pod", "Containers that share a network, in RIK's form.", rik_pod_form_fields,
                                    &rik_base};
constinit object_type const rik_function{"Function", "A microVM, in RIK's form.", rik_function_fields, &rik_base};
constinit object_type const kubernetes_pod{"Pod", "Containers that share a network. Applying it starts it.",
                                           kubernetes_pod_fields};
constinit object_type const rik_tenant{"Tenant", "A space of names, in RIK's form.", rik_tenant_fields};
constinit object_type const kubernetes_namespace{"Namespace", "A space of names: a tenant of RIK.",
                                                 kubernetes_namespace_fields};

namespace {

constexpr std::array<definition_type, 17> types{
    definition_type{"Pod", definition_form::rik, "v1|v0", &rik_pod},
    definition_type{"Function", definition_form::rik, "v1|v0", &rik_function},
    definition_type{"ReplicaSet", definition_form::rik, "v1", &rik_replica_set},
    definition_type{"Deployment", definition_form::rik, "v1", &rik_deployment},
    definition_type{"DaemonSet", definition_form::rik, "v1", &rik_daemon_set},
    definition_type{"StatefulSet", definition_form::rik, "v1", &rik_stateful_set},
    definition_type{"Job", definition_form::rik, "v1", &rik_job},
    definition_type{"CronJob", definition_form::rik, "v1", &rik_cron_job},
    definition_type{"Tenant", definition_form::rik, "v1|v0", &rik_tenant},
    definition_type{"Pod", definition_form::kubernetes, "v1", &kubernetes_pod},
    definition_type{"ReplicaSet", definition_form::kubernetes, "apps/v1", &kubernetes_replica_set},
    definition_type{"Deployment", definition_form::kubernetes, "apps/v1", &kubernetes_deployment},
    definition_type{"DaemonSet", definition_form::kubernetes, "apps/v1", &kubernetes_daemon_set},
    definition_type{"StatefulSet", definition_form::kubernetes, "apps/v1", &kubernetes_stateful_set},
    definition_type{"Job", definition_form::kubernetes, "batch/v1", &kubernetes_job},
    definition_type{"CronJob", definition_form::kubernetes, "batch/v1", &kubernetes_cron_job},
    definition_type{"Namespace", definition_form::kubernetes, "v1", &kubernetes_namespace},
};

}  // namespace

}  // namespace detail::rows

std::span<definition_type const> definition_types() { return detail::rows::types; }

definition_type const* find_definition_type(std::string_view kind, definition_form form) {
    for (auto const& each : detail::rows::types)
        if (each.kind == kind && each.form == form) return &each;
    return nullptr;
}

}  // namespace rik
