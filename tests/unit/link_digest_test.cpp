// The digest of what a node holds.
#include <rik/link/held_digest.hpp>

#include <rik/base/entropy.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include <algorithm>
#include <utility>
#include <vector>

using namespace rik;
using rik::testing::numbered;

namespace {

using entry = std::pair<instance_id, held_state>;

std::vector<entry> some(std::size_t count) {
    seeded_entropy random(7);
    std::vector<entry> made;
    for (std::size_t i = 0; i < count; ++i)
        made.emplace_back(instance_id::generate(random), held_state{random.next(), instance_state::running, i % 5});
    return made;
}

held_digest digest_of(std::vector<entry> const& all) {
    held_digest sum;
    for (auto const& [id, how] : all) sum.add(id, how);
    return sum;
}

}  // namespace

TEST_CASE("a digest does not depend on the order in which its parts came") {
    auto all = some(1000);
    auto const forwards = digest_of(all);
    std::reverse(all.begin(), all.end());
    CHECK(digest_of(all) == forwards);
    CHECK(forwards.count() == 1000);
}

TEST_CASE("what is removed from a digest leaves nothing") {
    auto const all = some(1000);
    auto sum = digest_of(all);
    for (std::size_t i = 500; i < all.size(); ++i) sum.remove(all[i].first, all[i].second);
    CHECK(sum == digest_of({all.begin(), all.begin() + 500}));
    for (std::size_t i = 0; i < 500; ++i) sum.remove(all[i].first, all[i].second);
    CHECK(sum == held_digest());
}

TEST_CASE("each part of what is held changes the digest, in both of its halves") {
    auto const [id, how] = some(1).front();
    auto const before = digest_of({{id, how}});
    auto changed = std::vector<held_state>(3, how);
    ++changed[0].fence;
    changed[1].state = instance_state::destroying;
    ++changed[2].seq;
    for (auto const& each : changed) {
        auto const after = digest_of({{id, each}});
        CHECK(after.high() != before.high());
        CHECK(after.low() != before.low());
    }
    auto const other = digest_of({{some(2).back().first, how}});
    CHECK(other.high() != before.high());
    CHECK(other.low() != before.low());
}

TEST_CASE("a digest is the same on every machine and in every version") {
    held_digest sum;
    for (unsigned number = 1; number <= 3; ++number)
        sum.add(numbered<instance_id>(number), {number, instance_state::running, 7});
    CHECK(sum.high() == 0xafd6bde4ddbcc95eu);  // computed by another program
    CHECK(sum.low() == 0x69e1ac8043ebce99u);
}
