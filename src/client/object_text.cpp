#include "client/object_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

using boost::json::object;

std::string age_of(std::optional<wall_time> since, wall_time now) {
    if (!since) return {};
    auto const age = now - *since;
    // Nobody reads milliseconds in a table.
    if (age < std::chrono::seconds(1)) return "0s";
    return to_short_string(std::chrono::duration_cast<duration>(age));
}

tone tone_of(object const& of) {
    auto const word = text_at(of, "state");
    if (word == "running") return is_true(of, "ready") ? tone::good : tone::busy;
    if (word == "active" || word == "succeeded") return tone::good;
    if (word == "failed" || word == "unknown") return tone::bad;
    return tone::busy;
}

std::string shortened(std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    auto end = bytes_max - 3;
    while (end > 0 && (text[end] & '\xC0') == '\x80') --end;
    text.resize(end);
    return text + "...";
}

std::string texts(boost::json::array const& from) {
    std::vector<std::string> parts;
    for (auto const& each : from) parts.push_back(text_of(each));
    return join(parts, ",");
}

std::string labels_text(object const& labels) {
    std::vector<std::string> parts;
    for (auto const& [name, value] : labels)
        parts.push_back(fmt::format("{}={}", std::string_view(name), text_of(value)));
    return join(parts, ",");
}

std::string spec_path(object const& workload, std::string_view member) {
    std::string_view spec = "definition.spec";
    for (std::string_view const of_template : {"definition.template.spec", "definition.spec.template.spec"})
        if (!object_at(workload, of_template).empty()) spec = of_template;
    return fmt::format("{}.{}", spec, member);
}

boost::json::object function_unit(object const& workload) {
    auto const& from = object_at(workload, spec_path(workload, "function"));
    object unit;
    if (from.empty()) return unit;
    auto const digest = text_at(from, "execution.sha256");
    unit["name"] = "function";
    unit["image"] = text_at(from, "execution.rootfs") + (digest.empty() ? "" : "@sha256:" + digest);
    for (std::string_view const member : {"command", "env"})
        if (auto const* value = find(from, fmt::format("execution.{}", member))) unit[member] = *value;
    for (std::string_view const member : {"resources", "startupProbe", "livenessProbe", "readinessProbe"})
        if (auto const* value = find(from, member)) unit[member] = *value;
    object port{{"containerPort", number_at(from, "exposure.targetPort").value_or(8080)}};
    if (auto const outside = number_at(from, "exposure.port")) port["hostPort"] = *outside;
    unit["ports"] = boost::json::array{std::move(port)};
    return unit;
}

std::string images_text(std::vector<object const*> const& containers) {
    std::vector<std::string> images;
    for (auto const* each : containers) {
        auto image = text_at(*each, "image");
        if (std::ranges::find(images, image) == images.end()) images.push_back(std::move(image));
    }
    return join(images, ",");
}

std::string host_port_text(object const& from) {
    auto const protocol = text_at(from, "protocol");
    return fmt::format("{}->{}/{}", text_at(from, "hostPort"), text_at(from, "port"),
                       protocol.empty() ? "TCP" : protocol);
}

namespace {

std::string first_of(object const& from, std::initializer_list<std::string_view> names) {
    for (auto const name : names) {
        if (auto text = text_at(from, name); !text.empty()) return text;
    }
    return {};
}

std::string definition_port(object const& port) {
    // In RIK's form `port` is what is reached from outside and `target_port` is the container's.
    auto const inside = first_of(port, {"containerPort", "target_port", "targetPort", "port"});
    auto const outside = text_at(port, "hostPort");
    auto const protocol = text_at(port, "protocol");
    return fmt::format("{}{}{}/{}", outside, outside.empty() ? "" : "->", inside, protocol.empty() ? "TCP" : protocol);
}

}  // namespace

std::vector<std::string> definition_ports(object const& container) {
    auto ports = objects_at(container, "ports");
    for (auto const* name : {"ports", "network"})  // RIK's OpenAPI file calls them so
        if (auto const& single = object_at(container, name); !single.empty()) ports.push_back(&single);
    std::vector<std::string> written;
    for (auto const* each : ports) written.push_back(definition_port(*each));
    return written;
}

std::string node_state_text(boost::json::object const& node) {
    auto text = text_at(node, "state");
    if (is_true(node, "unschedulable")) text += ",cordoned";
    if (is_true(node, "declaredDead")) text += ",dead";
    return text;
}

std::string cron_text(boost::json::object const& of, std::string_view member) {
    for (auto const* form : {"definition.spec.", "definition."})
        if (auto text = text_at(of, fmt::format("{}{}", form, member)); !text.empty()) return text;
    return {};
}

}  // namespace rik::detail
