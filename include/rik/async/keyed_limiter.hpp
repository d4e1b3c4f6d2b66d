// Bounds how many run at once for each key, and how many in all.
#pragma once

#include <rik/async/limiter.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace rik {

/// Hands out a bounded number of tickets for each key, and for all keys together. A caller that waits for one key never
/// blocks callers of other keys, as long as the bound for all keys is not reached. A key without tickets and waiting
/// callers takes no memory. Use it from one strand only; it must outlive its tickets.
class keyed_limiter {
    struct room {
        room(asio::any_io_executor executor, std::size_t at_once_max) : places(std::move(executor), at_once_max) {}
        limiter places;
        std::size_t user_count = 0;
    };
    using room_map = std::map<std::string, room>;

    /// A caller that waits for a ticket or has one. As long as there is one, the room of its key is kept.
    class user {
    public:
        user(keyed_limiter& of, std::string key) : of_(&of), room_(of.enter(std::move(key))) {}
        user(user&& other) noexcept : of_(std::exchange(other.of_, nullptr)), room_(other.room_) {}
        user& operator=(user&&) = delete;
        ~user() {
            if (of_ != nullptr && --room_->second.user_count == 0) of_->rooms_.erase(room_);
        }
        limiter& places() { return room_->second.places; }

    private:
        keyed_limiter* of_;
        room_map::iterator room_;
    };

public:
    struct bounds {
        std::size_t per_key_max;
        std::size_t in_all_max;
    };

    keyed_limiter(asio::any_io_executor executor, bounds how_many)
        : executor_(std::move(executor)), per_key_max_(how_many.per_key_max), all_(executor_, how_many.in_all_max) {}

    /// Returns its two places when it is destroyed.
    class ticket {
    public:
        ticket(user who, limiter::ticket of_key, limiter::ticket of_all)
            : who_(std::move(who)), of_key_(std::move(of_key)), of_all_(std::move(of_all)) {}

    private:
        user who_;  // first: the room outlives its ticket
        limiter::ticket of_key_;
        limiter::ticket of_all_;
    };

    /// Waits for a free place of `key`, and then for one of those for all keys. Waiting callers are not served in any
    /// promised order.
    awaitable<ticket> acquire(std::string key);

    /// Returns the number of keys that have a ticket or a waiting caller.
    std::size_t key_count() const { return rooms_.size(); }

private:
    room_map::iterator enter(std::string key) {
        auto const entered = rooms_.try_emplace(std::move(key), executor_, per_key_max_).first;
        ++entered->second.user_count;
        return entered;
    }

    asio::any_io_executor executor_;
    std::size_t per_key_max_;
    room_map rooms_;
    limiter all_;
};

}  // namespace rik
