// When each node was heard, and when its inventory is wanted.
#include "scheduler/hearing_detail.hpp"

#include <rik/base/limits.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

time_point at(duration since_start) { return time_point() + since_start; }
node_id numbered_node(unsigned number) { return numbered<node_id>(number); }

/// After how many unequal beats it is asked.
unsigned beats_until_asked(detail::inventory_need& need, bool is_same_as_before) {
    unsigned count = 1;
    while (!need.note_beat(false, is_same_as_before)) ++count;
    return count;
}

}  // namespace

TEST_CASE("who was not heard for too long is found, longest ago first") {
    detail::hearing heard;
    heard.note(numbered_node(1), at(1s));
    heard.note(numbered_node(2), at(2s));
    heard.note(numbered_node(3), at(3s));
    heard.note(numbered_node(1), at(4s));
    CHECK(heard.oldest() == at(2s));
    CHECK(heard.take_silent(at(3s)) == std::vector{numbered_node(2), numbered_node(3)});
    CHECK(heard.oldest() == at(4s));
    CHECK_FALSE(heard.is_noted(numbered_node(2)));
    CHECK(heard.is_noted(numbered_node(1)));
    CHECK(heard.take_silent(at(3s)).empty());
}

TEST_CASE("a node that comes again is noted again") {
    detail::hearing heard;
    heard.note(numbered_node(1), at(1s));
    CHECK(heard.take_silent(at(1s)).size() == 1);
    CHECK_FALSE(heard.oldest());
    heard.note(numbered_node(1), at(2s));
    CHECK(heard.take_silent(at(2s)) == std::vector{numbered_node(1)});
}

TEST_CASE("one unequal beat asks for nothing, two in a row do") {
    detail::inventory_need need;
    CHECK_FALSE(need.note_beat(false, true));
    CHECK_FALSE(need.note_beat(true, true));
    CHECK_FALSE(need.note_beat(false, true));
    CHECK(need.note_beat(false, true));
}

TEST_CASE("a node that says something new between its beats is waited for, but not for ever") {
    detail::inventory_need need;
    CHECK(beats_until_asked(need, false) == limits::unequal_beats_max);
}

TEST_CASE("what inventories do not end is asked about less and less often, and anew when it was equal") {
    detail::inventory_need need;
    CHECK(beats_until_asked(need, true) == 2);
    CHECK(beats_until_asked(need, true) == 4);
    CHECK(beats_until_asked(need, true) == 8);
    for (int i = 0; i < 10; ++i) beats_until_asked(need, true);
    CHECK(beats_until_asked(need, true) == limits::unequal_beats_max);
    CHECK_FALSE(need.note_beat(true, true));
    CHECK(beats_until_asked(need, true) == 2);
}
