#include "json_detail.hpp"

#include <boost/json/parse.hpp>

namespace rik::detail {

namespace {

/// The original's own types write null for what is missing.
void put_if_missing(json::object& object, std::string_view name, json::value value) {
    auto& member = object[name];
    if (member.is_null()) member = std::move(value);
}

json::object parsed_text(workload_definition const& definition) {
    boost::system::error_code wrong;
    auto parsed = json::parse(definition.text, wrong);
    return !wrong && parsed.is_object() ? std::move(parsed.get_object()) : json::object();
}

/// The original knows one spelling.
void settle_exposure_type(json::object& spec) {
    auto* const function = spec["function"].if_object();
    auto* const exposure = function == nullptr ? nullptr : function->if_contains("exposure");
    if (exposure != nullptr && exposure->is_object() && exposure->get_object().contains("type"))
        exposure->get_object()["type"] = "NodePort";
}

}  // namespace

json::object v0_definition(workload const& row) {
    auto value = parsed_text(*row.definition);
    put_if_missing(value, "apiVersion", "v1");
    put_if_missing(value, "kind", json::value(to_string(row.kind)));
    put_if_missing(value, "name", json::value(row.name));
    put_if_missing(value, "replicas", row.replicas);
    auto& spec = value["spec"];
    if (!spec.is_object()) spec = json::object();
    auto& containers = spec.get_object()["containers"];
    if (!containers.is_array()) containers = json::array();
    if (row.kind == workload_kind::function) settle_exposure_type(spec.get_object());
    return value;
}

/// v0 has no word for what is not known. Pending says that it is waited for; Failed would be final, while a node that
/// was cut off for seconds still runs it.   Source: the original's life cycle, in which a failed instance stays failed.
std::string_view v0_state(instance const& row, bool is_unheard) {
    switch (row.state()) {
        case instance_state::pending: return "Pending";
        case instance_state::creating: return is_unheard ? "Pending" : "Creating";
        case instance_state::running: return is_unheard ? "Pending" : "Running";
        case instance_state::succeeded: return "Terminated";
        case instance_state::failed: return "Failed";
        case instance_state::destroying: return "Destroying";
        case instance_state::terminated: return "Terminated";
    }
    return "Failed";
}

namespace {

json::object const* object_in(json::object const* of, std::string_view name) {
    auto const* const found = of == nullptr ? nullptr : of->if_contains(name);
    return found == nullptr ? nullptr : found->if_object();
}

/// What a managed workload makes stands in its template: at the top in RIK's form, in spec in Kubernetes'.
json::object const* spec_of_instance(json::object const& text) {
    auto const* const spec = object_in(&text, "spec");
    if (auto const* const of_rik = object_in(&text, "template")) return object_in(of_rik, "spec");
    auto const* const of_kubernetes = object_in(spec, "template");
    return of_kubernetes == nullptr ? spec : object_in(of_kubernetes, "spec");
}

}  // namespace

json::object v0_spec(workload_definition const& definition) {
    auto const text = parsed_text(definition);
    json::object spec;
    if (auto const* const written = spec_of_instance(text))
        for (auto const name : {"containers", "function"})
            if (auto const* part = written->if_contains(name)) spec[name] = *part;
    put_if_missing(spec, "containers", json::array());
    put_if_missing(spec, "function", nullptr);
    return spec;
}

namespace {

/// With its port: the original's controller has chosen one before anybody asks.
json::object with_exposure(json::object spec, instance const& row) {
    auto exposure = exposure_of(row);
    if (exposure.empty()) return spec;
    auto* const function = spec["function"].if_object();
    if (function != nullptr) (*function)["exposure"] = std::move(exposure);
    return spec;
}

}  // namespace

std::string v0_id(instance const& row, std::string_view tenant) {
    return row.tenant() == tenant ? row.name() : row.id().text();
}

json::object v0_instance(instance const& row, std::string id, json::object const& spec, bool is_unheard) {
    json::object object;
    object["workload_id"] = row.owner() ? row.owner()->text() : std::string();
    object["namespace"] = row.tenant();
    object["id"] = std::move(id);
    object["kind"] = to_string(row.spec().form);
    object["status"] = v0_state(row, is_unheard);
    object["spec"] = with_exposure(spec, row);
    return object;
}

}  // namespace rik::detail
