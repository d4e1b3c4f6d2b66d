#include "model/definition_check.hpp"

#include "model/definition_tree.hpp"
#include "model/yaml_detail.hpp"

#include <rik/base/nearest_word.hpp>
#include <rik/base/quantity.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

/// Where a value is, as a list of names and indexes from the inside out: a path is written only for what is wrong.
struct place {
    place const* around = nullptr;
    std::string_view name = {};
    std::optional<std::size_t> index = {};

    std::string text() const {
        if (index) return path_of(around->text(), *index);
        return around == nullptr ? std::string(name) : path_of(around->text(), name);
    }
};

bool is_same_word(std::string_view left, std::string_view right, bool in_any_case) {
    auto const lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [&](char a, char b) { return in_any_case ? lower(a) == lower(b) : a == b; });
}

bool is_among(std::string_view words, std::string_view word, bool in_any_case) {
    for (auto rest = words; !rest.empty();)
        if (is_same_word(next_word(rest), word, in_any_case)) return true;
    return words.starts_with('|') && word.empty();
}

std::string supported_words(field const& row) {
    std::string supported;
    for (auto rest = row.type.words; !rest.empty();) {
        auto const word = next_word(rest);
        if (word.empty() || is_among(row.refused_words, word, false)) continue;
        supported += (supported.empty() ? "" : "|") + std::string(word);
    }
    return supported;
}

/// Would leaving it out be the same? What asks for nothing needs no support.
bool asks_for_nothing(json::value const& value, field const& row) {
    if (!row.usual.empty()) {
        auto const* text = value.if_string();
        auto const written = text == nullptr ? canonical_text(value) : std::string(text->data(), text->size());
        if (written == row.usual) return true;
        if (value.is_bool()) return false;
    }
    if (auto const* object = value.if_object()) return object->empty();
    if (auto const* array = value.if_array()) return array->empty();
    if (auto const* text = value.if_string()) return text->empty();
    auto const* flag = value.if_bool();
    return flag != nullptr && !*flag;
}

bool has_refused_word(json::value const& value, field const& row) {
    auto const* text = value.if_string();
    return text != nullptr && is_among(row.refused_words, {text->data(), text->size()}, row.type.has_any_case);
}

class checker {
public:
    checker(object_type const& root, findings& notes) : root_(root), notes_(notes) {}

    void check_object(json::object const& from, object_type const& type, place const& where) {
        for (auto const& member : from) {
            if (notes_.is_full()) return;
            std::string_view const name(member.key().data(), member.key().size());
            place const here{&where, name};
            if (auto const* row = type.find(name))
                check_member(member.value(), *row, here);
            else
                notes_.problem(here.text(), "is not a field", unknown_remedy(name, type));
        }
        check_needed(from, type, where);
    }

private:
    /// Often a field is right and stands in the wrong object, since it is indented too much or too little.
    std::string unknown_remedy(std::string_view name, object_type const& type) const {
        if (has_odd_blank(name)) return "it has a character in it that only looks like a blank: write blanks";
        if (auto const place = find_place(name); !place.empty()) return fmt::format("it belongs to {}", place);
        return nearest_remedy(name, type);
    }

    /// The object nearest to the root that has such a field.
    std::string find_place(std::string_view name) const {
        constexpr std::array common_names{"name", "type", "value", "key", "path", "port", "items", "function"};
        if (std::ranges::find(common_names, name) != common_names.end() || name.find('/') != name.npos) return {};
        std::vector<std::pair<object_type const*, std::string>> level{{&root_, ""}};
        std::set<object_type const*> seen;  // only looked up by pointer, never walked
        while (!level.empty()) {
            std::vector<std::pair<object_type const*, std::string>> next;
            for (auto const& [type, path] : level) {
                if (!seen.insert(type).second) continue;
                auto const* row = type->find(name);
                if (row != nullptr && !path.empty()) return path;
                for_each_field(*type, [&](field const& each) {
                    if (each.type.object != nullptr && each.standing == field_standing::acted_on)
                        next.emplace_back(each.type.object, detail::path_of(path, each.name));
                });
            }
            level = std::move(next);
        }
        return {};
    }

    static std::string nearest_remedy(std::string_view name, object_type const& type) {
        nearest_word nearest(name);
        std::vector<std::string_view> usable;
        for_each_field(type, [&](field const& row) {
            nearest.consider(row.name);
            if (row.standing == field_standing::acted_on) usable.push_back(row.name);
        });
        if (auto const meant = nearest.found()) return fmt::format("did you mean {}?", *meant);
        return fmt::format("legal fields here: {}", fmt::join(usable, ", "));
    }

    void check_needed(json::object const& from, object_type const& type, place const& where) {
        for_each_field(type, [&](field const& row) {
            if (!row.is_needed() || notes_.is_full()) return;
            auto const* found = from.if_contains(row.name);
            if (found == nullptr || found->is_null())
                notes_.problem(place{&where, row.name}.text(), "is missing", row.missing_remedy);
        });
    }

    void check_member(json::value const& value, field const& row, place const& where) {
        if (value.is_null()) return;
        auto const counts = row.standing != field_standing::acted_on && !asks_for_nothing(value, row);
        if (counts && row.standing == field_standing::refused) return notes_.not_supported(where.text(), row.because);
        if (counts && !has_refused_word(value, row)) notes_.warn_unused(where.text(), row.because);
        switch (row.type.count) {
            case value_count::one: return check_value(value, row, where);
            case value_count::list: return check_list(value, row, where);
            case value_count::map: return check_map(value, row, where);
            case value_count::list_or_one: return check_list_or_one(value, row, where);
        }
    }

    void check_list(json::value const& value, field const& row, place const& where) {
        auto const* list = value.if_array();
        if (list != nullptr) return check_elements(*list, row, where);
        if (value.is_string() && row.type.kind == value_kind::text)
            return notes_.problem(where.text(), "is text, not a list",
                                  R"(write one entry per word: ["sleep", "60"], or ["sh", "-c", "..."] for a shell)");
        notes_.problem(where.text(), fmt::format("is {}, not a list", kind_text(value)),
                       "write [ ... ], even for a single entry");
    }
    void check_elements(json::array const& list, field const& row, place const& where) {
        for (std::size_t i = 0; i < list.size() && !notes_.is_full(); ++i)
            check_value(list[i], row, place{.around = &where, .index = i});
    }
    void check_list_or_one(json::value const& value, field const& row, place const& where) {
        if (auto const* list = value.if_array()) return check_elements(*list, row, where);
        check_value(value, row, where);
    }
    void check_map(json::value const& value, field const& row, place const& where) {
        auto const* map = value.if_object();
        if (map == nullptr) return wrong_type(value, where, "an object", "give its fields as names and values");
        for (auto const& member : *map) {
            if (notes_.is_full()) return;
            std::string_view const key(member.key().data(), member.key().size());
            place const here{&where, key};
            auto const path = here.text();
            auto const wrong_key = row.type.key_format->check(key, path);
            if (wrong_key) notes_.problem(path, "is not a legal key", wrong_key->remedy);
            check_value(member.value(), row, here);
        }
    }

    void check_value(json::value const& value, field const& row, place const& where) {
        switch (row.type.kind) {
            case value_kind::text: return check_text(value, row, where);
            case value_kind::word: return check_word(value, row, where);
            case value_kind::boolean:
                if (!value.is_bool()) wrong_type(value, where, "true or false", "write true or false");
                return;
            case value_kind::integer: return check_integer(value, row.type, where);
            case value_kind::quantity: return check_quantity(value, row, where);
            case value_kind::port:
                if (!value.is_string()) check_integer(value, row.type, where);
                return;
            case value_kind::share:
                if (!value.is_string()) check_integer(value, row.type, where);
                return;
            case value_kind::object: return check_nested(value, row, where);
            case value_kind::anything: return;
        }
    }

    void check_nested(json::value const& value, field const& row, place const& where) {
        auto const* object = value.if_object();
        if (object == nullptr) return wrong_type(value, where, "an object", "give its fields as names and values");
        check_object(*object, *row.type.object, where);
    }

    /// Numbers and flags in place of text: as they were written, since 1.10 is not 1.1.
    std::optional<std::string_view> expect_text(json::value const& value, place const& where) {
        auto const* text = value.if_string();
        if (text == nullptr) {
            auto const can_be_quoted = value.is_number() || value.is_bool();
            wrong_type(value, where, "text", can_be_quoted ? "write it in quotes" : "write text");
            return std::nullopt;
        }
        std::string_view const view(text->data(), text->size());
        if (view.find('\0') == view.npos) return view;
        notes_.problem(where.text(), "has a zero byte in it", "remove it: no program could read what follows it");
        return std::nullopt;
    }

    void check_text(json::value const& value, field const& row, place const& where) {
        auto const text = expect_text(value, where);
        if (text && row.type.format != nullptr && !is_left_out(*text, row))
            notes_.problem(row.type.format->check(*text, where.text()));
    }
    /// As in Kubernetes, where an empty text is the default, if there is one.
    static bool is_left_out(std::string_view text, field const& row) { return text.empty() && !row.usual.empty(); }

    void check_word(json::value const& value, field const& row, place const& where) {
        auto const text = expect_text(value, where);
        if (!text || is_left_out(*text, row)) return;
        if (is_among(row.refused_words, *text, row.type.has_any_case))
            return notes_.not_supported(where.text(), fmt::format("it is '{}', and {}", *text, row.because));
        if (is_among(row.type.words, *text, row.type.has_any_case)) return;
        notes_.problem(where.text(), fmt::format("'{}' is none of its values", shortened(*text)),
                       fmt::format("use {}", word_list(supported_words(row))));
    }

    void check_integer(json::value const& value, value_type const& type, place const& where) {
        auto const wrong = [&](std::string message) {
            notes_.problem(where.text(), std::move(message),
                           fmt::format("write a whole number from {} to {}", type.min, type.max));
        };
        if (!value.is_number()) return wrong(fmt::format("is {}, not a number", kind_text(value)));
        if (value.is_double()) return wrong(fmt::format("is {}, not a whole number", canonical_text(value)));
        auto const* number = value.if_int64();
        if (number == nullptr || *number < type.min || *number > type.max)
            wrong(fmt::format("is {}, out of range", canonical_text(value)));
    }

    void check_quantity(json::value const& value, field const& row, place const& where) {
        if (!value.is_string() && !value.is_number())
            return wrong_type(value, where, "an amount", "write for example 2, 500m, 64Mi or 1.5Gi");
        auto const text = value.is_string() ? std::string(std::string_view(*value.if_string())) : canonical_text(value);
        auto const amount = parse_quantity(text, row.name == resource::cpu ? 1000 : 1);
        if (!amount)
            notes_.problem(where.text(), amount.error().message, amount.error().remedy);
        else if (*amount > amount_max)
            notes_.problem(where.text(), fmt::format("'{}' is more than any machine has", shortened(text)),
                           "ask for less");
    }

    void wrong_type(json::value const& value, place const& where, std::string_view wanted, std::string_view remedy) {
        notes_.problem(where.text(), fmt::format("is {}, not {}", kind_text(value), wanted), remedy);
    }

    object_type const& root_;
    findings& notes_;
};

}  // namespace

void check_fields(json::object const& root, object_type const& type, findings& notes) {
    checker(type, notes).check_object(root, type, {});
}

}  // namespace rik::detail
