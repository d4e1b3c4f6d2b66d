#include "call.hpp"

#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

#include <fmt/format.h>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>

namespace rik {

unsigned status_code_of(errc code) {
    switch (code) {
        case errc::invalid: return 400;
        case errc::denied: return 403;
        case errc::not_found: return 404;
        case errc::conflict: return 409;
        case errc::exhausted: return 429;
        case errc::internal: return 500;
        case errc::corrupt: return 500;
        case errc::unsupported: return 501;
        case errc::unavailable: return 503;
        case errc::timed_out: return 504;
    }
    return 500;
}

}  // namespace rik

namespace rik::detail {

namespace {

bool is_v0(std::string_view target) { return target.starts_with("/api/v0/") || target == "/api/v0"; }

std::string error_text(error const& problem) {
    boost::json::object object;
    object["code"] = to_string(problem.code);
    // A node may have said it, or a client that is told its own words.
    object["message"] = to_utf8(problem.message, limits::answer_error_bytes_max);
    object["field"] = to_utf8(problem.field, limits::answer_error_bytes_max);
    object["remedy"] = to_utf8(problem.remedy, limits::answer_error_bytes_max);
    return boost::json::serialize(object);
}

}  // namespace

http_response json_response(unsigned status_code, std::string text) {
    return make_response(status_code, "application/json; charset=utf-8", std::move(text));
}

http_response text_response(unsigned status_code, std::string text) {
    return make_response(status_code, "text/plain; charset=UTF-8", to_utf8(text, limits::answer_error_bytes_max));
}

std::string errors_text(error const& first, problems const& all) {
    auto text = fmt::format(R"({{"error":{},"problems":[)", error_text(first));
    for (auto const& problem : all) {
        if (text.back() == '}') text += ',';
        text += error_text(problem);
    }
    return text + "]}";
}

http_response error_response(unsigned status_code, error const& problem, std::string_view target) {
    if (is_v0(target)) return text_response(status_code, to_string(problem));
    return json_response(status_code, errors_text(problem));
}

http_response error_response(error const& problem, std::string_view target) {
    return error_response(status_code_of(problem.code), problem, target);
}

http_response problems_response(problems const& found) {
    auto summary = summarize(found);
    return json_response(status_code_of(summary.code), errors_text(summary, found));
}

result<void> check_parameters(http_request const& request, std::span<std::string_view const> known) {
    for (auto const& parameter : request.query) {
        if (std::find(known.begin(), known.end(), parameter.name) == known.end())
            return error{errc::invalid, fmt::format("there is no query parameter {} here", parameter.name),
                         parameter.name, known.empty() ? "" : fmt::format("there is {}", fmt::join(known, ", "))};
        if (std::count_if(request.query.begin(), request.query.end(),
                          [&](http_field const& each) { return each.name == parameter.name; }) > 1)
            return error{errc::invalid, fmt::format("the query parameter {} is there twice", parameter.name),
                         parameter.name, "give it once"};
    }
    return {};
}

result<void> check_companion(http_request const& request, std::string_view name, std::string_view needed) {
    if (!request.parameter(name) || request.parameter(needed)) return {};
    return error{errc::invalid, fmt::format("the query parameter {} says nothing without {}", name, needed),
                 std::string(name), fmt::format("leave it out, or add {}", needed)};
}

error wrong_parameter(std::string_view name, std::string_view value, std::string_view remedy) {
    return error{errc::invalid, fmt::format("the query parameter {} cannot be '{}'", name, value), std::string(name),
                 std::string(remedy)};
}

result<bool> flag_parameter(http_request const& request, std::string_view name) {
    auto const value = request.parameter(name);
    if (!value || *value == "false" || *value == "0") return false;
    if (value->empty() || *value == "true" || *value == "1") return true;
    return wrong_parameter(name, *value, "use true or false");
}

result<std::optional<std::uint64_t>> number_parameter(http_request const& request, std::string_view name) {
    auto const value = request.parameter(name);
    if (!value) return std::optional<std::uint64_t>();
    std::uint64_t number = 0;
    auto const [end, failure] = std::from_chars(value->data(), value->data() + value->size(), number);
    if (failure != std::errc() || end != value->data() + value->size())
        return wrong_parameter(name, *value, "use a whole number from 0");
    return std::optional(number);
}

result<std::optional<workload_kind>> kind_parameter(http_request const& request) {
    auto const value = request.parameter("kind");
    if (!value) return std::optional<workload_kind>();
    auto const kind = parse_workload_kind(*value);
    if (!kind)
        return wrong_parameter("kind", *value,
                               "use Pod, Function, ReplicaSet, Deployment, DaemonSet, StatefulSet, Job or CronJob");
    return kind;
}

result<std::uint32_t> replicas_of(boost::json::object const& request) {
    auto const* value = request.if_contains("replicas");
    if (value == nullptr || value->is_null()) return 1u;
    boost::system::error_code wrong;
    auto const count = value->to_number<std::uint32_t>(wrong);
    if (!wrong) return count;
    return error{errc::invalid, "it must be a whole number", "replicas",
                 fmt::format("ask for 1 to {}", limits::replicas_per_request_max)};
}

}  // namespace rik::detail
