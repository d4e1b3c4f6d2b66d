// The original RIK's API: frozen, and compatible to the letter with its clients.
#include "call.hpp"
#include "json_detail.hpp"
#include "list_body.hpp"
#include "v0_detail.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace rik::detail {

result<json::object> v0_body(api_call const& call) {
    boost::system::error_code wrong;
    auto parsed = json::parse(call.request.body, wrong);
    if (wrong) return error{errc::invalid, fmt::format("the body is not JSON: {}", wrong.message())};
    if (!parsed.is_object()) return error{errc::invalid, "the body must be a JSON object"};
    return std::move(parsed.get_object());
}

result<std::string> v0_text(json::object const& from, std::string_view name) {
    auto const* value = from.if_contains(name);
    if (value == nullptr || value->is_null()) return std::string();
    if (!value->is_string()) return error{errc::invalid, "it must be a string", std::string(name)};
    return std::string(value->get_string());
}

result<std::string> v0_needed_text(json::object const& from, std::string_view name) {
    auto text = v0_text(from, name);
    if (text && text->empty()) return error{errc::invalid, "it is missing", std::string(name)};
    return text;
}

namespace {

wall_time created_at(workload const& row) { return row.created_at; }
wall_time created_at(instance const& row) { return row.created_at(); }

/// The original lists in the order of creation.
template <class Row>
void put_oldest_first(listing<Row>& all) {
    std::stable_sort(all.rows.begin(), all.rows.end(),
                     [](auto const& a, auto const& b) { return created_at(*a) < created_at(*b); });
}

/// Kinds that the original did not know are not shown: one of them makes its clients reject a whole list.
bool is_v0_kind(workload_kind kind) { return kind == workload_kind::pod || kind == workload_kind::function; }

constexpr std::string_view name_is_taken = "Name already used";

http_response unknown_workload(std::string_view id) {
    return text_response(404, fmt::format("Workload id {} not found", id));
}

/// Did the client send no definition? The original's Go client sends `null` then.
bool is_missing(std::string_view body) {
    auto const first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return true;
    return body.substr(first, body.find_last_not_of(" \t\r\n") - first + 1) == "null";
}

api_answer create_workload(api_call& call) {
    if (is_missing(call.request.body)) co_return text_response(400, "the body is missing: send a workload definition");
    auto parsed = parse_definition(call.request.body);
    if (!parsed.found.empty()) co_return text_response(400, to_string(summarize(parsed.found)));
    auto const created = co_await call.primary.workloads().create(call.who, std::move(parsed.definition));
    if (created) co_return json_response(200, fmt::format(R"({{"id":"{}"}})", (*created)->id.text()));
    if (created.error().code == errc::conflict && created.error().field == "name")
        co_return text_response(404, std::string(name_is_taken));
    co_return created.error();
}

api_answer list_workloads(api_call& call) {
    auto listed = co_await call.primary.workloads().list(call.who, workload_filter(), page());
    if (!listed) co_return listed.error();
    put_oldest_first(*listed);
    auto const show = [](stored<workload> const& row) -> result<std::optional<std::string>> {
        if (!is_v0_kind(row->kind)) return std::optional<std::string>();
        json::object object;
        object["id"] = row->id.text();
        object["name"] = row->name;
        object["value"] = v0_definition(*row);
        return std::optional(json::serialize(object));
    };
    co_return list_response("[", each_of(std::move(listed->rows), show), "]");
}

api_answer delete_workload(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto const text = v0_needed_text(*body, "id");
    if (!text) co_return text.error();
    auto const id = workload_id::parse(*text);
    if (!id) co_return unknown_workload(*text);
    auto const deleted = co_await call.primary.workloads().remove(call.who, *id, any_revision);
    if (deleted) co_return make_response(204, "", "");
    if (deleted.error().code == errc::not_found) co_return unknown_workload(*text);
    co_return deleted.error();
}

/// Turns rows into what v0 shows. Each definition is parsed once.
class v0_rows {
public:
    v0_rows(directory names, std::string tenant) : names_(std::move(names)), tenant_(std::move(tenant)) {}

    std::string id_of(instance const& row) const { return v0_id(row, tenant_); }
    json::object show(instance const& row) {
        return v0_instance(row, id_of(row), spec_of(row), names_.is_unheard(row));
    }

private:
    json::object const& spec_of(instance const& row) {
        auto const [found, is_new] = specs_.try_emplace(row.made_from()->id);
        if (is_new) found->second = v0_spec(*row.made_from()->definition);
        return found->second;
    }

    directory names_;
    std::string tenant_;  ///< the caller's
    std::map<release_id, json::object> specs_;
};

using v0_rows_ptr = std::shared_ptr<v0_rows>;

awaitable<result<v0_rows_ptr>> read_names(api_call& call) {
    auto const workloads = co_await call.primary.workloads().list(call.who, workload_filter(), page());
    if (!workloads) co_return workloads.error();
    auto const nodes = co_await call.primary.nodes().list(call.who, page());
    if (!nodes) co_return nodes.error();
    co_return std::make_shared<v0_rows>(make_directory(*workloads, *nodes), call.who.tenant);
}

api_answer list_workload_instances(api_call& call) {
    auto const id = workload_id::parse(call.arguments.front());
    if (!id) co_return make_response(204, "", "");
    instance_filter filter;
    filter.workload = *id;
    auto listed = co_await call.primary.instances().list(call.who, std::move(filter), page());
    if (!listed) co_return listed.error();
    put_oldest_first(*listed);
    if (listed->rows.empty()) co_return make_response(204, "", "");
    auto const names = co_await read_names(call);
    if (!names) co_return names.error();
    auto show = [names = *names](stored<instance> const& row) -> result<std::optional<std::string>> {
        return std::optional(json::serialize(names->show(*row)));
    };
    co_return list_response(R"({"instances":[)", each_of(std::move(listed->rows), std::move(show)), "]}");
}

api_answer refuse_missing_id(api_call&) { co_return text_response(400, "Workload ID is not provided"); }

result<create_instances_request> instances_request(json::object const& body) {
    create_instances_request request;
    auto const id = v0_needed_text(body, "workload_id");
    if (!id) return id.error();
    auto const name = v0_text(body, "name");
    if (!name) return name.error();
    request.name = *name;
    auto const replicas = replicas_of(body);
    if (!replicas) return replicas.error();
    request.replicas = *replicas;
    if (auto const wrong = check(request)) return *wrong;
    auto const workload = workload_id::parse(*id);
    if (!workload) return error{errc::not_found, fmt::format("Workload id {} not found", *id)};
    request.workload = *workload;
    return request;
}

api_answer create_instances(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto request = instances_request(*body);
    if (!request) co_return text_response(status_code_of(request.error().code), to_string(request.error()));
    auto const workload = request->workload;
    auto const created = co_await call.primary.instances().create(call.who, std::move(*request));
    if (created) {
        json::array names;
        for (auto const& row : *created) names.emplace_back(v0_id(*row, call.who.tenant));
        co_return json_response(201, json::serialize(names));
    }
    auto const& why = created.error();
    if (why.code == errc::not_found) co_return unknown_workload(workload.id_or_name);
    if (why.code == errc::conflict)  // one 404 and another differ in nothing but their text
        co_return text_response(404, why.field == "name" ? std::string(name_is_taken) : to_string(why));
    co_return why;
}

/// The Go client asks for text/plain and then wants an object with an array of arrays.
bool wants_nested_list(http_request const& request) {
    auto const accept = request.header("Accept").value_or("");
    return accept.find("text/plain") != accept.npos && accept.find("application/json") == accept.npos;
}

api_answer list_instances(api_call& call) {
    auto listed = co_await call.primary.instances().list(call.who, instance_filter(), page());
    if (!listed) co_return listed.error();
    put_oldest_first(*listed);
    auto const names = co_await read_names(call);
    if (!names) co_return names.error();
    auto show = [names = *names](stored<instance> const& row) -> result<std::optional<std::string>> {
        if (!is_v0_kind(row->made_from()->definition->kind)) return std::optional<std::string>();
        json::object object;
        object["id"] = names->id_of(*row);
        object["name"] = row->name();
        object["value"] = names->show(*row);
        return std::optional(json::serialize(object));
    };
    auto items = each_of(std::move(listed->rows), std::move(show));
    auto const is_nested = wants_nested_list(call.request);
    co_return list_response(is_nested ? R"({"instances":[[)" : "[", std::move(items), is_nested ? "]]}" : "]");
}

api_answer delete_instance(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto const id = v0_needed_text(*body, "id");
    if (!id) co_return id.error();
    object_ref which(*id);
    auto const deleted = co_await call.primary.instances().remove(call.who, std::move(which), any_revision);
    if (deleted) co_return make_response(204, "", "");
    if (deleted.error().code == errc::not_found)
        co_return text_response(404, fmt::format("Instance id {} not found", *id));
    co_return deleted.error();
}

constexpr std::array table{
    route{"POST", "/api/v0/workloads.create", &create_workload, {}, true},
    route{"GET", "/api/v0/workloads.list", &list_workloads},
    route{"POST", "/api/v0/workloads.delete", &delete_workload, {}, true},
    route{"GET", "/api/v0/workloads.instances/{id}", &list_workload_instances},
    route{"GET", "/api/v0/workloads.instances", &refuse_missing_id},
    route{"POST", "/api/v0/instances.create", &create_instances, {}, true},
    route{"GET", "/api/v0/instances.list", &list_instances},
    route{"POST", "/api/v0/instances.delete", &delete_instance, {}, true},
    route{"GET", "/api/v0/tenants.list", &list_tenants},
    route{"POST", "/api/v0/tenants.create", &create_tenant, {}, true},
    route{"POST", "/api/v0/tenants.delete", &delete_tenant, {}, true},
};

}  // namespace

std::span<route const> v0_routes() { return table; }

}  // namespace rik::detail
