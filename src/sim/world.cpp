#include <rik/sim/world.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <stdexcept>

namespace rik::sim {

/// A real timer that never expires by itself: the world cancels it when its virtual moment has come.
struct virtual_clock::sleeper {
    explicit sleeper(asio::any_io_executor executor)
        : never(std::move(executor), asio::steady_timer::time_point::max()) {}
    asio::steady_timer never;
    bool is_due = false;
};

wall_time virtual_clock::wall() const {
    using namespace std::chrono;
    constexpr sys_days epoch = year(2026) / January / 1;
    return epoch + floor<microseconds>(now_.time_since_epoch() + wall_set_by_);
}

awaitable<> virtual_clock::sleep_until(time_point when) {
    auto const executor = co_await asio::this_coro::executor;
    if (when < now_) when = now_;
    sleeper self(executor);
    auto const place = sleepers_.emplace(std::make_pair(when, ++order_), &self).first;
    struct leave {
        virtual_clock& from;
        decltype(place) at;
        bool const& is_due;
        ~leave() {
            if (!is_due) from.sleepers_.erase(at);
        }
    } const leaving{*this, place, self.is_due};
    auto const [woken] = co_await self.never.async_wait(asio::as_tuple(asio::use_awaitable));
    (void)woken;  // always "aborted": by the world, or by a cancellation
    if (!self.is_due) throw cancelled{};
}

bool virtual_clock::advance(time_point horizon) {
    if (sleepers_.empty() || sleepers_.begin()->first.first > horizon) return false;
    auto const first = sleepers_.begin();
    now_ = std::max(now_, first->first.first);
    first->second->is_due = true;
    first->second->never.cancel();
    sleepers_.erase(first);
    return true;
}

void world::settle() {
    context_.restart();
    while (context_.poll() > 0) {
    }
}

namespace {

/// What becomes of a scenario. Shared with it: one that does not end when it is cancelled outlives its `run`.
struct outcome {
    bool is_done = false;
    std::exception_ptr thrown;
    asio::cancellation_signal stop;
};

}  // namespace

void world::run(awaitable<> work, duration limit) {
    auto const seen = std::make_shared<outcome>();
    auto finish = [seen](std::exception_ptr failure) {
        seen->thrown = std::move(failure);
        seen->is_done = true;
    };
    asio::co_spawn(context_, std::move(work), asio::bind_cancellation_slot(seen->stop.slot(), std::move(finish)));
    auto const horizon = clock_.now() + limit;
    for (settle(); !seen->is_done; settle()) {
        if (clock_.advance(horizon)) continue;
        // It refers to what its test owns, so it must not go on when the test is over.
        asio::post(context_, [seen] { seen->stop.emit(asio::cancellation_type::terminal); });
        settle();
        throw std::runtime_error("deadlock: the scenario waits, and nothing can happen any more");
    }
    if (seen->thrown) std::rethrow_exception(seen->thrown);
}

void world::run_for(duration length) {
    auto const horizon = clock_.now() + length;
    for (settle(); clock_.advance(horizon); settle()) {
    }
    clock_.now_ = horizon;
}

}  // namespace rik::sim
