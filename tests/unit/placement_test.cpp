#include <rik/placement/placement.hpp>
#include <rik/placement/shortage_text.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

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
    small.reserved.set(resource::storage, huge / 2);
    auto const of = make_release(1, 400);
    CHECK(scores::most_free(small, *of) == 499);  // in whole thousandths, rounded down
    CHECK(scores::most_free(large, *of) == 900);
}

TEST_CASE("placing changes nothing of what it was given") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    (void)place(nodes, requests(make_release(1, 1000), 0, 3), default_policy());
    CHECK(nodes.find(numbered<node_id>(1))->reserved.empty());
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

TEST_CASE("a node that an operator keeps free takes nothing, and the reason says why") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const kept_free = numbered<node_id>(1);
    auto const of = requests(make_release(1, 1000), 0, 1);
    auto const reason = [&](node_standing standing) {
        nodes.set_standing(kept_free, std::move(standing), {});
        auto const none = place(nodes, of, default_policy());
        REQUIRE(none.unplaced.size() == 1);
        return none.unplaced[0].reason;
    };
    CHECK(reason({.is_cordoned = true}) == "node is cordoned (1 node: n1)");
    CHECK(reason({.is_dead = true}) == "node was declared dead, and is not yet cleared (1 node: n1)");
    CHECK(reason({.taints = {{"gpu", "yes"}, {"a", "", taint_effect::prefer_no_schedule}}}) ==
          "node has a taint (1 node: n1: gpu=yes:NoSchedule)");
    CHECK(reason({.taints = {{"spot", "", taint_effect::no_execute}}}) ==
          "node has a taint (1 node: n1: spot:NoExecute)");
    nodes.set_standing(kept_free, {}, {});
    CHECK(place(nodes, of, default_policy()).placed.size() == 1);
}

TEST_CASE("a node with a taint that is only to be avoided takes what fits nowhere else") {
    cluster_view nodes;
    auto avoided = make_candidate(1, 8000);
    avoided.standing.taints = {{"old", "", taint_effect::prefer_no_schedule}};
    nodes.set_node(avoided);
    nodes.set_node(make_candidate(2, 2000));
    auto const four = place(nodes, requests(make_release(1, 1000), 0, 4), default_policy());
    CHECK(count_on(four, 2) == 2);
    CHECK(count_on(four, 1) == 2);
}

TEST_CASE("of two nodes with equal requests the one whose machine is less in use is preferred") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    nodes.set_node(make_candidate(2, 4000));
    auto const of = requests(make_release(1, 100), 0, 1);
    auto const picked = [&] { return place(nodes, of, default_policy()).placed.at(0).node; };
    CHECK(picked() == numbered<node_id>(1));
    nodes.set_load(numbered<node_id>(1), 2);
    CHECK(picked() == numbered<node_id>(2));
    nodes.set_load(numbered<node_id>(2), 7);
    CHECK(picked() == numbered<node_id>(1));
    nodes.set_load(numbered<node_id>(3), 1);  // nobody knows it
    CHECK(picked() == numbered<node_id>(1));
}

TEST_CASE("instances of a release that ask for nothing are spread, also over machines that are not equally in use") {
    cluster_view nodes;
    for (unsigned number = 1; number <= 5; ++number) {
        auto node = make_candidate(number, 4000);
        node.load_eighths = number == 4 ? 1 : 4;
        nodes.set_node(node);
    }
    auto const five = requests(make_release(1, 0), 0, 5);
    auto const first = place(nodes, std::span(five).first(3), default_policy());
    std::set<node_id> used;
    for (auto const& each : first.placed) used.insert(each.node);
    CHECK(used.size() == 3);
    for (auto const& each : first.placed) nodes.reserve(each.instance, each.node, five[0].made_from);
    auto const second = place(nodes, std::span(five).last(2), default_policy());
    for (auto const& each : second.placed) used.insert(each.node);
    CHECK(used.size() == 5);
    nodes.unreserve(first.placed[1].instance);
    auto const again = place(nodes, requests(five[0].made_from, 9, 1), default_policy());
    CHECK(again.placed.at(0).node == first.placed[1].node);
    // Those of another release know nothing of them.
    CHECK(count_on(place(nodes, requests(make_release(2, 0), 20, 1), default_policy()), 4) == 1);
}

TEST_CASE("spreading costs little where thousands of nodes hold an instance each") {
    cluster_view nodes;
    auto const web = make_release(1, 10);
    for (unsigned number = 1; number <= 2'000; ++number) {
        nodes.set_node(make_candidate(number, 4000));
        nodes.reserve(numbered<instance_id>(number), numbered<node_id>(number), web);
    }
    auto const more = place(nodes, requests(web, 10'000, 50), default_policy());
    std::set<node_id> used;
    for (auto const& each : more.placed) used.insert(each.node);
    CHECK(used.size() == 50);
}

TEST_CASE("what is promised on a node counts for more than what is in use on it") {
    cluster_view nodes;
    auto busy = make_candidate(1, 4000);
    busy.load_eighths = 8;
    nodes.set_node(busy);
    nodes.set_node(make_candidate(2, 4000));
    nodes.reserve(numbered<instance_id>(9), numbered<node_id>(2), make_release(9, 2000));
    auto const one = place(nodes, requests(make_release(1, 100), 0, 1), default_policy());
    CHECK(count_on(one, 1) == 1);
}

TEST_CASE("the load of a machine is that of its processors or its memory, whichever is more") {
    auto const load = [](double cpu_free_percent, std::int64_t memory_free_bytes) {
        return load_eighths_of({.cpu_total = 2,
                                .cpu_free_percent = cpu_free_percent,
                                .memory_total_bytes = 800,
                                .memory_free_bytes = memory_free_bytes});
    };
    CHECK(load(100, 800) == 0);
    CHECK(load(75, 800) == 2);
    CHECK(load(75, 401) == 3);
    CHECK(load(100, 400) == 4);
    CHECK(load(0, 800) == 8);
    CHECK(load_eighths_of({}) == 0);
    CHECK(load(std::numeric_limits<double>::quiet_NaN(), 400) == 4);
    CHECK(load(-5, 900) == 0);
    CHECK(load(1e300, -1) == 0);
}

TEST_CASE("a node that is removed takes nothing, and what it held is not held any more") {
    cluster_view nodes;
    auto const of = make_release(1, 1000);
    nodes.set_node(make_candidate(1, 4000));
    nodes.set_node(make_candidate(2, 1000));
    nodes.reserve(numbered<instance_id>(1), numbered<node_id>(1), of);
    CHECK(place(nodes, requests(of, 10, 1), default_policy()).placed.size() == 1);
    nodes.remove_node(numbered<node_id>(1));
    nodes.set_node(make_candidate(3, 1000));
    CHECK_FALSE(nodes.unreserve(numbered<instance_id>(1)));
    auto const three = place(nodes, requests(of, 10, 3), default_policy());
    CHECK(three.placed.size() == 2);
    CHECK(count_on(three, 1) == 0);
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
    CHECK(decided.unplaced[0].reason ==
          "not enough cpu (2 nodes: n1, n2; asked 1, most free 0 of 1 on n1); node is not ready (1 node: n3)");
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

    nodes.reserve(numbered<instance_id>(7), numbered<node_id>(1), edge);
    CHECK(refuse(*nodes.find(numbered<node_id>(1)), *edge, default_policy()) == "host port is taken");
    CHECK(nodes.unreserve(numbered<instance_id>(7)));
    CHECK_FALSE(nodes.unreserve(numbered<instance_id>(7)));
    CHECK_FALSE(refuse(*nodes.find(numbered<node_id>(1)), *edge, default_policy()).has_value());
}

TEST_CASE("all that lacks is told, with what is asked and what is free") {
    cluster_view nodes;
    for (unsigned number = 1; number <= 4; ++number) {
        auto each = make_candidate(number, 4000);
        each.capacity.set(resource::memory, std::int64_t{16} << 30);
        nodes.set_node(each);
        auto holder = std::make_shared<release>(*make_release(10 + number, 0));
        holder->requests.set(resource::memory, std::int64_t{number} << 30);
        nodes.reserve(numbered<instance_id>(number), numbered<node_id>(number), holder);
    }
    auto large = std::make_shared<release>(*make_release(1, 4500));
    large->requests.set(resource::memory, std::int64_t{900} << 30);
    auto const decided = place(nodes, requests(large, 50, 1), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].causes == std::vector<std::string_view>{"not enough cpu", "not enough memory"});
    CHECK(decided.unplaced[0].reason ==
          "not enough cpu (4 nodes: n1, n2, n3, ...; asked 4500m, most free 4 of 4 on n1); "
          "not enough memory (4 nodes: n1, n2, n3, ...; asked 900Gi, most free 15Gi of 16Gi on n1)");
}

TEST_CASE("amounts that read alike are told exactly, and less than nothing is not free") {
    cluster_view nodes;
    auto one = make_candidate(1, 4000, 2);
    one.capacity.set(resource::memory, (std::int64_t{16} << 30) + 1);
    nodes.set_node(one);
    for (unsigned number = 1; number <= 3; ++number)
        nodes.reserve(numbered<instance_id>(number), one.id, make_release(10 + number, 0));
    auto asked = std::make_shared<release>(*make_release(1, 1));
    asked->requests.set(resource::memory, (std::int64_t{16} << 30) + 2);
    auto const decided = place(nodes, requests(asked, 50, 1), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].reason ==
          "not enough memory (1 node: n1; asked 17179869186, most free 17179869185 of 16.0Gi on n1); "
          "too many pods (1 node: n1; asked 1, most free 0 of 2 on n1)");
}

TEST_CASE("what a node lacks that is not ready is of no interest") {
    cluster_view nodes;
    auto away = make_candidate(1, 100);
    away.is_ready = false;
    nodes.set_node(away);
    auto const decided = place(nodes, requests(make_release(1, 4000), 0, 1), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].reason == "node is not ready (1 node: n1)");
}

TEST_CASE("a host port that is taken is told with its number and its holder") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    nodes.set_node(make_candidate(2, 4000));
    auto two = std::make_shared<release>(*make_release(1, 100, 8080));
    change_spec(*two, [](instance_template& spec) {
        spec.containers[0].ports.push_back({.port = 53, .host_port = 5353, .protocol = port_protocol::udp});
    });
    nodes.reserve(numbered<instance_id>(7), numbered<node_id>(1), two);
    nodes.reserve(numbered<instance_id>(8), numbered<node_id>(2), make_release(2, 100, 8080));
    auto const names = [](instance_id const& id) {
        return id == numbered<instance_id>(7) ? std::string("web-1 of workload web") : std::string();
    };
    auto const decided = place(nodes, requests(two, 0, 1), default_policy(), names);
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].reason ==
          "host port is taken (2 nodes: n1, n2; 8080/TCP on n1 by instance web-1 of workload web, "
          "5353/UDP on n1 by instance web-1 of workload web, 8080/TCP on n2 by another instance)");
    CHECK(decided.unplaced[0].holders.size() == 3);
}

TEST_CASE("holders that were placed a moment ago are known, too") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const decided = place(nodes, requests(make_release(1, 100, 8080), 0, 2), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].holders == std::vector{numbered<instance_id>(0)});
}

TEST_CASE("filters of a program's own are told beside the others") {
    auto policy = default_policy();
    policy.filters.insert(policy.filters.begin() + 2,
                          filter([](candidate const&, release const&) { return refusal("node is reserved"); }));
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 100));
    auto const decided = place(nodes, requests(make_release(1, 200), 0, 1), policy);
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].causes == std::vector<std::string_view>{"node is reserved", "not enough cpu"});
}

namespace {

/// A filter and a score with state, by the labels of nodes.
class zone {
public:
    explicit zone(std::string name) : name_(std::move(name)), cause_("not in zone " + name_) {}

    refusal operator()(candidate const& node, release const&) const {
        auto const found = node.labels.find("zone");
        if (found != node.labels.end() && found->second == name_) return std::nullopt;
        return cause_;
    }

private:
    std::string name_;
    std::string cause_;
};

candidate in_zone(unsigned number, std::string name) {
    auto facts = make_facts("n" + std::to_string(number), 4000);
    facts.labels["zone"] = std::move(name);
    return candidate_of(numbered<node_id>(number), facts);
}

}  // namespace

TEST_CASE("filters and scores of a program's own have state, and see the labels of nodes") {
    cluster_view nodes;
    nodes.set_node(in_zone(1, "north"));
    nodes.set_node(in_zone(2, "south"));
    nodes.set_node(in_zone(3, "south"));
    auto policy = default_policy();
    policy.filters.push_back(zone("south"));
    policy.scores.push_back([favourite = numbered<node_id>(3)](candidate const& node, release const&) {
        return node.id == favourite ? 100'000 : 0;
    });
    auto const three = place(nodes, requests(make_release(1, 2000), 0, 3), policy);
    CHECK(count_on(three, 3) == 2);
    CHECK(count_on(three, 2) == 1);
    policy.filters.back() = zone("west");
    auto const none = place(nodes, requests(make_release(1, 2000), 0, 1), policy);
    REQUIRE(none.unplaced.size() == 1);
    CHECK(none.unplaced[0].reason == "not in zone west (3 nodes: n1, n2, n3)");
}

TEST_CASE("releases that ask for the same fail together, unless a filter of a program's own could tell them apart") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 1000));
    std::vector<place_request> const two{{numbered<instance_id>(1), make_release(1, 2000)},
                                         {numbered<instance_id>(2), make_release(2, 2000)}};
    CHECK(place(nodes, two, default_policy()).unplaced.size() == 1);
    auto policy = default_policy();
    policy.filters.push_back(zone("south"));
    CHECK(place(nodes, two, policy).unplaced.size() == 2);
}

TEST_CASE("a node that holds more than it offers takes nothing") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const large = make_release(1, 3000);
    nodes.reserve(numbered<instance_id>(1), numbered<node_id>(1), large);
    nodes.set_node(make_candidate(1, 1000));  // it has come back smaller
    auto const decided = place(nodes, requests(make_release(2, 1), 2, 1), default_policy());
    CHECK(decided.placed.empty());
}

namespace {

/// Two nodes, of which the first is the better one.
cluster_view two_nodes() {
    cluster_view nodes;
    auto ssd = make_candidate(2, 2000);
    ssd.labels = {{"disk", "ssd"}, {"zone", "a"}};
    nodes.set_node(make_candidate(1, 4000));
    nodes.set_node(ssd);
    return nodes;
}

placement place_one(cluster_view const& nodes, instance_template spec) {
    return place(nodes, requests(make_release(1, std::move(spec)), 0, 1), default_policy());
}

}  // namespace

TEST_CASE("a nodeSelector leaves the nodes that have its labels, and the reason names what others lack") {
    auto const nodes = two_nodes();
    CHECK(count_on(place_one(nodes, {.node_selector = {{"disk", "ssd"}, {"zone", "a"}}}), 2) == 1);
    auto const none = place_one(nodes, {.node_selector = {{"disk", "ssd"}, {"zone", "b"}}});
    REQUIRE(none.unplaced.size() == 1);
    CHECK(none.unplaced[0].reason.find("node has not the labels that are asked for (2 nodes") != std::string::npos);
    CHECK(none.unplaced[0].reason.find("disk=ssd, zone=b") != std::string::npos);
}

TEST_CASE("a nodeName leaves one node, cordoned or not") {
    auto nodes = two_nodes();
    auto const name = nodes.find(numbered<node_id>(2))->name;
    CHECK(count_on(place_one(nodes, {.node_name = name}), 2) == 1);
    nodes.set_standing(numbered<node_id>(2), {.is_cordoned = true, .taints = {{"a", "", taint_effect::no_schedule}}},
                       {});
    CHECK(count_on(place_one(nodes, {.node_name = name}), 2) == 1);
    CHECK(count_on(place_one(nodes, {}), 1) == 1);
    nodes.set_standing(numbered<node_id>(2), {.taints = {{"a", "", taint_effect::no_execute}}}, {});
    CHECK(place_one(nodes, {.node_name = name}).placed.empty());
    auto const lost = place_one(nodes, {.node_name = "nowhere"});
    REQUIRE(lost.unplaced.size() == 1);
    CHECK(lost.unplaced[0].reason.find("nowhere is asked for") != std::string::npos);
}

TEST_CASE("a taint that is tolerated keeps nothing off") {
    auto nodes = two_nodes();
    for (unsigned i = 1; i <= 2; ++i)
        nodes.set_standing(numbered<node_id>(i), {.taints = {{"gpu", "x", taint_effect::no_schedule}}}, {});
    CHECK(place_one(nodes, {}).placed.empty());
    CHECK(place_one(nodes, {.tolerations = {{.key = "gpu", .value = "x"}}}).placed.size() == 1);
    CHECK(place_one(nodes, {.tolerations = {{.key = "gpu", .value = "y"}}}).placed.empty());
    CHECK(place_one(
              nodes,
              {.tolerations = {{.key = "gpu", .how = toleration_operator::exists, .effect = taint_effect::no_execute}}})
              .placed.empty());
    CHECK(place_one(nodes, {.tolerations = {{.how = toleration_operator::exists}}}).placed.size() == 1);
}

namespace {

/// A Function that asks for a Pod's place alone.
release_ptr make_function(unsigned number) {
    instance_template spec;
    spec.form = instance_form::function;
    spec.function.emplace();
    spec.containers.push_back({.name = "function", .image = "/srv/a", .ports = {{.name = "", .port = 8080}}});
    return make_release(number, std::move(spec));
}

candidate lacking(unsigned number, std::string why) {
    auto node = make_candidate(number, 4000);
    if (!why.empty()) node.missing_runtimes["microvm"] = std::move(why);
    return node;
}

std::string why_no_function(std::vector<candidate> const& all) {
    cluster_view nodes;
    for (auto const& each : all) nodes.set_node(each);
    auto const decided = place(nodes, requests(make_function(1), 0, 2), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].instances.size() == 2);
    CHECK(decided.unplaced[0].causes.front() == "no node offers runtime microvm");
    return decided.unplaced[0].reason;
}

}  // namespace

TEST_CASE("a runtime that is missing is told with what the node lacks for it") {
    CHECK(why_no_function({lacking(1, "no qemu-system-x86_64; install it with: apt-get install qemu-system-x86")}) ==
          "no node offers runtime microvm: node n1 has no qemu-system-x86_64; install it with: apt-get install "
          "qemu-system-x86");
    CHECK(why_no_function({lacking(1, "")}) == "no node offers runtime microvm (1 node: n1)");
}

TEST_CASE("nodes that lack the same are told of together, and few reasons of many") {
    std::vector<candidate> nodes;
    for (unsigned i = 1; i <= 5; ++i) nodes.push_back(lacking(i, "no kernel"));
    nodes.push_back(lacking(6, "no qemu"));
    CHECK(why_no_function(nodes) ==
          "no node offers runtime microvm: no kernel (5 nodes: n1, n2, n3, ...); node n6 has no qemu");
    nodes.push_back(lacking(7, ""));
    nodes.push_back(lacking(8, ""));
    CHECK(
        why_no_function(nodes) ==
        "no node offers runtime microvm: no kernel (5 nodes: n1, n2, n3, ...); (2 nodes: n7, n8); node n6 has no qemu");
    for (unsigned i = 10; i < 30; ++i) nodes.push_back(lacking(i, "no " + std::to_string(i)));
    auto const many = why_no_function(nodes);
    CHECK(many.ends_with("; ..."));
    CHECK(many.size() < 200);
}

TEST_CASE("a Function goes to a node that offers microVMs, and a Pod to one that offers containers") {
    cluster_view nodes;
    nodes.set_node(lacking(1, "no kernel"));
    auto other = make_candidate(2, 4000);
    other.runtimes = {"microvm"};
    nodes.set_node(other);
    CHECK(count_on(place(nodes, requests(make_function(1), 0, 2), default_policy()), 2) == 2);
    CHECK(count_on(place(nodes, requests(make_release(2, 100), 10, 2), default_policy()), 1) == 2);
}

TEST_CASE("a port that was chosen for an instance is taken on its node") {
    cluster_view nodes;
    nodes.set_node(make_candidate(1, 4000));
    auto const holder = numbered<instance_id>(1);
    nodes.reserve(holder, numbered<node_id>(1), make_function(1), 45'001);
    auto const named = make_release(2, 100, 45'001);
    auto const decided = place(nodes, requests(named, 10, 1), default_policy());
    REQUIRE(decided.unplaced.size() == 1);
    CHECK(decided.unplaced[0].holders == std::vector<instance_id>{holder});
    nodes.reserve(holder, numbered<node_id>(1), make_function(1), 45'002);  // another was chosen
    CHECK(place(nodes, requests(named, 10, 1), default_policy()).placed.size() == 1);
    nodes.unreserve(holder);
    CHECK(nodes.find(numbered<node_id>(1))->host_ports_reserved.empty());
}

TEST_CASE("what one node lacks is told without others") {
    auto node = make_candidate(1, 4000);
    node.name = "a";
    node.reserved.set(resource::cpu, 2000);
    CHECK(shortage_text(node, *make_release(1, 1000), default_policy(), {}).empty());
    CHECK(shortage_text(node, *make_release(1, 3000), default_policy(), {}) == "not enough cpu (asked 3, free 2 of 4)");
    node.is_ready = false;
    CHECK(shortage_text(node, *make_release(1, 3000), default_policy(), {}) == "node is not ready");
}
