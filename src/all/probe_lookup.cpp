#include "probe_lookup_detail.hpp"

#include <rik/async/notifier.hpp>

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace rik::detail {

namespace {

using asio::ip::tcp;

struct lookup {
    explicit lookup(asio::any_io_executor executor) : names(executor), ended(std::move(executor)) {}

    tcp::resolver names;
    notifier ended;
    bool is_over = false;
    boost::system::error_code failure = {};
    tcp::resolver::results_type found = {};
};

}  // namespace

awaitable<result<tcp::endpoint>> probe_lookups::find(std::string host, std::uint16_t port) {
    boost::system::error_code not_an_address;
    auto const literal = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) co_return tcp::endpoint(literal, port);
    if (*under_way_ >= at_once_max) co_return error{errc::exhausted, "too many names are being looked up for probes"};
    auto const state = std::make_shared<lookup>(co_await asio::this_coro::executor);
    ++*under_way_;
    state->names.async_resolve(host, std::to_string(port),
                               [state, under_way = under_way_](auto failure, auto const& found) {
                                   --*under_way;
                                   state->is_over = true;
                                   state->failure = failure;
                                   state->found = found;
                                   state->ended.notify();
                               });
    while (!state->is_over) co_await state->ended.wait();
    if (state->failure || state->found.empty())
        co_return error{errc::unavailable, fmt::format("the name {} has no address", host)};
    co_return state->found.begin()->endpoint();
}

}  // namespace rik::detail
