#include "relay_detail.hpp"

#include "session_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

error const gone{errc::unavailable, "the other end of the stream is gone"};

std::optional<stream_id> stream_of(wire::StreamPart const& opening) {
    uid_bytes bytes{};
    if (opening.stream().size() != bytes.size()) return std::nullopt;
    std::ranges::copy(opening.stream(), bytes.begin());
    return stream_id::from_bytes(bytes);
}

/// Passes everything on, with back-pressure, until `from` has nothing more. If it did not end in order, `to` hears
/// that.
awaitable<> pass_on(part_pipe_ptr from, part_pipe_ptr to) {
    auto has_ended = false;
    for (;;) {
        auto part = co_await from->receive();
        if (!part) break;
        has_ended = part->is_end();
        part->clear_credit();
        auto const sent = co_await to->send(std::move(*part));
        if (!sent) co_return from->close(gone);
    }
    if (!has_ended) to->close(gone);
}

}  // namespace

awaitable<std::optional<stream_id>> stream_relay::read_opening(part_pipe_ptr from) {
    auto reading = from->receive();
    auto const patience = time_.now() + limits::stream_dial_timeout;
    auto const first = co_await with_deadline(time_, patience, std::move(reading));
    if (!first) {
        from->close();
        co_return std::nullopt;
    }
    if (auto const why = refusal_of(first->opening(), own_)) {
        from->close(why);
        co_return std::nullopt;
    }
    auto const stream = stream_of(*first);
    if (!stream) from->close(error{errc::unavailable, "the peer names no stream"});
    co_return stream;
}

void stream_relay::take_expected(part_pipe_ptr from) {
    if (expecting_count_ < limits::streams_expected_max) {
        ++expecting_count_;
        return tasks_.spawn(serve_expected(std::move(from)));
    }
    from->close(
        error{errc::exhausted, fmt::format("{} streams wait for their nodes, and no more may", expecting_count_)});
}

awaitable<> stream_relay::serve_expected(part_pipe_ptr from) {
    auto const stream = co_await read_opening(from);
    if (stream) co_await wait_dialled(from, *stream);
    --expecting_count_;
}

awaitable<> stream_relay::wait_dialled(part_pipe_ptr from, stream_id stream) {
    auto const mine = std::make_shared<expectation>(strand_, from);
    expected_[stream] = mine;
    expected_more_.notify();
    auto const patience = time_.now() + limits::stream_dial_timeout + limits::stream_join_patience;
    auto receiving = from->receive();  // when it has heard that a node has dialled, or its end
    auto const answer = co_await with_deadline(time_, patience, std::move(receiving));
    if (auto const found = expected_.find(stream); found != expected_.end() && found->second == mine)
        expected_.erase(found);
    mine->is_there = answer.has_value();
    mine->is_decided = true;
    mine->decided.notify();
    if (!mine->is_there)
        from->close(error{errc::timed_out, "no node has dialled stream " + stream.text() + " in time"});
}

awaitable<result<stream_relay::expectation_ptr>> stream_relay::wait_expected(stream_id stream) {
    for (;;) {
        auto const found = expected_.find(stream);
        if (found != expected_.end()) {
            auto taken = std::move(found->second);
            expected_.erase(found);
            co_return taken;
        }
        co_await expected_more_.wait();
    }
}

awaitable<stream_relay::expectation_ptr> stream_relay::find_expected(stream_id stream) {
    auto waiting = wait_expected(stream);
    auto const patience = time_.now() + limits::stream_join_patience;
    auto found = co_await with_deadline(time_, patience, std::move(waiting));
    co_return found ? std::move(*found) : nullptr;
}

awaitable<bool> stream_relay::claim(expectation_ptr which) {
    wire::StreamPart dialled;
    auto const told = co_await which->pipe->send(std::move(dialled));
    if (!told) co_return false;
    while (!which->is_decided) co_await which->decided.wait();
    co_return which->is_there;
}

awaitable<> stream_relay::serve_dialled(part_pipe_ptr from) {
    auto const stream = co_await read_opening(from);
    if (!stream) co_return;
    auto const other = co_await find_expected(*stream);
    auto is_claimed = other != nullptr;
    if (is_claimed) is_claimed = co_await claim(other);
    if (!is_claimed) co_return from->close(error{errc::not_found, "nobody waits for stream " + stream->text()});
    wire::StreamPart joined;
    auto const told = co_await from->send(std::move(joined));
    if (!told) co_return other->pipe->close(gone);
    co_await join(from, other->pipe);
}

awaitable<> stream_relay::join(part_pipe_ptr dialled, part_pipe_ptr expected) {
    using namespace asio::experimental::awaitable_operators;
    auto up = pass_on(dialled, expected);
    auto down = pass_on(expected, dialled);
    co_await (std::move(up) && std::move(down));
    dialled->finish();
    expected->finish();
}

}  // namespace rik::detail
