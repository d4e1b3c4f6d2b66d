#include "support/catch.hpp"

#include <rik/async/backoff.hpp>

namespace rik {

using namespace std::chrono_literals;

TEST_CASE("the first pause is short, and later ones grow up to the limit", "[backoff]") {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        seeded_entropy random(seed);
        backoff pauses(100ms, 5s);
        CHECK(pauses.next(random) == 100ms);
        for (auto whole = 200ms; whole < 5s; whole *= 2) {
            auto const pause = pauses.next(random);
            CHECK(pause >= whole / 2);
            CHECK(pause <= whole);
        }
        for (int i = 0; i < 10; ++i) {
            auto const pause = pauses.next(random);
            CHECK(pause >= 2500ms);
            CHECK(pause <= 5s);
        }
    }
}

TEST_CASE("two who lost the same peer pause differently", "[backoff]") {
    seeded_entropy one(1);
    seeded_entropy other(2);
    backoff of_one(100ms, 5s);
    backoff of_other(100ms, 5s);
    for (int i = 0; i < 4; ++i) {
        (void)of_one.next(one);
        (void)of_other.next(other);
    }
    CHECK(of_one.next(one) != of_other.next(other));
}

TEST_CASE("after a success the first pause is short again", "[backoff]") {
    seeded_entropy random(1);
    backoff pauses(100ms, 5s);
    for (int i = 0; i < 5; ++i) (void)pauses.next(random);
    pauses.reset();
    CHECK(pauses.next(random) == 100ms);
}

}  // namespace rik
