// What an instance has written.
#include "v1_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/time_text.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik::detail {

namespace {

class log_body final : public body_source {
public:
    log_body(std::unique_ptr<container_log_source> source, bool is_framed)
        : source_(std::move(source)), is_framed_(is_framed) {}

    /// In frames, an error is told in the last of them: as text it can only end the connection.
    awaitable<result<std::string>> next() override {
        if (has_failed_) co_return std::string();
        auto piece = co_await source_->read();
        if (piece || !is_framed_) co_return piece;
        has_failed_ = true;
        std::string last;
        append_container_log_frame(last, container_log_origin::problem, errors_text(piece.error()));
        co_return last;
    }

private:
    std::unique_ptr<container_log_source> source_;
    bool is_framed_;
    bool has_failed_ = false;
};

result<std::optional<container_log_origin>> origin_parameter(http_request const& request) {
    auto const value = request.parameter("stream");
    if (!value) return std::optional<container_log_origin>();
    if (*value == "stdout") return std::optional(container_log_origin::standard_output);
    if (*value == "stderr") return std::optional(container_log_origin::standard_error);
    return wrong_parameter("stream", *value, "use stdout or stderr");
}

/// A time, or how long ago it was.
result<std::optional<wall_time>> since_parameter(http_request const& request, clock const& time) {
    auto const value = request.parameter("since");
    if (!value) return std::optional<wall_time>();
    if (auto const when = parse_zoned_time(*value)) return std::optional(*when);
    if (auto const ago = parse_duration(*value))
        return std::optional(time.wall() - std::chrono::duration_cast<std::chrono::microseconds>(*ago));
    return wrong_parameter("since", *value, "use a duration as 90s or 1h30m, or a time as 2026-11-21T19:19:38Z");
}

result<std::optional<container_log_position>> after_parameter(http_request const& request) {
    auto const value = request.parameter("after");
    if (!value) return std::optional<container_log_position>();
    for (auto const* const other : {"tail", "since", "whole"}) {
        if (request.parameter(other))
            return error{errc::invalid, fmt::format("the query parameter {} says nothing beside after", other), other,
                         "leave it out"};
    }
    if (auto const position = parse_container_log_position(*value)) return std::optional(*position);
    return wrong_parameter("after", *value, "give what a mark in a log has said");
}

/// Which part of the log. Errors: invalid.
result<void> read_extent(api_call const& call, container_log_options& how) {
    auto const tail = number_parameter(call.request, "tail");
    if (!tail) return tail.error();
    auto const whole = flag_parameter(call.request, "whole");
    if (!whole) return whole.error();
    auto const since = since_parameter(call.request, call.time);
    if (!since) return since.error();
    auto const after = after_parameter(call.request);
    if (!after) return after.error();
    how.tail_lines = *tail;
    how.must_be_whole = *whole;
    how.since = *since;
    how.after = *after;
    return {};
}

/// In which form. Errors: invalid.
result<void> read_form(http_request const& request, container_log_options& how) {
    auto const follow = flag_parameter(request, "follow");
    if (!follow) return follow.error();
    auto const timestamps = flag_parameter(request, "timestamps");
    if (!timestamps) return timestamps.error();
    auto const only = origin_parameter(request);
    if (!only) return only.error();
    auto const previous = flag_parameter(request, "previous");
    if (!previous) return previous.error();
    auto const accepted = request.header("Accept").value_or("");
    how.follow = *follow;
    how.timestamps = *timestamps;
    how.only = *only;
    how.is_of_previous = *previous;
    how.has_marks = accepted.find(marked_container_log_type) != std::string_view::npos;
    how.is_framed = how.has_marks || accepted.find(framed_container_log_type) != std::string_view::npos;
    return {};
}

std::string_view type_of_frames(container_log_options const& how) {
    return how.has_marks ? marked_container_log_type : framed_container_log_type;
}

}  // namespace

api_answer read_log(api_call& call) {
    container_log_request what;
    what.container = call.request.parameter("container").value_or("");
    if (auto const read = read_extent(call, what.how); !read) co_return read.error();
    if (auto const read = read_form(call.request, what.how); !read) co_return read.error();
    auto const tenant = tenant_parameter(call);
    if (!tenant) co_return tenant.error();
    what.instance.id_or_name = call.arguments.front();
    what.instance.tenant = *tenant;
    auto const how = what.how;
    auto opened = co_await call.primary.streams().open_container_log(call.who, std::move(what));
    if (!opened) co_return opened.error();
    auto response = how.is_framed ? make_response(200, std::string(type_of_frames(how)), "") : text_response(200, "");
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});  // it is whatever a container wrote
    response.stream = std::make_unique<log_body>(std::move(*opened), how.is_framed);
    co_return response;
}

}  // namespace rik::detail
