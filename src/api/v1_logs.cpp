// What an instance has written.
#include "v1_detail.hpp"

namespace rik::detail {

namespace {

class log_stream final : public body_source {
public:
    explicit log_stream(std::unique_ptr<log_source> source) : source_(std::move(source)) {}
    awaitable<result<std::string>> next() override { return source_->read(); }

private:
    std::unique_ptr<log_source> source_;
};

result<log_request> read_parameters(http_request const& request) {
    auto const follow = flag_parameter(request, "follow");
    if (!follow) return follow.error();
    auto const timestamps = flag_parameter(request, "timestamps");
    if (!timestamps) return timestamps.error();
    auto const tail = number_parameter(request, "tail");
    if (!tail) return tail.error();
    log_request what;
    what.container = request.parameter("container").value_or("");
    what.follow = *follow;
    what.timestamps = *timestamps;
    what.tail_lines = *tail;
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
    auto opened = co_await call.primary.open_log(call.who, std::move(*what));
    if (!opened) co_return opened.error();
    auto response = text_response(200, "");
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});  // it is whatever a container wrote
    response.stream = std::make_unique<log_stream>(std::move(*opened));
    co_return response;
}

}  // namespace rik::detail
