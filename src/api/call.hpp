// What a route's function gets, and the helpers that most of them use.
#pragma once

#include <rik/api/api.hpp>
#include <rik/base/limits.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// One request on its way through a route. Lives until the response is made.
struct api_call {
    operations& primary;
    clock& time;
    std::string const& version;
    caller who;
    http_request request;
    std::vector<std::string> arguments;  ///< what stands for each {..} of the route's pattern
};

using api_answer = awaitable<result<http_response>>;

struct route {
    std::string_view method;   ///< HEAD is answered by GET's
    std::string_view pattern;  ///< "/rik/v1/workloads/{name}"
    api_answer (*answer)(api_call& call);
    std::span<std::string_view const> parameters = {};  ///< of its query; any other is refused
    /// Its answer may have to wait for a disk or a node: it gets limits::operation_timeout. What only reads the
    /// primary's memory gets none: where that does not answer, cancelling does not help either.
    bool may_wait = false;
    duration patience = limits::operation_timeout;
};

std::span<route const> health_routes();
std::span<route const> v0_routes();
std::span<route const> v1_routes();

// --- responses

http_response json_response(unsigned status_code, std::string text);
http_response text_response(unsigned status_code, std::string text);
/// As the face that `target` belongs to says it: v0 plain text, else JSON.
http_response error_response(error const& problem, std::string_view target);
http_response error_response(unsigned status_code, error const& problem, std::string_view target);
/// 400 with all of `found`. Precondition: it is not empty.
http_response problems_response(problems const& found);

/// {"error":{"code","message","field","remedy"},"problems":[...]}: as a body, and where a stream ends with an error.
std::string errors_text(error const& first, problems const& all = problems());

// --- bodies

/// `replicas` of a request for instances, 1 if it says none. Errors: invalid, no whole number.
result<std::uint32_t> replicas_of(boost::json::object const& request);

/// Of a call that has no use for one: an empty object says nothing, too. Errors: invalid, it says something, or is no
/// JSON object.
result<void> check_unused_body(http_request const& request, std::span<std::string_view const> parameters);

// --- query parameters of v1

/// Errors: invalid, there is a parameter that is not one of `known`, or one twice.
result<void> check_parameters(http_request const& request, std::span<std::string_view const> known);
/// Errors: invalid, `name` is there and `needed` is not.
result<void> check_companion(http_request const& request, std::string_view name, std::string_view needed);
/// What to say of a parameter with a value that it cannot have.
error wrong_parameter(std::string_view name, std::string_view value, std::string_view remedy);
/// False if it is not there. Errors: invalid, neither true nor false.
result<bool> flag_parameter(http_request const& request, std::string_view name);
/// Errors: invalid, no whole number.
result<std::optional<std::uint64_t>> number_parameter(http_request const& request, std::string_view name);
/// Errors: invalid, no kind of workload.
result<std::optional<workload_kind>> kind_parameter(http_request const& request);

}  // namespace rik::detail
