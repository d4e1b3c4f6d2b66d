// Workload definitions: what a user writes, checked and parsed.
#pragma once

#include <rik/base/error.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/string_map.hpp>
#include <rik/base/time.hpp>
#include <rik/model/resources.hpp>
#include <rik/model/taint.hpp>
#include <rik/model/upkeep.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rik {

std::string_view to_string(workload_kind kind);  ///< "Pod", "ReplicaSet": as in a definition
std::optional<workload_kind> parse_workload_kind(std::string_view text);

/// What an instance is, whatever kind of workload it is made for: the containers of a Pod, or a microVM.
enum class instance_form : std::uint8_t { pod, function };
std::string_view to_string(instance_form form);  ///< "Pod", "Function"

enum class restart_policy : std::uint8_t { always, on_failure, never };
std::string_view to_string(restart_policy policy);  ///< "Always", "OnFailure", "Never"
std::optional<restart_policy> parse_restart_policy(std::string_view text);

/// How long a container waits before it starts again: not at all after its first end, then `first`, doubled up to
/// `max`. After `reset_after` of running all is forgotten.   Source: Kubernetes, "Container restarts".
struct restart_delays {
    duration first = std::chrono::seconds(10);
    duration max = std::chrono::minutes(5);
    duration reset_after = std::chrono::minutes(10);
    friend bool operator==(restart_delays const&, restart_delays const&) = default;
};

enum class container_role : std::uint8_t {
    init,     ///< ends with 0 before what comes after it starts
    sidecar,  ///< has started before what comes after it starts; runs as long as the main containers do
    main,
};
std::string_view to_string(container_role role);  ///< "init", "sidecar", "main"
std::optional<container_role> parse_container_role(std::string_view text);

enum class port_protocol : std::uint8_t { tcp, udp };
std::string_view to_string(port_protocol protocol);  ///< "TCP", "UDP"
std::optional<port_protocol> parse_port_protocol(std::string_view text);

/// When the registry of a container's image is asked.
enum class image_pull_policy : std::uint8_t { always, if_not_present, never };
std::string_view to_string(image_pull_policy policy);  ///< "Always", "IfNotPresent", "Never"
std::optional<image_pull_policy> parse_image_pull_policy(std::string_view text);

/// Where the name servers of a Pod come from. There is no DNS of the cluster yet: but for `none` it is the node.
enum class dns_policy : std::uint8_t { cluster_first, cluster_first_with_host_net, node, none };
std::string_view to_string(dns_policy policy);  ///< "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"
std::optional<dns_policy> parse_dns_policy(std::string_view text);

/// How a definition is written. RIK's form has its name at the top, Kubernetes' has `metadata`.
enum class definition_form : std::uint8_t { rik, kubernetes };
std::string_view to_string(definition_form form);  ///< "RIK's form", "Kubernetes' form"

/// A field of the instance, known to its node.   Source: Kubernetes, "Downward API".
struct field_reference {
    /// metadata.name, .namespace, .uid, .labels['KEY'], .annotations['KEY'], spec.nodeName, status.podIP(s), .hostIP(s)
    std::string path;
    friend bool operator==(field_reference const&, field_reference const&) = default;
};

/// A request or limit of a container, in units of `divisor`, rounded up. A limit that is not set is what the node has.
struct amount_reference {
    std::string container = {};  ///< empty: the one with the variable
    std::string resource;
    bool is_limit = false;
    std::int64_t divisor = 1;  ///< of cpu in thousandths of a core
    friend bool operator==(amount_reference const&, amount_reference const&) = default;
};

struct environment_variable {
    std::string name;
    std::string value;
    std::variant<std::monostate, field_reference, amount_reference> from = {};  ///< in place of `value`

    bool is_written() const { return from.index() == 0; }
    friend bool operator==(environment_variable const&, environment_variable const&) = default;
};

/// One entry of a container's ports. `host_port` 0 means none.
struct container_port {
    std::string name = {};
    std::uint16_t port = 0;  ///< in the container
    std::uint16_t host_port = 0;
    port_protocol protocol = port_protocol::tcp;
    friend bool operator==(container_port const&, container_port const&) = default;
};

/// What a container may do. What is not set is as the image says.
struct container_rights {
    std::optional<std::int64_t> user = {};
    std::optional<std::int64_t> group = {};
    bool is_never_root = false;  ///< refuse to start as root
    bool has_read_only_root = false;
    std::vector<std::string> added_capabilities = {};  ///< "NET_ADMIN", "ALL"; without "CAP_"
    std::vector<std::string> dropped_capabilities =
        {};  ///< the same; names count more than ALL, and of one name the drop
    friend bool operator==(container_rights const&, container_rights const&) = default;
};

/// Runs a program in the container; it has succeeded if it exits with 0.
struct exec_action {
    std::vector<std::string> command;
    friend bool operator==(exec_action const&, exec_action const&) = default;
};

struct http_header {
    std::string name;
    std::string value;
    friend bool operator==(http_header const&, http_header const&) = default;
};

/// Asks by HTTP; 200 to 399 is success. A certificate is not checked.
struct http_action {
    std::uint16_t port = 0;
    std::string path = "/";
    bool is_https = false;
    std::string host = {};  ///< empty: the Pod's address
    std::vector<http_header> headers = {};
    friend bool operator==(http_action const&, http_action const&) = default;
};

/// Makes a connection and closes it.
struct tcp_action {
    std::uint16_t port = 0;
    std::string host = {};  ///< empty: the Pod's address
    friend bool operator==(tcp_action const&, tcp_action const&) = default;
};

/// Asks the health service of gRPC.   Source: grpc/health/v1/health.proto
struct grpc_action {
    std::uint16_t port = 0;
    std::string service = {};
    friend bool operator==(grpc_action const&, grpc_action const&) = default;
};

struct sleep_action {
    duration time = {};
    friend bool operator==(sleep_action const&, sleep_action const&) = default;
};

using probe_action = std::variant<exec_action, http_action, tcp_action, grpc_action>;
using hook_action = std::variant<exec_action, http_action, tcp_action, sleep_action>;

/// When a probe is made, and how many answers in a row count.   Source: Kubernetes, "Configure Probes".
struct probe_rules {
    duration initial_delay = {};
    duration period = std::chrono::seconds(10);
    duration timeout = std::chrono::seconds(1);
    unsigned success_threshold = 1;
    unsigned failure_threshold = 3;
    std::optional<duration> grace = {};  ///< of a container that is ended because of it; nullopt: that of the Pod
    friend bool operator==(probe_rules const&, probe_rules const&) = default;
};

struct probe_definition {
    probe_action action;
    probe_rules rules = {};
    friend bool operator==(probe_definition const&, probe_definition const&) = default;
};

/// A directory that is made with the Pod, shared by its containers, kept over their restarts, and removed with it.
struct empty_dir {
    bool is_in_memory = false;
    std::int64_t bytes_max = 0;  ///< 0: no limit of its own
    friend bool operator==(empty_dir const&, empty_dir const&) = default;
};

struct volume_definition {
    std::string name;
    std::variant<empty_dir> source = {};
    friend bool operator==(volume_definition const&, volume_definition const&) = default;
};

/// A volume as a container finds it.
struct volume_mount {
    std::string volume;
    std::string path;           ///< in the container, absolute
    std::string sub_path = {};  ///< a directory below the volume's, made if it is missing; empty: all of it
    bool is_read_only = false;
    friend bool operator==(volume_mount const&, volume_mount const&) = default;
};

/// `command` replaces the image's entrypoint and command, `args` its command only.
/// Source: Kubernetes, "Define a Command and Arguments for a Container".
struct container_definition {
    std::string name;
    std::string image;
    container_role role = container_role::main;
    std::optional<image_pull_policy> pull_policy = {};  ///< nullopt: by the image's tag, see images::ensure
    std::optional<std::vector<std::string>> command = {};
    std::optional<std::vector<std::string>> args = {};
    std::vector<environment_variable> env = {};
    std::string working_dir = {};
    std::vector<container_port> ports = {};
    resources requests = {};  ///< includes those that follow from a limit alone
    resources limits = {};
    container_rights rights = {};  ///< those of its Pod where it says nothing itself
    std::vector<volume_mount> mounts = {};
    std::optional<probe_definition> startup = {};
    std::optional<probe_definition> readiness = {};
    std::optional<probe_definition> liveness = {};
    std::optional<hook_action> post_start = {};
    std::optional<hook_action> pre_stop = {};
    friend bool operator==(container_definition const&, container_definition const&) = default;
};

/// What a microVM has beside its one container.
struct function_definition {
    /// What its root file system is made from: an http, https or file URL, a path on the node, or an image, oci: or
    /// docker://.
    std::string rootfs;
    std::string sha256 = {};  ///< of what `rootfs` names, 64 hex digits in lower case; empty: it may be anything
    std::uint16_t port = 0;   ///< of the node that runs it; 0: one that is chosen for each instance
    std::uint16_t target_port = 8080;  ///< inside
    friend bool operator==(function_definition const&, function_definition const&) = default;
};

inline constexpr std::string_view function_unit_name = "function";

/// A line of /etc/hosts.
struct host_alias {
    std::string address;
    std::vector<std::string> names = {};
    friend bool operator==(host_alias const&, host_alias const&) = default;
};

struct dns_settings {
    dns_policy policy = dns_policy::cluster_first;
    std::vector<std::string> servers = {};   ///< beside those of the policy
    std::vector<std::string> searches = {};  ///< the same
    std::vector<std::string> options = {};   ///< "ndots:2"; one of a name that the policy has replaces it
    friend bool operator==(dns_settings const&, dns_settings const&) = default;
};

/// What every instance of a workload is made from.
struct instance_template {
    instance_form form = instance_form::pod;
    string_map labels = {};
    string_map annotations = {};  ///< of a managed kind; instances of others have those of their workload
    /// In the order of their starts: the main ones come last. Of a Function there is one, function_unit_name, a main
    /// one. Its image is the root file system, followed by "@sha256:" and the digest if there is one; its port leads to
    /// what is exposed.
    std::vector<container_definition> containers = {};
    std::vector<volume_definition> volumes = {};
    std::optional<function_definition> function = {};
    restart_policy restart = restart_policy::always;  ///< of the main containers and the init ones
    restart_delays delays = {};
    duration grace_period = limits::grace_period_default;
    std::string hostname = {};   ///< empty: the instance's name
    std::string node_name = {};  ///< empty: any node
    string_map node_selector = {};
    std::vector<toleration> tolerations = {};
    std::int32_t priority = 0;  ///< of what waits the highest is placed first
    bool has_host_network = false;
    dns_settings dns = {};
    std::vector<host_alias> host_aliases = {};
    std::vector<std::int64_t> groups = {};          ///< of every process, beside those of the image
    std::optional<std::int64_t> volume_group = {};  ///< owns the volumes; of every process, too (fsGroup)
    resources requests = {};                        ///< of all containers together; where it has none, the sum counts
    resources limits = {};                          ///< that all containers share
    friend bool operator==(instance_template const&, instance_template const&) = default;
};

/// Returns the name of the runtime that such an instance needs: "oci", "microvm".
std::string_view runtime_name(instance_form form);

/// Returns what an instance of such a form takes of its node beside what its containers ask for: nothing, or what runs
/// a machine.   Source: Kubernetes, "Pod Overhead"
resources overhead_of(instance_form form);

/// Returns what the Pod itself requests, else the sum over all containers, in which a limit stands for a missing
/// request; then its overhead, and one of `pods`.
resources effective_requests(instance_template const& from);

/// Returns true if a port is chosen for each instance: it is a Function whose definition names none.
bool needs_chosen_port(instance_template const& from);

/// Returns all entries with a host port, of all containers. `chosen` is that of a Function whose definition names none;
/// 0: none was chosen.
std::vector<container_port> host_ports(instance_template const& from, std::uint16_t chosen = 0);

struct workload_definition {
    definition_form form = definition_form::rik;
    workload_kind kind = workload_kind::pod;
    std::string name;
    std::string tenant = {};  ///< empty: it names none, and the call says which
    string_map labels = {};
    string_map annotations = {};
    std::uint32_t replicas = 1;
    instance_template spec = {};
    workload_upkeep upkeep = {};  ///< of a managed kind
    std::string text;             ///< canonical JSON: what was given, keys in the order received, YAML converted
};

/// The annotations that a container sees as those of its instance.
string_map const& instance_annotations(workload_definition const& of);

/// How long the node of an instance may be unheard before the instance is replaced; nullopt: for ever, as for instances
/// with an identity. In RIK's form 30 seconds where it says nothing; in Kubernetes' form as its template tolerates the
/// taint that such a node would have (node.kubernetes.io/unreachable:NoExecute), or 300 seconds.   Source: Kubernetes,
/// DefaultTolerationSeconds
std::optional<duration> tolerated_absence(workload_definition const& of);

/// Shared by all that is made from it. Never null in a stored object.
using definition_ptr = std::shared_ptr<workload_definition const>;

/// The result of parsing. The definition may be used exactly if `found` is empty. `warnings` name the fields that are
/// known but not acted on, one sentence each.
struct parsed_definition {
    workload_definition definition;
    problems found;
    std::vector<std::string> warnings;
};

/// Parses a definition of a workload, in either form. Bounded: limits::definition_bytes_max, _depth_max, _nodes_max.
/// Problems (errc::invalid; unsupported for a kind or field that comes later): syntax; a field that is missing, of the
/// wrong type, out of range or unknown - each with its path, its place in the text and a remedy. What is known of
/// fields stands in rik/model/fields.hpp.   Source: RIK's schema v1; the Kubernetes API, v1.
parsed_definition parse_definition_json(std::string_view text);

/// The same from YAML 1.2, which is converted to JSON first. Quoted scalars stay strings. There may be one document
/// besides empty ones, and no tags. Aliases, and merge keys (<<), count as what they stand for. The syntax is that of
/// Kubernetes' parser, which has the same origin.
parsed_definition parse_definition_yaml(std::string_view text);

/// Parses JSON if it begins with '{' and a name in double quotes, else YAML.
parsed_definition parse_definition(std::string_view text);

/// Writes `of` as compact JSON in its form, from its members: `of.text` is not looked at. parse_definition reads the
/// same from it if `of` is right; else it says what is wrong. What a Pod sets for all its containers is written in
/// each.
std::string definition_text(workload_definition const& of);

/// A tenant as a user writes it: `kind: Tenant` in RIK's form, `kind: Namespace` in Kubernetes'.
struct tenant_definition {
    std::string name;
    string_map labels = {};
    string_map annotations = {};
};

/// One definition of a file that may hold several.
struct definition_of_file {
    std::string text;  ///< as it is written in the file, of an item of a List as JSON: parse_definition gives the same
    parsed_definition parsed = {};
    std::optional<tenant_definition> tenant = {};  ///< it defines a tenant: `parsed` has problems and warnings only
};

/// Parses all definitions of a file: YAML documents, of which empty ones are skipped, or JSON values one after the
/// other; of a Kubernetes List its items. Positions in problems are those of the file. The limits of a definition hold
/// for each. After one whose syntax is wrong, parsing goes on at the next line "---". If `text` is not UTF-8, is longer
/// than limits::definition_file_bytes_max, or has more than limits::definitions_per_file_max, the last entry has an
/// empty text and says so in a problem.
std::vector<definition_of_file> parse_definition_file(std::string_view text);

/// `check_name` and `check_label_name` return what is wrong with `name` as a DNS-1123 subdomain (names of objects) or
/// label (names of containers); nullopt if nothing is.
/// Source: RFC 1123, Kubernetes "Object Names and IDs".
std::optional<error> check_name(std::string_view name, std::string_view field);
/// The same as `check_name`, for objects that can also be named by their id: a name that has the form of an id could
/// stand for another object.
std::optional<error> check_object_name(std::string_view name, std::string_view field);
std::optional<error> check_label_name(std::string_view name, std::string_view field);

}  // namespace rik
