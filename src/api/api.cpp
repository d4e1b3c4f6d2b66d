#include <rik/api/api.hpp>

#include "call.hpp"
#include "router.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <array>

namespace rik {

namespace {

using detail::api_answer;
using detail::api_call;

errc code_of_status(unsigned status_code) {
    switch (status_code) {
        case 403: return errc::denied;
        case 404: return errc::not_found;
        case 408: return errc::timed_out;
        case 500: return errc::internal;
        case 501: return errc::unsupported;
        case 503: return errc::unavailable;
        default: return errc::invalid;
    }
}

http_response wrong_method(http_request const& request, std::vector<std::string_view> const& methods) {
    auto allow = detail::allow_text(methods);
    auto response = request.method == "OPTIONS"
                        ? make_response(204, "", "")
                        : detail::error_response(405,
                                                 error{errc::invalid,
                                                       fmt::format("{} cannot be done here", request.method),
                                                       {},
                                                       fmt::format("use {}", allow)},
                                                 request.target);
    response.headers.push_back({"Allow", std::move(allow)});
    return response;
}

/// The response if no function of ours is needed to make it.
std::optional<http_response> answer_unrouted(http_request const& request, detail::route_match const& match) {
    if (request.target == "*") return wrong_method(request, {"GET", "POST", "PUT", "PATCH", "DELETE"});
    if (match.found == nullptr && !match.methods.empty()) return wrong_method(request, match.methods);
    if (match.found == nullptr)
        return detail::error_response(error{errc::not_found, "there is nothing at this path", {}, "see docs/api-v1.md"},
                                      request.target);
    auto const encoding = request.header("Content-Encoding");
    if (encoding && *encoding != "identity")
        return detail::error_response(415, error{errc::invalid, "the body is encoded", {}, "send it as it is"},
                                      request.target);
    return std::nullopt;
}

api_answer answer_health(api_call&) { co_return detail::text_response(200, "ok"); }

api_answer answer_ready(api_call& call) {
    auto const ready = co_await call.primary.ready();
    if (!ready) co_return detail::text_response(503, to_string(ready.error()));
    co_return detail::text_response(200, "ok");
}

constexpr std::array health_table{
    detail::route{"GET", "/healthz", &answer_health},
    detail::route{"GET", "/readyz", &answer_ready},
};

bool needs_no_caller(detail::route const& found) {
    return !found.pattern.starts_with("/rik") && !found.pattern.starts_with("/api");
}

}  // namespace

std::span<detail::route const> detail::health_routes() { return health_table; }

awaitable<result<caller>> local_admin::identify(http_request const&) { co_return caller{}; }

api::api(operations& primary, authenticate& callers, clock& time, std::string version, log to)
    : primary_(primary), callers_(callers), time_(time), version_(std::move(version)), log_(to) {}

awaitable<http_response> api::handle(http_request request) {
    auto const target = request.target;
    auto answered = co_await answer(std::move(request));
    if (answered) co_return std::move(*answered);
    auto const& problem = answered.error();
    if (problem.code == errc::internal || problem.code == errc::corrupt)
        log_.error("a request failed", {{"target", target}, {"why", to_string(problem)}});
    co_return detail::error_response(problem, target);
}

awaitable<result<http_response>> api::answer(http_request request) {
    auto match = detail::find_route(request);
    if (auto response = answer_unrouted(request, match)) co_return std::move(*response);
    api_call call{primary_, time_, version_, caller(), std::move(request), std::move(match.arguments)};
    if (!needs_no_caller(*match.found)) {
        auto who = co_await callers_.identify(call.request);
        if (!who) co_return who.error();
        call.who = std::move(*who);
    }
    // The original's clients may send what they like.
    auto const is_v0 = match.found->pattern.starts_with("/api/v0");
    auto const checked = is_v0 ? result<void>() : detail::check_parameters(call.request, match.found->parameters);
    if (!checked) co_return checked.error();
    if (!is_v0 && call.request.method == "DELETE")
        if (auto const unused = detail::check_unused_body(call.request, match.found->parameters); !unused)
            co_return unused.error();
    if (!match.found->may_wait) co_return co_await match.found->answer(call);
    auto const when = time_.now() + match.found->patience;
    co_return co_await with_deadline(time_, when, match.found->answer(call));
}

http_response api::refusal(unsigned status_code, std::string_view message, std::string_view target) {
    return detail::error_response(status_code, error{code_of_status(status_code), std::string(message)}, target);
}

}  // namespace rik
