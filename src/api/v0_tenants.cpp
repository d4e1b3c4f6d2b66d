// Tenants of v0: the same objects as those of RIK's own API. `verb` and `resource` are kept and given back.
#include "json_detail.hpp"
#include "v0_detail.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

namespace rik::detail {

namespace {

json::object v0_tenant(tenant_record const& row) {
    json::object object;
    object["name"] = row.name;
    object["verb"] = row.verb;
    object["resource"] = row.resource;
    object["id"] = row.id.text();
    return object;
}

result<new_tenant> read_v0_tenant(api_call const& call) {
    auto const body = v0_body(call);
    if (!body) return body.error();
    auto name = v0_needed_text(*body, "name");
    if (!name) return name.error();
    auto verb = v0_text(*body, "verb");
    if (!verb) return verb.error();
    auto resource = v0_text(*body, "resource");
    if (!resource) return resource.error();
    return new_tenant{.name = std::move(*name), .verb = std::move(*verb), .resource = std::move(*resource)};
}

/// Is there one already that says the same? Creating one twice makes one.
awaitable<bool> is_there(api_call& call, new_tenant const& wanted) {
    object_ref which(wanted.name);
    auto const found = co_await call.primary.tenants().get(call.who, std::move(which));
    co_return found && !(*found)->deleting_since && (*found)->verb == wanted.verb &&
        (*found)->resource == wanted.resource;
}

}  // namespace

api_answer list_tenants(api_call& call) {
    auto const limit = number_parameter(call.request, "limit");
    if (!limit) co_return limit.error();
    if (*limit == 0u) co_return error{errc::invalid, "it must be at least 1", "limit"};
    page part;
    part.count_max = static_cast<std::size_t>(limit->value_or(0));
    auto const listed = co_await call.primary.tenants().list(call.who, std::move(part));
    if (!listed) co_return listed.error();
    json::object answer;
    auto& all = answer["tenants"].emplace_array();
    for (auto const& row : listed->rows) all.push_back(v0_tenant(*row));
    co_return json_response(200, json::serialize(answer));
}

api_answer create_tenant(api_call& call) {
    auto const wanted = read_v0_tenant(call);
    if (!wanted) co_return wanted.error();
    auto const made = co_await call.primary.tenants().create(call.who, *wanted);
    if (made) co_return json_response(200, call.request.body);
    auto const is_known = co_await is_there(call, *wanted);
    if (made.error().code == errc::conflict && is_known) co_return json_response(200, call.request.body);
    co_return made.error();
}

api_answer delete_tenant(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto const id = v0_needed_text(*body, "id");
    if (!id) co_return id.error();
    object_ref which(*id);
    auto const deleted = co_await call.primary.tenants().remove(call.who, std::move(which), any_revision);
    if (deleted) co_return make_response(200, "", "");
    if (deleted.error().code == errc::not_found)
        co_return text_response(404, fmt::format("Tenant id {} not found", *id));
    co_return deleted.error();
}

}  // namespace rik::detail
