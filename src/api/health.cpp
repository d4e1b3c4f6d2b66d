#include <rik/api/health.hpp>

#include <string>
#include <utility>

namespace rik {

namespace {

constexpr char const* plain = "text/plain; charset=utf-8";

bool is_of_health(std::string_view path) { return path == "/healthz" || path == "/readyz" || path == "/metrics"; }

http_response nothing_here() {
    return make_response(404, plain, "there is nothing at this path: see /healthz, /readyz and /metrics\n");
}

}  // namespace

awaitable<http_response> health_api::answer(std::string_view path) {
    if (path == "/healthz") co_return make_response(200, plain, "ok");
    auto const now = co_await of_.health();
    if (path == "/metrics") co_return make_response(200, prometheus_text_type, prometheus_text(now.metrics));
    if (now.ready) co_return make_response(200, plain, "ok");
    co_return make_response(503, plain, to_string(now.ready.error()));
}

awaitable<http_response> health_api::handle(http_request request) {
    auto const path = request.target.substr(0, request.target.find('?'));
    if (is_of_health(path)) {
        if (request.method == "GET" || request.method == "HEAD") co_return co_await answer(path);
        auto wrong = make_response(405, plain, request.method + " cannot be done here: use GET\n");
        wrong.headers.push_back({"Allow", "GET, HEAD"});
        co_return wrong;
    }
    if (rest_ == nullptr) co_return nothing_here();
    co_return co_await rest_->handle(std::move(request));
}

http_response health_api::refusal(unsigned status_code, std::string_view message, std::string_view target) {
    if (rest_ != nullptr) return rest_->refusal(status_code, message, target);
    return http_handler::refusal(status_code, message, target);
}

}  // namespace rik
