// The outermost objects of managed kinds, in both forms. RIK's form has at the top what Kubernetes' has in spec.
#include "model/fields/rows_detail.hpp"

#include <rik/base/limits.hpp>

#include <array>

namespace rik::detail::rows {

namespace {

constexpr auto replicas_max = static_cast<std::int64_t>(limits::replicas_per_workload_max);
constexpr auto ordinal_max = std::int64_t{1} << 30;
constexpr auto seconds_max = std::int64_t{std::numeric_limits<std::int32_t>::max()};

// What both forms have

constexpr std::array requirement_fields{
    field{"key", text(label_key), "The label."}.needed("name the label"),
    field{"operator", words("In|NotIn|Exists|DoesNotExist"), "How it is compared."}.needed("say how it is compared"),
    field{"values", list(text(label_value)), "The values of In and NotIn."},
};
constexpr object_type requirement{"WorkloadSelectorRequirement", "What a label of an instance must be.",
                                  requirement_fields};

constexpr std::array selector_fields{
    field{"matchLabels", map(label_key, text(label_value)), "Labels with their values."},
    field{"matchExpressions", list(object(requirement)), "What labels must be."},
};
}  // namespace

constinit object_type const selector{"WorkloadSelector", "Which instances belong to a workload; all of it holds.",
                                     selector_fields};

namespace {

constexpr field replicas =
    field{"replicas", integer(0, replicas_max), "How many instances are wanted."}.by_default("1");
constexpr field min_ready =
    field{"minReadySeconds", integer(0, seconds_max), "How long an instance must be ready to count as available."}
        .by_default("0");
constexpr field history =
    field{"revisionHistoryLimit", integer(0, seconds_max), "How many releases without instances are kept."}.by_default(
        "10");
constexpr field paused =
    field{"paused", boolean(), "Whether a new template waits, until it is resumed."}.by_default("false");
constexpr field deadline = field{"progressDeadlineSeconds", integer(1, seconds_max),
                                 "How long a rollout may get nowhere before it is told to be stuck."}
                               .by_default("600");
constexpr field unheard = field{"unheardToleranceSeconds", integer(0, seconds_max),
                                "How long the node of an instance may be unheard before the instance is replaced."}
                              .by_default("30");

constexpr std::array rolling_fields{
    field{"maxSurge", share(), "How many instances there may be beside those that are wanted; rounded up."}.by_default(
        "25%"),
    field{"maxUnavailable", share(), "How many of those that are wanted may be unavailable; rounded down."}.by_default(
        "25%"),
};
constexpr object_type rolling{"RollingUpdateDeployment", "The bounds of a rolling update.", rolling_fields};

constexpr std::array strategy_fields{
    field{"type", words("RollingUpdate|Recreate"), "How instances come to a new template."}.by_default("RollingUpdate"),
    field{"rollingUpdate", object(rolling), "The bounds of a rolling update."},
};
constexpr object_type strategy{"DeploymentStrategy", "How instances come to a new template.", strategy_fields};

constexpr std::array daemon_rolling_fields{
    field{"maxSurge", share(), "On how many nodes there may be a new instance beside the old one; rounded up."}
        .by_default("0"),
    field{"maxUnavailable", share(), "On how many nodes it may be unavailable; rounded up."}.by_default("1"),
};
constexpr object_type daemon_rolling{"RollingUpdateDaemonSet", "The bounds of a rolling update.",
                                     daemon_rolling_fields};

constexpr std::array daemon_strategy_fields{
    field{"type", words("RollingUpdate|OnDelete"), "How instances come to a new template."}.by_default("RollingUpdate"),
    field{"rollingUpdate", object(daemon_rolling), "The bounds of a rolling update."},
};
constexpr object_type daemon_strategy{"DaemonSetUpdateStrategy", "How instances come to a new template.",
                                      daemon_strategy_fields};

constexpr std::array stateful_rolling_fields{
    field{"partition", integer(0, seconds_max), "So many instances with the lowest ordinals stay as they are."}
        .by_default("0"),
    field{"maxUnavailable", share(), "How many may be unavailable while they are replaced; rounded up."}.by_default(
        "1"),
};
constexpr object_type stateful_rolling{"RollingUpdateStatefulSet", "The bounds of a rolling update.",
                                       stateful_rolling_fields};

constexpr std::array stateful_strategy_fields{
    field{"type", words("RollingUpdate|OnDelete"), "How instances come to a new template."}.by_default("RollingUpdate"),
    field{"rollingUpdate", object(stateful_rolling), "The bounds of a rolling update."},
};
constexpr object_type stateful_strategy{"StatefulSetUpdateStrategy", "How instances come to a new template.",
                                        stateful_strategy_fields};

constexpr std::array ordinals_fields{
    field{"start", integer(0, ordinal_max), "The lowest ordinal."}.by_default("0"),
};
constexpr object_type ordinals{"StatefulSetOrdinals", "How instances are numbered.", ordinals_fields};

constexpr std::string_view no_claims = "RIK has no volumes of that kind yet";

/// What a StatefulSet has in both forms.
constexpr std::array stateful_fields{
    field{"replicas", integer(0, replicas_max), "How many instances are wanted."}.by_default("1"),
    field{"podManagementPolicy", words("OrderedReady|Parallel"),
          "Whether instances come and go one after the other, or all at once."}
        .by_default("OrderedReady"),
    field{"updateStrategy", object(stateful_strategy), "How instances come to a new template."},
    field{"revisionHistoryLimit", integer(0, seconds_max), "How many releases without instances are kept."}.by_default(
        "10"),
    field{"ordinals", object(ordinals), "How instances are numbered."},
    field{"serviceName", text(dns_label_or_none), "The Service under whose name instances are found."}.kept(
        "RIK has no Services yet"),
    field{"volumeClaimTemplates", list(anything()), "Volumes that each instance has for itself, and keeps."}.refused(
        no_claims),
    field{"persistentVolumeClaimRetentionPolicy", anything(), "When volumes of instances go."}.kept(no_claims),
};
constexpr object_type stateful_base{"StatefulSetBase", "How a StatefulSet is kept.", stateful_fields};

constexpr field strategy_row = field{"strategy", object(strategy), "How instances come to a new template."};
constexpr field update_strategy_row =
    field{"updateStrategy", object(daemon_strategy), "How instances come to a new template."};

// Kubernetes' form

constexpr std::string_view of_the_workload = "instances are named after their workload, and belong to its tenant";

constexpr std::array template_meta_fields{
    field{"name", text(), "Of no use in a template."}.kept(of_the_workload),
    field{"generateName", text(), "Of no use in a template."}.kept(of_the_workload),
    field{"namespace", text(), "Of no use in a template."}.kept(of_the_workload),
};
}  // namespace

constinit object_type const object_template_meta{"TemplateMeta", "The labels and annotations of instances.",
                                                 template_meta_fields, &object_meta};

namespace {

constexpr std::array template_fields{
    field{"metadata", object(object_template_meta), "The labels and annotations of instances."},
    field{"spec", object(pod_spec), "What instances are made from."}.needed("describe the containers there"),
};
constexpr object_type pod_template{"PodTemplateSpec", "What instances are made from.", template_fields};

constexpr field needed_selector =
    field{"selector", object(selector), "Which Pods belong to it; its template must match."}.needed(
        "write matchLabels with the labels of the template");
constexpr field needed_template =
    field{"template", object(pod_template), "What its Pods are made from."}.needed("describe the Pod there");

constexpr std::array replica_set_spec_fields{replicas, needed_selector, needed_template, min_ready};
constexpr object_type replica_set_spec{"ReplicaSetSpec", "How a ReplicaSet is kept.", replica_set_spec_fields};

constexpr std::array deployment_spec_fields{strategy_row, history, paused, deadline};
constexpr object_type deployment_spec{"DeploymentSpec", "How a Deployment is kept.", deployment_spec_fields,
                                      &replica_set_spec};

constexpr std::array daemon_set_spec_fields{needed_selector, needed_template, min_ready, update_strategy_row, history};
constexpr object_type daemon_set_spec{"DaemonSetSpec", "How a DaemonSet is kept.", daemon_set_spec_fields};

constexpr std::array stateful_set_spec_fields{needed_selector, needed_template, min_ready};
constexpr object_type stateful_set_spec{"StatefulSetSpec", "How a StatefulSet is kept.", stateful_set_spec_fields,
                                        &stateful_base};

constexpr field apps_row = field{"apiVersion", words("apps/v1"), "The version of the form."}.needed("write apps/v1");
constexpr field meta_row =
    field{"metadata", object(object_meta), "What the object is called and belongs to."}.needed("give metadata.name");
constexpr field status_row = field{"status", anything(), "What was seen of it."}.kept(told_by_the_server);
constexpr field kind_row(std::string_view kind) {
    return field{"kind", words(kind), "What is defined."}.needed("name the kind");
}
constexpr field spec_row(object_type const& of) {
    return field{"spec", object(of), "How it is kept."}.needed("give selector and template there");
}

constexpr std::array replica_set_fields{apps_row, kind_row("ReplicaSet"), meta_row, spec_row(replica_set_spec),
                                        status_row};
constexpr std::array deployment_fields{apps_row, kind_row("Deployment"), meta_row, spec_row(deployment_spec),
                                       status_row};
constexpr std::array daemon_set_fields{apps_row, kind_row("DaemonSet"), meta_row, spec_row(daemon_set_spec),
                                       status_row};
constexpr std::array stateful_set_fields{apps_row, kind_row("StatefulSet"), meta_row, spec_row(stateful_set_spec),
                                         status_row};

// RIK's form

/// Either of a Pod or of a Function: a reader tells of what is of the other.
constexpr std::array rik_template_spec_fields{
    field{"containers", list(object(rik_container)), "The programs of a Pod; empty in a Function."},
    field{"function", object(function), "The microVM of a Function; empty in a Pod."},
    field{"restartPolicy", words("Always|OnFailure|Never"), "Always: what is kept never comes to an end."}.by_default(
        "Always"),
};
constexpr object_type rik_template_spec{"TemplateSpec", "What instances are made from, in RIK's form.",
                                        rik_template_spec_fields, &rik_pod_spec};

constexpr std::array rik_template_fields{
    field{"labels", map(label_key, text(label_value)), "Names and values by which instances are selected."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
    field{"spec", object(rik_template_spec), "What instances are made from."}.needed(
        "describe the containers, or the function, there"),
};
constexpr object_type rik_template{"Template", "What instances are made from: a Pod or a Function without a name.",
                                   rik_template_fields};

constexpr std::array rik_managed_fields{
    field{"apiVersion", words("v1"), "The version of the form."}.needed("write v1"),
    field{"name", text(object_name), "Names the workload; unique for its kind within a tenant."}.needed(
        "name the workload"),
    field{"tenant", text(dns_label), "The tenant that it belongs to."}.by_default("that of the call"),
    field{"labels", map(label_key, text(label_value)), "Labels of the workload; those of instances are in template."},
    field{"annotations", map(label_key, text()), "Names and values of any text, for programs and people."},
    field{"selector", object(selector),
          "The labels of its template must match it, and it never changes; a ReplicaSet, a DaemonSet and a StatefulSet "
          "also adopt what it means. It may be left out."},
    field{"template", object(rik_template), "What its instances are made from."}.needed(
        "describe the Pod, or the Function, there"),
    min_ready,
};
constexpr object_type rik_managed{"Managed", "A workload that is kept as it is wanted, in RIK's form.",
                                  rik_managed_fields};

constexpr std::array rik_replica_set_fields{kind_row("ReplicaSet"), replicas, unheard};
constexpr std::array rik_deployment_fields{
    kind_row("Deployment"), replicas, strategy_row, history, paused, deadline, unheard};
constexpr std::array rik_daemon_set_fields{kind_row("DaemonSet"), update_strategy_row, history};
constexpr std::array rik_stateful_set_fields{
    kind_row("StatefulSet"), stateful_fields[0], stateful_fields[1], stateful_fields[2], stateful_fields[3],
    stateful_fields[4],      stateful_fields[5], stateful_fields[6], stateful_fields[7],
};

}  // namespace

constinit object_type const kubernetes_replica_set{"ReplicaSet", "Pods that are kept at a number.", replica_set_fields};
constinit object_type const kubernetes_deployment{
    "Deployment", "Pods that are kept at a number, and come to a new template step by step.", deployment_fields};
constinit object_type const kubernetes_daemon_set{"DaemonSet", "One Pod on each node.", daemon_set_fields};
constinit object_type const kubernetes_stateful_set{
    "StatefulSet", "Pods with ordinals, of which there is one of each at most.", stateful_set_fields};
constinit object_type const rik_replica_set{"ReplicaSet", "Instances that are kept at a number, in RIK's form.",
                                            rik_replica_set_fields, &rik_managed};
constinit object_type const rik_deployment{
    "Deployment", "Instances that are kept at a number, and come to a new template step by step, in RIK's form.",
    rik_deployment_fields, &rik_managed};
constinit object_type const rik_daemon_set{"DaemonSet", "One instance on each node, in RIK's form.",
                                           rik_daemon_set_fields, &rik_managed};
constinit object_type const rik_stateful_set{
    "StatefulSet", "Instances with ordinals, of which there is one of each at most, in RIK's form.",
    rik_stateful_set_fields, &rik_managed};

}  // namespace rik::detail::rows
