// The reading half of the codec.
#include <rik/model/codec.hpp>
#include <rik/model/held_image.hpp>

#include "model/json_detail.hpp"

#include <fmt/format.h>

namespace rik {

namespace detail {

static void read_value(json::value const& from, workload_kind& into, read_failure& failure) {
    read_word(from, into, parse_workload_kind, failure);
}
static void read_value(json::value const& from, restart_policy& into, read_failure& failure) {
    read_word(from, into, parse_restart_policy, failure);
}
static void read_value(json::value const& from, image_pull_policy& into, read_failure& failure) {
    read_word(from, into, parse_image_pull_policy, failure);
}
static void read_value(json::value const& from, port_protocol& into, read_failure& failure) {
    read_word(from, into, parse_port_protocol, failure);
}
static void read_value(json::value const& from, instance_state& into, read_failure& failure) {
    read_word(from, into, parse_instance_state, failure);
}
static void read_value(json::value const& from, container_state& into, read_failure& failure) {
    read_word(from, into, parse_container_state, failure);
}
static void read_value(json::value const& from, node_state& into, read_failure& failure) {
    read_word(from, into, parse_node_state, failure);
}

static void read_members(member_reader& members, environment_variable& into) {
    members.need("name", into.name);
    members.need("value", into.value);
}

static void read_members(member_reader& members, container_port& into) {
    members.get("name", into.name);
    members.need("port", into.port);
    members.get("host_port", into.host_port);
    members.get("protocol", into.protocol);
}

static void read_members(member_reader& members, container_definition& into) {
    members.need("name", into.name);
    members.need("image", into.image);
    members.get("pull_policy", into.pull_policy);
    members.get("command", into.command);
    members.get("args", into.args);
    members.get("env", into.env);
    members.get("working_dir", into.working_dir);
    members.get("ports", into.ports);
    members.get("requests", into.requests);
    members.get("limits", into.limits);
}

static void read_members(member_reader& members, function_definition& into) {
    members.need("rootfs", into.rootfs);
    members.get("port", into.port);
    members.get("target_port", into.target_port);
}

static void read_members(member_reader& members, instance_template& into) {
    std::int64_t grace_period_ns = into.grace_period.count();
    members.need("kind", into.kind);
    members.get("labels", into.labels);
    members.get("containers", into.containers);
    members.get("function", into.function);
    members.get("restart", into.restart);
    members.get("grace_period_ns", grace_period_ns);
    members.get("hostname", into.hostname);
    into.grace_period = duration(grace_period_ns);
}

static void read_members(member_reader& members, workload& into) {
    members.need("id", into.id);
    members.need("tenant", into.tenant);
    members.need("name", into.name);
    members.need("kind", into.kind);
    members.get("labels", into.labels);
    members.get("annotations", into.annotations);
    members.get("replicas", into.replicas);
    members.need("definition", into.definition);
    members.need("release", into.current_release);
    members.need("created_at", into.created_at);
    members.need("generation", into.generation);
    members.get("deleting_since", into.deleting_since);
}

static void read_members(member_reader& members, release& into) {
    members.need("id", into.id);
    members.need("workload", into.workload);
    members.need("number", into.number);
    members.need("pod", into.pod);
    members.need("requests", into.requests);
}

static void read_members(member_reader& members, node_binding& into) {
    members.need("node", into.node);
    members.need("fence", into.fence);
    members.get("condemned", into.condemned);
    members.get("vacated", into.vacated);
}

static void read_members(member_reader& members, container_status& into) {
    members.need("name", into.name);
    members.need("state", into.state);
    members.get("reason", into.reason);
    members.get("message", into.message);
    members.get("image_digest", into.image_digest);
    members.get("exit_code", into.exit_code);
    members.get("started_at", into.started_at);
    members.get("finished_at", into.finished_at);
    members.get("restart_count", into.restart_count);
}

static void read_members(member_reader& members, instance_status& into) {
    members.need("state", into.state);
    members.get("reason", into.reason);
    members.get("message", into.message);
    members.need("since", into.since);
    members.get("seq", into.seq);
    members.get("ready", into.ready);
    members.get("ready_since", into.ready_since);
    members.get("addresses", into.addresses);
    members.get("containers", into.containers);
}

/// An instance as stored: it names its release, and does not hold it.
struct stored_instance {
    instance_fields fields;
    release_id release;
};

static void read_members(member_reader& members, stored_instance& into) {
    members.need("id", into.fields.id);
    members.need("tenant", into.fields.tenant);
    members.need("name", into.fields.name);
    members.get("owner", into.fields.owner);
    members.need("release", into.release);
    members.need("created_at", into.fields.created_at);
    members.need("generation", into.fields.generation);
    members.get("binding", into.fields.binding);
    members.get("deleting_since", into.fields.deleting_since);
    members.need("status", into.fields.status);
    // Older rows do not say it.
    if (into.fields.binding && is_finished(into.fields.status.state)) into.fields.binding->vacated = true;
}

static void read_members(member_reader& members, node_trouble& into) {
    members.need("reason", into.reason);
    members.need("message", into.message);
}

static void read_members(member_reader& members, node_facts& into) {
    members.need("name", into.name);
    members.get("boot_id", into.boot_id);
    members.get("version", into.version);
    members.get("capacity", into.capacity);
    members.get("labels", into.labels);
    members.get("runtimes", into.runtimes);
    members.get("addresses", into.addresses);
    members.get("troubles", into.troubles);
}

static void read_members(member_reader& members, node& into) {
    members.need("id", into.id);
    members.need("facts", into.facts);
    members.get("pod_subnet", into.pod_subnet);
    members.need("state", into.state);
    members.need("state_since", into.state_since);
    members.need("created_at", into.created_at);
}

static void read_members(member_reader& members, document& into) {
    members.need("kind", into.key.kind);
    members.need("tenant", into.key.tenant);
    members.need("name", into.key.name);
    members.get("about", into.about);
    members.need("json", into.json);
}

static void read_members(member_reader& members, held_image& into) {
    members.need("digest", into.digest);
    members.get("names", into.names);
    members.get("size_bytes", into.size_bytes);
    members.get("pulled_at", into.pulled_at);
    members.get("used_by", into.used_by);
}

/// Every object with members is a value, too.
template <class Object>
requires requires(member_reader& members, Object& object) { read_members(members, object); }
static void read_value(json::value const& from, Object& into, read_failure& failure) {
    auto const* object = object_in(from, failure);
    if (object == nullptr) return;
    member_reader members(*object, failure);
    read_members(members, into);
}

template <class Object>
static result<Object> decode(std::string_view text, std::string_view name) {
    // Messages of programs may hold any bytes; what was written must be readable.
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    json_arena arena;
    json::error_code failed;
    auto const parsed = json::parse(text, failed, arena.storage(), options);
    if (failed) return error{errc::corrupt, fmt::format("{}: {}", name, failed.message())};
    Object object{};
    read_failure failure;
    read_value(parsed, object, failure);
    if (failure.happened()) return failure.as_error(name);
    return object;
}

}  // namespace detail

result<workload> decode_workload(std::string_view text) { return detail::decode<workload>(text, "workload"); }
result<release> decode_release(std::string_view text) { return detail::decode<release>(text, "release"); }
result<node> decode_node(std::string_view text) { return detail::decode<node>(text, "node"); }
result<document> decode_document(std::string_view text) { return detail::decode<document>(text, "document"); }

result<instance_status> decode_instance_status(std::string_view text) {
    return detail::decode<instance_status>(text, "instance status");
}

result<instance_template> decode_instance_template(std::string_view text) {
    return detail::decode<instance_template>(text, "instance template");
}

result<std::vector<held_image>> decode_held_images(std::string_view text) {
    return detail::decode<std::vector<held_image>>(text, "images");
}

result<instance> decode_instance(std::string_view text, release_source const& releases) {
    auto stored = detail::decode<detail::stored_instance>(text, "instance");
    if (!stored) return stored.error();
    stored->fields.pod_release = releases.find_release(stored->release);
    if (stored->fields.pod_release == nullptr)
        return error{errc::corrupt, fmt::format("instance {}: its release {} is not there", stored->fields.id.text(),
                                                stored->release.text())};
    return instance(std::move(stored->fields));
}

}  // namespace rik
