// Placement against the obvious way to do it: for each request, every node, the best. And the index of the default
// policy against the way of all other policies: the same nodes, the same reasons, also after the view has changed.
#include <rik/base/entropy.hpp>
#include <rik/placement/placement.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include "seed.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;

namespace {

std::int64_t total(candidate const& node, release const& asked, placement_policy const& policy) {
    std::int64_t sum = 0;
    for (auto const& each : policy.scores) sum += each(node, asked);
    return sum;
}

std::map<instance_id, node_id> place_by_hand(cluster_view nodes, std::vector<place_request> const& requests,
                                             placement_policy const& policy) {
    std::map<instance_id, node_id> placed;
    for (auto const& request : requests) {
        candidate const* best = nullptr;
        for (auto const& [id, node] : nodes.nodes()) {
            if (refuse(node, *request.made_from, policy)) continue;
            if (best == nullptr || total(node, *request.made_from, policy) > total(*best, *request.made_from, policy))
                best = &node;
        }
        if (best == nullptr) continue;
        placed[request.instance] = best->id;
        nodes.reserve(request.instance, best->id, request.made_from);
    }
    return placed;
}

/// A score for which a fuller node is better.
std::int64_t least_free(candidate const& node, release const& asked) { return -scores::most_free(node, asked); }

struct world {
    cluster_view nodes;
    std::vector<place_request> requests;
};

/// A release that says something of its nodes.
release_ptr make_chooser(unsigned number, entropy& random) {
    instance_template spec;
    switch (random.below(3)) {
        case 0: spec.node_selector = {{"zone", "a"}}; break;
        case 1: spec.tolerations = {{.key = "gpu", .how = toleration_operator::exists}}; break;
        default: spec.node_name = make_candidate(1 + static_cast<unsigned>(random.below(4)), 1000).name; break;
    }
    return make_release(number, std::move(spec));
}

world random_world(entropy& random) {
    world made;
    auto const node_count = static_cast<unsigned>(random.below(12));
    for (unsigned i = 0; i < node_count; ++i) {
        auto node = make_candidate(1 + i, 1000 * static_cast<std::int64_t>(1 + random.below(8)),
                                   static_cast<std::int64_t>(1 + random.below(20)));
        node.is_ready = random.below(8) != 0;
        if (random.below(8) == 0) node.runtimes.clear();
        node.labels["zone"] = random.below(2) == 0 ? "a" : "b";
        if (random.below(4) == 0) node.standing.taints = {{"gpu", "", static_cast<taint_effect>(random.below(3))}};
        node.standing.is_cordoned = random.below(8) == 0;
        made.nodes.set_node(node);
    }
    std::vector<release_ptr> releases;
    for (unsigned i = 0; i < 5; ++i)
        releases.push_back(make_release(1 + i, 100 * static_cast<std::int64_t>(random.below(20)),
                                        random.below(4) == 0 ? static_cast<std::uint16_t>(8000 + i / 2) : 0));
    for (unsigned i = 6; i < 9; ++i) releases.push_back(make_chooser(i, random));
    auto const request_count = static_cast<unsigned>(random.below(120));
    auto last = releases[0];
    for (unsigned i = 0; i < request_count; ++i) {
        if (random.below(3) == 0) last = releases[random.below(releases.size())];
        made.requests.push_back({numbered<instance_id>(1 + i), last});
    }
    return made;
}

/// The default policy, so that nobody knows it.
placement_policy disguised() {
    auto policy = default_policy();
    for (auto& each : policy.filters)
        each.refuses = [known = each.refuses](candidate const& node, release const& asked) {
            return known(node, asked);
        };
    return policy;
}

candidate random_node(entropy& random, unsigned number) {
    auto node = make_candidate(number, 1000 * static_cast<std::int64_t>(1 + random.below(8)),
                               static_cast<std::int64_t>(1 + random.below(20)));
    if (random.below(2) == 0) node.capacity.set(resource::memory, static_cast<std::int64_t>(random.below(1'000'000)));
    if (random.below(6) == 0) node.capacity.set("example.com/gpu", static_cast<std::int64_t>(random.below(4)));
    if (random.below(12) == 0) node.capacity.set("example.com/disk", std::int64_t{1} << 62);
    node.is_ready = random.below(8) != 0;
    if (random.below(8) == 0) node.troubles = {{"NetworkNotReady", "no link"}};
    if (random.below(8) == 0) node.troubles = {{"Other", "on fire"}};
    node.standing.is_cordoned = random.below(10) == 0;
    node.standing.is_dead = random.below(16) == 0;
    for (auto count = random.below(3); count > 0; --count)
        node.standing.taints.push_back({"key" + std::to_string(count), "", taint_effect::prefer_no_schedule});
    if (random.below(8) == 0) node.standing.taints.push_back({"gpu", std::to_string(number)});
    node.load_eighths = static_cast<std::int64_t>(random.below(9));
    node.runtimes = {random.below(5) == 0 ? "microvm" : "oci"};
    if (random.below(5) == 0) node.runtimes.push_back("microvm");
    auto const why = random.below(6);
    if (why < 2) node.missing_runtimes["microvm"] = why == 0 ? "no qemu; install it" : "no kernel";
    if (why == 2) node.missing_runtimes["microvm"] = "no " + std::to_string(number);
    if (random.below(3) == 0) node.missing_runtimes["oci"] = "no conmon";
    return node;
}

/// No two have one demand: those share a reason, which is that of the first.
release_ptr random_release(entropy& random, unsigned number) {
    release made = *make_release(number, 100 * static_cast<std::int64_t>(random.below(20)));
    if (random.below(4) == 0) made.requests.set(resource::cpu, static_cast<std::int64_t>(random.below(9'000)));
    made.requests.set(resource::cpu, made.requests.get(resource::cpu) / 64 * 64 + number);
    if (random.below(3) == 0) made.requests.set(resource::memory, static_cast<std::int64_t>(random.below(1'000'000)));
    for (auto const* const name : {"example.com/gpu", "example.com/disk", "example.com/none"})
        if (random.below(12) == 0) made.requests.set(name, static_cast<std::int64_t>(1 + random.below(3)));
    change_spec(made, [&](instance_template& spec) {
        if (random.below(8) == 0) spec.form = instance_form::function;
        for (std::uint16_t port = 8000; port < 8003; ++port)
            if (random.below(6) == 0) spec.containers[0].ports.push_back({.port = 80, .host_port = port});
    });
    return std::make_shared<release const>(std::move(made));
}

/// Nodes come and change, instances come and go.
void change(cluster_view& nodes, entropy& random) {
    auto const some_node = [&] { return numbered<node_id>(static_cast<unsigned>(random.below(32))); };
    for (auto count = random.below(20); count > 0; --count) {
        auto const node = some_node();
        auto const instance = numbered<instance_id>(static_cast<unsigned>(1'000 + random.below(200)));
        auto const what = random.below(10);
        if (what == 0) nodes.set_node(random_node(random, static_cast<unsigned>(random.below(32))));
        if (what == 1) nodes.set_ready(node, random.below(2) == 0);
        if (what == 2) nodes.set_troubles(node, {});
        if (what == 3) nodes.unreserve(instance);
        if (what == 4) nodes.set_standing(node, random_node(random, 1).standing, {});
        if (what == 6) nodes.set_load(node, static_cast<std::int64_t>(random.below(9)));
        if (what == 5) nodes.remove_node(node);
        if (what > 6) nodes.reserve(instance, node, random_release(random, 50));
    }
}

/// A line for each instance: the order of failures is not compared.
std::vector<std::string> lines_of(placement const& decided) {
    std::vector<std::string> lines;
    for (auto const& each : decided.placed) lines.push_back(each.instance.text() + " on " + each.node.text());
    for (auto const& group : decided.unplaced)
        for (auto const& each : group.instances) {
            lines.push_back(each.text() + ": " + group.reason);
            for (auto const& holder : group.holders) lines.back() += " " + holder.text();
        }
    std::sort(lines.begin(), lines.end());
    return lines;
}

}  // namespace

TEST_CASE("the index of the default policy decides and explains as a look at all nodes does") {
    seeded_entropy random(test_seed());
    auto const unknown = disguised();
    for (int world = 0; world < 30; ++world) {
        cluster_view nodes;
        // No more than are compared where many hold instances of a release.
        for (auto i = static_cast<unsigned>(random.below(32)); i > 0; --i) nodes.set_node(random_node(random, i));
        for (int round = 0; round < 20; ++round) {
            change(nodes, random);
            std::vector<release_ptr> releases;
            for (unsigned i = 0; i < 12; ++i) releases.push_back(random_release(random, 1 + i));
            std::vector<place_request> requests;
            for (unsigned i = 0; i < 60; ++i)
                requests.push_back({numbered<instance_id>(1 + i), releases[random.below(releases.size())]});
            auto const decided = place(nodes, requests, default_policy());
            REQUIRE(lines_of(decided) == lines_of(place(cluster_view(nodes), requests, unknown)));
            REQUIRE(lines_of(decided) == lines_of(place(nodes, requests, default_policy())));  // nothing is left
            for (auto const& each : decided.placed)
                if (random.below(3) == 0) nodes.reserve(each.instance, each.node, requests[0].made_from);
        }
    }
}

TEST_CASE("placement chooses as if every node were looked at for every request") {
    seeded_entropy random(test_seed());
    auto full_first = default_policy();
    full_first.scores = {least_free};
    for (auto const& policy : {default_policy(), full_first}) {
        for (int round = 0; round < 200; ++round) {
            auto const given = random_world(random);
            auto const decided = place(given.nodes, given.requests, policy);
            std::map<instance_id, node_id> placed;
            for (auto const& each : decided.placed) placed[each.instance] = each.node;
            REQUIRE(placed == place_by_hand(given.nodes, given.requests, policy));
            std::size_t unplaced = 0;
            for (auto const& each : decided.unplaced) unplaced += each.instances.size();
            REQUIRE(placed.size() + unplaced == given.requests.size());
        }
    }
}
