#include "model/json_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace rik::detail {

namespace {

/// Appends what stands for a character that needs it.   Source: RFC 8259, section 7
void append_escaped(std::string& into, char letter) {
    into.push_back('\\');
    switch (letter) {
        case '"':
        case '\\': return into.push_back(letter);
        case '\b': return into.push_back('b');
        case '\f': return into.push_back('f');
        case '\n': return into.push_back('n');
        case '\r': return into.push_back('r');
        case '\t': return into.push_back('t');
        default: into += fmt::format("u{:04x}", static_cast<unsigned>(letter));
    }
}

bool needs_escape(char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == '"' || letter == '\\'; }

constexpr std::uint64_t of_each_byte(std::uint64_t value) { return value * 0x0101010101010101; }

/// Returns true if one of eight bytes is 0. It is exact in that, though not in which.
constexpr bool has_zero(std::uint64_t bytes) { return ((bytes - of_each_byte(1)) & ~bytes & of_each_byte(0x80)) != 0; }

/// Eight letters at a time, of which nearly never one needs it.
bool one_needs_escape(char const* eight) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, eight, sizeof bytes);
    auto const has_control = has_zero(bytes & of_each_byte(0xe0));
    return has_control || has_zero(bytes ^ of_each_byte('"')) || has_zero(bytes ^ of_each_byte('\\'));
}

char const* find_to_escape(char const* at, char const* end) {
    while (end - at >= 8 && !one_needs_escape(at)) at += 8;
    return std::find_if(at, end, needs_escape);
}

}  // namespace

void write_json(json_text& into, std::string_view value) {
    auto& text = into.text;
    text.push_back('"');
    auto const* at = value.data();
    auto const* const end = at + value.size();
    for (;;) {
        auto const* const odd = find_to_escape(at, end);
        text.append(at, static_cast<std::size_t>(odd - at));
        if (odd == end) break;
        append_escaped(text, *odd);
        at = odd + 1;
    }
    text.push_back('"');
}

/// In one piece: a row has thirty members and more.
void object_writer::begin_member(std::string_view name) {
    auto& text = into_.text;
    if (has_members_) text.push_back(',');
    has_members_ = true;
    auto const begin = text.size();
    text.append(name.size() + 3, '"');
    std::memcpy(text.data() + begin + 1, name.data(), name.size());
    text.back() = ':';
}

namespace {

/// Its names may be anything.
template <class Map>
void write_map(json_text& into, Map const& map) {
    into.text += '{';
    for (auto each = map.begin(); each != map.end(); ++each) {
        if (each != map.begin()) into.text += ',';
        write_json(into, std::string_view(each->first));
        into.text += ':';
        write_json(into, each->second);
    }
    into.text += '}';
}

}  // namespace

void write_json(json_text& into, string_map const& map) { write_map(into, map); }
void write_json(json_text& into, resources const& amounts) { write_map(into, amounts.entries()); }

void write_json(json_text& into, index_set const& some) { write_plain(into, rik::to_string(some)); }

void read_failure::note(std::string message) {
    if (happened_) return;
    happened_ = true;
    message_ = std::move(message);
}

void read_failure::prepend(std::string step) {
    if (!path_.empty() && path_.front() != '[') step += '.';
    path_.insert(0, step);
}

void read_failure::inside(std::string_view member) { prepend(std::string(member)); }
void read_failure::inside(std::size_t index) { prepend(fmt::format("[{}]", index)); }

error read_failure::as_error(std::string_view object) const {
    if (path_.empty()) return error{errc::corrupt, fmt::format("{}: {}", object, message_)};
    return error{errc::corrupt, fmt::format("{}: {}: {}", object, path_, message_)};
}

json::object const* object_in(json::value const& from, read_failure& failure) {
    auto const* object = from.if_object();
    if (object == nullptr) failure.note("is not an object");
    return object;
}

json::array const* array_in(json::value const& from, read_failure& failure) {
    auto const* array = from.if_array();
    if (array == nullptr) failure.note("is not an array");
    return array;
}

std::optional<std::string_view> text_in(json::value const& from, read_failure& failure) {
    if (auto const* text = from.if_string()) return std::string_view(text->data(), text->size());
    failure.note("is not a string");
    return std::nullopt;
}

void read_value(json::value const& from, std::string& into, read_failure& failure) {
    if (auto const text = text_in(from, failure)) into = *text;
}

void read_value(json::value const& from, bool& into, read_failure& failure) {
    if (auto const* value = from.if_bool())
        into = *value;
    else
        failure.note("is not true or false");
}

void read_value(json::value const& from, wall_time& into, read_failure& failure) {
    auto const text = text_in(from, failure);
    if (!text) return;
    auto const when = parse_wall_time(*text);
    if (when)
        into = *when;
    else
        failure.note(when.error().message);
}

void read_value(json::value const& from, string_map& into, read_failure& failure) {
    auto const* object = object_in(from, failure);
    if (object == nullptr) return;
    for (auto const& member : *object) {
        read_value(member.value(), into[std::string(member.key())], failure);
        if (failure.happened()) return failure.inside(std::string_view(member.key()));
    }
}

void read_value(json::value const& from, resources& into, read_failure& failure) {
    auto const* object = object_in(from, failure);
    if (object == nullptr) return;
    for (auto const& member : *object) {
        std::int64_t amount = 0;
        read_value(member.value(), amount, failure);
        if (failure.happened()) return failure.inside(std::string_view(member.key()));
        into.set(std::string_view(member.key()), amount);
    }
}

void read_value(json::value const& from, index_set& into, read_failure& failure) {
    auto const text = text_in(from, failure);
    if (!text) return;
    if (auto read = parse_index_set(*text))
        into = std::move(*read);
    else
        failure.note("is not a list of indexes");
}

}  // namespace rik::detail
