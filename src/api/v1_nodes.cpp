// What operators do with a node: cordon, label, taint, drain, remove, declare dead.
#include "v1_detail.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

error wrong_object_body(std::string message, std::string field) {
    return error{errc::invalid, std::move(message), std::move(field)};
}

result<std::vector<taint_change>> taints_member(json::object const& from) {
    std::vector<taint_change> changes;
    auto const* const value = from.if_contains("taints");
    if (value == nullptr || value->is_null()) return changes;
    if (!value->is_array()) return wrong_object_body("it must be a list of strings", "taints");
    for (auto const& each : value->get_array()) {
        if (!each.is_string()) return wrong_object_body("it must be a list of strings", "taints");
        auto change = parse_taint_change(each.get_string());
        if (!change) return change.error();
        changes.push_back(std::move(*change));
    }
    return changes;
}

constexpr std::array update_members{std::string_view("unschedulable"), std::string_view("labels"),
                                    std::string_view("taints")};
constexpr std::array drain_members{std::string_view("force")};
constexpr std::array death_members{std::string_view("confirm")};

result<node_change> read_node_change(http_request const& request) {
    auto const body = object_body(request, update_members);
    if (!body) return body.error();
    auto const cordoned = flag_member(*body, "unschedulable");
    if (!cordoned) return cordoned.error();
    auto labels = changes_member(*body, "labels");
    if (!labels) return labels.error();
    auto taints = taints_member(*body);
    if (!taints) return taints.error();
    return node_change{*cordoned, std::move(*labels), std::move(*taints)};
}

json::object instance_reference(instance const& row) {
    json::object object;
    object["id"] = row.id().text();
    object["name"] = row.name();
    object["tenant"] = row.tenant();
    return object;
}

json::array instance_references(std::vector<stored<instance>> const& rows) {
    json::array all;
    for (auto const& each : rows) all.push_back(instance_reference(*each));
    return all;
}

std::string drain_text(drain_report const& report) {
    json::object object;
    object["leaving"] = instance_references(report.leaving);
    auto& kept = object["kept"].emplace_array();
    for (auto const& each : report.kept) {
        auto one = instance_reference(*each.which);
        one["why"] = each.why;
        kept.push_back(std::move(one));
    }
    return json::serialize(object);
}

}  // namespace

api_answer show_node(api_call& call, stored<node> row) {
    std::vector<node_id> one{row->id};
    auto const used = co_await call.primary.nodes().usage(call.who, std::move(one));
    if (!used) co_return used.error();
    co_return json_response(200, node_text(row, used->front()));
}

api_answer update_node(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto change = read_node_change(call.request);
    if (!change) co_return change.error();
    auto updated = co_await call.primary.nodes().update(call.who, std::move(*which), std::move(*change), *expected);
    if (!updated) co_return updated.error();
    auto showing = show_node(call, std::move(*updated));
    co_return co_await std::move(showing);
}

api_answer drain_node(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const body = object_body(call.request, drain_members);
    if (!body) co_return body.error();
    auto const forces = flag_member(*body, "force");
    if (!forces) co_return forces.error();
    drain_options const how{.forces = forces->value_or(false)};
    auto const report = co_await call.primary.nodes().drain(call.who, std::move(*which), how);
    if (!report) co_return report.error();
    co_return json_response(200, drain_text(*report));
}

api_answer remove_node(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const removed = co_await call.primary.nodes().remove(call.who, std::move(*which), *expected);
    if (!removed) co_return removed.error();
    co_return json_response(202, "{}");
}

api_answer declare_node_dead(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const body = object_body(call.request, death_members);
    if (!body) co_return body.error();
    std::string confirmation;
    if (auto const* const value = body->if_contains("confirm")) {
        if (!value->is_string()) co_return wrong_object_body("it must be a string", "confirm");
        confirmation = std::string(value->get_string());
    }
    auto const lost = co_await call.primary.nodes().declare_dead(call.who, std::move(*which), std::move(confirmation));
    if (!lost) co_return lost.error();
    json::object answer;
    answer["givenUp"] = instance_references(*lost);
    co_return json_response(200, json::serialize(answer));
}

}  // namespace rik::detail
