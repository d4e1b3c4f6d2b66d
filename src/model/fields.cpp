#include <rik/model/fields.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace rik {

std::string_view to_string(field_standing standing) {
    switch (standing) {
        case field_standing::acted_on: return "acted on";
        case field_standing::kept: return "kept";
        case field_standing::refused: return "refused";
    }
    return "refused";
}

field const* object_type::find(std::string_view wanted) const {
    for (auto const* each = this; each != nullptr; each = each->base)
        for (auto const& row : each->fields)
            if (row.name == wanted) return &row;
    auto const is_extended = wanted.find('/') != wanted.npos && wanted != any_extended_name;
    return is_extended ? find(any_extended_name) : nullptr;
}

std::string_view next_word(std::string_view& words) {
    auto const end = std::min(words.find('|'), words.size());
    auto const word = words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
    return word;
}

std::string word_list(std::string_view words) {
    std::string text;
    for (auto rest = words; !rest.empty();) {
        auto const word = next_word(rest);
        if (!text.empty()) text += rest.empty() ? " or " : ", ";
        text += word.empty() ? "nothing" : std::string(word);
    }
    return text;
}

namespace {

std::string one_text(value_type const& type) {
    switch (type.kind) {
        case value_kind::text: return type.format == nullptr ? "text" : std::string(type.format->name);
        case value_kind::word: return word_list(type.words);
        case value_kind::boolean: return "true or false";
        case value_kind::integer: return "whole number";
        case value_kind::quantity: return "quantity";
        case value_kind::port: return "port number or name";
        case value_kind::share: return "whole number or percentage";
        case value_kind::object: return std::string(type.object->name);
        case value_kind::anything: return "any value";
    }
    return "any value";
}

}  // namespace

std::string type_text(value_type const& type) {
    switch (type.count) {
        case value_count::one: return one_text(type);
        case value_count::list: return "list of " + one_text(type);
        case value_count::map: return fmt::format("map of {} to {}", type.key_format->name, one_text(type));
        case value_count::list_or_one: return fmt::format("{0}, or list of {0}", one_text(type));
    }
    return one_text(type);
}

}  // namespace rik
