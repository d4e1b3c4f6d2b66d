#include "support/catch.hpp"

#include <rik/base/entropy.hpp>
#include <rik/base/sorted_chunks.hpp>

#include <set>
#include <vector>

using rik::sorted_chunks;

namespace {

using numbers = sorted_chunks<int>;

numbers::position find(numbers const& in, int number) {
    return in.find_first_not([&](int each) { return each < number; });
}

void insert(numbers& into, int number) { into.insert(find(into, number), number); }

void erase(numbers& from, int number) {
    auto const at = find(from, number);
    REQUIRE(at != from.end());
    REQUIRE(from[at] == number);
    from.erase(at);
}

std::vector<int> all_of(numbers const& from) {
    std::vector<int> all;
    from.for_each([&](int each) { all.push_back(each); });
    return all;
}

std::vector<int> walked(numbers const& from) {
    std::vector<int> all;
    for (auto at = from.begin(); at != from.end(); at = from.after(at)) all.push_back(from[at]);
    return all;
}

}  // namespace

TEST_CASE("an empty sequence has no items and one position", "[base][chunks]") {
    numbers const none;
    CHECK(none.empty());
    CHECK(none.begin() == none.end());
    CHECK(find(none, 1) == none.end());
}

TEST_CASE("items that come in order, in the reverse order, and in the middle are in order", "[base][chunks]") {
    numbers some;
    for (int i = 1'000; i < 2'000; ++i) insert(some, 2 * i);
    for (int i = 999; i >= 0; --i) insert(some, 2 * i);
    for (int i = 0; i < 2'000; ++i) insert(some, 2 * i + 1);
    std::vector<int> expected;
    for (int i = 0; i < 4'000; ++i) expected.push_back(i);
    CHECK(all_of(some) == expected);
    CHECK(walked(some) == expected);
    CHECK(some[find(some, 1'234)] == 1'234);
    CHECK(find(some, 4'000) == some.end());
}

TEST_CASE("what is inserted and erased at random is what a set has", "[base][chunks]") {
    rik::seeded_entropy random(7);
    numbers some;
    std::set<int> expected;
    for (auto const range : {5'000u, 50u, 5'000u, 3u}) {
        for (int i = 0; i < 4'000; ++i) {
            auto const number = static_cast<int>(random.next() % range);
            if (expected.insert(number).second) {
                insert(some, number);
            } else {
                expected.erase(number);
                erase(some, number);
            }
        }
        CHECK(all_of(some) == std::vector<int>(expected.begin(), expected.end()));
    }
    while (!expected.empty()) {
        erase(some, *expected.begin());
        expected.erase(expected.begin());
    }
    CHECK(some.empty());
}
