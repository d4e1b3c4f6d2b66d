// One look for an image, that any number of callers wait for.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/runtime/images.hpp>

#include <list>
#include <memory>
#include <optional>
#include <utility>

namespace rik::detail {

struct flight {
    explicit flight(asio::any_io_executor strand) : emptied(std::move(strand)) {}

    bool is_under_way = false;
    std::optional<result<image_ptr>> outcome;
    std::list<notifier> waiters;
    notifier emptied;  ///< the last waiter left

    void land(result<image_ptr> how) {
        outcome.emplace(std::move(how));
        for (auto& each : waiters) each.notify();
    }
    /// Completes when all who waited have left.
    awaitable<> deserted() {
        do {
            co_await emptied.wait();
        } while (!waiters.empty());
    }
};

/// A caller's place among the waiters of a flight; it leaves when the caller does.
class seat {
public:
    seat(std::shared_ptr<flight> where, asio::any_io_executor strand)
        : flight_(std::move(where)), place_(flight_->waiters.emplace(flight_->waiters.end(), std::move(strand))) {}
    seat(seat const&) = delete;
    ~seat() {
        flight_->waiters.erase(place_);
        if (flight_->waiters.empty()) flight_->emptied.notify();
    }
    awaitable<> landed() {
        while (!flight_->outcome) co_await place_->wait();
    }

private:
    std::shared_ptr<flight> flight_;
    std::list<notifier>::iterator place_;
};

}  // namespace rik::detail
