#include "model/definition_fields.hpp"

#include "model/definition_tree.hpp"

#include <rik/base/nearest_word.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace rik::detail {

namespace {

constexpr std::size_t warnings_count_max = 100;

/// The legal field that was probably meant by `name`.
std::optional<std::string_view> closest_field(std::string_view name, std::span<field_rule const> rules) {
    nearest_word nearest(name);
    for (auto const& rule : rules) nearest.consider(rule.name);
    return nearest.found();
}

std::string unknown_field_remedy(std::string_view name, std::span<field_rule const> rules) {
    if (auto const meant = closest_field(name, rules)) return fmt::format("did you mean {}?", *meant);
    std::vector<std::string_view> names;
    for (auto const& rule : rules) names.push_back(rule.name);
    return fmt::format("legal fields here: {}", fmt::join(names, ", "));
}

bool is_alphanumeric(char letter) { return std::isalnum(static_cast<unsigned char>(letter)) != 0 && letter > 0; }

}  // namespace

bool is_label_text(std::string_view text) {
    if (text.empty() || text.size() > limits::label_bytes_max) return false;
    if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_label_key(std::string_view key) {
    auto const slash = key.find('/');
    if (slash == std::string_view::npos) return is_label_text(key);
    return !check_name(key.substr(0, slash), {}) && is_label_text(key.substr(slash + 1));
}

void findings::problem(std::string field, std::string message, std::string_view remedy) {
    problem(error{errc::invalid, std::move(message), std::move(field), std::string(remedy)});
}

void findings::problem(std::optional<error> found) {
    if (!found || is_full()) return;
    if (into_.found.size() == limits::definition_problems_max)
        found = error{errc::invalid, "there are more problems than are listed", {}, "correct these first"};
    into_.found.push_back(std::move(*found));
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

json::object const* expect_object(json::value const& value, std::string_view path, findings& notes) {
    auto const* object = value.if_object();
    if (object == nullptr)
        notes.problem(std::string(path), fmt::format("is {}, not an object", kind_text(value)),
                      "give its fields as names and values");
    return object;
}

std::optional<std::string_view> expect_text(json::value const& value, std::string_view path, findings& notes) {
    auto const* text = value.if_string();
    if (text == nullptr) {
        auto const can_be_quoted = value.is_number() || value.is_bool();
        notes.problem(std::string(path), fmt::format("is {}, not text", kind_text(value)),
                      can_be_quoted ? "write it in quotes" : "write text");  // as it was written: 1.10 is not 1.1
        return std::nullopt;
    }
    std::string_view const view(text->data(), text->size());
    if (view.find('\0') == std::string_view::npos) return view;
    notes.problem(std::string(path), "has a zero byte in it", "remove it: no program could read what follows it");
    return std::nullopt;
}

field_reader::field_reader(json::object const& from, std::string path, std::span<field_rule const> rules,
                           findings& notes)
    : from_(from), path_(std::move(path)), notes_(notes) {
    check_names(rules);
}

void field_reader::check_names(std::span<field_rule const> rules) const {
    for (auto const& member : from_) {
        if (notes_.is_full()) return;
        std::string_view const name(member.key().data(), member.key().size());
        auto const rule = std::find_if(rules.begin(), rules.end(), [&](auto const& r) { return r.name == name; });
        if (rule == rules.end())
            notes_.problem(path_of(name), "is not a field", unknown_field_remedy(name, rules));
        else if (!rule->unused_because.empty() && !member.value().is_null())
            notes_.warn_unused(path_of(name), rule->unused_because);
    }
}

json::value const* field_reader::find(std::string_view field) const {
    auto const* found = from_.if_contains(field);
    return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string_view> field_reader::text(std::string_view field) const {
    auto const* found = find(field);
    if (found == nullptr) return std::nullopt;
    return expect_text(*found, path_of(field), notes_);
}

std::optional<std::string_view> field_reader::needed_text(std::string_view field, std::string_view remedy) const {
    if (find(field) != nullptr) return text(field);
    notes_.problem(path_of(field), "is missing", remedy);
    return std::nullopt;
}

std::optional<std::int64_t> field_reader::integer(std::string_view field, integer_range range) const {
    auto const* found = find(field);
    if (found == nullptr) return std::nullopt;
    auto const wrong = [&](std::string message) {
        notes_.problem(path_of(field), std::move(message),
                       fmt::format("write a whole number from {} to {}", range.min, range.max));
        return std::nullopt;
    };
    if (!found->is_number()) return wrong(fmt::format("is {}, not a number", kind_text(*found)));
    if (found->is_double()) return wrong(fmt::format("is {}, not a whole number", canonical_text(*found)));
    auto const* number = found->if_int64();
    if (number == nullptr || *number < range.min || *number > range.max)
        return wrong(fmt::format("is {}, out of range", canonical_text(*found)));
    return *number;
}

json::object const* field_reader::object(std::string_view field) const {
    auto const* found = find(field);
    return found == nullptr ? nullptr : expect_object(*found, path_of(field), notes_);
}

json::array const* field_reader::list(std::string_view field) const {
    auto const* found = find(field);
    if (found == nullptr) return nullptr;
    auto const* array = found->if_array();
    if (array == nullptr)
        notes_.problem(path_of(field), fmt::format("is {}, not a list", kind_text(*found)),
                       "write [ ... ], even for a single entry");
    return array;
}

string_map read_string_map(field_reader const& from, std::string_view field) {
    string_map map;
    auto const* object = from.object(field);
    if (object == nullptr) return map;
    for (auto const& member : *object) {
        if (from.notes().is_full()) return map;
        std::string_view const key(member.key().data(), member.key().size());
        auto const path = path_of(from.path_of(field), key);
        if (!is_label_key(key)) from.notes().problem(path, "is not a legal key", label_key_remedy);
        if (auto const text = expect_text(member.value(), path, from.notes())) map.emplace(key, *text);
    }
    return map;
}

string_map read_labels(field_reader const& from, std::string_view field) {
    auto labels = read_string_map(from, field);
    for (auto const& [key, text] : labels) {
        if (from.notes().is_full()) break;
        if (!text.empty() && !is_label_text(text))
            from.notes().problem(path_of(from.path_of(field), key),
                                 fmt::format("'{}' is not a legal value of a label", shortened(text)),
                                 "use letters, digits, '-', '_' and '.', at most 63; annotations take any text");
    }
    return labels;
}

}  // namespace rik::detail
