// JSON of the server, as commands look into it.
#pragma once

#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rikctl {

/// null if it is no JSON. Text that is not UTF-8 is taken as it is.
boost::json::value parse_json(std::string_view text);

/// The string there; empty if there is none.
std::string string_at(boost::json::value const& in, std::string_view pointer);
/// The whole number there; 0 if there is none.
std::int64_t number_at(boost::json::value const& in, std::string_view pointer);
/// The truth value there; false if there is none.
bool bool_at(boost::json::value const& in, std::string_view pointer);
/// The array there; empty if there is none.
boost::json::array const& array_at(boost::json::value const& in, std::string_view pointer);

}  // namespace rikctl
