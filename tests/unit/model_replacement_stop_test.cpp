// When replacing stops because too many nodes are gone at once.
#include <rik/model/replacement_stop.hpp>

#include "support/catch.hpp"

using namespace rik;
using namespace std::chrono_literals;

namespace {

constexpr wall_time now{std::chrono::hours(1'000'000)};

std::optional<replacement_stop> after(std::optional<replacement_stop> before, std::size_t unheard, std::size_t all) {
    return next_stop(before, {unheard, all}, now);
}

}  // namespace

TEST_CASE("more than a third, and more than two, are a mass absence", "[replacement]") {
    CHECK_FALSE(is_mass_absence({2, 2}));
    CHECK(is_mass_absence({3, 8}));
    CHECK_FALSE(is_mass_absence({3, 9}));
    CHECK(is_mass_absence({4, 9}));
    CHECK_FALSE(is_mass_absence({0, 0}));
}

TEST_CASE("replacing stops until a person says so, or all are heard again", "[replacement]") {
    CHECK_FALSE(after({}, 2, 5));
    auto stop = after({}, 3, 5);
    REQUIRE(stop);
    CHECK(stop->since == now);
    CHECK(stop->unheard_count == 3);
    CHECK(after(stop, 1, 5) == stop);  // some have come back: who knows why
    CHECK(after(stop, 1, 50) == stop);
    CHECK_FALSE(after(stop, 0, 5));
    stop->is_lifted = true;
    CHECK(after(stop, 3, 5) == stop);
    CHECK(after(stop, 4, 5) == stop);
    CHECK_FALSE(after(stop, 1, 5));  // so the next mass absence stops it again
}

TEST_CASE("a stop is read back from its document", "[replacement]") {
    replacement_stop const stop{.since = now, .unheard_count = 4, .nodes_count = 9, .is_lifted = true};
    auto const kept = to_document(stop);
    CHECK(kept.key == replacement_stop_key());
    auto const read = parse_replacement_stop(kept);
    REQUIRE(read.has_value());
    CHECK(*read == stop);
    CHECK(parse_replacement_stop({.key = {"event", "", "x"}, .json = kept.json}).has_error());
    CHECK(parse_replacement_stop({.key = kept.key, .json = "{"}).has_error());
}
