#include <rik/async/limiter.hpp>

namespace rik {

awaitable<limiter::ticket> limiter::acquire() {
    waiting const here(*this);
    while (free_ == 0) co_await freed_.wait();
    --free_;
    if (free_ > 0) freed_.notify();  // another may wait
    co_return ticket(*this);
}

awaitable<> limiter::wait_until_idle() {
    while (!is_idle()) co_await idle_.wait();
}

awaitable<> limiter::expire(clock& time, duration after, ticket& place) {
    co_await time.sleep_for(after);
    place.release();
    co_await time.sleep_until(time_point::max());
}

}  // namespace rik
