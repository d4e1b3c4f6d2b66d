#include "client/json_view.hpp"

#include <fmt/format.h>

namespace rik::detail {

namespace json = boost::json;

result<json::object> parse_object(std::string_view text) {
    boost::system::error_code code;
    // One odd name in a long list must not hide the rest; `printable` makes the bytes fit for a terminal.
    json::parse_options lenient;
    lenient.allow_invalid_utf8 = true;
    auto value = json::parse({text.data(), text.size()}, code, {}, lenient);
    if (code) return error{errc::corrupt, fmt::format("the server's answer is not JSON: {}", code.message())};
    if (!value.is_object()) return error{errc::corrupt, "the server's answer is no JSON object"};
    return std::move(value.get_object());
}

std::vector<json::object const*> items_of(json::object const& from) {
    if (find(from, "items") == nullptr) return {&from};
    return objects_at(from, "items");
}

json::value const* find(json::object const& in, std::string_view path) {
    auto const dot = path.find('.');
    auto const name = path.substr(0, dot);
    auto const* value = in.if_contains({name.data(), name.size()});
    if (value == nullptr || dot == std::string_view::npos) return value;
    auto const* inner = value->if_object();
    return inner == nullptr ? nullptr : find(*inner, path.substr(dot + 1));
}

std::string text_of(json::value const& value) {
    if (auto const* text = value.if_string()) return {text->data(), text->size()};
    if (value.is_null() || value.is_structured()) return {};
    return json::serialize(value);
}

std::string text_at(json::object const& in, std::string_view path) {
    auto const* value = find(in, path);
    return value == nullptr ? std::string() : text_of(*value);
}

bool is_true(json::object const& in, std::string_view path) {
    auto const* value = find(in, path);
    return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<std::int64_t> number_at(json::object const& in, std::string_view path) {
    auto const* value = find(in, path);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code code;
    auto const number = value->to_number<std::int64_t>(code);
    if (code) return std::nullopt;
    return number;
}

std::optional<wall_time> time_at(json::object const& in, std::string_view path) {
    auto const parsed = parse_wall_time(text_at(in, path));
    if (!parsed) return std::nullopt;
    return *parsed;
}

json::array const& array_at(json::object const& in, std::string_view path) {
    static json::array const none;
    auto const* value = find(in, path);
    auto const* array = value == nullptr ? nullptr : value->if_array();
    return array == nullptr ? none : *array;
}

json::object const& object_at(json::object const& in, std::string_view path) {
    static json::object const none;
    auto const* value = find(in, path);
    auto const* object = value == nullptr ? nullptr : value->if_object();
    return object == nullptr ? none : *object;
}

std::vector<json::object const*> objects_at(json::object const& in, std::string_view path) {
    std::vector<json::object const*> found;
    for (auto const& value : array_at(in, path)) {
        if (auto const* object = value.if_object()) found.push_back(object);
    }
    return found;
}

std::string join(std::vector<std::string> const& parts, std::string_view between) {
    return fmt::format("{}", fmt::join(parts, between));
}

}  // namespace rik::detail
