// The fields of Pods: what an instance is made from.
#include "model/fields/rows_detail.hpp"

#include <array>

namespace rik::detail::rows {

namespace {

// Selection of nodes and Pods

constexpr std::array requirement_fields{
    field{"key", text(label_key), "The label."}.needed("name the label"),
    field{"operator", words("In|NotIn|Exists|DoesNotExist|Gt|Lt"), "How it is compared."}.needed(
        "say how it is compared"),
    field{"values", list(text()), "The values that it is compared with."},
};
constexpr object_type requirement{"SelectorRequirement", "What a label must be.", requirement_fields};

constexpr std::array label_selector_fields{
    field{"matchLabels", map(label_key, text(label_value)), "Labels with their values."},
    field{"matchExpressions", list(object(requirement)), "What labels must be."},
};

constexpr std::array node_term_fields{
    field{"matchExpressions", list(object(requirement)), "What labels of the node must be."},
    field{"matchFields", list(object(requirement)), "What fields of the node must be."},
};
constexpr object_type node_term{"NodeSelectorTerm", "What a node must be; all of it holds.", node_term_fields};

constexpr std::array node_selector_fields{
    field{"nodeSelectorTerms", list(object(node_term)), "What a node must be; one of these is enough."},
};
constexpr object_type node_selector{"NodeSelector", "Which nodes are meant.", node_selector_fields};

constexpr std::array preferred_node_fields{
    field{"weight", integer(1, 100), "How much it counts."},
    field{"preference", object(node_term), "What the node should be."},
};
constexpr object_type preferred_node{"PreferredSchedulingTerm", "Which nodes are preferred.", preferred_node_fields};

constexpr std::string_view preference_comes_later = "nodes are chosen by what is free on them";
constexpr std::string_view affinity_comes_later = "affinity comes with a later version";

constexpr std::array node_affinity_fields{
    field{"requiredDuringSchedulingIgnoredDuringExecution", object(node_selector), "Which nodes may run it."}.refused(
        affinity_comes_later),
    field{"preferredDuringSchedulingIgnoredDuringExecution", list(object(preferred_node)), "Which nodes are preferred."}
        .kept(preference_comes_later),
};
constexpr object_type node_affinity{"NodeAffinity", "Which nodes a Pod goes to.", node_affinity_fields};

constexpr std::array pod_term_fields{
    field{"topologyKey", text(label_key), "The label of nodes whose values are the places."},
    field{"labelSelector", object(label_selector), "The Pods that are meant."},
    field{"namespaces", list(text(dns_label)), "Their namespaces."},
    field{"namespaceSelector", object(label_selector), "The labels of their namespaces."},
    field{"matchLabelKeys", list(text(label_key)), "Labels that must be the same."},
    field{"mismatchLabelKeys", list(text(label_key)), "Labels that must not be the same."},
};
constexpr object_type pod_term{"PodAffinityTerm", "The Pods beside which, or away from which, a Pod is put.",
                               pod_term_fields};

constexpr std::array preferred_pod_fields{
    field{"weight", integer(1, 100), "How much it counts."},
    field{"podAffinityTerm", object(pod_term), "The Pods that are meant."},
};
constexpr object_type preferred_pod{"WeightedPodAffinityTerm", "A preference.", preferred_pod_fields};

constexpr std::array pod_affinity_fields{
    field{"requiredDuringSchedulingIgnoredDuringExecution", list(object(pod_term)), "What must hold."}.refused(
        affinity_comes_later),
    field{"preferredDuringSchedulingIgnoredDuringExecution", list(object(preferred_pod)), "What is preferred."}.kept(
        preference_comes_later),
};
constexpr object_type pod_affinity{"PodAffinity", "Beside or away from which Pods a Pod is put.", pod_affinity_fields};

constexpr std::array affinity_fields{
    field{"nodeAffinity", object(node_affinity), "Which nodes it goes to."},
    field{"podAffinity", object(pod_affinity), "Beside which Pods it is put."},
    field{"podAntiAffinity", object(pod_affinity), "Away from which Pods it is put."},
};
constexpr object_type affinity{"Affinity", "Where a Pod goes.", affinity_fields};

constexpr std::array toleration_fields{
    field{"key", text(label_key), "The key of the taint; without it every taint is tolerated."},
    field{"operator", words("Equal|Exists|Gt|Lt"), "How the value of the taint is compared."}
        .by_default("Equal")
        .without("Gt|Lt", "values of taints are not compared as numbers"),
    field{"value", text(label_value), "The value of the taint."},
    field{"effect", words("NoSchedule|PreferNoSchedule|NoExecute"), "The effect of the taint; without it all of them."},
    field{"tolerationSeconds", integer(std::numeric_limits<std::int32_t>::min()), "How long the taint is tolerated."},
};

constexpr std::array spread_fields{
    field{"maxSkew", integer(1), "By how much the number of Pods may differ between two places."},
    field{"topologyKey", text(label_key), "The label of nodes whose values are the places."},
    field{"whenUnsatisfiable", words("ScheduleAnyway|DoNotSchedule"), "What happens if it cannot hold."}
        .needed("write ScheduleAnyway: the other value is not supported yet")
        .without("DoNotSchedule", "Pods are spread by what is free on nodes"),
    field{"labelSelector", object(label_selector), "The Pods that are counted."},
    field{"minDomains", integer(1), "The number of places that there must be."},
    field{"nodeAffinityPolicy", words("Honor|Ignore"), "Whether only nodes that the Pod may use count."},
    field{"nodeTaintsPolicy", words("Honor|Ignore"), "Whether only nodes whose taints are tolerated count."},
    field{"matchLabelKeys", list(text(label_key)), "Labels that must be the same."},
};
constexpr object_type spread{"TopologySpreadConstraint", "How Pods are spread over places.", spread_fields};

// Network

constexpr std::array host_alias_fields{
    field{"ip", text(ip_address), "The address."}.needed("give the address"),
    field{"hostnames", list(text(dns_subdomain)), "The names that stand for it in /etc/hosts."},
};
constexpr object_type host_alias{"HostAlias", "A line of /etc/hosts.", host_alias_fields};

constexpr std::array dns_option_fields{
    field{"name", text(), "The option."}.needed("name the option"),
    field{"value", text(), "Its value."},
};
constexpr object_type dns_option{"PodDNSConfigOption", "An option of resolv.conf.", dns_option_fields};

constexpr std::array dns_fields{
    field{"nameservers", list(text(ip_address)), "Name servers, beside those of dnsPolicy."},
    field{"searches", list(text()), "Domains that are tried for short names."},
    field{"options", list(object(dns_option)), "Options of resolv.conf."},
};
constexpr object_type dns_config{"PodDNSConfig", "What is added to resolv.conf.", dns_fields};

// Rights

constexpr std::array sysctl_fields{
    field{"name", text(), "The setting."}.needed("name the setting"),
    field{"value", text(), "Its value."},
};
constexpr object_type sysctl{"Sysctl", "A setting of the kernel.", sysctl_fields};

constexpr std::array security_fields{
    field{"runAsUser", integer(), "The number of the user that programs run as."}.by_default("that of the image"),
    field{"runAsGroup", integer(), "The number of the programs' group."}.by_default("that of the image"),
    field{"runAsNonRoot", boolean(), "Refuse to start programs as root."}.by_default("false"),
    field{"supplementalGroups", list(integer()), "More groups of every program."},
    field{"supplementalGroupsPolicy", words("Merge|Strict"), "Whether the image's own groups count, too."}
        .by_default("Merge")
        .without("Strict", "the groups of the image always count"),
    field{"fsGroup", integer(), "A group of every program, to which volumes belong."},
    field{"fsGroupChangePolicy", words("Always|OnRootMismatch"),
          "When volumes are given to that group; no matter for emptyDir."},
    field{"seccompProfile", object(seccomp_profile), "The filter of system calls."},
    field{"appArmorProfile", object(apparmor_profile), "The profile of AppArmor."},
    field{"seLinuxOptions", object(selinux_options), "The label of SELinux."}.refused(
        "labels of SELinux are not set by RIK"),
    field{"seLinuxChangePolicy", text(), "How volumes are labelled."}.kept("labels of SELinux are not set by RIK"),
    field{"sysctls", list(object(sysctl)), "Settings of the kernel for the Pod."}.refused(
        "settings of the kernel come with a later version"),
    field{"windowsOptions", object(windows_options), "What only Windows knows."}.refused("RIK runs on Linux"),
};
constexpr object_type pod_security_context{"PodSecurityContext", "The rights of all containers of a Pod.",
                                           security_fields};

// The Pod

constexpr std::array reference_fields{field{"name", text(), "The name of the object."}};
constexpr object_type local_reference{"LocalObjectReference", "An object of the same namespace.", reference_fields};

constexpr std::array readiness_gate_fields{field{"conditionType", text(), "The condition."}};
constexpr object_type readiness_gate{"PodReadinessGate", "A condition that others set.", readiness_gate_fields};

constexpr std::array scheduling_gate_fields{field{"name", text(), "The name of the gate."}};
constexpr object_type scheduling_gate{"PodSchedulingGate", "What others take away.", scheduling_gate_fields};

constexpr std::array os_fields{
    field{"name", words("linux|windows"), "The system."}.without("windows", "RIK runs on Linux"),
};
constexpr object_type pod_os{"PodOS", "The system that a Pod needs.", os_fields};

constexpr std::string_view tokens_do_not_exist = "there are no service accounts, and Pods get no tokens";

constexpr std::array pod_fields{
    field{"containers", list(object(container)), "The programs of the Pod."}.needed(
        "a Pod needs at least one container"),
    field{"initContainers", list(object(init_container)),
          "Programs that end, one after the other, before the others start; and sidecars."},
    field{"ephemeralContainers", list(anything()), "Containers that are added for a look."}.refused(
        "containers are not added to a running Pod"),
    field{"restartPolicy", words("Always|OnFailure|Never"), "When a container that has ended is started again."}
        .by_default("Always"),
    field{"terminationGracePeriodSeconds", integer(0, 86'400),
          "How long containers may take to end once they are told."}
        .by_default("30"),
    field{"activeDeadlineSeconds", integer(1), "How long the Pod may run."}.refused(
        "nothing ends a Pod by the time yet"),
    field{"resources", object(resource_requirements), "What all containers together need and may use."},
    field{"nodeName", text(dns_subdomain), "The only node that may run it."},
    field{"nodeSelector", map(label_key, text(label_value)), "Labels that a node must have."},
    field{"tolerations", list(object(toleration)), "Taints of nodes that do not keep it away."},
    field{"affinity", object(affinity), "Where it goes."},
    field{"topologySpreadConstraints", list(object(spread)), "How Pods are spread over places."},
    field{"priority", integer(std::numeric_limits<std::int32_t>::min()),
          "Of Pods that wait the highest is placed first."}
        .by_default("0"),
    field{"priorityClassName", text(dns_subdomain),
          "system-node-critical and system-cluster-critical stand for the two highest priorities."},
    field{"preemptionPolicy", words("PreemptLowerPriority|Never"), "Whether others are ended to make room."}
        .by_default("Never")
        .kept("nothing is ended to make room"),
    field{"schedulerName", text(), "Who places the Pod."}
        .by_default("default-scheduler")
        .refused("RIK's scheduler is the only one, and would place it"),
    field{"schedulingGates", list(object(scheduling_gate)), "What must be taken away before it is placed."}.refused(
        "nobody would take them away, and the Pod would be placed at once"),
    field{"hostname", text(dns_label), "The host name inside."}.by_default("the instance's name"),
    field{"hostnameOverride", text(dns_subdomain), "The host name inside, in place of hostname."}.kept(
        "the host name is that of hostname"),
    field{"subdomain", text(dns_label), "The domain of the host name."}.kept("Pods have no names in DNS yet"),
    field{"setHostnameAsFQDN", boolean(), "Whether the host name has its domain."}.by_default("false").kept(
        "Pods have no names in DNS yet"),
    field{"hostAliases", list(object(host_alias)), "More lines of /etc/hosts."},
    field{"hostNetwork", boolean(), "Whether it uses the node's own network."}.by_default("false"),
    field{"hostPID", boolean(), "Whether it sees the node's processes."}.by_default("false").refused(
        "no Pod sees the node's processes"),
    field{"hostIPC", boolean(), "Whether it shares memory with the node's processes."}.by_default("false").refused(
        "no Pod shares memory with the node's processes"),
    field{"hostUsers", boolean(), "Whether its users are those of the node."}.by_default("true").refused(
        "every container has the node's users"),
    field{"shareProcessNamespace", boolean(), "Whether its containers see each other's processes."}
        .by_default("false")
        .refused("each container sees its own processes"),
    field{"dnsPolicy", words("ClusterFirst|ClusterFirstWithHostNet|Default|None"), "Where names are looked up."}
        .by_default("ClusterFirst"),
    field{"dnsConfig", object(dns_config), "What is added to resolv.conf."},
    field{"securityContext", object(pod_security_context), "The rights of all its containers."},
    field{"volumes", list(object(volume)), "Files that its containers share."},
    field{"imagePullSecrets", list(object(local_reference)), "Secrets with which images are pulled."}.refused(
        "Secrets come with a later version; put the credentials into the node's auth.json"),
    field{"serviceAccountName", text(), "The account whose rights it has."}.by_default("default").refused(
        tokens_do_not_exist),
    field{"serviceAccount", text(), "The same as serviceAccountName."}.by_default("default").refused(
        tokens_do_not_exist),
    field{"automountServiceAccountToken", boolean(), "Whether its containers see a token of the account."}
        .by_default("false")
        .refused(tokens_do_not_exist),
    field{"enableServiceLinks", boolean(), "Whether it has a variable for each service."}.by_default("true"),
    field{"readinessGates", list(object(readiness_gate)), "Conditions without which it is not ready."}.refused(
        "nobody would set them, and the Pod would never be ready"),
    field{"runtimeClassName", text(), "The runtime that runs it."}.refused("a Pod has one runtime"),
    field{"overhead", anything(), "What the runtime itself needs."}.refused("a Pod has one runtime"),
    field{"os", object(pod_os), "The system that it needs."},
    field{"resourceClaims", list(anything()), "Devices that are claimed for it."}.refused(
        "nodes offer no devices to be claimed"),
    field{"workloadRef", anything(), "The group that it is placed with."}.refused("Pods are placed one by one"),
};

constexpr std::array rik_pod_fields{
    field{"containers", list(object(rik_container)), "The programs of the Pod."}.needed(
        "a Pod needs at least one container"),
    field{"initContainers", list(object(rik_init_container)),
          "Programs that end, one after the other, before the others start; and sidecars. The same as a role."},
    field{"restartPolicy", words("Always|OnFailure|Never"), "When a container that has ended is started again."}
        .by_default("Never"),
    field{"function", anything(), "Empty in a Pod."},
};

}  // namespace

constinit object_type const toleration{"Toleration", "A taint of nodes that does not keep the Pod away.",
                                       toleration_fields};
constinit object_type const label_selector{"LabelSelector", "Which objects are meant.", label_selector_fields};
constinit object_type const pod_spec{"PodSpec", "What a Pod is made from.", pod_fields};
constinit object_type const rik_pod_spec{"PodSpec", "What a Pod is made from, in RIK's form.", rik_pod_fields,
                                         &pod_spec};

}  // namespace rik::detail::rows
