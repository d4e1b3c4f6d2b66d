#include <rik/placement/placement.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include <algorithm>

using namespace rik;
using namespace rik::testing;

namespace {

std::vector<place_request> requests(release_ptr const& of, unsigned from, unsigned count) {
    std::vector<place_request> made;
    for (unsigned i = 0; i < count; ++i) made.push_back({numbered<instance_id>(from + i), of});
    return made;
}

std::size_t count_on(placement const& decided, unsigned node) {
    return static_cast<std::size_t>(std::count_if(decided.placed.begin(), decided.placed.end(), [&](auto const& each) {
        return each.node == numbered<node_id>(node);
    }));
}

}  // namespace

TEST_CASE("instances are spread by free share, ties go to the lower node id") {
    cluster_view nodes;
    nodes.set_node(make_candidate(2, 4000));
    nodes.set_node(make_candidate(1, 4000));
    auto const one = place(nodes, requests(make_release(1, 1000), 0, 1), default_policy());
    REQUIRE(one.placed.size() == 1);
    CHECK(one.placed[0].node == numbered<node_id>(1));
    auto const four = place(nodes, requests(make_release(1, 1000), 0, 4), default_policy());
    CHECK(count_on(four, 1) == 2);
    CHECK(count_on(four, 2) == 2);
}

TEST_CASE("shares are right on a node with a disk of petabytes, too") {
    constexpr std::int64_t huge = std::int64_t{1} << 62;
    auto small = make_candidate(1, 4000);
    auto large = make_candidate(2, 4000);
    for (auto* const each : {&small, &large}) each->capacity.set(resource::storage, huge);
    small.taken.set(resource::storage, huge / 2);
    auto const of = make_release(1, 400);
    CHECK(scores::most_free(small, *of) == 499);  // in whole thousandths, rounded down
    CHECK(scores::most_free(large, *of) == 900);
}

TEST_CASE("placing changes nothing of what it was given") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    (void)place(nodes, requests(make_release(1, 1000), 0, 3), default_policy());
    CHECK(nodes.find(numbered<node_id>(1))->taken.empty());
}

TEST_CASE("a node in trouble takes nothing, and the reason says what its trouble is") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const in_trouble = numbered<node_id>(1);
    nodes.set_troubles(in_trouble, {{"NetworkNotReady", "subnet in use by lan0"}});
    auto const of = requests(make_release(1, 1000), 0, 1);
    auto const none = place(nodes, of, default_policy());
    REQUIRE(none.unplaced.size() == 1);
    CHECK(none.unplaced[0].reason.find("its Pod network is not ready") != std::string::npos);
    CHECK(none.unplaced[0].reason.find("subnet in use by lan0") != std::string::npos);
    nodes.set_troubles(in_trouble, {});
    CHECK(place(nodes, of, default_policy()).placed.size() == 1);
}

TEST_CASE("what does not fit is told with causes and counts, and does not stop what does") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 1000));
    nodes.set_node(make_candidate(2, 1000));
    auto third = make_candidate(3, 1000);
    third.is_ready = false;
    nodes.set_node(third);
    auto asked = requests(make_release(1, 1000), 0, 4);
    for (auto& each : requests(make_release(2, 0), 10, 1)) asked.push_back(std::move(each));
    auto const decided = place(nodes, asked, default_policy());
    CHECK(decided.placed.size() == 3);
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].instances == std::vector{numbered<instance_id>(2), numbered<instance_id>(3)});
    CHECK(decided.unplaced[0].causes == std::vector<std::string_view>{"node is not ready", "not enough cpu"});
    CHECK(decided.unplaced[0].reason == "not enough cpu (2 nodes: n1, n2); node is not ready (1 node: n3)");
}

TEST_CASE("without nodes everything waits for the first") {
    auto const decided = place(cluster_view(), requests(make_release(1, 1), 0, 2), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].reason == "no node has joined yet");
    CHECK(decided.unplaced[0].instances.size() == 2);
}

TEST_CASE("a host port is given once per node, and is free again afterwards") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    nodes.set_node(make_candidate(2, 4000));
    auto const edge = make_release(1, 100, 8080);
    auto const decided = place(nodes, requests(edge, 0, 3), default_policy());
    CHECK(count_on(decided, 1) == 1);
    CHECK(count_on(decided, 2) == 1);
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].causes == std::vector<std::string_view>{"host port is taken"});

    nodes.hold(numbered<instance_id>(7), numbered<node_id>(1), edge);
    CHECK(refuse(*nodes.find(numbered<node_id>(1)), *edge, default_policy()) == "host port is taken");
    CHECK(nodes.release(numbered<instance_id>(7)));
    CHECK_FALSE(nodes.release(numbered<instance_id>(7)));
    CHECK_FALSE(refuse(*nodes.find(numbered<node_id>(1)), *edge, default_policy()).has_value());
}

TEST_CASE("a node that holds more than it offers takes nothing") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const large = make_release(1, 3000);
    nodes.hold(numbered<instance_id>(1), numbered<node_id>(1), large);
    nodes.set_node(make_candidate(1, 1000));  // it has come back smaller
    auto const decided = place(nodes, requests(make_release(2, 1), 2, 1), default_policy());
    CHECK(decided.placed.empty());
}
