#include <rik/model/resources.hpp>
#include <rik/model/state.hpp>

#include "support/catch.hpp"

#include <limits>
#include <vector>

using namespace rik;
using enum instance_state;

namespace {

std::vector<instance_state> all_states() {
    std::vector<instance_state> states;
    for (int i = 0; i < instance_state_count; ++i) states.push_back(static_cast<instance_state>(i));
    return states;
}

}  // namespace

TEST_CASE("every state is read back from its word", "[state]") {
    for (auto const state : all_states()) CHECK(parse_instance_state(to_string(state)) == state);
    for (auto const state : {container_state::waiting, container_state::running, container_state::exited})
        CHECK(parse_container_state(to_string(state)) == state);
    for (auto const state : {node_state::ready, node_state::not_ready, node_state::unheard})
        CHECK(parse_node_state(to_string(state)) == state);
    CHECK_FALSE(parse_instance_state("Running").has_value());
    CHECK_FALSE(parse_instance_state("").has_value());
}

TEST_CASE("a state may follow itself", "[state]") {
    for (auto const state : all_states()) CHECK(may_follow(state, state));
}

TEST_CASE("an instance goes the usual way step by step", "[state]") {
    CHECK(may_follow(pending, creating));
    CHECK(may_follow(creating, running));
    CHECK(may_follow(running, succeeded));
    CHECK(may_follow(succeeded, destroying));
    CHECK(may_follow(destroying, terminated));
}

TEST_CASE("steps whose reports were missed may be left out", "[state]") {
    CHECK(may_follow(pending, running));
    CHECK(may_follow(pending, succeeded));
    CHECK(may_follow(creating, succeeded));
    CHECK(may_follow(pending, terminated));
}

TEST_CASE("every state leads to terminated, which leads nowhere", "[state]") {
    for (auto const state : all_states()) {
        CHECK(may_follow(state, terminated));
        CHECK(may_follow(terminated, state) == (state == terminated));
    }
}

TEST_CASE("no state can be reached again once it was left, but creating after a reboot of the node", "[state]") {
    for (auto const from : all_states())
        for (auto const to : all_states())
            if (from != to && may_follow(from, to))
                CHECK(may_follow(to, from) ==
                      ((from == creating && to == running) || (from == running && to == creating)));
}

TEST_CASE("an instance that has ended is never revived", "[state]") {
    for (auto const ended : {succeeded, failed})
        for (auto const state : {pending, creating, running}) CHECK_FALSE(may_follow(ended, state));
    for (auto const state : all_states())
        CHECK(may_follow(destroying, state) == (state == destroying || state == terminated));
}

TEST_CASE("an illegal change names both states", "[state]") {
    CHECK(*advance(pending, creating) == creating);
    auto const refused = advance(failed, running);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::conflict);
    CHECK(refused.error().message.find("failed") != std::string::npos);
    CHECK(refused.error().message.find("running") != std::string::npos);
}

TEST_CASE("resources are kept in order of their names, without zeros", "[resources]") {
    resources amounts;
    amounts.set(resource::pods, 1);
    amounts.set(resource::cpu, 500);
    amounts.set(resource::memory, 0);
    REQUIRE(amounts.entries().size() == 2);
    CHECK(amounts.entries()[0].first == "cpu");
    CHECK(amounts.get(resource::memory) == 0);
    amounts.set(resource::cpu, 0);
    amounts.set(resource::pods, 0);
    CHECK(amounts.empty());
}

TEST_CASE("what is added and subtracted again leaves nothing", "[resources]") {
    resources left;
    left.set(resource::cpu, 500);
    resources right;
    right.set(resource::cpu, 250);
    right.set(resource::memory, 64);
    auto sum = left;
    sum.add(right);
    CHECK(sum.get(resource::cpu) == 750);
    CHECK(sum.get(resource::memory) == 64);
    sum.subtract(right);
    CHECK(sum == left);
    sum.add(sum);
    CHECK(sum.get(resource::cpu) == 1000);
    sum.subtract(sum);
    CHECK(sum.empty());
}

TEST_CASE("amounts may become negative, and stop at the end of the range", "[resources]") {
    resources amounts;
    resources huge;
    huge.set(resource::memory, std::numeric_limits<std::int64_t>::max());
    amounts.subtract(huge);
    CHECK(amounts.get(resource::memory) < 0);
    amounts.subtract(huge);
    CHECK(amounts.get(resource::memory) == std::numeric_limits<std::int64_t>::min());
    auto doubled = huge;
    doubled.add(huge);
    CHECK(doubled == huge);
}

TEST_CASE("the first resource that is lacking is named", "[resources]") {
    resources wanted;
    wanted.set(resource::cpu, 500);
    wanted.set(resource::memory, 64);
    resources available;
    available.set(resource::cpu, 500);
    CHECK(wanted.first_lacking(available, {}) == resource::memory);
    available.set(resource::memory, 64);
    CHECK_FALSE(wanted.first_lacking(available, {}).has_value());
    available.set(resource::cpu, -1);
    CHECK(wanted.first_lacking(available, {}) == resource::cpu);
    CHECK_FALSE(resources().first_lacking(available, {}).has_value());
}
