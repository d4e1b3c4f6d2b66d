// The scheduler's end of a primary's link, played by a test.
#pragma once

#include <rik/link/local_link.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

namespace rik::testing {

/// Takes one session after the other, and decides nothing: the test says what is reported. Lives on one strand.
class played_scheduler final : public connector<scheduler_session> {
public:
    using listener = std::function<void(facts)>;

    /// `hear` gets what the primary says.
    played_scheduler(asio::any_io_executor strand, listener hear) : edge_(std::move(strand)), hear_(std::move(hear)) {}

    awaitable<result<std::unique_ptr<scheduler_session>>> connect() override {
        if (is_away) co_return error{errc::unavailable, "the scheduler is away"};
        co_return co_await edge_.connect();
    }

    awaitable<> run() {
        for (;;) {
            auto link = co_await edge_.accept();
            if (!link) co_return;
            session = std::move(*link);
            ++session_count;
            for (;;) {
                auto news = co_await session->receive();
                if (!news) break;
                hear_(std::move(*news));
            }
            session.reset();
        }
    }

    std::shared_ptr<primary_session> session;  ///< the newest, until it ends
    std::size_t session_count = 0;
    bool is_away = false;  ///< then no session begins

private:
    local_primary_edge edge_;
    listener hear_;
};

}  // namespace rik::testing
