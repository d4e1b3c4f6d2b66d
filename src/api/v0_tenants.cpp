// Tenants of v0: RIK keeps them and does nothing with them, as the original does.
#include "json_detail.hpp"
#include "v0_detail.hpp"

#include <rik/base/entropy.hpp>
#include <rik/base/hash.hpp>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace rik::detail {

namespace {

/// The same for the same tenant: creating one twice makes one.
std::string tenant_id(json::object const& of) {
    seeded_entropy numbers(fnv1a(json::serialize(of)));
    return document_id::generate(numbers).text();
}

/// The hash is no match for somebody who looks for another tenant with the same.
bool is_another(listing<document> const& kept, document const& wanted) {
    return std::ranges::any_of(
        kept.rows, [&](auto const& row) { return row->key.name == wanted.key.name && row->json != wanted.json; });
}

document_key tenant_key(api_call const& call, std::string_view id) {
    document_key key;
    key.kind = tenant_kind;
    key.tenant = call.who.tenant;
    key.name = id;
    return key;
}

}  // namespace

api_answer list_tenants(api_call& call) {
    auto const limit = number_parameter(call.request, "limit");
    if (!limit) co_return limit.error();
    if (*limit == 0u) co_return error{errc::invalid, "it must be at least 1", "limit"};
    auto const listed = co_await call.primary.documents().list(call.who, std::string(tenant_kind));
    if (!listed) co_return listed.error();
    std::string items;
    auto const count = std::min<std::size_t>(listed->rows.size(), limit->value_or(listed->rows.size()));
    for (std::size_t i = 0; i < count; ++i) items += (i == 0 ? "" : ",") + listed->rows[i]->json;
    co_return json_response(200, fmt::format(R"({{"tenants":[{}]}})", items));
}

api_answer create_tenant(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto const name = v0_needed_text(*body, "name");
    if (!name) co_return name.error();
    auto const verb = v0_text(*body, "verb");
    if (!verb) co_return verb.error();
    auto const resource = v0_text(*body, "resource");
    if (!resource) co_return resource.error();
    json::object tenant;
    tenant["name"] = *name;
    tenant["verb"] = *verb;
    tenant["resource"] = *resource;
    document kept;
    kept.key = tenant_key(call, tenant_id(tenant));
    tenant["id"] = kept.key.name;
    kept.json = json::serialize(tenant);
    auto const listed = co_await call.primary.documents().list(call.who, std::string(tenant_kind));
    if (!listed) co_return listed.error();
    if (is_another(*listed, kept))
        co_return error{errc::conflict, "another tenant has the same id", "name", "choose another name"};
    auto const put = co_await call.primary.documents().put(call.who, std::move(kept), any_revision);
    if (!put) co_return put.error();
    co_return json_response(200, call.request.body);
}

api_answer delete_tenant(api_call& call) {
    auto const body = v0_body(call);
    if (!body) co_return body.error();
    auto const id = v0_needed_text(*body, "id");
    if (!id) co_return id.error();
    auto const deleted = co_await call.primary.documents().remove(call.who, tenant_key(call, *id), any_revision);
    if (deleted) co_return make_response(200, "", "");
    if (deleted.error().code == errc::not_found)
        co_return text_response(404, fmt::format("Tenant id {} not found", *id));
    co_return deleted.error();
}

}  // namespace rik::detail
