// What the scheduler owes the primary: the newest of each, in batches.
#include "support/catch.hpp"

#include "scheduler/outbox_detail.hpp"

#include <rik/base/entropy.hpp>

using namespace rik;

namespace {

struct ids {
    instance_id instance() { return instance_id::generate(random); }
    node_id node() { return node_id::generate(random); }
    seeded_entropy random{7};
};

status_report seen(instance_id const& which, std::uint64_t seq) {
    status_report made{.instance = which, .fence = 1, .status = {}};
    made.status.seq = seq;
    return made;
}

}  // namespace

TEST_CASE("of each instance the newest state is told, and each end once", "[scheduler]") {
    ids make;
    detail::outbox owed;
    auto const one = make.instance();
    auto const on = make.node();
    owed.add(seen(one, 2));
    owed.add(seen(one, 1));
    for (int i = 0; i < 3; ++i) owed.add(gone_report{one, 1, on});
    auto const all = owed.drain({.items_max = 100});
    REQUIRE(all.states.size() == 1);
    CHECK(all.states[0].status.seq == 2);
    CHECK(all.gone.size() == 1);
    CHECK(owed.empty());
}

TEST_CASE("a node is told as it was seen last", "[scheduler]") {
    ids make;
    detail::outbox owed;
    auto const on = make.node();
    owed.add(node_report{on, true, node_facts{.name = "a"}});
    owed.add(node_report{on, false, std::nullopt});
    auto const all = owed.drain({.items_max = 100});
    REQUIRE(all.nodes.size() == 1);
    CHECK_FALSE(all.nodes[0].heard);
}

TEST_CASE("what is owed comes in batches, nodes first and ends last", "[scheduler]") {
    ids make;
    detail::outbox owed;
    for (int i = 0; i < 5; ++i) owed.add(gone_report{make.instance(), 1, make.node()});
    for (int i = 0; i < 5; ++i) owed.add(seen(make.instance(), 1));
    owed.add(no_place{{make.instance(), make.instance(), make.instance()}, "full"});
    for (int i = 0; i < 2; ++i) owed.add(proposal{make.instance(), make.node()});
    owed.add(node_report{make.node(), true, node_facts{.name = "a"}});
    auto const first = owed.drain({.items_max = 4});
    CHECK(first.nodes.size() == 1);
    CHECK(first.proposals.size() == 2);
    CHECK(first.unplaced.size() == 1);  // one of three: a group stays whole
    CHECK(first.states.empty());
    CHECK(owed.drain({.items_max = 4}).states.size() == 4);
    auto const third = owed.drain({.items_max = 4});
    CHECK(third.states.size() == 1);
    CHECK(third.gone.size() == 3);
    CHECK(owed.drain({.items_max = 4}).gone.size() == 2);
    CHECK(owed.empty());
}
