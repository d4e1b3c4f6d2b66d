// What a field is for, as text for people.
#include <rik/base/nearest_word.hpp>
#include <rik/model/fields.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace rik {

namespace {

std::string lower(std::string_view text) {
    std::string made(text);
    std::transform(made.begin(), made.end(), made.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return made;
}

/// The first name of `path`, without indexes: "containers" of "containers[0].env".
std::string_view take_name(std::string_view& path) {
    auto const end = std::min(path.find('.'), path.size());
    auto const name = path.substr(0, std::min(end, path.find('[')));
    path.remove_prefix(std::min(end + 1, path.size()));
    return name;
}

/// Singular or plural, in any case.
bool is_kind(definition_type const& type, std::string_view word) {
    auto const kind = lower(type.kind);
    return word == kind || word == kind + "s";
}

definition_type const* find_kind(std::string_view word, definition_form wanted) {
    definition_type const* other = nullptr;
    for (auto const& each : definition_types()) {
        if (!is_kind(each, word)) continue;
        if (each.form == wanted) return &each;
        other = &each;
    }
    return other;
}

error no_such_kind(std::string_view word) {
    std::string kinds;
    for (auto const& each : definition_types())
        if (kinds.find(lower(each.kind)) == kinds.npos) kinds += (kinds.empty() ? "" : ", ") + lower(each.kind);
    return error{errc::not_found, fmt::format("'{}' is not a kind of RIK", word), {}, "there are " + kinds};
}

error no_such_field(std::string_view name, std::string_view above, object_type const& in) {
    nearest_word nearest(name);
    std::string names;
    for_each_field(in, [&](field const& row) {
        nearest.consider(row.name);
        names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
    });
    auto remedy = nearest.found() ? fmt::format("did you mean {}?", *nearest.found()) : "it has " + names;
    return error{errc::not_found, fmt::format("{} has no field '{}'", above, name), {}, std::move(remedy)};
}

std::string standing_text(field const& row) {
    if (!row.refused_words.empty())
        return fmt::format("Not supported yet is {}: {}.", word_list(row.refused_words), row.because);
    switch (row.standing) {
        case field_standing::acted_on: return {};
        case field_standing::kept: return fmt::format("It is kept, with a warning, and not acted on: {}.", row.because);
        case field_standing::refused: return fmt::format("It is not supported yet: {}.", row.because);
    }
    return {};
}

std::string range_text(value_type const& type) {
    if (type.kind != value_kind::integer) return {};
    return fmt::format("from {} to {}", type.min, type.max);
}

/// "-needed-", "-kept-", "-not supported yet-"
std::string_view mark_of(field const& row) {
    if (row.standing == field_standing::kept) return "  -kept-";
    if (row.standing == field_standing::refused) return "  -not supported yet-";
    return row.is_needed() ? "  -needed-" : "";
}

void add_line(std::string& text, std::string_view heading, std::string_view value) {
    if (!value.empty()) text += fmt::format("{:<9}{}\n", heading, value);
}

void add_fields(std::string& text, object_type const& of) {
    text += "\nFIELDS:\n";
    for_each_field(of, [&](field const& row) {
        text += fmt::format("  {}  <{}>{}\n      {}\n", row.name, type_text(row.type), mark_of(row), row.about);
    });
}

/// Recursion is bounded: no object of the table has itself in it.
void add_tree(std::string& text, object_type const& of, std::size_t depth) {
    for_each_field(of, [&](field const& row) {
        text += fmt::format("{:{}}{}  <{}>{}\n", "", 2 + 2 * depth, row.name, type_text(row.type), mark_of(row));
        if (row.type.object != nullptr) add_tree(text, *row.type.object, depth + 1);
    });
}

void add_below(std::string& text, object_type const* of, bool is_recursive) {
    if (of == nullptr) return;
    if (!is_recursive) return add_fields(text, *of);
    text += "\nFIELDS:\n";
    add_tree(text, *of, 0);
}

std::string describe(definition_type const& kind, field const& row, std::string_view path, bool is_recursive) {
    std::string text;
    add_line(text, "KIND", fmt::format("{} ({})", kind.kind, to_string(kind.form)));
    add_line(text, "FIELD", fmt::format("{}  <{}>{}", path, type_text(row.type), mark_of(row)));
    add_line(text, "RANGE", range_text(row.type));
    add_line(text, "DEFAULT", row.usual);
    text += fmt::format("\n{}\n", row.about);
    if (auto const standing = standing_text(row); !standing.empty()) text += standing + "\n";
    if (row.type.object != nullptr) text += fmt::format("{}: {}\n", row.type.object->name, row.type.object->about);
    add_below(text, row.type.object, is_recursive);
    return text;
}

std::string describe(definition_type const& kind, bool is_recursive) {
    std::string text;
    add_line(text, "KIND", fmt::format("{} ({})", kind.kind, to_string(kind.form)));
    add_line(text, "VERSION", word_list(kind.api_versions));
    text += fmt::format("\n{}\n", kind.type->about);
    add_below(text, kind.type, is_recursive);
    return text;
}

}  // namespace

result<std::string> explain_field(std::string_view path, definition_form form, bool is_recursive) {
    auto rest = path;
    auto const word = take_name(rest);
    auto const* kind = find_kind(lower(word), form);
    if (kind == nullptr) return no_such_kind(word);
    auto const* in = kind->type;
    field const* row = nullptr;
    std::string walked(word);
    while (!rest.empty()) {
        auto const name = take_name(rest);
        if (in == nullptr)
            return error{errc::not_found, fmt::format("{} has no fields", walked), {}, "leave out what follows it"};
        row = in->find(name);
        if (row == nullptr) return no_such_field(name, walked, *in);
        walked += fmt::format(".{}", name);
        in = row->type.object;
    }
    return row == nullptr ? describe(*kind, is_recursive) : describe(*kind, *row, walked, is_recursive);
}

}  // namespace rik
