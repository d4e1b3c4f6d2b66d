// The arithmetic of rollouts, by the cases of Kubernetes' own tests: rolling_test.go, recreate_test.go, sync_test.go.
#include "controllers/deployment_sizes_detail.hpp"

#include "support/catch.hpp"

#include <utility>
#include <vector>

using namespace rik;
using namespace rik::detail;

namespace {

planned_release release_of(std::uint64_t number, std::int64_t count, std::int64_t available, std::int64_t max = 0) {
    return {.number = number, .count = count, .wanted = max, .max = max, .was_sized = true, .available = available};
}

/// The newest is the current one.
release_sizes sizes(std::vector<planned_release> all, size_bounds bounds) {
    for (std::size_t i = 0; i < all.size(); ++i) all[i].is_current = i + 1 == all.size();
    return release_sizes(std::move(all), bounds);
}

std::vector<std::int64_t> counts(release_sizes const& of) {
    std::vector<std::int64_t> found;
    for (auto const& each : of.all()) found.push_back(each.count);
    return found;
}

using count_list = std::vector<std::int64_t>;

count_list rolled(std::vector<planned_release> all, size_bounds bounds) {
    auto made = sizes(std::move(all), bounds);
    made.roll();
    return counts(made);
}

/// `before` are counts, the newest last, at `was` replicas.
count_list scaled(count_list const& before, std::int64_t was, std::int64_t now) {
    std::vector<planned_release> all;
    for (auto const each : before) all.push_back(release_of(all.size() + 1, each, 0, was));
    auto made = sizes(std::move(all), {now});
    made.scale(true);
    return counts(made);
}

}  // namespace

TEST_CASE("the current release grows within the surge", "[controllers]") {
    CHECK(rolled({release_of(1, 10, 10), release_of(2, 0, 0)}, {10, 0, 0}) == count_list{10, 0});
    CHECK(rolled({release_of(1, 10, 10), release_of(2, 0, 0)}, {10, 2, 0}) == count_list{10, 2});
    CHECK(rolled({release_of(1, 5, 5), release_of(2, 0, 0)}, {10, 2, 0}) == count_list{5, 7});
    CHECK(rolled({release_of(1, 10, 10), release_of(2, 2, 0)}, {10, 2, 0}) == count_list{10, 2});
    CHECK(rolled({release_of(1, 2, 2), release_of(2, 11, 8)}, {10, 2, 0}) == count_list{2, 10});
}

TEST_CASE("old releases shrink within what may be unavailable", "[controllers]") {
    CHECK(rolled({release_of(1, 10, 10), release_of(2, 0, 0)}, {10, 0, 1}) == count_list{9, 1});
    CHECK(rolled({release_of(1, 10, 10), release_of(2, 0, 0)}, {10, 0, 2}) == count_list{8, 2});
    CHECK(rolled({release_of(1, 10, 8), release_of(2, 0, 0)}, {10, 0, 2}) == count_list{8, 2});
    CHECK(rolled({release_of(1, 10, 9), release_of(2, 0, 0)}, {10, 0, 2}) == count_list{8, 2});
    CHECK(rolled({release_of(1, 8, 8), release_of(2, 2, 0)}, {10, 0, 2}) == count_list{8, 2});
}

TEST_CASE("what is not available of old releases goes first, of the oldest one first", "[controllers]") {
    CHECK(rolled({release_of(1, 3, 1), release_of(2, 4, 4), release_of(3, 5, 5)}, {10, 2, 0}) == count_list{1, 4, 7});
    CHECK(rolled({release_of(1, 10, 8), release_of(2, 2, 1)}, {10, 2, 2}) == count_list{7, 5});
}

TEST_CASE("a step without surge goes on when the new instances are available", "[controllers]") {
    CHECK(rolled({release_of(1, 8, 8), release_of(2, 2, 2)}, {10, 0, 2}) == count_list{6, 4});
    CHECK(rolled({release_of(1, 2, 2), release_of(2, 8, 8)}, {10, 0, 2}) == count_list{0, 10});
}

TEST_CASE("a rollout with surge only never lacks an available instance", "[controllers]") {
    CHECK(rolled({release_of(1, 3, 3), release_of(2, 0, 0)}, {3, 1, 0}) == count_list{3, 1});
    CHECK(rolled({release_of(1, 3, 3), release_of(2, 1, 1)}, {3, 1, 0}) == count_list{2, 2});
    CHECK(rolled({release_of(1, 2, 2), release_of(2, 2, 1)}, {3, 1, 0}) == count_list{2, 2});
}

TEST_CASE("what is there beyond its size counts for nothing", "[controllers]") {
    CHECK(rolled({release_of(1, 5, 6), release_of(2, 1, 1)}, {5, 1, 0}) == count_list{4, 2});
}

TEST_CASE("while the new ones are not available, old ones that are not stay, too", "[controllers]") {
    CHECK(rolled({release_of(1, 8, 6), release_of(2, 2, 0)}, {10, 0, 2}) == count_list{8, 2});
}

TEST_CASE("a first release comes at once, and none is wanted of 0", "[controllers]") {
    CHECK(rolled({release_of(1, 0, 0)}, {10, 3, 2}) == count_list{10});
    CHECK(rolled({release_of(1, 3, 3), release_of(2, 0, 0)}, {0, 0, 0}) == count_list{0, 0});
}

TEST_CASE("Recreate waits until all that is old has gone", "[controllers]") {
    auto waiting = sizes({release_of(1, 3, 3), release_of(2, 0, 0)}, {3});
    waiting.recreate(false);
    CHECK(counts(waiting) == count_list{0, 0});
    auto going = sizes({release_of(1, 0, 0), release_of(2, 0, 0)}, {3});
    going.recreate(false);
    CHECK(counts(going) == count_list{0, 0});
    going.recreate(true);
    CHECK(counts(going) == count_list{0, 3});
    auto lowered = sizes({release_of(2, 3, 3)}, {1});
    lowered.recreate(true);
    CHECK(counts(lowered) == count_list{1});
}

TEST_CASE("a single release is scaled to what is wanted", "[controllers]") {
    CHECK(scaled({10}, 10, 12) == count_list{12});
    CHECK(scaled({10}, 10, 5) == count_list{5});
    CHECK(scaled({10, 0}, 10, 5) == count_list{5, 0});
}

TEST_CASE("several releases are scaled by their shares", "[controllers]") {
    CHECK(scaled({3, 2}, 5, 10) == count_list{6, 4});
    CHECK(scaled({3, 2}, 5, 3) == count_list{2, 1});
    CHECK(scaled({1, 8}, 9, 4) == count_list{0, 4});
    CHECK(scaled({2, 3, 2}, 7, 10) == count_list{3, 4, 3});
    CHECK(scaled({3, 8, 2}, 13, 8) == count_list{2, 5, 1});
    CHECK(scaled({5, 5, 5}, 15, 0) == count_list{0, 0, 0});
}

TEST_CASE("what is left over goes to the largest, of equal ones to the newer, and is taken from the older",
          "[controllers]") {
    CHECK(scaled({1, 1, 1}, 3, 4) == count_list{1, 1, 2});
    CHECK(scaled({1, 1, 1}, 3, 2) == count_list{0, 1, 1});
    CHECK(scaled({1, 2, 1}, 4, 5) == count_list{1, 3, 1});
}

TEST_CASE("a rollout that is done loses what is left of old releases", "[controllers]") {
    auto of = sizes({release_of(1, 2, 2, 10), release_of(2, 10, 10, 10)}, {10});
    of.scale(true);
    CHECK(counts(of) == count_list{0, 10});
}

TEST_CASE("sizes are said anew when replicas have changed", "[controllers]") {
    CHECK_FALSE(sizes({release_of(1, 5, 5, 5)}, {5}).must_scale());
    CHECK(sizes({release_of(1, 5, 5, 5)}, {6}).must_scale());
    CHECK_FALSE(sizes({release_of(1, 0, 0, 5)}, {6}).must_scale());
}
