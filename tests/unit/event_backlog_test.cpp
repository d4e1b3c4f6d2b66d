// Which events are held back, for how long, and what is written of them then.
#include "primary/event_backlog_detail.hpp"

#include <rik/base/limits.hpp>

#include <support/catch.hpp>

using namespace rik;
using detail::event_backlog;
using detail::event_ledger;

namespace {

using namespace std::chrono_literals;
constexpr time_point begin{1h};

document told(std::uint64_t sequence, std::string tenant = "default") {
    event happened{.object_kind = "instance", .object_id = "i", .tenant = std::move(tenant), .reason = "Told"};
    happened.owner_id = "web";
    return to_document(happened, sequence);
}

std::uint64_t hold(event_backlog& in, document const& what) {
    auto const known = event_ledger::read(what);
    in.hold(known, std::make_shared<document const>(what));
    return known.sequence;
}

/// The group of all that is made by `told`.
std::string const group = event_ledger::read(told(1)).group;

bool count_many(event_backlog& in, std::size_t count, time_point now) {
    bool is_held = false;
    for (std::size_t i = 0; i < count; ++i) is_held = in.count(group, now);
    return is_held;
}

}  // namespace

TEST_CASE("a group may tell at once as many events as are kept of it, and more is held back until a period is over") {
    event_backlog backlog;
    CHECK_FALSE(count_many(backlog, limits::events_per_owner_max, begin));
    CHECK(backlog.count(group, begin + detail::burst_period - 1ns));
    CHECK(backlog.is_in_burst(group));
    CHECK_FALSE(backlog.count("another", begin));
    CHECK_FALSE(backlog.count(group, begin + detail::burst_period));
    CHECK_FALSE(backlog.is_in_burst(group));
}

TEST_CASE("a group tells more events a second than are kept when it tells them evenly, and none is held back") {
    event_backlog backlog;
    auto const each = detail::burst_period / (limits::events_per_owner_max - 1);
    bool is_ever_held = false;
    for (int i = 0; i < 5'000; ++i) is_ever_held = is_ever_held || backlog.count(group, begin + i * each);
    CHECK_FALSE(is_ever_held);
}

TEST_CASE("while something of a group is held, what follows is held too, however late it comes") {
    event_backlog backlog;
    auto const sequence = hold(backlog, told(7));
    CHECK(backlog.count(group, begin + 10 * detail::burst_period));
    REQUIRE(backlog.find(sequence) != nullptr);
    CHECK(backlog.find(sequence)->key == told(7).key);
    CHECK(backlog.drop(sequence));
    CHECK_FALSE(backlog.drop(sequence));
    CHECK(backlog.find(sequence) == nullptr);
    CHECK(backlog.empty());
    CHECK_FALSE(backlog.count(group, begin + 20 * detail::burst_period));
}

TEST_CASE("what is held is written in its order, part by part, with what it pushes out") {
    event_backlog backlog;
    for (std::uint64_t const sequence : {12, 10, 11}) hold(backlog, told(sequence));
    backlog.hold_removal(told(1).key);
    CHECK(backlog.size() == 4);
    auto const first = backlog.next(2);
    REQUIRE(first.told.size() == 2);
    CHECK(first.told[0]->key == told(10).key);
    CHECK(first.told[1]->key == told(11).key);
    CHECK(first.gone == std::vector{told(1).key});
    CHECK(backlog.size() == 4);
    backlog.written(first);
    CHECK(backlog.size() == 1);
    auto const last = backlog.next(2);
    REQUIRE(last.told.size() == 1);
    CHECK(last.told[0]->key == told(12).key);
    CHECK(last.gone.empty());
}

TEST_CASE("what is held of a tenant can be found") {
    event_backlog backlog;
    hold(backlog, told(1, "a"));
    auto const of_b = hold(backlog, told(2, "b"));
    CHECK(backlog.list_in("b") == std::vector{of_b});
    CHECK(backlog.list_in("c").empty());
}
