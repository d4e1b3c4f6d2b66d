// The writing half of the codec; codec_decode.cpp reads what this writes. Members that have their usual value are left
// out, so the two must agree on what is usual.
#include <rik/model/codec.hpp>
#include <rik/model/held_image.hpp>

#include "model/json_detail.hpp"

namespace rik {

namespace detail {

static json::value to_json(environment_variable const& variable, json_arena& arena) {
    object_writer members(arena);
    members.put("name", variable.name);
    members.put("value", variable.value);
    return members.take();
}

static json::value to_json(container_port const& port, json_arena& arena) {
    object_writer members(arena);
    members.put_some("name", port.name);
    members.put("port", port.port);
    members.put_some("host_port", port.host_port);
    if (port.protocol != port_protocol::tcp) members.put("protocol", to_string(port.protocol));
    return members.take();
}

static json::value to_json(container_definition const& container, json_arena& arena) {
    object_writer members(arena);
    members.put("name", container.name);
    members.put("image", container.image);
    if (container.pull_policy) members.put("pull_policy", to_string(*container.pull_policy));
    members.put_some("command", container.command);
    members.put_some("args", container.args);
    members.put_some("env", container.env);
    members.put_some("working_dir", container.working_dir);
    members.put_some("ports", container.ports);
    members.put_some("requests", container.requests);
    members.put_some("limits", container.limits);
    return members.take();
}

static json::value to_json(function_definition const& function, json_arena& arena) {
    object_writer members(arena);
    members.put("rootfs", function.rootfs);
    members.put("port", function.port);
    members.put("target_port", function.target_port);
    return members.take();
}

static json::value to_json(instance_template const& pod, json_arena& arena) {
    object_writer members(arena);
    members.put("kind", to_string(pod.kind));
    members.put_some("labels", pod.labels);
    members.put_some("containers", pod.containers);
    members.put_some("function", pod.function);
    members.put("restart", to_string(pod.restart));
    members.put("grace_period_ns", pod.grace_period.count());
    members.put_some("hostname", pod.hostname);
    return members.take();
}

static json::value to_json(workload const& object, json_arena& arena) {
    object_writer members(arena);
    members.put("id", object.id);
    members.put("tenant", object.tenant);
    members.put("name", object.name);
    members.put("kind", to_string(object.kind));
    members.put_some("labels", object.labels);
    members.put_some("annotations", object.annotations);
    members.put("replicas", object.replicas);
    members.put("definition", object.definition);
    members.put("release", object.current_release);
    members.put("created_at", object.created_at);
    members.put("generation", object.generation);
    members.put_some("deleting_since", object.deleting_since);
    return members.take();
}

static json::value to_json(release const& object, json_arena& arena) {
    object_writer members(arena);
    members.put("id", object.id);
    members.put("workload", object.workload);
    members.put("number", object.number);
    members.put("pod", object.pod);
    members.put("requests", object.requests);
    return members.take();
}

static json::value to_json(node_binding const& binding, json_arena& arena) {
    object_writer members(arena);
    members.put("node", binding.node);
    members.put("fence", binding.fence);
    members.put_some("condemned", binding.condemned);
    members.put_some("vacated", binding.vacated);
    return members.take();
}

static json::value to_json(container_status const& status, json_arena& arena) {
    object_writer members(arena);
    members.put("name", status.name);
    members.put("state", to_string(status.state));
    members.put_some("reason", status.reason);
    members.put_some("message", status.message);
    members.put_some("image_digest", status.image_digest);
    members.put_some("exit_code", status.exit_code);
    members.put_some("started_at", status.started_at);
    members.put_some("finished_at", status.finished_at);
    members.put_some("restart_count", status.restart_count);
    return members.take();
}

static json::value to_json(instance_status const& status, json_arena& arena) {
    object_writer members(arena);
    members.put("state", to_string(status.state));
    members.put_some("reason", status.reason);
    members.put_some("message", status.message);
    members.put("since", status.since);
    members.put_some("seq", status.seq);
    members.put_some("ready", status.ready);
    members.put_some("ready_since", status.ready_since);
    members.put_some("addresses", status.addresses);
    members.put_some("containers", status.containers);
    return members.take();
}

static json::value to_json(instance const& object, json_arena& arena) {
    object_writer members(arena);
    members.put("id", object.id());
    members.put("tenant", object.tenant());
    members.put("name", object.name());
    members.put_some("owner", object.owner());
    if (object.pod_release() != nullptr) members.put("release", object.pod_release()->id);
    members.put("created_at", object.created_at());
    members.put("generation", object.generation());
    members.put_some("binding", object.binding());
    members.put_some("deleting_since", object.deleting_since());
    members.put("status", object.status());
    return members.take();
}

static json::value to_json(node_trouble const& trouble, json_arena& arena) {
    object_writer members(arena);
    members.put("reason", trouble.reason);
    members.put("message", trouble.message);
    return members.take();
}

static json::value to_json(node_facts const& facts, json_arena& arena) {
    object_writer members(arena);
    members.put("name", facts.name);
    members.put_some("boot_id", facts.boot_id);
    members.put_some("version", facts.version);
    members.put_some("capacity", facts.capacity);
    members.put_some("labels", facts.labels);
    members.put_some("runtimes", facts.runtimes);
    members.put_some("addresses", facts.addresses);
    members.put_some("troubles", facts.troubles);
    return members.take();
}

static json::value to_json(node const& object, json_arena& arena) {
    object_writer members(arena);
    members.put("id", object.id);
    members.put("facts", object.facts);
    members.put_some("pod_subnet", object.pod_subnet);
    members.put("state", to_string(object.state));
    members.put("state_since", object.state_since);
    members.put("created_at", object.created_at);
    return members.take();
}

static json::value to_json(document const& object, json_arena& arena) {
    object_writer members(arena);
    members.put("kind", object.key.kind);
    members.put("tenant", object.key.tenant);
    members.put("name", object.key.name);
    members.put_some("about", object.about);
    members.put("json", object.json);
    return members.take();
}

static json::value to_json(held_image const& image, json_arena& arena) {
    object_writer members(arena);
    members.put("digest", image.digest);
    members.put_some("names", image.names);
    members.put_some("size_bytes", image.size_bytes);
    members.put_some("pulled_at", image.pulled_at);
    members.put_some("used_by", image.used_by);
    return members.take();
}

template <class Object>
static std::string text_of(Object const& object) {
    json_arena arena;
    return json::serialize(to_json(object, arena));
}

}  // namespace detail

std::string encode(workload const& object) { return detail::text_of(object); }
std::string encode(release const& object) { return detail::text_of(object); }
std::string encode(instance const& object) { return detail::text_of(object); }
std::string encode(node const& object) { return detail::text_of(object); }
std::string encode(document const& object) { return detail::text_of(object); }
std::string encode(instance_status const& status) { return detail::text_of(status); }
std::string encode(instance_template const& pod) { return detail::text_of(pod); }
std::string encode(std::vector<held_image> const& all) { return detail::text_of(all); }

}  // namespace rik
