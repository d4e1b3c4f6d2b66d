// Tenants, made, shown, changed and removed.
#include "list_body.hpp"
#include "v1_detail.hpp"

#include <boost/json/serialize.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

constexpr std::array tenant_members{std::string_view("name"), std::string_view("labels"),
                                    std::string_view("annotations")};
constexpr std::array tenant_change_members{std::string_view("labels"), std::string_view("annotations")};

result<tenant_change> read_tenant_change(json::object const& body) {
    auto labels = changes_member(body, "labels");
    if (!labels) return labels.error();
    auto annotations = changes_member(body, "annotations");
    if (!annotations) return annotations.error();
    return tenant_change{std::move(*labels), std::move(*annotations)};
}

string_map texts_of(label_changes const& given) {
    string_map texts;
    for (auto const& [key, value] : given)
        if (value) texts.emplace(key, *value);
    return texts;
}

result<new_tenant> read_new_tenant(http_request const& request) {
    auto const body = object_body(request, tenant_members);
    if (!body) return body.error();
    auto const name = text_member(*body, "name");
    if (!name) return name.error();
    if (name->empty()) return error{errc::invalid, "it is missing", "name", "name the tenant"};
    auto const texts = read_tenant_change(*body);
    if (!texts) return texts.error();
    return new_tenant{.name = *name, .labels = texts_of(texts->labels), .annotations = texts_of(texts->annotations)};
}

object_ref tenant_ref(api_call const& call) { return {call.arguments.front()}; }

}  // namespace

api_answer make_tenant(api_call& call) {
    auto wanted = read_new_tenant(call.request);
    if (!wanted) co_return wanted.error();
    auto const made = co_await call.primary.tenants().create(call.who, std::move(*wanted));
    if (!made) co_return made.error();
    co_return json_response(201, tenant_text(*made));
}

api_answer get_tenant(api_call& call) {
    auto const found = co_await call.primary.tenants().get(call.who, tenant_ref(call));
    if (!found) co_return found.error();
    co_return json_response(200, tenant_text(*found));
}

api_answer update_tenant(api_call& call) {
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const body = object_body(call.request, tenant_change_members);
    if (!body) co_return body.error();
    auto change = read_tenant_change(*body);
    if (!change) co_return change.error();
    auto const updated =
        co_await call.primary.tenants().update(call.who, tenant_ref(call), std::move(*change), *expected);
    if (!updated) co_return updated.error();
    co_return json_response(200, tenant_text(*updated));
}

api_answer remove_tenant(api_call& call) {
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const going = co_await call.primary.tenants().remove(call.who, tenant_ref(call), *expected);
    if (!going) co_return going.error();
    json::object answer;
    answer["workloads"] = going->workloads_count;
    answer["instances"] = going->instances_count;
    co_return json_response(202, json::serialize(answer));
}

}  // namespace rik::detail
