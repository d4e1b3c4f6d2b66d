// Placement against the obvious way to do it: for each request, every node, the best.
#include <rik/base/entropy.hpp>
#include <rik/placement/placement.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include "seed.hpp"

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
            if (refuse(node, *request.pod_release, policy)) continue;
            if (best == nullptr ||
                total(node, *request.pod_release, policy) > total(*best, *request.pod_release, policy))
                best = &node;
        }
        if (best == nullptr) continue;
        placed[request.instance] = best->id;
        nodes.hold(request.instance, best->id, request.pod_release);
    }
    return placed;
}

/// A score for which a fuller node is better.
std::int64_t least_free(candidate const& node, release const& asked) { return -scores::most_free(node, asked); }

struct world {
    cluster_view nodes;
    std::vector<place_request> requests;
};

world random_world(entropy& random) {
    world made;
    auto const node_count = static_cast<unsigned>(random.below(12));
    for (unsigned i = 0; i < node_count; ++i) {
        auto node = make_candidate(1 + i, 1000 * static_cast<std::int64_t>(1 + random.below(8)),
                                   static_cast<std::int64_t>(1 + random.below(20)));
        node.is_ready = random.below(8) != 0;
        if (random.below(8) == 0) node.runtimes.clear();
        made.nodes.set_node(node);
    }
    std::vector<release_ptr> releases;
    for (unsigned i = 0; i < 5; ++i)
        releases.push_back(make_release(1 + i, 100 * static_cast<std::int64_t>(random.below(20)),
                                        random.below(4) == 0 ? static_cast<std::uint16_t>(8000 + i / 2) : 0));
    auto const request_count = static_cast<unsigned>(random.below(120));
    auto last = releases[0];
    for (unsigned i = 0; i < request_count; ++i) {
        if (random.below(3) == 0) last = releases[random.below(releases.size())];
        made.requests.push_back({numbered<instance_id>(1 + i), last});
    }
    return made;
}

}  // namespace

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
