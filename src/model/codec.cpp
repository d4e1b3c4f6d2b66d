#include <rik/model/codec.hpp>
#include <rik/model/node_image.hpp>
#include <rik/model/tenant.hpp>

#include "model/members_detail.hpp"

namespace rik {

namespace detail {

template <>
inline constexpr auto parser_of<workload_kind> = parse_workload_kind;
template <>
inline constexpr auto parser_of<instance_state> = parse_instance_state;
template <>
inline constexpr auto parser_of<container_state> = parse_container_state;
template <>
inline constexpr auto parser_of<node_state> = parse_node_state;
template <>
inline constexpr auto parser_of<taint_effect> = parse_taint_effect;

template <>
inline constexpr auto members_of<restart_wish> = std::tuple(needed("at", &restart_wish::at),
                                                            usual("at_once", &restart_wish::is_at_once));

// Of workloads and releases without the definition, of instances without the release: those are shared.

template <>
inline constexpr auto members_of<workload> =
    std::tuple(needed("id", &workload::id), needed("tenant", &workload::tenant), needed("name", &workload::name),
               needed("kind", &workload::kind), needed("replicas", &workload::replicas),
               needed("release", &workload::current_release), needed("created_at", &workload::created_at),
               needed("updated_at", &workload::updated_at), needed("generation", &workload::generation),
               usual("owner", &workload::owner), usual("finalizers", &workload::finalizers),
               usual("deleting_since", &workload::deleting_since), usual("applied", &workload::applied),
               usual("releases_made", &workload::releases_made), usual("paused_since", &workload::paused_since),
               usual("restart", &workload::restart), usual("orphans_instances", &workload::orphans_instances));

template <>
inline constexpr auto members_of<release> = std::tuple(needed("id", &release::id),
                                                       needed("workload", &release::workload),
                                                       needed("number", &release::number),
                                                       needed("created_at", &release::created_at));

template <>
inline constexpr auto members_of<node_binding> = std::tuple(needed("node", &node_binding::node),
                                                            needed("fence", &node_binding::fence),
                                                            usual("condemned", &node_binding::condemned),
                                                            usual("vacated", &node_binding::vacated));

template <>
inline constexpr auto members_of<container_end> = std::tuple(usual("reason", &container_end::reason),
                                                             usual("message", &container_end::message),
                                                             usual("exit_code", &container_end::exit_code),
                                                             usual("started_at", &container_end::started_at),
                                                             usual("finished_at", &container_end::finished_at));

template <>
inline constexpr auto parser_of<container_role> = parse_container_role;

template <>
inline constexpr auto members_of<container_status> =
    std::tuple(needed("name", &container_status::name), needed("state", &container_status::state),
               usual("reason", &container_status::reason), usual("message", &container_status::message),
               usual("image_digest", &container_status::image_digest), usual("exit_code", &container_status::exit_code),
               usual("started_at", &container_status::started_at), usual("finished_at", &container_status::finished_at),
               usual("restart_count", &container_status::restart_count), usual("role", &container_status::role),
               usual("started", &container_status::started), usual("ready", &container_status::ready),
               usual("starts_at", &container_status::starts_at), usual("last", &container_status::last));

template <>
inline constexpr auto members_of<instance_status> =
    std::tuple(needed("state", &instance_status::state), usual("reason", &instance_status::reason),
               usual("message", &instance_status::message), needed("since", &instance_status::since),
               usual("seq", &instance_status::seq), usual("ready", &instance_status::ready),
               usual("ready_since", &instance_status::ready_since), usual("addresses", &instance_status::addresses),
               usual("initialized_at", &instance_status::initialized_at), usual("restarts", &instance_status::restarts),
               usual("containers", &instance_status::containers));

template <>
inline constexpr auto members_of<instance_fields> =
    std::tuple(needed("id", &instance_fields::id), needed("tenant", &instance_fields::tenant),
               needed("name", &instance_fields::name), usual("owner", &instance_fields::owner),
               needed("created_at", &instance_fields::created_at), needed("generation", &instance_fields::generation),
               usual("binding", &instance_fields::binding), usual("deleting_since", &instance_fields::deleting_since),
               usual("restarts", &instance_fields::restarts), usual("index", &instance_fields::index),
               usual("meant_for", &instance_fields::meant_for), usual("labels", &instance_fields::labels),
               usual("exposed_port", &instance_fields::exposed_port), usual("counted", &instance_fields::is_counted),
               usual("disrupted", &instance_fields::is_disrupted), needed("status", &instance_fields::status));

template <>
inline constexpr auto members_of<node_trouble> = std::tuple(needed("reason", &node_trouble::reason),
                                                            needed("message", &node_trouble::message));

template <>
inline constexpr auto members_of<taint> = std::tuple(needed("key", &taint::key), usual("value", &taint::value),
                                                     needed("effect", &taint::effect));

template <>
inline constexpr auto members_of<remnant> = std::tuple(needed("instance", &remnant::instance),
                                                       needed("fence", &remnant::fence));

template <>
inline constexpr auto members_of<node_standing> = std::tuple(usual("cordoned", &node_standing::is_cordoned),
                                                             usual("declared_dead", &node_standing::is_dead),
                                                             usual("taints", &node_standing::taints));

template <>
inline constexpr auto members_of<node_facts> = std::tuple(
    needed("name", &node_facts::name), usual("boot_id", &node_facts::boot_id), usual("version", &node_facts::version),
    usual("capacity", &node_facts::capacity), usual("labels", &node_facts::labels),
    usual("runtimes", &node_facts::runtimes), usual("addresses", &node_facts::addresses),
    usual("troubles", &node_facts::troubles), usual("taints", &node_facts::taints),
    usual("pod_subnet", &node_facts::pod_subnet), usual("missing_runtimes", &node_facts::missing_runtimes));

/// Its effective labels follow from the others.
template <>
inline constexpr auto members_of<node> = std::tuple(
    needed("id", &node::id), needed("facts", &node::facts), usual("pod_subnet", &node::pod_subnet),
    needed("state", &node::state), needed("state_since", &node::state_since), needed("created_at", &node::created_at),
    usual("updated_at", &node::updated_at), usual("generation", &node::generation), usual("standing", &node::standing),
    usual("labels", &node::operator_labels), usual("remnants", &node::remnants));

template <>
inline constexpr auto members_of<document_key> = std::tuple(needed("kind", &document_key::kind),
                                                            needed("tenant", &document_key::tenant),
                                                            needed("name", &document_key::name));

template <>
inline constexpr auto members_of<document> = std::tuple(needed("key", &document::key), usual("about", &document::about),
                                                        needed("json", &document::json));

template <>
inline constexpr auto members_of<node_image> = std::tuple(needed("digest", &node_image::digest),
                                                          usual("names", &node_image::names),
                                                          usual("size_bytes", &node_image::size_bytes),
                                                          usual("pulled_at", &node_image::pulled_at),
                                                          usual("used_by", &node_image::used_by));

namespace {

/// The described members of `object`, and one more.
template <class Object, class Value>
std::string text_with(Object const& object, std::string_view name, Value const& more) {
    json_text into;
    into.text.reserve(text_bytes_usual);
    object_writer members(into);
    write_members(members, object);
    members.put(name, more);
    members.end();
    return std::move(into.text);
}

template <class Object>
result<Object> read_as(std::string_view text, std::string_view name) {
    Object object{};
    auto const read = read_text(
        text, name, [&](json::value const& from, read_failure& failure) { read_value(from, object, failure); });
    if (!read) return read.error();
    return object;
}

template <class Object, class Value>
result<void> read_with(std::string_view text, std::string_view object_name, Object& object, std::string_view name,
                       Value& more) {
    return read_text(text, object_name, [&](json::value const& from, read_failure& failure) {
        auto const* const found = object_in(from, failure);
        if (found == nullptr) return;
        member_reader members(*found, failure);
        read_members(members, object);
        members.need(name, more);
    });
}

/// What was accepted once is accepted for ever: so this fails only for a damaged text, or one of a newer version.
/// Its text need not name its tenant, which is then `tenant`.
result<definition_ptr> parse_stored(std::string_view text, std::string const& tenant, std::string const& of) {
    auto parsed = parse_definition_json(text);
    parsed.definition.tenant = tenant;
    if (parsed.found.empty()) return std::make_shared<workload_definition const>(std::move(parsed.definition));
    return error{errc::corrupt, fmt::format("{}: definition: {}", of, to_string(summarize(parsed.found)))};
}

}  // namespace

}  // namespace detail

std::string encode(workload const& object) { return detail::text_with(object, "definition", object.definition->text); }
std::string encode(release const& object) {
    auto const& tenant = object.definition->tenant;
    detail::json_text into;
    detail::object_writer members(into);
    detail::write_members(members, object);
    members.put("tenant", tenant.empty() ? std::string(default_tenant) : tenant);
    members.put("definition", object.definition->text);
    members.end();
    return std::move(into.text);
}
std::string encode(instance const& object) {
    return detail::text_with(object.fields(), "release", object.made_from()->id);
}
std::string encode(node const& object) { return detail::text_of(object); }
std::string encode(document const& object) { return detail::text_of(object); }
std::string encode(instance_status const& status) { return detail::text_of(status); }
std::string encode(std::vector<node_image> const& all) { return detail::text_of(all); }

result<node> decode_node(std::string_view text) {
    auto read = detail::read_as<node>(text, "node");
    if (read) settle_labels(*read);
    return read;
}
result<document> decode_document(std::string_view text) { return detail::read_as<document>(text, "document"); }

result<instance_status> decode_instance_status(std::string_view text) {
    return detail::read_as<instance_status>(text, "instance status");
}

result<std::vector<node_image>> decode_node_images(std::string_view text) {
    return detail::read_as<std::vector<node_image>>(text, "images");
}

result<release> decode_release(std::string_view text) {
    release object;
    std::string written;
    std::string tenant(default_tenant);  // the only one when releases did not say it
    auto const read = detail::read_text(text, "release", [&](auto const& from, detail::read_failure& failure) {
        auto const* const found = detail::object_in(from, failure);
        if (found == nullptr) return;
        detail::member_reader members(*found, failure);
        detail::read_members(members, object);
        members.get("tenant", tenant);
        members.need("definition", written);
    });
    if (!read) return read.error();
    auto definition = detail::parse_stored(written, tenant, "release " + object.id.text());
    if (!definition) return definition.error();
    object.definition = std::move(*definition);
    object.requests = effective_requests(object.spec());
    return object;
}

result<workload> decode_workload(std::string_view text, release_source const& releases) {
    workload object;
    std::string written;
    auto const read = detail::read_with(text, "workload", object, "definition", written);
    if (!read) return read.error();
    auto const current = releases.find_release(object.current_release);
    if (current != nullptr && current->definition->text == written) {
        object.definition = current->definition;
        return object;
    }
    auto definition = detail::parse_stored(written, object.tenant, "workload " + object.name);
    if (!definition) return definition.error();
    object.definition = std::move(*definition);
    return object;
}

result<instance> decode_instance(std::string_view text, release_source const& releases) {
    instance_fields fields;
    release_id made_from;
    auto const read = detail::read_with(text, "instance", fields, "release", made_from);
    if (!read) return read.error();
    fields.made_from = releases.find_release(made_from);
    if (fields.made_from == nullptr)
        return error{errc::corrupt,
                     fmt::format("instance {}: its release {} is not there", fields.id.text(), made_from.text())};
    return instance(std::move(fields));
}

}  // namespace rik
