#include <rik/base/id.hpp>

#include "support/catch.hpp"

#include <set>

using rik::node_id;

TEST_CASE("a uid is read back from its text", "[uid]") {
    rik::seeded_entropy random(1);
    for (int i = 0; i < 100; ++i) {
        auto const id = node_id::generate(random);
        auto const parsed = node_id::parse(id.text());
        REQUIRE(parsed.has_value());
        CHECK(*parsed == id);
    }
}

TEST_CASE("a generated uid is a UUID of version 4", "[uid]") {
    rik::seeded_entropy random(2);
    auto const text = node_id::generate(random).text();
    REQUIRE(text.size() == 36);
    CHECK(text[14] == '4');
    CHECK(std::string("89ab").find(text[19]) != std::string::npos);
}

TEST_CASE("generated uids differ and are not nil", "[uid]") {
    rik::seeded_entropy random(3);
    std::set<node_id> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(node_id::generate(random));
    CHECK(seen.size() == 1000);
    CHECK_FALSE(seen.begin()->is_nil());
    CHECK(node_id().is_nil());
}

TEST_CASE("uids are ordered as their texts are", "[uid]") {
    rik::seeded_entropy random(4);
    for (int i = 0; i < 100; ++i) {
        auto const left = node_id::generate(random);
        auto const right = node_id::generate(random);
        CHECK((left < right) == (left.text() < right.text()));
    }
}

TEST_CASE("what is no UUID is refused", "[uid]") {
    for (auto const* text :
         {"", "jolly-cat-1234", "c346030b-aa9e-45a9-85eb-ec38d51dfa4", "c346030b-aa9e-45a9-85eb-ec38d51dfa444",
          "c346030baa9e-45a9-85eb-ec38d51dfa44-", "g346030b-aa9e-45a9-85eb-ec38d51dfa44"})
        CHECK_FALSE(node_id::parse(text).has_value());
    CHECK(node_id::parse("C346030B-AA9E-45A9-85EB-EC38D51DFA44").has_value());
}
