#include "contract/link_contract.hpp"

#include "support/catch.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

/// More than any adapter lets be on their way.
constexpr std::uint64_t too_many = limits::link_queue_count_max * 20;
constexpr std::uint64_t on_their_way_max = limits::link_queue_count_max * 8;

// A message with a number says it in each of its parts; there are some.

std::size_t part_count(std::uint64_t number) { return 1 + number % 7; }

facts numbered(facts const*, std::uint64_t number) {
    facts made{.at = number, .complete = number % 2 == 0};
    for (std::size_t i = 0; i < part_count(number); ++i)
        made.nodes.push_back({.node = {}, .pod_subnet = {}, .name = std::to_string(number)});
    return made;
}
std::vector<std::uint64_t> parts_of(facts const& message) {
    if (message.complete != (message.at % 2 == 0)) return {};
    std::vector<std::uint64_t> parts;
    for (auto const& each : message.nodes) parts.push_back(std::stoull(each.name));
    return parts;
}

reports numbered(reports const*, std::uint64_t number) {
    reports made;
    for (std::size_t i = 0; i < part_count(number); ++i)
        made.gone.push_back({.instance = {}, .fence = number, .node = {}});
    return made;
}
std::vector<std::uint64_t> parts_of(reports const& message) {
    std::vector<std::uint64_t> parts;
    for (auto const& each : message.gone) parts.push_back(each.fence);
    return parts;
}

orders numbered(orders const*, std::uint64_t number) {
    orders made{.at = number};
    for (std::size_t i = 0; i < part_count(number); ++i)
        made.due.push_back({.instance = {}, .fence = number, .run = false});
    return made;
}
std::vector<std::uint64_t> parts_of(orders const& message) {
    std::vector<std::uint64_t> parts;
    for (auto const& each : message.due) parts.push_back(each.run ? 0 : each.fence);
    return parts;
}

from_node numbered(from_node const*, std::uint64_t number) {
    held made;
    for (std::size_t i = 0; i < part_count(number); ++i) made.gone.push_back({.instance = {}, .fence = number});
    return made;
}
std::vector<std::uint64_t> parts_of(from_node const& message) {
    std::vector<std::uint64_t> parts;
    if (auto const* const news = std::get_if<held>(&message))
        for (auto const& each : news->gone) parts.push_back(each.fence);
    return parts;
}

/// 0: it is not whole.
template <class Message>
std::uint64_t number_of(Message const& message) {
    auto const parts = parts_of(message);
    if (parts.empty()) return 0;
    auto const is_same = [&](std::uint64_t each) { return each == parts[0]; };
    return parts.size() == part_count(parts[0]) && std::all_of(parts.begin(), parts.end(), is_same) ? parts[0] : 0;
}

template <class Out, class In>
struct ends {
    std::unique_ptr<session<Out, In>> near = {};  ///< of the side that dialled
    std::unique_ptr<session<In, Out>> far = {};
};

template <class Session>
awaitable<> connect_into(connector<Session>& dialler, std::unique_ptr<Session>& into) {
    auto connected = co_await dialler.connect();
    if (!connected) FAIL(connected.error());
    into = std::move(*connected);
}

template <class Session>
awaitable<> accept_into(acceptor<Session>& listener, std::unique_ptr<Session>& into) {
    auto accepted = co_await listener.accept();
    if (!accepted) FAIL(accepted.error());
    into = std::move(*accepted);
}

template <class Out, class In>
ends<Out, In> join(link_maker<Out, In>& link) {
    ends<Out, In> made;
    link.loop().run(together(accept_into(link.listener(), made.far), connect_into(link.dialler(), made.near)));
    return made;
}

template <class Out, class In>
awaitable<result<void>> send(session<Out, In>& over, std::uint64_t number) {
    auto message = numbered(static_cast<Out const*>(nullptr), number);
    co_return co_await over.send(std::move(message));
}

/// Sends 1, 2, ... `last`.
template <class Out, class In>
awaitable<> send_all(session<Out, In>& over, std::uint64_t last, std::uint64_t& sent) {
    while (sent < last) {
        auto const done = co_await send(over, sent + 1);
        if (!done) FAIL(done.error());
        ++sent;
    }
}

template <class Out, class In>
awaitable<> receive_all(session<Out, In>& over, std::uint64_t last) {
    for (std::uint64_t number = 1; number <= last; ++number) {
        auto const got = co_await over.receive();
        if (!got) FAIL(got.error());
        REQUIRE(number_of(*got) == number);
    }
}

/// Waits until nothing more is sent by somebody who would go on.
awaitable<> until_stuck(event_loop& loop, std::uint64_t const& sent) {
    for (auto before = sent + 1; sent == 0 || before != sent;) {
        before = sent;
        co_await loop.time().sleep_for(50ms);
    }
}

template <class Out, class In>
awaitable<> expect_end(session<Out, In>& over) {
    auto const got = co_await over.receive();
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error().code == errc::unavailable);
}

template <class Out, class In>
awaitable<> close_soon(event_loop& loop, session<Out, In>& which) {
    co_await loop.time().sleep_for(1ms);
    which.close();
}

template <class Out, class In>
void check_is_over(event_loop& loop, session<Out, In>& which) {
    loop.run(expect_end(which));
    loop.run(expect_end(which));
    auto const sent = loop.run(send(which, 1));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == errc::unavailable);
    which.close();
}

template <class Out, class In>
void keeps_all_in_order(link_maker<Out, In>& link) {
    auto const on = join(link);
    std::uint64_t from_near = 0;
    std::uint64_t from_far = 0;
    constexpr std::uint64_t last = 300;
    auto outward = together(send_all(*on.near, last, from_near), receive_all(*on.far, last));
    auto inward = together(send_all(*on.far, last, from_far), receive_all(*on.near, last));
    link.loop().run(together(std::move(outward), std::move(inward)));
}

template <class Out, class In>
awaitable<> look_and_receive(event_loop& loop, session<Out, In>& over, std::uint64_t const& sent) {
    co_await until_stuck(loop, sent);
    CHECK(sent < on_their_way_max);
    co_await receive_all(over, too_many);
}

template <class Out, class In>
void bounds_what_is_on_its_way(link_maker<Out, In>& link) {
    auto const on = join(link);
    std::uint64_t sent = 0;
    SECTION("from the side that dials") {
        link.loop().run(together(send_all(*on.near, too_many, sent), look_and_receive(link.loop(), *on.far, sent)));
    }
    SECTION("from the side that listens") {
        link.loop().run(together(send_all(*on.far, too_many, sent), look_and_receive(link.loop(), *on.near, sent)));
    }
    CHECK(sent == too_many);
}

template <class Out, class In>
awaitable<> send_until_refused(session<Out, In>& over, std::uint64_t& sent) {
    for (;;) {
        auto const done = co_await send(over, sent + 1);
        if (!done) {
            CHECK(done.error().code == errc::unavailable);
            co_return;
        }
        ++sent;
        REQUIRE(sent < too_many);
    }
}

template <class Out, class In>
awaitable<> close_when_stuck(event_loop& loop, session<Out, In>& which, std::uint64_t const& sent) {
    co_await until_stuck(loop, sent);
    which.close();
}

template <class Out, class In>
void tells_a_sender_that_waits(link_maker<Out, In>& link) {
    auto const on = join(link);
    std::uint64_t sent = 0;
    auto& loop = link.loop();
    SECTION("when its own end closes") {
        loop.run(together(send_until_refused(*on.near, sent), close_when_stuck(loop, *on.near, sent)));
    }
    SECTION("when the other end closes") {
        loop.run(together(send_until_refused(*on.near, sent), close_when_stuck(loop, *on.far, sent)));
    }
    SECTION("at the side that listens") {
        loop.run(together(send_until_refused(*on.far, sent), close_when_stuck(loop, *on.near, sent)));
    }
}

template <class Out, class In>
void ends_at_both_ends(link_maker<Out, In>& link) {
    auto on = join(link);
    auto& loop = link.loop();
    auto waiting = together(expect_end(*on.near), expect_end(*on.far));
    SECTION("closed where it was dialled") { loop.run(together(std::move(waiting), close_soon(loop, *on.near))); }
    SECTION("closed where it was accepted") { loop.run(together(std::move(waiting), close_soon(loop, *on.far))); }
    check_is_over(loop, *on.near);
    check_is_over(loop, *on.far);
}

template <class Out, class In>
void closes_when_it_is_destroyed(link_maker<Out, In>& link) {
    auto on = join(link);
    SECTION("where it was dialled") {
        on.near.reset();
        check_is_over(link.loop(), *on.far);
    }
    SECTION("where it was accepted") {
        on.far.reset();
        check_is_over(link.loop(), *on.near);
    }
}

/// What is lost at the end of a session is what was sent last.
template <class Out, class In>
awaitable<> receive_beginning(session<Out, In>& over) {
    for (std::uint64_t number = 1;; ++number) {
        auto const got = co_await over.receive();
        if (!got) break;
        REQUIRE(number_of(*got) == number);
    }
    co_await expect_end(over);
}

template <class Out, class In>
void loses_nothing_in_between(link_maker<Out, In>& link) {
    auto const on = join(link);
    std::uint64_t sent = 0;
    link.loop().run(send_all(*on.near, 5, sent));
    on.near->close();
    link.loop().run(receive_beginning(*on.far));
}

template <class Out, class In>
void keeps_connections_apart(link_maker<Out, In>& link) {
    auto const one = join(link);
    auto const other = join(link);
    std::uint64_t of_one = 0;
    std::uint64_t of_other = 0;
    auto& loop = link.loop();
    loop.run(send_all(*other.near, 3, of_other));
    loop.run(send_all(*one.near, 5, of_one));
    loop.run(receive_all(*one.far, 5));
    one.far->close();
    check_is_over(loop, *one.near);
    loop.run(receive_all(*other.far, 3));
    of_other = 0;
    loop.run(together(send_all(*other.far, 3, of_other), receive_all(*other.near, 3)));
}

template <class Out, class In>
void check(link_maker<Out, In>& link) {
    SECTION("messages arrive whole, in order and once") { keeps_all_in_order(link); }
    SECTION("a sender waits while the peer's queue is full") { bounds_what_is_on_its_way(link); }
    SECTION("a sender that waits is told when the session ends") { tells_a_sender_that_waits(link); }
    SECTION("a session that is closed has ended at both ends") { ends_at_both_ends(link); }
    SECTION("a session that is destroyed is closed") { closes_when_it_is_destroyed(link); }
    SECTION("what arrives before the end is the beginning of what was sent") { loses_nothing_in_between(link); }
    SECTION("each connection is a session of its own") { keeps_connections_apart(link); }
}

}  // namespace

void check_link(link_maker<facts, reports>& link) { check(link); }
void check_link(link_maker<from_node, orders>& link) { check(link); }

}  // namespace rik::testing
