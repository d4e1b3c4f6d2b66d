// Reading of JSON from a server that may be older or newer: what is missing or of another type reads as empty.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// Errors: corrupt, `text` is not JSON or not an object.
result<boost::json::object> parse_object(std::string_view text);

/// The items of a list, or the one object that `from` is.
std::vector<boost::json::object const*> items_of(boost::json::object const& from);

/// A member, or nullptr. Steps into objects at every dot: "node.name".
boost::json::value const* find(boost::json::object const& in, std::string_view path);

/// Text as it is, numbers and true/false as words; empty if there is none.
std::string text_at(boost::json::object const& in, std::string_view path);
std::string text_of(boost::json::value const& value);
bool is_true(boost::json::object const& in, std::string_view path);
std::optional<std::int64_t> number_at(boost::json::object const& in, std::string_view path);
std::optional<wall_time> time_at(boost::json::object const& in, std::string_view path);

/// An empty one if there is none.
boost::json::array const& array_at(boost::json::object const& in, std::string_view path);
boost::json::object const& object_at(boost::json::object const& in, std::string_view path);
/// The objects of an array; others in it are left out.
std::vector<boost::json::object const*> objects_at(boost::json::object const& in, std::string_view path);

std::string join(std::vector<std::string> const& parts, std::string_view between);

}  // namespace rik::detail
