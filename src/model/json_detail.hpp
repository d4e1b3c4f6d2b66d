// Readers and writers of typed JSON members, shared by everything that turns objects into JSON and back.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/rare.hpp>
#include <rik/base/time.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/resources.hpp>

#include <boost/json.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

namespace json = boost::json;

/// Memory for the JSON trees of one reading: most fit into the buffer, so that they cost no allocation. Whatever is
/// made with `storage()` must be gone before the arena is.
class json_arena {
public:
    json::storage_ptr storage() { return &memory_; }

private:
    std::array<unsigned char, 4096> buffer_;
    json::monotonic_resource memory_{buffer_.data(), buffer_.size()};
};

// --- writing: write_json(into, value) appends every type that a member may have, without a tree in between

/// JSON that is being written.
struct json_text {
    std::string text = {};
};

/// As a JSON string. Bytes that are no UTF-8 are written as they are: programs say them, and they must come back.
void write_json(json_text& into, std::string_view value);
inline void write_json(json_text& into, std::string const& value) { write_json(into, std::string_view(value)); }
inline void write_json(json_text& into, bool value) { into.text += value ? "true" : "false"; }
template <std::integral Number>
requires(!std::same_as<Number, bool>) void write_json(json_text& into, Number number) {
    std::array<char, std::numeric_limits<Number>::digits10 + 2> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    into.text.append(digits.data(), end);
}
/// As a JSON string, of characters that need no escapes.
inline void write_plain(json_text& into, std::string_view value) {
    into.text.append(1, '"').append(value).append(1, '"');
}
inline void write_json(json_text& into, wall_time when) { write_plain(into, rik::to_string(when)); }
template <class Kind>
void write_json(json_text& into, uid<Kind> const& id) {
    write_plain(into, id.text());
}
void write_json(json_text& into, string_map const& map);
void write_json(json_text& into, resources const& amounts);
void write_json(json_text& into, index_set const& some);
template <class Value>
void write_json(json_text& into, std::optional<Value> const& value) {
    if (value)
        write_json(into, *value);
    else
        into.text += "null";
}
template <class Value>
void write_json(json_text& into, rare<Value> const& value) {
    if (value)
        write_json(into, *value);
    else
        into.text += "null";
}
template <class Item>
void write_json(json_text& into, std::vector<Item> const& list) {
    into.text += '[';
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (i > 0) into.text += ',';
        write_json(into, list[i]);
    }
    into.text += ']';
}

/// Appends one JSON object, member by member.
class object_writer {
public:
    explicit object_writer(json_text& into) : into_(into) { into_.text += '{'; }

    /// `name` needs no escapes.
    template <class Value>
    void put(std::string_view name, Value const& value) {
        begin_member(name);
        write_json(into_, value);
    }
    /// Leaves the member out if `value` is what a reader assumes without it.
    template <class Value>
    void put_unless(std::string_view name, Value const& value, Value const& assumed) {
        if (!(value == assumed)) put(name, value);
    }
    void end() { into_.text += '}'; }

private:
    void begin_member(std::string_view name);

    json_text& into_;
    bool has_members_ = false;
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
void read_value(json::value const& from, index_set& into, read_failure& failure);

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

template <class Value>
void read_value(json::value const& from, rare<Value>& into, read_failure& failure) {
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
