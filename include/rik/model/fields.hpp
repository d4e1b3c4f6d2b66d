// What RIK knows of the fields of definitions, as one table. Checking, warnings, `rikctl explain`, the JSON schema and
// docs/compatibility are made from it. To add a field: docs/recipes/add-a-field.md.
#pragma once

#include <rik/base/error.hpp>
#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rik {

/// What RIK does with a field. A field that the table does not have is refused.
enum class field_standing : std::uint8_t {
    acted_on,
    kept,     ///< and warned about: without it only comfort is missing
    refused,  ///< as not supported yet: without it data, rights or what runs would be other than its author meant
};
std::string_view to_string(field_standing standing);  ///< "acted on", "kept", "refused"

enum class value_kind : std::uint8_t {
    text,
    word,  ///< one of a few
    boolean,
    integer,
    quantity,  ///< "500m", "64Mi", 2; see parse_quantity
    port,      ///< a number, or the name of a port
    share,     ///< a number, or a percentage: "25%"
    object,
    anything,  ///< what is in it is not looked at
};

enum class value_count : std::uint8_t {
    one,
    list,
    map,          ///< from names to values
    list_or_one,  ///< RIK's form writes a single entry without brackets
};

/// The syntax of a text. `check` returns what is wrong with `text`, which is the value of `field`.
struct text_format {
    std::string_view name;  ///< "DNS label": for explanations
    std::optional<error> (*check)(std::string_view text, std::string_view field);
};

struct object_type;

struct value_type {
    value_kind kind = value_kind::text;
    value_count count = value_count::one;
    text_format const* format = nullptr;      ///< of a text
    text_format const* key_format = nullptr;  ///< of the names of a map
    object_type const* object = nullptr;
    std::string_view words = {};  ///< "Always|OnFailure|Never"
    bool has_any_case = false;    ///< of a word
    std::int64_t min = 0;         ///< of an integer
    std::int64_t max = std::numeric_limits<std::int32_t>::max();
};

/// A row of the table.
struct field {
    std::string_view name;
    value_type type;
    std::string_view about;                ///< what it is for, in one sentence
    std::string_view usual = {};           ///< what holds without it
    std::string_view missing_remedy = {};  ///< not empty: it must be there
    field_standing standing = field_standing::acted_on;
    std::string_view because = {};        ///< why it is kept or refused, or those of its words are
    std::string_view refused_words = {};  ///< of its words those that are not supported yet

    constexpr field by_default(std::string_view value) const {
        auto row = *this;
        row.usual = value;
        return row;
    }
    /// `remedy` completes the problem of a definition without it.
    constexpr field needed(std::string_view remedy) const {
        auto row = *this;
        row.missing_remedy = remedy;
        return row;
    }
    constexpr field kept(std::string_view reason) const {
        auto row = *this;
        row.standing = field_standing::kept;
        row.because = reason;
        return row;
    }
    constexpr field refused(std::string_view reason) const {
        auto row = *this;
        row.standing = field_standing::refused;
        row.because = reason;
        return row;
    }
    constexpr field without(std::string_view some_words, std::string_view reason) const {
        auto row = *this;
        row.refused_words = some_words;
        row.because = reason;
        return row;
    }
    bool is_needed() const { return !missing_remedy.empty(); }
};

/// The name of a row for all names with a slash that have no row of their own: "example.com/gpu".
inline constexpr std::string_view any_extended_name = "*/*";

/// What an object of a definition may have: its own fields, and those of `base` that it does not define anew.
struct object_type {
    std::string_view name;  ///< "Container"
    std::string_view about;
    std::span<field const> fields;
    object_type const* base = nullptr;

    /// Returns nullptr if there is none.
    field const* find(std::string_view name) const;
};

/// Calls `visit(field const&)` for each field of `type`: those of its base, where it does not define them anew, then
/// its own.
template <class Visit>
void for_each_field(object_type const& type, Visit visit) {
    auto const visit_own = [&](auto const& self, object_type const& of) -> void {
        if (of.base != nullptr) self(self, *of.base);
        for (auto const& row : of.fields)
            if (type.find(row.name) == &row) visit(row);
    };
    visit_own(visit_own, type);
}

/// The word before each '|' of "a|b|c".
std::string_view next_word(std::string_view& words);
/// "Always, OnFailure or Never"
std::string word_list(std::string_view words);
/// "text", "list of Container", "map of text to text", "Always, OnFailure or Never": for people.
std::string type_text(value_type const& type);

/// A kind of definitions in one of the forms.
struct definition_type {
    std::string_view kind;  ///< as written: "Pod"
    definition_form form;
    std::string_view api_versions;  ///< "v1|v0"
    object_type const* type;
};

/// All that can be defined.
std::span<definition_type const> definition_types();
/// Returns nullptr if there is no such kind in this form.
definition_type const* find_definition_type(std::string_view kind, definition_form form);

/// The JSON schema (draft 2020-12) of all of RIK's form or all of Kubernetes' form.
std::string json_schema(definition_form form);

/// The tables of docs/compatibility.md: each field that is kept or refused, with the reason.
std::string compatibility_tables();

/// What `path` ("pod.spec.containers.env", with or without indexes) is for, and the fields below it, as text for
/// people; with `is_recursive` the whole tree below it, one line a field. A path begins with a kind in any case.
/// Errors: not_found, there is no such kind or field; the remedy has the nearest one.
result<std::string> explain_field(std::string_view path, definition_form form, bool is_recursive);

}  // namespace rik
