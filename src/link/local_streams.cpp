#include <rik/base/limits.hpp>
#include <rik/link/local_link.hpp>

#include <fmt/format.h>

namespace rik {

namespace {

/// A piece of a stream, or (empty) its end.
struct chunk {
    std::string bytes;
    std::optional<error> why = {};
};

class local_stream final : public byte_stream {
public:
    explicit local_stream(std::unique_ptr<session<chunk, chunk>> under) : under_(std::move(under)) {}

    awaitable<result<void>> write(std::string bytes) override {
        if (bytes.empty()) co_return result<void>{};
        chunk next{std::move(bytes)};
        co_return co_await under_->send(std::move(next));
    }

    awaitable<result<std::string>> read() override {
        if (ended_) co_return std::string();
        auto next = co_await under_->receive();
        if (!next) co_return next.error();
        ended_ = next->bytes.empty();
        if (next->why) co_return *next->why;
        co_return std::move(next->bytes);
    }

    awaitable<result<void>> finish(std::optional<error> why) override {
        chunk last{std::string(), std::move(why)};
        co_return co_await under_->send(std::move(last));
    }

private:
    std::unique_ptr<session<chunk, chunk>> under_;
    bool ended_ = false;
};

}  // namespace

awaitable<result<void>> local_streams::hand_over(stream_id stream, std::unique_ptr<byte_stream> end) {
    auto const found = expected_.find(stream);
    if (found == expected_.end())
        co_return error{errc::not_found, fmt::format("nobody waits for stream {}", stream.text())};
    found->second->stream = std::move(end);
    found->second->arrived.notify();
    expected_.erase(found);
    co_return result<void>{};
}

awaitable<result<std::unique_ptr<byte_stream>>> local_streams::dial(stream_id stream) {
    auto const dialler = co_await asio::this_coro::executor;
    auto ends = detail::make_local_sessions<chunk, chunk>(dialler, listener_, limits::stream_queue_count_max);
    std::unique_ptr<byte_stream> far = std::make_unique<local_stream>(std::move(ends.second));
    auto handing = hand_over(stream, std::move(far));
    auto const taken = co_await on_strand(listener_, std::move(handing));
    if (!taken) co_return taken.error();
    co_return std::make_unique<local_stream>(std::move(ends.first));
}

awaitable<result<std::unique_ptr<byte_stream>>> local_streams::expect(stream_id stream) {
    auto expected = std::make_shared<expectation>(listener_);
    expected_[stream] = expected;
    // Whoever gives up, by cancellation, is no longer waited for.
    struct withdrawal {
        std::map<stream_id, std::shared_ptr<expectation>>& from;
        stream_id stream;
        ~withdrawal() { from.erase(stream); }
    } const withdraw{expected_, stream};
    while (!expected->stream) co_await expected->arrived.wait();
    co_return std::move(expected->stream);
}

}  // namespace rik
