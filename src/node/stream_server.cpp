#include "stream_server_detail.hpp"

#include "pod_core_detail.hpp"
#include "status_detail.hpp"

#include <rik/async/deadline.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

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

error explain_missing(container_log_call const& asked, error why) {
    if (why.code != errc::not_found) return why;
    if (asked.how.is_of_previous)
        return {errc::not_found,
                fmt::format("the log of the attempt before of container {} is not kept", asked.container)};
    return {errc::conflict, fmt::format("container {} has not started yet", asked.container)};
}

}  // namespace

void stream_server::answer(stream_request asked) {
    if (request_count_ >= limits::streams_per_node_max + refusals_at_once_max)
        return on_.out.debug("log request dropped: too many at once; whoever asked gives up by himself");
    tasks_.spawn(serve(std::move(asked)));
}

awaitable<> stream_server::serve(stream_request asked) {
    presence const counted(request_count_);
    auto const nobody_waits_after = on_.time.now() + limits::stream_dial_timeout;
    auto dialling = on_.dialer.dial(asked.stream);
    auto dialled = co_await with_deadline(on_.time, nobody_waits_after, std::move(dialling));
    if (!dialled) co_return;  // whoever asked has given up
    if (dialled_.size() >= limits::streams_per_node_max) {
        error full{errc::exhausted, fmt::format("the node sends {} logs already", dialled_.size()), "",
                   "end those that nobody reads, then try again"};
        auto const told = co_await (*dialled)->finish(std::move(full));
        if (!told) on_.out.debug("log reader left before it was refused");
        co_return;
    }
    auto const stream = std::make_shared<dialled_stream>(strand_, std::move(asked), std::move(*dialled));
    auto const place = dialled_.insert(dialled_.end(), stream);
    stream->work.spawn(watch_reader(stream));
    stream->work.spawn(pump(stream));
    while (!stream->is_done) co_await stream->done.wait();
    co_await stream->work.stop();
    dialled_.erase(place);
}

awaitable<> stream_server::pump(dialled_stream_ptr stream) {
    auto ended = co_await send_answer(stream);
    auto const finished = co_await stream->to->finish(std::move(ended));
    if (!finished) on_.out.debug("log reader left before the end");
    stream->end();
}

/// A quiet container writes nothing by which a reader that has left would be noticed.
awaitable<> stream_server::watch_reader(dialled_stream_ptr stream) {
    for (;;) {
        auto const said = co_await stream->to->read();
        if (!said || said->empty()) break;
    }
    stream->end();
}

awaitable<std::optional<error>> stream_server::send_answer(dialled_stream_ptr stream) {
    auto& what = stream->asked.what;
    if (auto* const images = std::get_if<image_call>(&what)) return send_images(stream, std::move(*images));
    if (std::holds_alternative<usage_call>(what)) return send_usage(stream);
    return send_log(stream, std::move(std::get<container_log_call>(what)));
}

awaitable<std::optional<error>> stream_server::send_usage(dialled_stream_ptr stream) {
    co_await on_.usage.send(*stream->to);
    co_return std::nullopt;
}

runtime* stream_server::runtime_of(instance_id const& id) const {
    auto const mine = on_.records.find(id);
    auto const* const found = mine ? find_runtime(on_.runtimes, runtime_name(mine->spec().form)) : nullptr;
    return found == nullptr ? nullptr : &found->containers;
}

/// Errors: not_found; conflict, there is no such attempt.
result<container_key> stream_server::key_of(container_log_call const& asked) const {
    auto const mine = on_.records.find(asked.instance);
    if (mine == nullptr) return error{errc::not_found, "the instance is not on this node any more"};
    auto const& all = mine->fields.status.containers;
    auto const found = std::ranges::find(all, asked.container, &container_status::name);
    auto const attempt = found == all.end() ? std::nullopt : attempt_to_read(*found, asked.how.is_of_previous);
    if (attempt) return container_key{asked.instance, asked.container, *attempt};
    if (asked.how.is_of_previous)
        return error{
            errc::not_found,
            fmt::format("container {} was not restarted: there is no log of an earlier attempt", asked.container)};
    return error{errc::conflict, fmt::format("container {} has not started yet", asked.container)};
}

awaitable<std::optional<error>> stream_server::send_log(dialled_stream_ptr stream, container_log_call asked) {
    auto key = key_of(asked);
    if (!key) co_return key.error();
    auto* const under = runtime_of(asked.instance);
    if (under == nullptr) co_return error{errc::not_found, "the instance has no runtime on this node"};
    auto const reader = co_await under->open_container_log(std::move(*key), asked.how);
    if (!reader) co_return explain_missing(asked, reader.error());
    for (;;) {
        auto lines = co_await (*reader)->read();
        if (!lines) co_return lines.error();
        if (lines->empty()) co_return std::nullopt;
        auto const written = co_await stream->to->write(std::move(*lines));
        if (!written) co_return std::nullopt;  // nobody reads any more
    }
}

awaitable<> stream_server::stop() {
    co_await tasks_.stop();
    auto const streams = std::exchange(dialled_, {});
    for (auto const& each : streams) co_await each->work.stop();
}

}  // namespace rik::detail
