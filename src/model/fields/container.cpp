// The fields of containers.
#include "model/fields/rows_detail.hpp"

#include <rik/model/resources.hpp>

#include <array>

namespace rik::detail::rows {

namespace {

constexpr std::string_view configuration_comes_later = "ConfigMaps and Secrets come with a later version";

// Variables

constexpr std::array field_selector_fields{
    field{"fieldPath", text(field_path),
          "The field: metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'], "
          "metadata.annotations['KEY'], spec.nodeName, status.podIP, status.podIPs, "
          "status.hostIP or status.hostIPs."}
        .needed("name the field, for example metadata.name"),
    field{"apiVersion", words("v1"), "The version of the form of the path."}.by_default("v1"),
};
constexpr object_type field_selector{"ObjectFieldSelector", "A field of the Pod itself.", field_selector_fields};

constexpr std::array resource_selector_fields{
    field{"resource",
          words("limits.cpu|limits.memory|limits.ephemeral-storage|requests.cpu|requests.memory|"
                "requests.ephemeral-storage"),
          "The amount."}
        .needed("name the amount, for example limits.memory"),
    field{"containerName", text(dns_label), "The container whose amount is meant."}.by_default("the container itself"),
    field{"divisor", quantity(), "The unit: the amount is divided by it, and rounded up."}.by_default("1"),
};
constexpr object_type resource_selector{"ResourceFieldSelector", "An amount that a container may use.",
                                        resource_selector_fields};

constexpr std::array key_selector_fields{
    field{"name", text(), "The object that has it."},
    field{"key", text(), "The entry of the object."},
    field{"optional", boolean(), "Whether the container also starts without it."},
};
constexpr object_type key_selector{"KeySelector", "An entry of a ConfigMap or a Secret.", key_selector_fields};

constexpr std::array variable_source_fields{
    field{"fieldRef", object(field_selector), "A field of the Pod itself."},
    field{"resourceFieldRef", object(resource_selector), "An amount that a container may use."},
    field{"configMapKeyRef", object(key_selector), "An entry of a ConfigMap."}.refused(configuration_comes_later),
    field{"secretKeyRef", object(key_selector), "An entry of a Secret."}.refused(configuration_comes_later),
    field{"fileKeyRef", anything(), "An entry of a file in a volume."}.refused(
        "files of volumes are not read into variables yet"),
};
constexpr object_type variable_source{"EnvVarSource", "Where the value of a variable comes from.",
                                      variable_source_fields};

constexpr std::array variable_fields{
    field{"name", text(variable_name), "Names the variable."}.needed("name the variable"),
    field{"value", text(), "Its value. $(NAME) is replaced by the value of a variable before it."},
    field{"valueFrom", object(variable_source), "Where its value comes from, in place of value."},
};
constexpr std::array variables_source_fields{
    field{"prefix", text(), "What is put before each name."},
    field{"configMapRef", anything(), "The ConfigMap whose entries become variables."},
    field{"secretRef", anything(), "The Secret whose entries become variables."},
};
constexpr object_type variables_source{"EnvFromSource", "An object whose entries become variables.",
                                       variables_source_fields};

// Ports

constexpr std::array port_fields{
    field{"containerPort", port_number(), "Where the container listens."}.needed("say where the container listens"),
    field{"name", text(port_name), "Names the port."},
    field{"hostPort", port_number(), "A port of the node that leads to it; no two Pods of a node have the same."},
    field{"protocol", words("TCP|UDP|SCTP"), "The protocol."}.by_default("TCP").without(
        "SCTP", "the network of Pods carries TCP and UDP"),
    field{"hostIP", text(), "The only address of the node at which hostPort leads to it."}.refused(
        "a host port leads to its Pod from every address of the node"),
};
constexpr object_type port_entry{"ContainerPort", "A port at which a container listens.", port_fields};

constexpr field rik_protocol =
    field{"protocol", words_of_any_case("TCP|UDP|SCTP"), "The protocol."}.by_default("TCP").without(
        "SCTP", "the network of Pods carries TCP and UDP");

constexpr std::array rik_port_fields{
    field{"containerPort", port_number(), "Where the container listens."},
    field{"name", text(dns_label), "Names the port."},
    rik_protocol,
    field{"port", port_number(), "The port of a service, and where the container listens if nothing else says."},
    field{"targetPort", port_number(), "Where the container listens."},
    field{"target_port", port_number(), "The same as targetPort."},
    field{"type", words_of_any_case("clusterIP|nodePort|loadBalancer"), "How the port is offered."}.kept(
        services_come_later),
};
constexpr object_type rik_port_entry{"Port", "A port at which a container listens, in RIK's form.", rik_port_fields,
                                     &port_entry};

// Resources

constexpr field hugepages(std::string_view name) {
    return field{name, quantity(), "Bytes in huge pages."}.refused("nodes offer no huge pages");
}
/// Devices and the like, whatever their names.
constexpr field extended_row =
    field{any_extended_name, quantity(), "A resource that some nodes offer, such as a GPU."}.refused(
        "nodes offer processors, memory and disk only");

constexpr std::array request_fields{
    field{resource::cpu, quantity(), "Cores, for example 2 or 500m."},
    field{resource::memory, quantity(), "Bytes, for example 64Mi."},
    field{resource::storage, quantity(), "Bytes on the node's disk."},
    hugepages("hugepages-2Mi"),
    hugepages("hugepages-1Gi"),
    extended_row,
};
constexpr object_type requests{"Requests", "What a node must have free.", request_fields};

constexpr std::array limit_fields{
    field{resource::cpu, quantity(), "Cores, for example 2 or 500m."},
    field{resource::memory, quantity(), "Bytes, for example 64Mi; what needs more is ended."},
    field{resource::storage, quantity(), "Bytes on the node's disk; a Pod that stores more is ended."},
    hugepages("hugepages-2Mi"),
    hugepages("hugepages-1Gi"),
    field{"pids", quantity(), "The number of processes."}.refused(
        "each container may have 4096 processes; another number cannot be asked for yet"),
    extended_row,
};
constexpr object_type limits_type{"Limits", "What may be used.", limit_fields};

constexpr std::array resource_fields{
    field{"requests", object(requests), "What a node must have free; a limit stands for a missing one."},
    field{"limits", object(limits_type), "What may be used."},
    field{"claims", list(anything()), "Devices that are claimed for the Pod."}.refused(
        "nodes offer no devices to be claimed"),
};

// Security

constexpr std::array capabilities_fields{
    field{"add", list(text(capability_name)), "What the container gets beside the usual ones."},
    field{"drop", list(text(capability_name)), "What is taken from it; ALL takes all."},
};
constexpr object_type capabilities{"Capabilities", "The parts of root's rights that a container has.",
                                   capabilities_fields};

constexpr std::array seccomp_fields{
    field{"type", words("RuntimeDefault|Unconfined|Localhost"), "Which filter of system calls applies."}
        .by_default("RuntimeDefault")
        .without("Unconfined|Localhost", "every container has RIK's own filter of system calls"),
    field{"localhostProfile", text(), "The file of the filter."}.refused("the filter is RIK's own"),
};
constexpr std::array apparmor_fields{
    field{"type", words("RuntimeDefault|Unconfined|Localhost"), "Which profile applies."}
        .by_default("Unconfined")
        .without("Localhost", "profiles of AppArmor are not set by RIK")
        .kept("profiles of AppArmor are not set by RIK"),
    field{"localhostProfile", text(), "The name of the profile."}.refused("profiles of AppArmor are not set by RIK"),
};
constexpr std::array selinux_fields{
    field{"user", text(), "The user part of the label."},
    field{"role", text(), "The role part of the label."},
    field{"type", text(), "The type part of the label."},
    field{"level", text(), "The level part of the label."},
};
constexpr std::array windows_fields{
    field{"gmsaCredentialSpecName", text(), "The name of the credentials."},
    field{"gmsaCredentialSpec", text(), "The credentials."},
    field{"runAsUserName", text(), "The user."},
    field{"hostProcess", boolean(), "Whether it runs as a process of the host."},
};

constexpr std::array container_security_fields{
    field{"runAsUser", integer(), "The number of the user that the program runs as."}.by_default("that of the image"),
    field{"runAsGroup", integer(), "The number of the program's group."}.by_default("that of the image"),
    field{"runAsNonRoot", boolean(), "Refuse to start the program as root."}.by_default("false"),
    field{"readOnlyRootFilesystem", boolean(), "Whether the root file system cannot be written."}.by_default("false"),
    field{"capabilities", object(capabilities), "The parts of root's rights that it has."},
    field{"privileged", boolean(), "Whether it has all rights on the node."}.by_default("false").refused(
        "no container has all rights on its node"),
    field{"allowPrivilegeEscalation", boolean(), "Whether programs may gain rights, as sudo does."}
        .by_default("false")
        .refused("no container of RIK may gain rights"),
    field{"procMount", words("Default|Unmasked"), "Which parts of /proc are hidden."}.by_default("Default").without(
        "Unmasked", "parts of /proc are always hidden"),
    field{"seccompProfile", object(seccomp_profile), "The filter of system calls."},
    field{"appArmorProfile", object(apparmor_profile), "The profile of AppArmor."},
    field{"seLinuxOptions", object(selinux_options), "The label of SELinux."}.refused(
        "labels of SELinux are not set by RIK"),
    field{"windowsOptions", object(windows_options), "What only Windows knows."}.refused("RIK runs on Linux"),
};
constexpr object_type security_context{"SecurityContext", "The rights of a container.", container_security_fields};

// Containers

constexpr std::array resize_fields{
    field{"resourceName", text(), "The resource."},
    field{"restartPolicy", words("NotRequired|RestartContainer"), "What a change of it needs."},
};
constexpr object_type resize_policy{"ContainerResizePolicy", "What a change of resources needs.", resize_fields};

constexpr std::array container_fields{
    field{"name", text(dns_label), "Names the container; unique in its Pod."}.needed("name the container"),
    field{"image", text(image_text), "The image that it runs."}.needed(
        "write [docker://][registry/]name[:tag][@sha256:digest], oci:/path[:tag] or docker-archive:/path[:reference]"),
    field{"imagePullPolicy", words("Always|IfNotPresent|Never"), "When the registry is asked for the image."}
        .by_default("Always for the tag latest, else IfNotPresent"),
    field{"command", list(text()), "The program and its first words, in place of the image's entrypoint."},
    field{"args", list(text()), "The words behind the command, in place of the image's command."},
    field{"env", list(object(variable)), "Variables of the environment, beside those of the image."},
    field{"envFrom", list(object(variables_source)), "Objects whose entries become variables."}.refused(
        configuration_comes_later),
    field{"workingDir", text(absolute_path), "The directory in which it starts."}.by_default("that of the image"),
    field{"ports", list(object(port_entry)), "Where it listens."},
    field{"resources", object(resource_requirements), "What it needs and may use."},
    field{"securityContext", object(security_context), "Its rights."},
    field{"livenessProbe", object(probe), "Tells whether it must be started anew."},
    field{"readinessProbe", object(probe), "Tells whether it can be asked."},
    field{"startupProbe", object(probe), "Tells whether it has started; until then the others are not asked."},
    field{"lifecycle", object(lifecycle), "What is done after its start and before its end."},
    field{"restartPolicy", words("Always|OnFailure|Never"), "When it is started again, if not as its Pod says."}
        .refused("a container is started again as its Pod says; only an init container may say Always, and is a "
                 "sidecar then"),
    field{"restartPolicyRules", list(anything()), "When it is started again, by its exit code."}.refused(
        "whether a container is started again follows from its Pod's policy alone"),
    field{"volumeMounts", list(object(volume_mount)), "Which volumes it sees, and where."},
    field{"volumeDevices", list(object(volume_device)), "Which volumes it sees as devices."}.refused(
        "no volume of RIK is a device"),
    field{"resizePolicy", list(object(resize_policy)), "What a change of its resources needs."}.kept(
        "the resources of a running container do not change"),
    field{"stdin", boolean(), "Whether its standard input is kept open."}.by_default("false").kept(
        "its standard input is empty"),
    field{"stdinOnce", boolean(), "Whether its standard input ends with the first client."}.by_default("false").kept(
        "its standard input is empty"),
    field{"tty", boolean(), "Whether it has a terminal."}.by_default("false").kept("it has no terminal"),
    field{"terminationMessagePath", text(absolute_path), "The file in which it says why it ended."}
        .by_default("/dev/termination-log")
        .kept("the reason of an end is its exit code and its log"),
    field{"terminationMessagePolicy", words("File|FallbackToLogsOnError"), "Where the reason of its end is found."}
        .by_default("File")
        .kept("the reason of an end is its exit code and its log"),
};

constexpr field rik_ports =
    field{"ports", list_or_one(object(rik_port_entry)), "Where it listens: one object, or a list."};
constexpr field rik_network = field{"network", list_or_one(object(rik_port_entry)), "The same as ports."};

constexpr std::array rik_container_fields{
    field{"role", words("main|sidecar|init"), "Whether it is the program itself, helps it, or prepares its start."}
        .by_default("main"),
    rik_ports,
    rik_network,
};

constexpr std::array init_container_fields{
    field{"restartPolicy", words("Always|OnFailure|Never"),
          "With Always it is a sidecar: it runs beside the others and ends after them."}
        .without("OnFailure|Never", "an init container is started again as its Pod says"),
};
constexpr std::array rik_init_container_fields{rik_ports, rik_network};

}  // namespace

constinit object_type const variable{"EnvVar", "A variable of the environment.", variable_fields};
constinit object_type const resource_requirements{"ResourceRequirements", "What is needed and may be used.",
                                                  resource_fields};
constinit object_type const seccomp_profile{"SeccompProfile", "A filter of system calls.", seccomp_fields};
constinit object_type const apparmor_profile{"AppArmorProfile", "A profile of AppArmor.", apparmor_fields};
constinit object_type const selinux_options{"SELinuxOptions", "A label of SELinux.", selinux_fields};
constinit object_type const windows_options{"WindowsSecurityContextOptions", "What only Windows knows.",
                                            windows_fields};
constinit object_type const container{"Container", "A program in an image, with its variables and rights.",
                                      container_fields};
constinit object_type const rik_container{"Container", "A program in an image, with its variables and rights.",
                                          rik_container_fields, &container};
constinit object_type const init_container{"InitContainer",
                                           "A program that ends before the main ones start, or a sidecar.",
                                           init_container_fields, &container};
constinit object_type const rik_init_container{"InitContainer",
                                               "A program that ends before the main ones start, or a sidecar.",
                                               rik_init_container_fields, &init_container};

}  // namespace rik::detail::rows
