#include <scheduler/staged_facts_detail.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

#include <utility>

using namespace rik;
using namespace rik::testing;

namespace {

facts part_of(unsigned first, unsigned count, release_ptr const& made_from, bool is_last) {
    facts made{.at = 7, .complete = is_last, .everything = true};
    for (auto i = first; i < first + count; ++i)
        made.items.push_back({.instance = numbered<instance_id>(i), .made_from = made_from});
    return made;
}

}  // namespace

TEST_CASE("facts are given when their last part is there, and whole") {
    detail::staged_facts staged(1'000'000);
    auto const asked = make_release(1, 100);
    for (int round = 0; round < 2; ++round) {
        auto const first = staged.add(part_of(1, 3, asked, false));
        REQUIRE(first.has_value());
        CHECK_FALSE(first->has_value());
        auto const last = staged.add(part_of(4, 2, asked, true));
        REQUIRE(last.has_value());
        REQUIRE(last->has_value());
        CHECK((*last)->items.size() == 5);
        CHECK((*last)->everything);
    }
}

TEST_CASE("facts that are never complete are refused when they are too many, and say what the bound is") {
    detail::staged_facts staged(10'000);
    auto const asked = make_release(1, 100);
    result<std::optional<facts>> added = std::optional<facts>();
    unsigned count = 0;
    for (; added && count < 1'000; ++count) added = staged.add(part_of(count, 1, asked, false));
    REQUIRE_FALSE(added.has_value());
    CHECK(added.error().message.find("more than 10000 bytes") != std::string::npos);
    CHECK(count > 20);
}

TEST_CASE("facts that are complete may be of any size, one after the other") {
    detail::staged_facts staged(10'000);
    auto const asked = make_release(1, 100);
    for (unsigned i = 0; i < 100; ++i) {
        CHECK(staged.add(part_of(1, 20, asked, false)).has_value());
        CHECK(staged.add(part_of(30, 20, asked, true)).has_value());
    }
}

TEST_CASE("definitions count among the bytes of facts, once each") {
    auto const asked = make_release(1, 100);
    auto const text_bytes = asked->definition->text.size();
    detail::staged_facts staged(5'000 + text_bytes);
    CHECK(staged.add(part_of(1, 20, asked, false)).has_value());
    detail::staged_facts others(5'000 + text_bytes);
    auto some = part_of(1, 20, asked, false);
    for (unsigned i = 0; i < 20; ++i) {
        release made = *make_release(i, 100);
        auto definition = *made.definition;
        definition.text = std::string(1'000, 'x');
        made.definition = std::make_shared<workload_definition const>(std::move(definition));
        some.items[i].made_from = std::make_shared<release const>(std::move(made));
    }
    CHECK_FALSE(others.add(std::move(some)).has_value());
}
