// spec.function of a definition: a microVM as one container.
#include "model/definition_fields.hpp"
#include "model/definition_limits.hpp"
#include "model/definition_tree.hpp"
#include "model/fields/rows_detail.hpp"

#include <rik/base/quantity.hpp>
#include <rik/model/image_name.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::string_view digest_mark = "@sha256:";

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter; }

bool has_digest(std::string_view name) {
    auto const mark = name.rfind(digest_mark);
    return mark != name.npos && is_image_digest(name.substr(mark + 1));
}

/// One of an image is part of its name.
void check_digest(field_reader const& execution, function_definition const& function, std::string const& image) {
    auto const path = execution.path_of("sha256");
    if (has_digest(function.rootfs))
        return execution.notes().problem(path, "stands beside a digest in rootfs", "keep one of the two");
    auto const is_image = function.rootfs.starts_with("docker://") || function.rootfs.starts_with("oci:");
    if (!is_image || !parse_image_name(function.rootfs)) return;
    if (auto const named = parse_image_name(image); !named)
        execution.notes().problem(path, fmt::format("does not go with this rootfs: {}", named.error().message),
                                  "leave it out");
}

void read_execution(field_reader const& execution, function_definition& function, container_definition& unit) {
    function.rootfs = execution.text("rootfs").value_or("");
    function.sha256 = execution.text("sha256").value_or("");
    std::ranges::transform(function.sha256, function.sha256.begin(), lower);
    unit.image = function.rootfs;
    if (!function.sha256.empty()) unit.image.append(digest_mark).append(function.sha256);
    unit.command = read_words(execution, "command");
    unit.env = read_environment(execution);
    if (!function.sha256.empty()) check_digest(execution, function, unit.image);
    check_startable(unit, execution);
}

void read_exposure(field_reader const& fields, function_definition& into) {
    into.port = static_cast<std::uint16_t>(fields.integer("port").value_or(into.port));
    into.target_port = static_cast<std::uint16_t>(fields.integer("targetPort").value_or(into.target_port));
    std::string type(fields.text("type").value_or(""));
    std::ranges::transform(type, type.begin(), lower);
    if (type == "clusterip" || type == "loadbalancer")
        fields.notes().warn_unused(fields.path_of("type"), "a Function always has a port of its node");
}

/// A request of 0 is one.
bool says_memory_request(field_reader const& fields) {
    auto const* const resources = fields.object("resources");
    auto const* const requests = resources == nullptr ? nullptr : resources->if_contains("requests");
    auto const* const said =
        requests == nullptr || !requests->is_object() ? nullptr : requests->get_object().if_contains(resource::memory);
    return said != nullptr && !said->is_null();
}

/// The limit is what the guest has as its memory.
void settle_memory(field_reader const& fields, container_definition& unit) {
    auto limit = unit.limits.get(resource::memory);
    auto const requested = unit.requests.get(resource::memory);
    auto const is_said = limit != 0;
    if (!is_said) limit = requested != 0 ? requested : limits::function_memory_bytes_default;
    unit.limits.set(resource::memory, limit);
    if (!says_memory_request(fields)) unit.requests.set(resource::memory, limit);
    if (limit >= limits::function_memory_bytes_min || (is_said && limit < limits::memory_limit_bytes_min)) return;
    fields.notes().problem(
        fields.path_of(is_said ? "resources.limits.memory" : "resources.requests.memory"),
        fmt::format("is {}, and the kernel of a microVM does not boot with less than {}", bytes_text(limit),
                    bytes_text(limits::function_memory_bytes_min)),
        fmt::format("raise it, or leave it out for {}", bytes_text(limits::function_memory_bytes_default)));
}

container_definition read_unit(field_reader const& fields, duration grace, function_definition& function) {
    container_definition unit{.name = std::string(function_unit_name)};
    if (fields.find("execution") == nullptr)
        fields.notes().problem(fields.path_of("execution.rootfs"), "is missing", rows::rootfs_remedy);
    fields.in("execution", [&](field_reader const& from) { read_execution(from, function, unit); });
    fields.in("exposure", [&](field_reader const& from) { read_exposure(from, function); });
    fields.in("resources", [&](field_reader const& from) { read_resources(from, unit.requests, unit.limits); });
    settle_memory(fields, unit);
    unit.ports.push_back({.port = function.target_port, .host_port = function.port});
    read_probes(fields, grace, unit);
    if (!unit.readiness) unit.readiness = function_readiness(function.target_port);
    return unit;
}

/// Would leaving it out be the same?
bool asks_for_nothing(json::value const& value) {
    if (auto const* const object = value.if_object()) return object->empty();
    if (auto const* const list = value.if_array()) return list->empty();
    if (auto const* const text = value.if_string()) return text->empty();
    return value.is_null() || (value.is_bool() && !value.get_bool());
}

}  // namespace

probe_definition function_readiness(std::uint16_t target_port) {
    probe_definition made{.action = tcp_action{.port = target_port}};
    made.rules.period = std::chrono::seconds(1);
    return made;
}

std::vector<std::string> read_function(field_reader const& spec, instance_template& into) {
    if (spec.find("function") == nullptr)
        spec.notes().problem(spec.path_of("function"), "is missing", "a Function needs function.execution.rootfs");
    if (auto const* containers = spec.list("containers"); containers != nullptr && !containers->empty())
        spec.notes().problem(spec.path_of("containers"), "does not belong into a Function",
                             "leave it out, or make the kind Pod");
    spec.in("function", [&](field_reader const& fields) {
        into.function.emplace();
        into.containers.push_back(read_unit(fields, into.grace_period, *into.function));
    });
    return {spec.path_of("function")};
}

void check_only_of_function(field_reader const& spec) {
    for (auto const& member : spec.fields()) {
        std::string_view const name(member.key().data(), member.key().size());
        if (rows::function_spec.find(name) != nullptr || asks_for_nothing(member.value())) continue;
        auto const* const row = rows::rik_pod_spec.find(name);
        if (row == nullptr || row->standing == field_standing::refused) continue;  // noted as such
        spec.notes().problem(spec.path_of(name), "does not belong into a Function", "leave it out");
    }
}

}  // namespace rik::detail
