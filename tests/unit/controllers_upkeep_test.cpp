// What all managed workloads have in common: their states, pauses and restarts in place.
#include <rik/controllers/controller.hpp>

#include <rik/base/entropy.hpp>

#include "support/catch.hpp"
#include "support/managed_workload.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;
using enum workload_state;

namespace {

std::vector<workload_state> all_states() {
    std::vector<workload_state> states;
    for (int i = 0; i < workload_state_count; ++i) states.push_back(static_cast<workload_state>(i));
    return states;
}

workload_condition progressing(condition_status status) {
    return {.type = workload_condition_type::progressing, .status = status};
}

/// Three that run, and a user who wants them to start again.
managed_workload three_to_restart(bool is_at_once) {
    managed_workload set(workload_kind::replica_set, 3);
    set.add_many(3, set.current());
    set.plan();
    set.row().restart = restart_wish{set.now(), is_at_once};
    return set;
}

}  // namespace

TEST_CASE("a workload goes from state to state as the table says", "[controllers][state]") {
    // Source: the workload service that RIK's operations match.
    std::set<std::pair<workload_state, workload_state>> const legal{{provisioning, active},
                                                                    {provisioning, failed},
                                                                    {provisioning, destroying},
                                                                    {active, scaling},
                                                                    {active, deploying},
                                                                    {active, paused},
                                                                    {active, destroying},
                                                                    {active, failed},
                                                                    {scaling, active},
                                                                    {scaling, failed},
                                                                    {deploying, active},
                                                                    {deploying, failed},
                                                                    {scaling, destroying},
                                                                    {deploying, destroying},
                                                                    {paused, scaling},
                                                                    {paused, destroying},
                                                                    {paused, active},
                                                                    {failed, destroying},
                                                                    {failed, provisioning},
                                                                    {failed, scaling},
                                                                    {failed, active},
                                                                    {destroying, destroyed},
                                                                    // Of Jobs
                                                                    {active, succeeded},
                                                                    {paused, succeeded},
                                                                    {paused, failed},
                                                                    {succeeded, destroying}};
    for (auto const from : all_states())
        for (auto const to : all_states()) CHECK(may_follow(from, to) == (from == to || legal.contains({from, to})));
    for (auto const each : all_states()) CHECK(parse_workload_state(to_string(each)) == each);
    CHECK_FALSE(parse_workload_state("Active").has_value());
}

TEST_CASE("whatever is seen, the next state may follow the one before", "[controllers][state]") {
    std::mt19937 random(7);
    seeded_entropy ids(7);
    auto const below = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
    for (int i = 0; i < 20'000; ++i) {
        workload row;
        if (below(4) == 0) row.paused_since = wall_time(1h);
        if (below(8) == 0) row.deleting_since = wall_time(1h);
        workload_progress before;
        workload_progress now;
        if (below(3) == 0) now.release = release_id::generate(ids);
        before.wanted = below(3);
        now.wanted = below(3);
        before.generation = static_cast<std::uint64_t>(below(3));
        now.generation = before.generation + static_cast<std::uint64_t>(below(2));
        if (below(3) == 0) now.conditions.push_back(progressing(condition_status::no));
        now.is_complete = below(3) == 0;
        auto const is_first = below(5) == 0;
        auto const from = is_first ? provisioning : static_cast<workload_state>(below(workload_state_count));
        auto const to = next_state(from, is_first ? nullptr : &before, now, row);
        CHECKED_ELSE(may_follow(from, to)) { FAIL(to_string(from) << " -> " << to_string(to)); }
    }
}

TEST_CASE("whatever is seen of a Job, the next state may follow the one before", "[controllers][state]") {
    std::mt19937 random(7);
    auto const below = [&](int count) { return static_cast<int>(random() % static_cast<unsigned>(count)); };
    std::vector<workload_state> const states{active, paused, succeeded, failed, destroying, destroyed};
    for (int i = 0; i < 20'000; ++i) {
        workload_definition definition{.kind = workload_kind::job};
        definition.upkeep = usual_upkeep(definition.kind);
        definition.upkeep.job->is_suspended = below(2) == 0;
        workload row{.kind = workload_kind::job};
        row.definition = std::make_shared<workload_definition const>(definition);
        if (below(8) == 0) row.deleting_since = wall_time(1h);
        workload_progress now;
        for (auto const type : {workload_condition_type::complete, workload_condition_type::failed})
            if (below(3) == 0) now.conditions.push_back({.type = type, .status = condition_status::yes});
        auto const from = states[static_cast<std::size_t>(below(static_cast<int>(states.size())))];
        auto const to = next_state(from, nullptr, now, row);
        CHECKED_ELSE(may_follow(from, to)) { FAIL(to_string(from) << " -> " << to_string(to)); }
        if (from == succeeded || from == failed) CHECK((to == from || to == destroying));
    }
}

TEST_CASE("a workload is provisioning until all is there, and then says what changes", "[controllers][state]") {
    managed_workload set(workload_kind::replica_set, 2);
    auto plan = set.plan();
    CHECK(plan.progress.state == provisioning);
    set.carry_out(plan);
    CHECK(set.plan().progress.state == active);
    set.instances().front().is_ready = false;
    CHECK(set.plan().progress.state == active);  // it is unwell, and nobody wants anything else
    set.instances().front().is_ready = true;
    set.set_replicas(3);
    plan = set.plan();
    CHECK(plan.progress.state == scaling);
    set.carry_out(plan);
    CHECK(set.plan().progress.state == active);
}

TEST_CASE("a Deployment with a new template is deploying, and failed when it gets nowhere", "[controllers][state]") {
    managed_workload web(workload_kind::deployment, 2);
    web.upkeep().progress_deadline = 60s;
    web.carry_out(web.plan());
    CHECK(web.plan().progress.state == active);
    web.add_release();
    ++web.row().generation;
    auto plan = web.plan();
    CHECK(plan.progress.state == deploying);
    web.keep_sizes(plan);
    for (auto const& each : plan.creations) web.create(each).node = web.id<node_tag>();
    CHECK(web.plan().progress.state == deploying);  // that it was made is progress
    web.pass(61s);
    CHECK(web.plan().progress.state == failed);
    CHECK(web.plan().progress.state == failed);
    web.add_release();
    ++web.row().generation;
    CHECK(web.plan().progress.state == provisioning);
}

TEST_CASE("a paused workload wants nothing, and comes back to its count", "[controllers][state]") {
    managed_workload set(workload_kind::replica_set, 3);
    set.carry_out(set.plan());
    CHECK(set.plan().progress.state == active);
    set.row().paused_since = set.now();
    auto plan = set.plan();
    CHECK(plan.removals.size() == 3);
    CHECK(plan.progress.state == paused);
    set.carry_out(plan);
    CHECK(set.plan().changes_nothing());
    set.row().paused_since = std::nullopt;
    plan = set.plan();
    CHECK(plan.creations.size() == 3);
    CHECK(plan.progress.state == scaling);
}

TEST_CASE("a paused DaemonSet has nothing on any node", "[controllers][state]") {
    managed_workload agents(workload_kind::daemon_set, 1);
    agents.add_node("a");
    agents.add_node("b");
    agents.carry_out(agents.plan());
    CHECK(agents.plan().progress.state == active);
    agents.row().paused_since = agents.now();
    auto const plan = agents.plan();
    CHECK(plan.removals.size() == 2);
    CHECK(plan.removals.front().why.find("paused") != std::string::npos);
}

TEST_CASE("instances restart one after the other", "[controllers][restart]") {
    auto set = three_to_restart(false);
    std::vector<instance_id> order;
    for (int i = 0; i < 3; ++i) {
        auto const plan = set.plan();
        REQUIRE(plan.restarts.size() == 1);
        order.push_back(plan.restarts.front());
        auto& one = *set.find(order.back());
        one.is_restarting = true;
        CHECK(set.plan().restarts.empty());  // it has not obeyed yet
        one.is_restarting = false;
        one.is_ready = false;
        CHECK(set.plan().restarts.empty());  // it is not back yet
        one.is_ready = true;
        one.ready_since = set.now();
    }
    CHECK(set.plan().restarts.empty());
    CHECK(set.restart()->is_done);
    CHECK_FALSE(set.plan().restart);
    CHECK(std::set<instance_id>(order.begin(), order.end()).size() == 3);
}

TEST_CASE("one that is gone, unheard or made later holds up no restart", "[controllers][restart]") {
    auto set = three_to_restart(false);
    set.pass(1s);
    auto const newer = set.add(set.current()).id;
    set.instances()[1].is_unheard = true;
    set.instances()[1].is_ready = false;
    auto const first = set.plan().restarts;
    REQUIRE(first.size() == 1);
    set.find(first.front())->is_leaving = true;
    auto const second = set.plan().restarts;
    REQUIRE(second.size() == 1);
    CHECK(second.front() == set.instances()[2].id);
    CHECK(set.plan().restarts.empty());
    CHECK(set.restart()->is_done);
    CHECK(newer != second.front());
}

TEST_CASE("all restart at once if that is wanted, and a newer wish begins anew", "[controllers][restart]") {
    auto set = three_to_restart(true);
    CHECK(set.plan().restarts.size() == 3);
    set.instances()[1].is_restarting = true;
    CHECK(set.plan().restarts.empty());
    CHECK_FALSE(set.restart()->is_done);  // one has not obeyed yet
    set.instances()[1].is_restarting = false;
    CHECK(set.plan().restarts.empty());
    CHECK(set.restart()->is_done);
    set.pass(1min);
    set.row().restart = restart_wish{set.now(), false};
    CHECK(set.plan().restarts.size() == 1);
}

TEST_CASE("a restart minds how long an instance must be ready", "[controllers][restart]") {
    auto set = three_to_restart(false);
    set.upkeep().min_ready = 30s;
    set.pass(1h);
    auto const first = set.plan().restarts;
    REQUIRE(first.size() == 1);
    set.find(first.front())->ready_since = set.now();
    auto const plan = set.plan();
    CHECK(plan.restarts.empty());
    CHECK(plan.look_again == set.now() + 30s);
    set.pass(30s);
    CHECK(set.plan().restarts.size() == 1);
}
