// What the bodies of v1's requests have in common.
#include "v1_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

error bad_body(std::string message, std::string field = {}) {
    return error{errc::invalid, std::move(message), std::move(field)};
}

}  // namespace

result<json::object> object_body(http_request const& request, std::span<std::string_view const> known) {
    if (request.body.empty()) return json::object();
    boost::system::error_code wrong;
    auto parsed = json::parse(request.body, wrong);
    if (wrong) return bad_body(fmt::format("the body is not JSON: {}", wrong.message()));
    if (!parsed.is_object()) return bad_body("the body must be a JSON object");
    for (auto const& member : parsed.get_object())
        if (std::ranges::find(known, std::string_view(member.key())) == known.end())
            return error{errc::invalid, "there is no such member", std::string(member.key()),
                         known.empty() ? "send no body" : fmt::format("there is {}", fmt::join(known, ", "))};
    return std::move(parsed.get_object());
}

/// Kubernetes' clients say there what becomes of the instances.
result<void> check_unused_body(http_request const& request, std::span<std::string_view const> parameters) {
    auto const body = object_body(request, {});
    if (body) return {};
    auto why = body.error();
    if (why.field == "propagationPolicy" && std::ranges::find(parameters, "cascade") != parameters.end())
        why.remedy = "send no body, and say it in the query: cascade=background, foreground or orphan";
    return why;
}

result<std::string> text_member(json::object const& from, std::string_view name) {
    auto const* value = from.if_contains(name);
    if (value == nullptr || value->is_null()) return std::string();
    if (!value->is_string()) return bad_body("it must be a string", std::string(name));
    return std::string(value->get_string());
}

result<std::optional<bool>> flag_member(json::object const& from, std::string_view name) {
    auto const* const value = from.if_contains(name);
    if (value == nullptr || value->is_null()) return std::optional<bool>();
    if (value->is_bool()) return std::optional(value->get_bool());
    return bad_body("it must be true or false", std::string(name));
}

result<label_changes> changes_member(json::object const& from, std::string_view name) {
    label_changes changes;
    auto const* const value = from.if_contains(name);
    if (value == nullptr || value->is_null()) return changes;
    if (!value->is_object()) return bad_body("it must be an object", std::string(name));
    for (auto const& each : value->get_object()) {
        auto const& text = each.value();
        if (!text.is_string() && !text.is_null())
            return bad_body("it must be a string, or null to take it off",
                            fmt::format("{}.{}", name, std::string_view(each.key())));
        changes.emplace(each.key(), text.is_null() ? std::nullopt : std::optional(std::string(text.get_string())));
    }
    return changes;
}

}  // namespace rik::detail
