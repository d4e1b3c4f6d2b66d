// Finds the route of a request.
#pragma once

#include "call.hpp"

#include <string>
#include <vector>

namespace rik::detail {

struct route_match {
    route const* found = nullptr;  ///< nullptr: no route has this path, or none this method
    std::vector<std::string> arguments = {};
    std::vector<std::string_view> methods = {};  ///< that the path has, if `found` is nullptr; empty: no such path
};

route_match find_route(http_request const& request);

/// "GET, HEAD, OPTIONS": the value of Allow.
std::string allow_text(std::vector<std::string_view> const& methods);

}  // namespace rik::detail
