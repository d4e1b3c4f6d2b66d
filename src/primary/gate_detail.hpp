// The door of the primary: from any thread to its strand and back.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/unless.hpp>
#include <rik/base/result.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace rik::detail {

/// Lets calls of users in while it is open, and counts those that are under way, so that they never outlive what they
/// work on. `enter` and `read` may be called from any thread; all else belongs to the strand.
class gate {
public:
    explicit gate(asio::any_io_executor strand) : strand_(strand), visitor_left_(strand), closing_(strand) {}

    void open() { is_open_ = true; }
    /// From now on no call is let in. Returns when all have left.
    awaitable<> close();
    bool is_open() const { return is_open_; }
    /// Why no call is let in now.
    std::optional<error> closed_because() const;

    /// Runs `work` on the strand, unless there is a `refusal` or the gate is closed.
    template <class T>
    awaitable<result<T>> enter(std::optional<error> refusal, awaitable<result<T>> work) {
        if (refusal) return refuse<T>(std::move(*refusal));
        return on_strand(strand_, visit(std::move(work)));
    }

    /// Calls `reads` on the strand likewise; it returns a result at once.
    template <class Read>
    awaitable<std::invoke_result_t<Read>> read(std::optional<error> refusal, Read reads) {
        using value = typename std::invoke_result_t<Read>::value_type;
        return enter<value>(std::move(refusal), invoke_here(std::move(reads)));
    }

    /// Waits for `work`, unless the gate closes meanwhile. Errors: unavailable.
    template <class T>
    awaitable<result<T>> while_open(awaitable<result<T>> work) {
        auto ended = co_await unless(wait_closed(), std::move(work));
        if (!ended) co_return error{errc::unavailable, "the primary stops"};
        co_return std::move(*ended);
    }

private:
    class visitor {
    public:
        explicit visitor(gate& host) : host_(host) { ++host_.visitors_count_; }
        visitor(visitor const&) = delete;
        visitor& operator=(visitor const&) = delete;
        ~visitor() {
            --host_.visitors_count_;
            host_.visitor_left_.notify();
        }

    private:
        gate& host_;
    };

    template <class T>
    static awaitable<result<T>> refuse(error why) {
        co_return why;
    }
    template <class T>
    awaitable<result<T>> visit(awaitable<result<T>> work) {
        visitor const here(*this);
        if (auto const why = closed_because()) co_return *why;
        co_return co_await std::move(work);
    }
    awaitable<> wait_closed();

    asio::any_io_executor strand_;
    bool is_open_ = false;
    std::size_t visitors_count_ = 0;
    notifier visitor_left_;
    notifier closing_;
};

}  // namespace rik::detail
