// One description of the members of a struct, from which it is written as JSON and read back.
#pragma once

#include "model/json_detail.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace rik::detail {

/// A member under its name in JSON. One that is not needed is left out while it has the value that a new struct has.
template <class Struct, class Value>
struct member {
    std::string_view name;
    Value Struct::*at;
    bool is_needed;
};

template <class Struct, class Value>
constexpr member<Struct, Value> needed(std::string_view name, Value Struct::*at) {
    return {name, at, true};
}
template <class Struct, class Value>
constexpr member<Struct, Value> usual(std::string_view name, Value Struct::*at) {
    return {name, at, false};
}

/// Most texts are no longer.
inline constexpr std::size_t text_bytes_usual = 768;

/// The members of a struct, in the order in which they are written: specialize it as `std::tuple(needed(...), ...)`.
template <class Struct>
inline constexpr auto members_of = nullptr;

template <class Struct>
concept described = !std::same_as<decltype(members_of<Struct>), std::nullptr_t const>;

/// The parser of an enumeration's words: specialize it beside the enumeration's to_string.
template <class Word>
inline constexpr auto parser_of = nullptr;

template <class Word>
concept worded = std::is_enum_v<Word> && !std::same_as<decltype(parser_of<Word>), std::nullptr_t const>;

template <worded Word>
void write_json(json_text& into, Word word) {
    write_json(into, std::string_view(to_string(word)));
}

template <described Struct>
void write_json(json_text& into, Struct const& from);

template <described Struct>
void write_members(object_writer& into, Struct const& from) {
    static Struct const usual_one{};
    auto const write = [&](auto const& each) {
        if (each.is_needed)
            into.put(each.name, from.*each.at);
        else
            into.put_unless(each.name, from.*each.at, usual_one.*each.at);
    };
    std::apply([&](auto const&... each) { (write(each), ...); }, members_of<Struct>);
}

template <described Struct>
void write_json(json_text& into, Struct const& from) {
    object_writer members(into);
    write_members(members, from);
    members.end();
}

template <worded Word>
void read_value(json::value const& from, Word& into, read_failure& failure) {
    read_word(from, into, parser_of<Word>, failure);
}

template <described Struct>
void read_members(member_reader& from, Struct& into) {
    auto const read = [&](auto const& each) {
        if (each.is_needed)
            from.need(each.name, into.*each.at);
        else
            from.get(each.name, into.*each.at);
    };
    std::apply([&](auto const&... each) { (read(each), ...); }, members_of<Struct>);
}

template <described Struct>
void read_value(json::value const& from, Struct& into, read_failure& failure) {
    auto const* object = object_in(from, failure);
    if (object == nullptr) return;
    member_reader members(*object, failure);
    read_members(members, into);
}

template <class Object>
std::string text_of(Object const& object) {
    json_text into;
    into.text.reserve(text_bytes_usual);
    write_json(into, object);
    return std::move(into.text);
}

/// Reads what `text_of` has made, and calls `read(json::value const&, read_failure&)` for more. Messages of programs
/// may hold any bytes, and what was written must be readable. Errors: corrupt; `name` says of what.
template <class Read>
result<void> read_text(std::string_view text, std::string_view name, Read read) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    json_arena arena;
    json::error_code failed;
    auto const parsed = json::parse(text, failed, arena.storage(), options);
    if (failed) return error{errc::corrupt, fmt::format("{}: {}", name, failed.message())};
    read_failure failure;
    read(parsed, failure);
    if (failure.happened()) return failure.as_error(name);
    return {};
}

}  // namespace rik::detail
