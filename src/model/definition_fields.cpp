#include "model/definition_fields.hpp"

#include "model/definition_tree.hpp"

#include <rik/base/quantity.hpp>

#include <fmt/format.h>

namespace rik::detail {

namespace {

constexpr std::size_t warnings_count_max = 100;

}  // namespace

void findings::problem(std::string field, std::string message, std::string_view remedy) {
    problem(error{errc::invalid, std::move(message), std::move(field), std::string(remedy)});
}

void findings::problem(std::optional<error> found) {
    if (!found || is_full()) return;
    if (into_.found.size() == limits::definition_problems_max)
        found = error{errc::invalid, "there are more problems than are listed", {}, "correct these first"};
    into_.found.push_back(std::move(*found));
}

void findings::not_supported(std::string field, std::string_view because) {
    problem(error{errc::unsupported, fmt::format("is not supported yet: {}", because), std::move(field),
                  "leave it out if it can do without"});
}

void findings::warn_unused(std::string_view field, std::string_view because) {
    warn(field, fmt::format("is kept and not acted on: {}", because));
}

void findings::warn(std::string_view field, std::string_view what) {
    if (into_.warnings.size() > warnings_count_max) return;
    into_.warnings.push_back(into_.warnings.size() == warnings_count_max ? "There are more warnings than are listed."
                                                                         : fmt::format("{} {}.", field, what));
}

std::string_view kind_text(json::value const& value) {
    switch (value.kind()) {
        case json::kind::null: return "null";
        case json::kind::bool_: return "true or false";
        case json::kind::int64:
        case json::kind::uint64:
        case json::kind::double_: return "a number";
        case json::kind::string: return "text";
        case json::kind::array: return "a list";
        case json::kind::object: return "an object";
    }
    return "something else";
}

std::string path_of(std::string_view parent, std::string_view field) {
    return parent.empty() ? shortened(field) : fmt::format("{}.{}", parent, shortened(field));
}

std::string path_of(std::string_view list, std::size_t index) { return fmt::format("{}[{}]", list, index); }

json::value const* field_reader::find(std::string_view field) const {
    auto const* found = from_.if_contains(field);
    return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string_view> field_reader::text(std::string_view field) const {
    auto const* found = find(field);
    auto const* text = found == nullptr ? nullptr : found->if_string();
    if (text == nullptr) return std::nullopt;
    return std::string_view(text->data(), text->size());
}

std::optional<std::int64_t> field_reader::integer(std::string_view field) const {
    auto const* found = find(field);
    auto const* number = found == nullptr ? nullptr : found->if_int64();
    if (number == nullptr) return std::nullopt;
    return *number;
}

bool field_reader::flag(std::string_view field) const {
    auto const* found = find(field);
    auto const* flag = found == nullptr ? nullptr : found->if_bool();
    return flag != nullptr && *flag;
}

std::optional<std::int64_t> field_reader::amount(std::string_view field, std::int64_t per_unit) const {
    auto const* found = find(field);
    if (found == nullptr || (!found->is_string() && !found->is_number())) return std::nullopt;
    auto const text = found->is_string() ? std::string(std::string_view(*found->if_string())) : canonical_text(*found);
    auto const amount = parse_quantity(text, per_unit);
    if (!amount) return std::nullopt;
    return *amount;
}

json::object const* field_reader::object(std::string_view field) const {
    auto const* found = find(field);
    return found == nullptr ? nullptr : found->if_object();
}

json::array const* field_reader::list(std::string_view field) const {
    auto const* found = find(field);
    return found == nullptr ? nullptr : found->if_array();
}

std::vector<std::string> field_reader::texts(std::string_view field) const {
    std::vector<std::string> all;
    auto const* found = list(field);
    if (found == nullptr) return all;
    for (auto const& each : *found)
        if (auto const* text = each.if_string()) all.emplace_back(text->data(), text->size());
    return all;
}

string_map field_reader::map(std::string_view field) const {
    string_map all;
    auto const* found = object(field);
    if (found == nullptr) return all;
    for (auto const& member : *found)
        if (auto const* text = member.value().if_string())
            all.emplace(std::string_view(member.key()), std::string_view(text->data(), text->size()));
    return all;
}

}  // namespace rik::detail
