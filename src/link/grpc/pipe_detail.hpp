// The strand's end of a stream of gRPC: messages in order, so many on their way and no more.
#pragma once

#include "inboxes_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/limits.hpp>
#include <rik/base/result.hpp>

#include <fmt/format.h>
#include <boost/asio/any_io_executor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
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

/// How much may be sent and not yet taken, in either direction. Bytes are those on the wire.
struct pipe_limits {
    std::size_t count_max = limits::link_queue_count_max;
    std::size_t ahead_bytes_max = limits::link_ahead_bytes_max;  ///< that this end sends; one message always may be
    std::size_t inbox_bytes_max = limits::link_inbox_bytes_max;  ///< that the peer may have sent
};
inline constexpr pipe_limits stream_pipe_limits{limits::stream_queue_count_max, limits::stream_inbox_bytes_max / 2,
                                                limits::stream_inbox_bytes_max};

/// Use it from its strand only. `Out` and `In` are messages of rik.link.v1 with `credit`.
template <class Out, class In>
class pipe final : public std::enable_shared_from_this<pipe<Out, In>>, private inbox {
public:
    /// Its inbox counts among `all`, which may be null; `peer` is for people.
    pipe(asio::any_io_executor strand, pipe_limits most, std::shared_ptr<inboxes> all = nullptr, std::string peer = {})
        : strand_(strand),
          most_(most),
          all_(std::move(all)),
          peer_(std::move(peer)),
          writable_(strand),
          readable_(strand) {}
    ~pipe() override {
        clear_inbox();
        if (all_ && has_entered_) all_->leave(*this);
    }
    pipe(pipe const&) = delete;
    pipe& operator=(pipe const&) = delete;

    asio::any_io_executor const& strand() const { return strand_; }

    /// Waits until the peer has taken enough. Errors: those of `failure`.
    awaitable<result<void>> send(Out message) {
        auto const self = this->shared_from_this();
        auto const size = message.ByteSizeLong();
        while (!is_over_ && !may_send(size)) co_await writable_.wait();
        if (is_over_) co_return failure();
        ahead_.push_back(size);
        ahead_bytes_ += size;
        queue(std::move(message));
        co_return result<void>();
    }

    /// What has come before the end is still given. Errors: those of `failure`. Cancel: nothing is lost.
    awaitable<result<In>> receive() {
        auto const self = this->shared_from_this();
        while (inbox_.empty() && !is_over_ && !is_read_to_end_) co_await readable_.wait();
        if (inbox_.empty()) co_return failure();
        auto taken = std::move(inbox_.front().message);
        drop_first();
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
        if (!why_) why_ = why;
        if (carrier_ != nullptr) carrier_->end(why);
        wake();
    }

    /// Ends it when all that was sent has been written. What comes from now on is dropped.
    void finish() {
        is_finishing_ = true;
        clear_inbox();
        pump();
    }

    /// Unavailable, or what the peer has said at the end.
    error failure() const { return why_.value_or(error{errc::unavailable, "the link has ended"}); }

    // What its carrier tells, on the strand.

    void begin(pipe_carrier<Out>& carrier) {
        carrier_ = &carrier;
        if (all_ && !std::exchange(has_entered_, true)) all_->enter(*this);
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
        note_taken(message.credit());
        if (!message.is_credit_only() && !is_finishing_ && !is_over_) put(std::move(message));
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
    struct waiting {
        In message;
        std::size_t bytes = 0;
    };

    std::size_t waiting_bytes() const override { return inbox_bytes_; }
    void cut_off(error why) override {
        clear_inbox();
        if (all_) all_->tell(peer_, why);
        close(std::move(why));
    }

    bool may_send(std::size_t size) const {
        if (ahead_.empty()) return true;
        return ahead_.size() < most_.count_max && ahead_bytes_ + size <= most_.ahead_bytes_max;
    }
    void note_taken(std::size_t count) {
        if (count > 0) writable_.notify();
        for (; count > 0 && !ahead_.empty(); --count) {
            ahead_bytes_ -= ahead_.front();
            ahead_.pop_front();
        }
    }
    /// A peer that sends more than it may would fill our memory.
    void put(In message) {
        auto const bytes = message.ByteSizeLong();
        if (inbox_.size() >= most_.count_max)
            return cut_off({errc::exhausted, fmt::format("the peer has sent more than {} messages that were not taken "
                                                         "yet",
                                                         most_.count_max)});
        if (inbox_bytes_ + bytes > most_.inbox_bytes_max)
            return cut_off({errc::exhausted, fmt::format("the peer has sent more than {} bytes that were not taken yet",
                                                         most_.inbox_bytes_max)});
        inbox_.push_back({std::move(message), bytes});
        inbox_bytes_ += bytes;
        readable_.notify();
        if (all_) all_->grow(bytes);
    }
    void drop_first() {
        auto const bytes = inbox_.front().bytes;
        inbox_.pop_front();
        inbox_bytes_ -= bytes;
        if (all_) all_->shrink(bytes);
    }
    void clear_inbox() {
        while (!inbox_.empty()) drop_first();
    }

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
        if (is_over_ || is_finishing_ || untold_ * 4 < most_.count_max) return;
        // A peer that takes nothing must not pile them up here: the last one that waits says it, too.
        if (outbox_.size() > 1) return outbox_.back().set_credit(outbox_.back().credit() + std::exchange(untold_, 0));
        Out word;
        word.set_is_credit_only(true);
        queue(std::move(word));
    }
    void wake() {
        writable_.notify();
        readable_.notify();
    }

    asio::any_io_executor strand_;
    pipe_limits most_;
    std::shared_ptr<inboxes> all_;
    std::string peer_;
    bool has_entered_ = false;
    pipe_carrier<Out>* carrier_ = nullptr;
    std::deque<Out> outbox_;
    std::deque<waiting> inbox_;
    std::size_t inbox_bytes_ = 0;
    std::deque<std::size_t> ahead_;  ///< of each message that is sent, and not yet known to be taken, its bytes
    std::size_t ahead_bytes_ = 0;
    std::uint32_t untold_ = 0;  ///< taken, and not yet told
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
