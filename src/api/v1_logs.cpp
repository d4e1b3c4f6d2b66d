// What an instance has written.
#include "v1_detail.hpp"

#include <utility>

namespace rik::detail {

namespace {

class log_body final : public body_source {
public:
    log_body(std::unique_ptr<log_source> source, bool is_framed) : source_(std::move(source)), is_framed_(is_framed) {}

    /// In frames, an error is told in the last of them: as text it can only end the connection.
    awaitable<result<std::string>> next() override {
        if (has_failed_) co_return std::string();
        auto piece = co_await source_->read();
        if (piece || !is_framed_) co_return piece;
        has_failed_ = true;
        std::string last;
        append_log_frame(last, log_origin::problem, errors_text(piece.error()));
        co_return last;
    }

private:
    std::unique_ptr<log_source> source_;
    bool is_framed_;
    bool has_failed_ = false;
};

result<std::optional<log_origin>> origin_parameter(http_request const& request) {
    auto const value = request.parameter("stream");
    if (!value) return std::optional<log_origin>();
    if (*value == "stdout") return std::optional(log_origin::standard_output);
    if (*value == "stderr") return std::optional(log_origin::standard_error);
    return wrong_parameter("stream", *value, "use stdout or stderr");
}

result<log_request> read_parameters(http_request const& request) {
    auto const follow = flag_parameter(request, "follow");
    if (!follow) return follow.error();
    auto const timestamps = flag_parameter(request, "timestamps");
    if (!timestamps) return timestamps.error();
    auto const tail = number_parameter(request, "tail");
    if (!tail) return tail.error();
    auto const only = origin_parameter(request);
    if (!only) return only.error();
    auto const whole = flag_parameter(request, "whole");
    if (!whole) return whole.error();
    log_request what;
    what.container = request.parameter("container").value_or("");
    what.how.follow = *follow;
    what.how.timestamps = *timestamps;
    what.how.tail_lines = *tail;
    what.how.only = *only;
    what.how.must_be_whole = *whole;
    what.how.is_framed = request.header("Accept").value_or("").find(framed_log_type) != std::string_view::npos;
    return what;
}

}  // namespace

api_answer read_log(api_call& call) {
    auto what = read_parameters(call.request);
    if (!what) co_return what.error();
    object_ref which;
    which.id_or_name = call.arguments.front();
    auto const found = co_await call.primary.get_instance(call.who, std::move(which));
    if (!found) co_return found.error();
    what->instance = (*found)->id();
    auto const is_framed = what->how.is_framed;
    auto opened = co_await call.primary.open_log(call.who, std::move(*what));
    if (!opened) co_return opened.error();
    auto response = is_framed ? make_response(200, std::string(framed_log_type), "") : text_response(200, "");
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});  // it is whatever a container wrote
    response.stream = std::make_unique<log_body>(std::move(*opened), is_framed);
    co_return response;
}

}  // namespace rik::detail
