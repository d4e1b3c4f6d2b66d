#include "model/json_detail.hpp"

#include <fmt/format.h>

namespace rik::detail {

json::value to_json(string_map const& map, json_arena& arena) {
    json::object object(arena.storage());
    object.reserve(map.size());
    for (auto const& [key, text] : map) object.emplace(key, std::string_view(text));
    return object;
}

json::value to_json(resources const& amounts, json_arena& arena) {
    json::object object(arena.storage());
    object.reserve(amounts.entries().size());
    for (auto const& [name, amount] : amounts.entries()) object.emplace(name, amount);
    return object;
}

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

}  // namespace rik::detail
