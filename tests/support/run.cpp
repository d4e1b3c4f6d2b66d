#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <exception>
#include <stdexcept>

namespace rik::testing {

void run(asio::io_context& context, awaitable<> work) {
    bool ended = false;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure) {
        thrown = std::move(failure);
        ended = true;
    });
    context.restart();
    while (!ended && context.run_one() != 0) {
    }
    if (!ended) throw std::logic_error("the coroutine waits for ever");
    if (thrown) std::rethrow_exception(thrown);
}

void run(awaitable<> work) {
    asio::io_context context;
    run(context, std::move(work));
}

void run_elsewhere(asio::io_context& context, awaitable<> work) {
    asio::co_spawn(context, std::move(work), asio::use_future).get();
}

void run_ready(asio::io_context& context) {
    context.restart();
    context.poll();
}

}  // namespace rik::testing
