// How the rows of the table of fields are written, and the objects that they name.
#pragma once

#include <rik/model/fields.hpp>

namespace rik::detail::rows {

// Values. Each is a constant expression, so that the table costs nothing at start.

constexpr value_type text(text_format const& format) { return {.kind = value_kind::text, .format = &format}; }
constexpr value_type text() { return {.kind = value_kind::text}; }
constexpr value_type words(std::string_view list) { return {.kind = value_kind::word, .words = list}; }
constexpr value_type words_of_any_case(std::string_view list) {
    return {.kind = value_kind::word, .words = list, .has_any_case = true};
}
constexpr value_type boolean() { return {.kind = value_kind::boolean}; }
constexpr value_type integer(std::int64_t min = 0, std::int64_t max = std::numeric_limits<std::int32_t>::max()) {
    return {.kind = value_kind::integer, .min = min, .max = max};
}
constexpr value_type quantity() { return {.kind = value_kind::quantity}; }
constexpr value_type port() { return {.kind = value_kind::port, .min = 1, .max = 65535}; }
constexpr value_type port_number() { return integer(1, 65535); }
constexpr value_type share() { return {.kind = value_kind::share}; }
constexpr value_type object(object_type const& of) { return {.kind = value_kind::object, .object = &of}; }
constexpr value_type anything() { return {.kind = value_kind::anything}; }
constexpr value_type list(value_type of) {
    of.count = value_count::list;
    return of;
}
constexpr value_type list_or_one(value_type of) {
    of.count = value_count::list_or_one;
    return of;
}
constexpr value_type map(text_format const& keys, value_type of) {
    of.count = value_count::map;
    of.key_format = &keys;
    return of;
}

// Syntax of texts.

extern text_format const dns_label;
extern text_format const dns_label_or_none;  ///< empty says that there is none
extern text_format const dns_subdomain;
extern text_format const object_name;
extern text_format const label_key;
extern text_format const label_value;
extern text_format const image_text;
extern text_format const absolute_path;
extern text_format const variable_name;
extern text_format const field_path;
extern text_format const port_name;
extern text_format const ip_address;
extern text_format const rootfs_text;
extern text_format const sha256_text;
extern text_format const capability_name;
extern text_format const header_name;
extern text_format const header_value;
extern text_format const host_name;
extern text_format const mount_path;
extern text_format const sub_path;

// Objects, by the file that has them.

extern object_type const list_type, object_meta, rik_pod, rik_function, kubernetes_pod, rik_tenant,
    kubernetes_namespace;  // forms
extern object_type const kubernetes_replica_set, kubernetes_deployment, kubernetes_daemon_set, rik_replica_set,
    rik_deployment, rik_daemon_set, kubernetes_stateful_set, rik_stateful_set;        // managed
extern object_type const selector, object_template_meta;                              // the same
extern object_type const kubernetes_job, kubernetes_cron_job, rik_job, rik_cron_job;  // job
extern object_type const pod_spec, rik_pod_spec;                                      // pod
extern object_type const container, rik_container, init_container, rik_init_container, resource_requirements;
extern object_type const variable;
extern object_type const function, function_spec;  // function
extern object_type const label_selector, toleration;
extern object_type const probe, function_probe, lifecycle;
extern object_type const volume, volume_mount, volume_device;
extern object_type const seccomp_profile, apparmor_profile, selinux_options, windows_options;

inline constexpr std::string_view rootfs_remedy =
    "give an http, https or file URL, an absolute path on the node, or an image as docker://NAME or oci:/PATH";
inline constexpr std::string_view told_by_the_server = "it is what a server says of an object, not what is wanted";
inline constexpr std::string_view services_come_later =
    "node ports, load balancers and service ports come with a later version";

}  // namespace rik::detail::rows
