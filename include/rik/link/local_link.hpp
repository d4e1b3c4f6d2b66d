// Links between roles of one process: queues between strands, with back-pressure.
#pragma once

#include <rik/async/channel.hpp>
#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>
#include <rik/link/link.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <variant>

namespace rik {

namespace detail {

/// One end of a local session. Everything in it is used on its own executor only; the other end posts to that.
template <class Out, class In>
class local_end : public std::enable_shared_from_this<local_end<Out, In>> {
public:
    using peer = local_end<In, Out>;

    local_end(asio::any_io_executor executor, std::size_t queue_count_max)
        : executor_(executor), queue_count_max_(queue_count_max), readable_(executor), writable_(executor) {}

    void join(std::shared_ptr<peer> other) { peer_ = std::move(other); }

    awaitable<result<void>> send(Out message) {
        auto self = this->shared_from_this();
        while (!closed_ && unread_count_ >= queue_count_max_) co_await writable_.wait();
        if (closed_) co_return ended();
        ++unread_count_;
        asio::post(peer_->executor_,
                   [other = peer_, message = std::move(message)]() mutable { other->deliver(std::move(message)); });
        co_return result<void>{};
    }

    awaitable<result<In>> receive() {
        auto self = this->shared_from_this();
        while (inbox_.empty()) {
            if (closed_) co_return ended();
            co_await readable_.wait();
        }
        In message = std::move(inbox_.front());
        inbox_.pop_front();
        if (!closed_) asio::post(peer_->executor_, [other = peer_] { other->was_read(); });
        co_return std::move(message);
    }

    void close() {
        if (closed_) return;
        closed_ = true;
        readable_.notify();
        writable_.notify();
        auto const other = std::exchange(peer_, nullptr);
        asio::post(other->executor_, [other] { other->peer_closed(); });
    }

    void deliver(In message) {
        if (closed_) return;
        inbox_.push_back(std::move(message));
        readable_.notify();
    }

    void was_read() {
        --unread_count_;
        writable_.notify();
    }

    /// What was delivered before can still be received.
    void peer_closed() {
        closed_ = true;
        peer_.reset();
        readable_.notify();
        writable_.notify();
    }

private:
    template <class, class>
    friend class local_end;
    static error ended() { return error{errc::unavailable, "the link has ended"}; }

    asio::any_io_executor executor_;
    std::size_t queue_count_max_;
    std::shared_ptr<peer> peer_;
    std::deque<In> inbox_;
    std::size_t unread_count_ = 0;  ///< sent and not yet received at the other end
    bool closed_ = false;
    notifier readable_;
    notifier writable_;
};

template <class Out, class In>
class local_session final : public session<Out, In> {
public:
    explicit local_session(std::shared_ptr<local_end<Out, In>> end) : end_(std::move(end)) {}
    ~local_session() override { end_->close(); }
    awaitable<result<void>> send(Out message) override { return end_->send(std::move(message)); }
    awaitable<result<In>> receive() override { return end_->receive(); }
    void close() override { end_->close(); }

private:
    std::shared_ptr<local_end<Out, In>> end_;
};

/// Returns two joined ends, each for its own executor. At most `queue_count_max` messages are on their way to either.
template <class Out, class In>
std::pair<std::unique_ptr<session<Out, In>>, std::unique_ptr<session<In, Out>>> make_local_sessions(
    asio::any_io_executor near, asio::any_io_executor far, std::size_t queue_count_max) {
    auto near_end = std::make_shared<local_end<Out, In>>(std::move(near), queue_count_max);
    auto far_end = std::make_shared<local_end<In, Out>>(std::move(far), queue_count_max);
    near_end->join(far_end);
    far_end->join(near_end);
    return {std::make_unique<local_session<Out, In>>(std::move(near_end)),
            std::make_unique<local_session<In, Out>>(std::move(far_end))};
}

}  // namespace detail

/// A link inside one process. `Out` and `In` are those of the side that dials. The listening role accepts on
/// `listener`, its strand. New connections wait in a queue until it accepts them.
template <class Out, class In>
class local_edge final : public connector<session<Out, In>>, public acceptor<session<In, Out>> {
public:
    explicit local_edge(asio::any_io_executor listener)
        : listener_(listener), waiting_(listener, limits::link_queue_count_max) {}

    awaitable<result<std::unique_ptr<session<Out, In>>>> connect() override {
        auto const dialler = co_await asio::this_coro::executor;
        auto ends = detail::make_local_sessions<Out, In>(dialler, listener_, limits::link_queue_count_max);
        auto queued = waiting_.send(std::move(ends.second));
        auto const sent = co_await on_strand(listener_, std::move(queued));
        if (!sent) co_return error{errc::unavailable, "nobody listens at this link"};
        co_return std::move(ends.first);
    }

    awaitable<result<std::unique_ptr<session<In, Out>>>> accept() override { return waiting_.receive(); }

private:
    asio::any_io_executor listener_;
    channel<std::unique_ptr<session<In, Out>>> waiting_;
};

using local_primary_edge = local_edge<facts, reports>;  ///< the primary dials the scheduler
using local_node_edge = local_edge<from_node, orders>;  ///< nodes dial the scheduler

/// Joins the streams that nodes dial with those who wait for them, inside one process. It lives on the strand of the
/// listening role.
class local_streams final : public stream_dialer, public stream_listener {
public:
    explicit local_streams(asio::any_io_executor listener) : listener_(std::move(listener)) {}
    awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id stream) override;
    awaitable<result<std::unique_ptr<byte_stream>>> expect(stream_id stream) override;

private:
    struct expectation {
        explicit expectation(asio::any_io_executor executor) : arrived(std::move(executor)) {}
        std::unique_ptr<byte_stream> stream;
        notifier arrived;
    };
    awaitable<result<void>> hand_over(stream_id stream, std::unique_ptr<byte_stream> end);

    asio::any_io_executor listener_;
    std::map<stream_id, std::shared_ptr<expectation>> expected_;
};

}  // namespace rik
