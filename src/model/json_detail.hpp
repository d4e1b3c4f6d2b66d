// Readers and writers of typed JSON members, shared by everything that turns objects into JSON and back.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/time.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/resources.hpp>

#include <boost/json.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// Memory for the JSON trees of one call: most fit into the buffer, so that they cost no allocation. Whatever is made
/// with `storage()` must be gone before the arena is.
class json_arena {
public:
    json::storage_ptr storage() { return &memory_; }

private:
    std::array<unsigned char, 4096> buffer_;
    json::monotonic_resource memory_{buffer_.data(), buffer_.size()};
};

// --- writing: to_json(value, arena) for every type that a member may have

inline json::value to_json(std::string_view text, json_arena& arena) {
    return json::value(text, arena.storage());  // braces would make an array
}
inline json::value to_json(std::string const& text, json_arena& arena) {
    return to_json(std::string_view(text), arena);
}
inline json::value to_json(bool value, json_arena&) { return value; }
template <std::signed_integral Number>
json::value to_json(Number number, json_arena&) {
    return static_cast<std::int64_t>(number);
}
template <std::unsigned_integral Number>
requires(!std::same_as<Number, bool>) json::value to_json(Number number, json_arena&) {
    return static_cast<std::uint64_t>(number);
}
inline json::value to_json(wall_time when, json_arena& arena) { return to_json(rik::to_string(when), arena); }
template <class Kind>
json::value to_json(uid<Kind> const& id, json_arena& arena) {
    return to_json(id.text(), arena);
}
json::value to_json(string_map const& map, json_arena& arena);
json::value to_json(resources const& amounts, json_arena& arena);
template <class Value>
json::value to_json(std::optional<Value> const& value, json_arena& arena) {
    return value ? to_json(*value, arena) : json::value(nullptr);
}
template <class Item>
json::value to_json(std::vector<Item> const& list, json_arena& arena) {
    json::array array(arena.storage());
    array.reserve(list.size());
    for (auto const& item : list) array.emplace_back(to_json(item, arena));
    return array;
}

/// Builds one JSON object, member by member.
class object_writer {
public:
    explicit object_writer(json_arena& arena) : arena_(arena), object_(arena.storage()) {}

    template <class Value>
    void put(std::string_view name, Value const& value) {
        object_.emplace(name, to_json(value, arena_));
    }
    /// Leaves the member out if `value` is what a reader assumes without it.
    template <class Value>
    void put_unless(std::string_view name, Value const& value, Value const& assumed) {
        if (!(value == assumed)) put(name, value);
    }
    json::value take() { return std::move(object_); }

private:
    json_arena& arena_;
    json::object object_;
};

// --- reading: read_value(from, into, failure) for every type that a member may have

/// The first thing that was wrong while an object was read, with the path of the member. Later ones are dropped: they
/// usually follow from the first.
class read_failure {
public:
    bool happened() const { return happened_; }
    void note(std::string message);
    /// Called by the readers of enclosing objects, innermost first.
    void inside(std::string_view member);
    void inside(std::size_t index);
    /// Precondition: happened().
    error as_error(std::string_view object) const;

private:
    void prepend(std::string step);
    bool happened_ = false;
    std::string path_;
    std::string message_;
};

/// Where a number's JSON form, signed or unsigned, becomes one that fits; nullopt if it is none or out of range.
template <std::integral Number>
std::optional<Number> integer_from(json::value const& from) {
    if (auto const* number = from.if_int64(); number != nullptr && std::in_range<Number>(*number))
        return static_cast<Number>(*number);
    if (auto const* number = from.if_uint64(); number != nullptr && std::in_range<Number>(*number))
        return static_cast<Number>(*number);
    return std::nullopt;
}

/// nullptr, and a note, if `from` is no object (no array, no string).
json::object const* object_in(json::value const& from, read_failure& failure);
json::array const* array_in(json::value const& from, read_failure& failure);
std::optional<std::string_view> text_in(json::value const& from, read_failure& failure);

void read_value(json::value const& from, std::string& into, read_failure& failure);
void read_value(json::value const& from, bool& into, read_failure& failure);
void read_value(json::value const& from, wall_time& into, read_failure& failure);
void read_value(json::value const& from, string_map& into, read_failure& failure);
void read_value(json::value const& from, resources& into, read_failure& failure);

template <std::integral Number>
requires(!std::same_as<Number, bool>) void read_value(json::value const& from, Number& into, read_failure& failure) {
    if (auto const number = integer_from<Number>(from))
        into = *number;
    else
        failure.note("is not a whole number in range");
}

template <class Kind>
void read_value(json::value const& from, uid<Kind>& into, read_failure& failure) {
    auto const text = text_in(from, failure);
    if (!text) return;
    auto const id = uid<Kind>::parse(*text);
    if (id)
        into = *id;
    else
        failure.note(id.error().message);
}

template <class Value>
void read_value(json::value const& from, std::optional<Value>& into, read_failure& failure) {
    read_value(from, into.emplace(), failure);
}

template <class Item>
void read_value(json::value const& from, std::vector<Item>& into, read_failure& failure) {
    auto const* array = array_in(from, failure);
    if (array == nullptr) return;
    into.reserve(array->size());
    for (std::size_t i = 0; i < array->size() && !failure.happened(); ++i) {
        read_value((*array)[i], into.emplace_back(), failure);
        if (failure.happened()) failure.inside(i);
    }
}

/// Reads a word by its parser (parse_node_state and the like).
template <class Word>
void read_word(json::value const& from, Word& into, std::optional<Word> (*parse)(std::string_view),
               read_failure& failure) {
    auto const text = text_in(from, failure);
    if (!text) return;
    if (auto const word = parse(*text))
        into = *word;
    else
        failure.note("'" + std::string(text->substr(0, 64)) + "' is not one of its words");
}

/// Reads the members of one JSON object. Does nothing any more once something was wrong.
class member_reader {
public:
    member_reader(json::object const& from, read_failure& failure) : from_(from), failure_(failure) {}

    /// A missing member leaves `into` as it is.
    template <class Value>
    void get(std::string_view name, Value& into) {
        if (failure_.happened()) return;
        auto const* found = from_.if_contains(name);
        if (found == nullptr) return;
        read_value(*found, into, failure_);
        if (failure_.happened()) failure_.inside(name);
    }
    /// A missing member is a failure.
    template <class Value>
    void need(std::string_view name, Value& into) {
        if (failure_.happened()) return;
        if (from_.if_contains(name) != nullptr) return get(name, into);
        failure_.note("is missing");
        failure_.inside(name);
    }

private:
    json::object const& from_;
    read_failure& failure_;
};

}  // namespace rik::detail
