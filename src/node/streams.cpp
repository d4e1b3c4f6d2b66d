// Logs of containers, and answers about images, on streams that the node dials when it is asked.
#include "impl_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <utility>

namespace rik {

namespace {

/// Beside those that are served: dialled only to be told that there are too many.
constexpr std::size_t refusals_at_once_max = limits::streams_per_node_max;

/// Counts while it lives.
class presence {
public:
    explicit presence(std::size_t& count) : count_(count) { ++count_; }
    presence(presence const&) = delete;
    ~presence() { --count_; }

private:
    std::size_t& count_;
};

}  // namespace

void node_agent::impl::answer(stream_request asked) {
    if (stream_request_count_ >= limits::streams_per_node_max + refusals_at_once_max)
        return options_.out.debug("log request dropped: too many at once; whoever asked gives up by himself");
    tasks_.spawn(serve_stream(std::move(asked)));
}

awaitable<> node_agent::impl::serve_stream(stream_request asked) {
    presence const counted(stream_request_count_);
    auto const nobody_waits_after = ports_.time.now() + limits::stream_dial_timeout;
    auto dialling = ports_.streams.dial(asked.stream);
    auto dialled = co_await with_deadline(ports_.time, nobody_waits_after, std::move(dialling));
    if (!dialled) co_return;  // whoever asked has given up
    if (dialled_streams_.size() >= limits::streams_per_node_max) {
        error full{errc::exhausted, fmt::format("the node sends {} logs already", dialled_streams_.size()), "",
                   "end those that nobody reads, then try again"};
        auto const told = co_await (*dialled)->finish(std::move(full));
        if (!told) options_.out.debug("log reader left before it was refused");
        co_return;
    }
    auto const stream = std::make_shared<dialled_stream>(strand_, std::move(asked), std::move(*dialled));
    auto const place = dialled_streams_.insert(dialled_streams_.end(), stream);
    stream->work.spawn(watch_reader(stream));
    stream->work.spawn(pump_stream(stream));
    while (!stream->is_done) co_await stream->done.wait();
    co_await stream->work.stop();
    dialled_streams_.erase(place);
}

awaitable<> node_agent::impl::pump_stream(dialled_stream_ptr stream) {
    auto ended = co_await send_answer(stream);
    auto const finished = co_await stream->to->finish(std::move(ended));
    if (!finished) options_.out.debug("log reader left before the end");
    stream->end();
}

/// A quiet container writes nothing by which a reader that has left would be noticed.
awaitable<> node_agent::impl::watch_reader(dialled_stream_ptr stream) {
    for (;;) {
        auto const said = co_await stream->to->read();
        if (!said || said->empty()) break;
    }
    stream->end();
}

awaitable<std::optional<error>> node_agent::impl::send_answer(dialled_stream_ptr stream) {
    auto& what = stream->asked.what;
    if (auto* const images = std::get_if<image_call>(&what)) return send_images(stream, std::move(*images));
    if (std::holds_alternative<usage_call>(what)) return send_usage(stream);
    return send_log(stream, std::move(std::get<container_log_call>(what)));
}

awaitable<std::optional<error>> node_agent::impl::send_log(dialled_stream_ptr stream, container_log_call asked) {
    auto const found = instances_.find(asked.instance);
    if (found == instances_.end()) co_return error{errc::not_found, "the instance is not on this node any more"};
    auto const reader =
        co_await ports_.containers.open_container_log(key_of(*found->second, asked.container), asked.how);
    if (!reader) {
        auto why = reader.error();
        if (why.code == errc::not_found) why.message = fmt::format("container {} has not started yet", asked.container);
        if (why.code == errc::not_found) why.code = errc::conflict;
        co_return why;
    }
    for (;;) {
        auto lines = co_await (*reader)->read();
        if (!lines) co_return lines.error();
        if (lines->empty()) co_return std::nullopt;
        auto const written = co_await stream->to->write(std::move(*lines));
        if (!written) co_return std::nullopt;  // nobody reads any more
    }
}

}  // namespace rik
