#include <rik/async/keyed_limiter.hpp>

namespace rik {

awaitable<keyed_limiter::ticket> keyed_limiter::acquire(std::string key) {
    user who(*this, std::move(key));
    auto of_key = co_await who.places().acquire();
    auto of_all = co_await all_.acquire();
    co_return ticket(std::move(who), std::move(of_key), std::move(of_all));
}

}  // namespace rik
