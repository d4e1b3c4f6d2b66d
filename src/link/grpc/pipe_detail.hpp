// The strand's end of a stream of gRPC: messages in order, so many on their way and no more.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace rik::detail {

/// What carries the messages of one pipe. All calls come from the pipe's strand. The pipe is told when a `read` or a
/// `write` is done; there is one of each at a time.
template <class Out>
class pipe_carrier {
public:
    virtual ~pipe_carrier() = default;
    virtual void read() = 0;
    /// `message` lives until the pipe is told.
    virtual void write(Out const& message) = 0;
    /// Nothing more is written. What was written arrives.
    virtual void finish() = 0;
    /// Ends the stream at once. A peer that dialled hears `why`. The second time it does nothing.
    virtual void end(std::optional<error> const& why) = 0;
};

/// Use it from its strand only. `Out` and `In` are messages of rik.link.v1 with `credit`.
template <class Out, class In>
class pipe : public std::enable_shared_from_this<pipe<Out, In>> {
public:
    /// At most `on_their_way_max` messages are sent and not yet taken, in either direction.
    pipe(asio::any_io_executor strand, std::size_t on_their_way_max)
        : strand_(strand), on_their_way_max_(on_their_way_max), writable_(strand), readable_(strand) {}
    pipe(pipe const&) = delete;
    pipe& operator=(pipe const&) = delete;

    asio::any_io_executor const& strand() const { return strand_; }

    /// Waits until the peer has taken enough. Errors: those of `failure`.
    awaitable<result<void>> send(Out message) {
        auto const self = this->shared_from_this();
        while (!is_over_ && on_their_way_ >= on_their_way_max_) co_await writable_.wait();
        if (is_over_) co_return failure();
        ++on_their_way_;
        queue(std::move(message));
        co_return result<void>();
    }

    /// What has come before the end is still given. Errors: those of `failure`. Cancel: nothing is lost.
    awaitable<result<In>> receive() {
        auto const self = this->shared_from_this();
        while (inbox_.empty() && !is_over_ && !is_read_to_end_) co_await readable_.wait();
        if (inbox_.empty()) co_return failure();
        auto taken = std::move(inbox_.front());
        inbox_.pop_front();
        give_credit();
        co_return std::move(taken);
    }

    /// Waits until the peer has answered the call. Errors: those of `failure`.
    awaitable<result<void>> wait_open() {
        auto const self = this->shared_from_this();
        while (!is_open_ && !is_over_) co_await readable_.wait();
        if (!is_open_) co_return failure();
        co_return result<void>();
    }

    /// Ends it now; what is on its way may be lost. A peer that dialled hears `why`.
    void close(std::optional<error> why = std::nullopt) {
        if (is_over_) return;
        is_over_ = true;
        if (carrier_ != nullptr) carrier_->end(why);
        wake();
    }

    /// Ends it when all that was sent has been written. What comes from now on is dropped.
    void finish() {
        is_finishing_ = true;
        inbox_.clear();
        pump();
    }

    /// Unavailable, or what the peer has said at the end.
    error failure() const { return why_.value_or(error{errc::unavailable, "the link has ended"}); }

    // What its carrier tells, on the strand.

    void begin(pipe_carrier<Out>& carrier) {
        carrier_ = &carrier;
        if (is_over_) carrier.end(std::nullopt);
    }
    void opened() {
        if (is_over_) return;
        is_open_ = true;
        carrier_->read();
        pump();
        wake();
    }
    void was_read(In message) {
        auto const taken = std::min<std::size_t>(message.credit(), on_their_way_);
        on_their_way_ -= taken;
        if (taken > 0) writable_.notify();
        if (!message.is_credit_only() && !is_finishing_) {
            // A peer that sends more than it may would fill our memory.
            if (inbox_.size() >= on_their_way_max_)
                return close(error{errc::unavailable, "the peer has sent more messages than it may"});
            inbox_.push_back(std::move(message));
            readable_.notify();
        }
        if (!is_over_) carrier_->read();
    }
    /// The peer sends nothing more, and may still take what is sent to it.
    void was_read_to_end() {
        is_read_to_end_ = true;
        readable_.notify();
    }
    void was_written() {
        outbox_.pop_front();
        is_writing_ = false;
        pump();
    }
    /// The carrier is no more.
    void detach(std::optional<error> why) {
        carrier_ = nullptr;
        is_over_ = true;
        if (!why_) why_ = std::move(why);
        wake();
    }

private:
    void queue(Out message) {
        message.set_credit(std::exchange(untold_, 0));
        outbox_.push_back(std::move(message));
        pump();
    }
    void pump() {
        if (is_writing_ || is_over_ || !is_open_) return;
        if (!outbox_.empty()) {
            is_writing_ = true;
            carrier_->write(outbox_.front());
        } else if (is_finishing_ && !std::exchange(has_finished_, true)) {
            carrier_->finish();
        }
    }
    void give_credit() {
        ++untold_;
        if (is_over_ || is_finishing_ || untold_ * 4 < on_their_way_max_) return;
        Out word;
        word.set_is_credit_only(true);
        queue(std::move(word));
    }
    void wake() {
        writable_.notify();
        readable_.notify();
    }

    asio::any_io_executor strand_;
    std::size_t on_their_way_max_;
    pipe_carrier<Out>* carrier_ = nullptr;
    std::deque<Out> outbox_;
    std::deque<In> inbox_;
    std::size_t on_their_way_ = 0;  ///< sent, and not yet known to be taken
    std::uint32_t untold_ = 0;      ///< taken, and not yet told
    bool is_open_ = false;
    bool is_writing_ = false;
    bool is_read_to_end_ = false;
    bool is_finishing_ = false;
    bool has_finished_ = false;
    bool is_over_ = false;
    std::optional<error> why_;
    notifier writable_;
    notifier readable_;
};

}  // namespace rik::detail
