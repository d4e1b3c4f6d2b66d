// What the parts of v0 share.
#pragma once

#include "call.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

/// Errors: invalid, the body is no JSON object.
result<boost::json::object> v0_body(api_call const& call);
/// The string of that name; empty if it is missing or null. Errors: invalid, it is something else.
result<std::string> v0_text(boost::json::object const& from, std::string_view name);
/// Errors: invalid, it is missing, empty or no string.
result<std::string> v0_needed_text(boost::json::object const& from, std::string_view name);

api_answer list_tenants(api_call& call);
api_answer create_tenant(api_call& call);
api_answer delete_tenant(api_call& call);

}  // namespace rik::detail
