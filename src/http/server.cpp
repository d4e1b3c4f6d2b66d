#include <rik/http/server.hpp>

#include "connection.hpp"
#include "listener.hpp"

#include <rik/async/deadline.hpp>
#include <rik/async/shield.hpp>
#include <rik/async/strand.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/assert.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <utility>

namespace rik {

namespace {

constexpr std::size_t turned_away_at_once_max = 32;
constexpr duration accept_pause = std::chrono::milliseconds(100);
constexpr duration slow_sending = std::chrono::seconds(1);
constexpr std::size_t unsent_excess = 4;  ///< so many times what may be unsent, and nobody is spared

}  // namespace

/// Everything here happens on `strand_`, besides what says otherwise.
class http_server::impl {
public:
    impl(asio::any_io_executor executor, clock& time, http_handler& handler, http_options options, log to)
        : executor_(executor),
          strand_(make_strand_of(executor)),
          context_{time, handler, std::move(options), to},
          accepting_(strand_),
          serving_(strand_) {
        context_.make_room = [this] { asio::post(strand_, [this] { end_slow_ones(); }); };
    }

    result<void> listen();
    awaitable<> start();
    awaitable<> stop();

    asio::any_io_executor strand() const { return strand_; }

    std::size_t connection_count() const { return counts_[0] + counts_[1]; }

    std::vector<tcp_address> addresses_;

private:
    using connection_ptr = std::shared_ptr<detail::connection>;

    awaitable<> accept(detail::listener& from);
    void admit(detail::stream_socket socket, http_peer peer);
    bool give_up_an_idle_one(http_peer peer);
    awaitable<> serve(connection_ptr who, http_peer peer);
    awaitable<> turn_away(connection_ptr who);
    awaitable<> end_overdue();
    void end_slow_ones();
    connection_ptr find_slowest(time_point now, duration spared) const;
    awaitable<result<void>> wait_for_connections();
    /// Calls `action` of every connection on the connection's strand.
    void tell_all(void (detail::connection::*action)());

    asio::any_io_executor executor_;
    asio::any_io_executor strand_;
    detail::connection_context context_;
    std::vector<std::unique_ptr<detail::listener>> listeners_;
    std::list<connection_ptr> connections_;
    std::array<std::atomic<std::size_t>, 2> counts_{};  ///< of unix_socket and tcp
    std::size_t turned_away_ = 0;
    task_group accepting_;
    task_group serving_;
};

result<void> http_server::impl::listen() {
    if (context_.options.local) {
        auto opened = detail::listener::open(strand_, *context_.options.local, context_.to);
        if (!opened) return opened.error();
        listeners_.push_back(std::move(*opened));
    }
    for (auto const& address : context_.options.tcp) {
        auto opened = detail::listener::open(strand_, address);
        if (!opened) return opened.error();
        addresses_.push_back(*(*opened)->address());
        listeners_.push_back(std::move(*opened));
    }
    return {};
}

awaitable<> http_server::impl::start() {
    for (auto& each : listeners_) accepting_.spawn(accept(*each));
    accepting_.spawn(end_overdue());
    co_return;
}

awaitable<> http_server::impl::accept(detail::listener& from) {
    bool is_failing = false;
    for (;;) {
        auto strand = make_strand_of(executor_);
        auto [failure, socket] = co_await from.acceptor().async_accept(strand, detail::no_throw);
        if (failure == asio::error::operation_aborted) throw cancelled{};
        if (!failure) {
            if (std::exchange(is_failing, false)) context_.to.info("connections are accepted again");
            admit(std::move(socket), from.peer());
        } else if (failure != asio::error::connection_aborted) {
            if (!std::exchange(is_failing, true))
                context_.to.warning("cannot accept connections", {{"why", failure.message()}});
            co_await context_.time.sleep_for(accept_pause);  // out of descriptors, most likely
        }
    }
}

void http_server::impl::admit(detail::stream_socket socket, http_peer peer) {
    boost::system::error_code ignored;
    if (peer == http_peer::tcp) {
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        detail::probe_client(socket, detail::probing_usual);  // finds watchers that are gone silently
    }
    auto made = std::make_shared<detail::connection>(std::move(socket), peer, context_);
    auto& count = counts_[static_cast<std::size_t>(peer)];
    if (count < context_.options.limits.connections_max || give_up_an_idle_one(peer)) {
        ++count;
        serving_.spawn(serve(std::move(made), peer));
    } else if (turned_away_ < turned_away_at_once_max) {
        ++turned_away_;
        serving_.spawn(turn_away(std::move(made)));
    }
}

/// Whoever keeps connections for later must not lock out those who have something to ask now.
bool http_server::impl::give_up_an_idle_one(http_peer peer) {
    auto const now = context_.time.now();
    auto longest = context_.options.limits.idle_spared;
    connection_ptr chosen;
    for (auto const& each : connections_) {
        auto const idle = each->peer() == peer && !each->is_given_up ? each->idle_for(now) : std::nullopt;
        if (!idle || *idle <= longest) continue;
        longest = *idle;
        chosen = each;
    }
    if (!chosen) return false;
    chosen->is_given_up = true;
    asio::post(chosen->executor(), [chosen] { chosen->give_up(); });
    return true;
}

awaitable<> http_server::impl::serve(connection_ptr who, http_peer peer) {
    auto const place = connections_.insert(connections_.end(), who);
    std::exception_ptr thrown;
    try {
        co_await on_strand(who->executor(), who->run());
    } catch (...) {
        thrown = std::current_exception();
    }
    connections_.erase(place);
    --counts_[static_cast<std::size_t>(peer)];
    if (thrown) std::rethrow_exception(thrown);
}

awaitable<> http_server::impl::turn_away(connection_ptr who) {
    auto const place = connections_.insert(connections_.end(), who);
    std::exception_ptr thrown;
    try {
        co_await on_strand(who->executor(), who->turn_away());
    } catch (...) {
        thrown = std::current_exception();
    }
    connections_.erase(place);
    --turned_away_;
    if (thrown) std::rethrow_exception(thrown);
}

awaitable<> http_server::impl::end_overdue() {
    for (;;) {
        co_await context_.time.sleep_for(context_.options.limits.check_period);
        auto const now = context_.time.now();
        for (auto const& each : connections_)
            if (each->is_overdue(now)) asio::post(each->executor(), [each] { each->end_if_overdue(); });
        end_slow_ones();
    }
}

/// Replies that their clients do not take must not fill the memory.
void http_server::impl::end_slow_ones() {
    auto const most = context_.options.limits.replies_bytes_max;
    if (*context_.unsent_bytes <= most) return;
    auto const now = context_.time.now();
    std::size_t unsent = 0;
    for (auto const& each : connections_) unsent += each->is_given_up ? 0 : each->unsent_bytes();
    while (unsent > most) {
        auto const spared = unsent > most * unsent_excess ? duration() : slow_sending;
        auto const slowest = find_slowest(now, spared);
        if (!slowest) return;
        unsent -= std::min(unsent, slowest->unsent_bytes());
        slowest->is_given_up = true;
        asio::post(slowest->executor(), [slowest] { slowest->cut_off(); });
        context_.to.debug("a client that reads slowly was cut off", {});
    }
}

http_server::impl::connection_ptr http_server::impl::find_slowest(time_point now, duration spared) const {
    connection_ptr slowest;
    auto longest = spared;
    for (auto const& each : connections_) {
        auto const lasts = each->is_given_up ? std::nullopt : each->sending_for(now);
        if (!lasts || *lasts < longest) continue;
        longest = *lasts;
        slowest = each;
    }
    return slowest;
}

void http_server::impl::tell_all(void (detail::connection::*action)()) {
    for (auto const& each : connections_) asio::post(each->executor(), [each, action] { ((*each).*action)(); });
}

awaitable<result<void>> http_server::impl::wait_for_connections() {
    co_await serving_.join();
    co_return result<void>{};
}

awaitable<> http_server::impl::stop() {
    for (auto& each : listeners_) each->close();
    co_await accepting_.stop();
    tell_all(&detail::connection::wind_down);
    auto const grace_end = context_.time.now() + context_.options.limits.stop_grace;
    auto const ended = co_await with_deadline(context_.time, grace_end, wait_for_connections());
    if (!ended) context_.to.info("requests were cut off", {{"count", std::to_string(connections_.size())}});
    co_await serving_.stop();
    RIK_ASSERT(connections_.empty());
}

http_server::http_server(std::unique_ptr<impl> self) : self_(std::move(self)) {}
http_server::~http_server() = default;

result<std::unique_ptr<http_server>> http_server::open(asio::any_io_executor executor, clock& time,
                                                       http_handler& handler, http_options options, log to) {
    auto self = std::make_unique<impl>(std::move(executor), time, handler, std::move(options), to);
    if (auto const listening = self->listen(); !listening) return listening.error();
    return std::unique_ptr<http_server>(new http_server(std::move(self)));
}

awaitable<> http_server::start() { return on_strand(self_->strand(), self_->start()); }
awaitable<> http_server::stop() { return shield(on_strand(self_->strand(), self_->stop())); }
std::vector<tcp_address> const& http_server::tcp_addresses() const { return self_->addresses_; }
std::size_t http_server::connection_count() const { return self_->connection_count(); }

}  // namespace rik
