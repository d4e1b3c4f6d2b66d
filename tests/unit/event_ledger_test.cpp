// Which events stay when there are more than are kept.
#include "primary/event_ledger_detail.hpp"

#include <rik/base/limits.hpp>

#include <support/catch.hpp>

using namespace rik;
using detail::event_ledger;

namespace {

event_ledger::entry entry(std::uint64_t sequence, std::string object, std::string owner = "") {
    event happened{.object_kind = "instance", .object_id = std::move(object), .reason = "Told"};
    happened.message = std::to_string(sequence);
    happened.owner_id = std::move(owner);
    return event_ledger::read(to_document(happened, sequence));
}

/// A ledger to which events are added one by one, as the primary does it.
struct kept {
    event_ledger events;
    std::uint64_t last = 0;

    void tell(std::string object, std::string owner = "") {
        std::vector<event_ledger::entry> added{entry(++last, std::move(object), std::move(owner))};
        for (auto const each : events.find_excess(added, {}, 100)) events.remove(each);
        events.add(std::move(added[0]));
    }
    std::size_t count_of(std::string_view object) const {
        std::size_t count = 0;
        for (std::uint64_t sequence = 1; sequence <= last; ++sequence)
            count += find(object, sequence) == nullptr ? 0 : 1;
        return count;
    }
    event_ledger::entry const* find(std::string_view object, std::uint64_t sequence) const {
        event told{.object_kind = "instance", .object_id = std::string(object), .reason = "Told"};
        told.message = std::to_string(sequence);
        return events.find_same(object, event_ledger::content_of(told));
    }
};

}  // namespace

TEST_CASE("an object keeps its newest events, and not more than so many") {
    kept all;
    for (int i = 0; i < 100; ++i) all.tell("a");
    all.tell("b");
    CHECK(all.count_of("a") == limits::events_per_object_max);
    CHECK(all.count_of("b") == 1);
    REQUIRE(all.find("a", 100) != nullptr);
    CHECK(all.find("a", 100)->key.name.ends_with("100"));
    CHECK(all.find("a", 1) == nullptr);
    CHECK(all.find("nobody", 100) == nullptr);
    CHECK(all.events.last_sequence() == 101);
}

TEST_CASE("the instances of a workload keep their newest events together, and not more than so many") {
    kept all;
    all.tell("lone");
    for (std::size_t i = 0; i < limits::events_per_owner_max + 3; ++i) all.tell("i" + std::to_string(i), "web");
    CHECK(all.events.size() == limits::events_per_owner_max + 1);
    CHECK(all.count_of("i2") == 0);
    CHECK(all.count_of("i3") == 1);
    CHECK(all.count_of("lone") == 1);
}

TEST_CASE("many instances of one workload push out their own events, and nobody else's") {
    kept all;
    for (int i = 0; i < 20; ++i) all.tell("node");
    for (int round = 0; round < 3; ++round)
        for (int i = 0; i < 500; ++i) all.tell("instance-" + std::to_string(i), "web");
    CHECK(all.events.size() == limits::events_per_owner_max + 20);
    CHECK(all.count_of("node") == 20);
    CHECK(all.count_of("instance-499") == 2);
}

TEST_CASE("of many small groups the one with the oldest event gives") {
    kept all;
    for (std::size_t i = 0; i < limits::events_count_max + 5; ++i) all.tell("object-" + std::to_string(i));
    CHECK(all.events.size() == limits::events_count_max);
    CHECK(all.count_of("object-4") == 0);
    CHECK(all.count_of("object-5") == 1);
}

TEST_CASE("large groups give before small ones, down to the same level") {
    kept all;
    for (std::size_t group = 0; group < 500; ++group)
        for (int i = 0; i < 20; ++i) all.tell("old-" + std::to_string(group));
    for (std::size_t i = 0; i < 5'000; ++i) all.tell("new-" + std::to_string(i));
    CHECK(all.events.size() == limits::events_count_max);
    CHECK(all.count_of("old-0") == 10);
    CHECK(all.count_of("old-499") == 10);
    CHECK(all.count_of("new-0") == 1);
}

TEST_CASE("what goes anyway counts as gone, and at most so many go at once") {
    event_ledger events;
    for (std::uint64_t i = 1; i <= limits::events_count_max + 300; ++i) events.add(entry(i, "o" + std::to_string(i)));
    std::vector<std::uint64_t> const leaving{2, 1};
    auto const excess = events.find_excess({}, leaving, 100);
    REQUIRE(excess.size() == 100);
    CHECK(excess[0] == 3);
    CHECK(events.find_excess({}, leaving, 1'000).size() == 298);
}

TEST_CASE("what is added again under its number takes its own place") {
    event_ledger events;
    events.add(entry(7, "a"));
    events.add(entry(9, "a"));
    events.add(entry(7, "b"));
    CHECK(events.size() == 2);
    CHECK(events.last_sequence() == 9);
    CHECK(events.find(7)->object == "b");
    events.remove(9);
    CHECK(events.find_same("a", entry(7, "a").content) == nullptr);
}

TEST_CASE("a damaged event counts for what it is about") {
    document const damaged{
        .key = {std::string(event_kind), "default", "00000000000000000007"}, .about = "a", .json = "{"};
    event_ledger events;
    events.add(event_ledger::read(damaged));
    CHECK(events.size() == 1);
    CHECK(events.last_sequence() == 7);
    events.remove(7);
    events.remove(7);
    CHECK(events.size() == 0);
}
