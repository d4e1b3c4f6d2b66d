// A bounded queue between two coroutines of one strand.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/base/result.hpp>

#include <cstddef>
#include <deque>
#include <utility>

namespace rik {

/// Holds at most `capacity` values. Use it from one strand only. One receiver; any number of senders.
template <class T>
class channel {
public:
    channel(asio::any_io_executor executor, std::size_t capacity)
        : capacity_(capacity), readable_(executor), writable_(executor) {}

    /// Waits while the channel is full. Errors: unavailable, the channel is closed.
    awaitable<result<void>> send(T value) {
        while (!closed_ && values_.size() >= capacity_) co_await writable_.wait();
        if (closed_) co_return closed_error();
        values_.push_back(std::move(value));
        readable_.notify();
        if (values_.size() < capacity_) writable_.notify();  // another sender may wait
        co_return result<void>{};
    }

    /// Returns false, and leaves `value` untouched, if the channel is full or closed.
    bool try_send(T& value) {
        if (closed_ || values_.size() >= capacity_) return false;
        values_.push_back(std::move(value));
        readable_.notify();
        return true;
    }

    /// Returns the oldest value, and waits until there is one. What was sent before `close` is still received.
    /// Errors: unavailable, the channel is closed and empty.
    awaitable<result<T>> receive() {
        while (values_.empty()) {
            if (closed_) co_return closed_error();
            co_await readable_.wait();
        }
        T value = std::move(values_.front());
        values_.pop_front();
        writable_.notify();
        co_return std::move(value);
    }

    void close() {
        closed_ = true;
        readable_.notify();
        writable_.notify();
    }

    /// Closes the channel and drops what was not received.
    void abort() {
        values_.clear();
        close();
    }

    bool is_closed() const { return closed_; }
    std::size_t size() const { return values_.size(); }

private:
    static error closed_error() { return error{errc::unavailable, "the channel is closed"}; }

    std::size_t capacity_;
    std::deque<T> values_;
    bool closed_ = false;
    notifier readable_;
    notifier writable_;
};

}  // namespace rik
