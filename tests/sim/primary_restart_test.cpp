// What a primary makes of the wish that an instance is started again in place, and of what its node tells then.
#include <support/lone_primary.hpp>

#include <algorithm>

using namespace rik;
using namespace rik::testing;

namespace {

void simulate(awaitable<> (*what)(lone_primary&)) {
    sim::world world(42);
    lone_primary alone(world);
    world.run(what(alone));
}

/// An instance that is bound and has no news yet.
awaitable<stored<instance>> bind_one(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    reports news;
    news.proposals.push_back({made[0]->id(), node});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
    auto const rows = co_await alone.instances();
    co_return rows.front();
}

awaitable<stored<instance>> say(lone_primary& alone, instance_status seen) {
    auto const rows = co_await alone.instances();
    auto const& row = rows.front();
    seen.seq = row->status().seq + 1;
    reports news;
    news.states.push_back({row->id(), row->binding()->fence, std::move(seen)});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
    auto const after = co_await alone.instances();
    co_return after.front();
}

awaitable<result<stored<instance>>> restart(lone_primary& alone, instance_id which) {
    co_return co_await alone.role->instances().restart(caller(), which, any_revision);
}

instance_status running(std::uint32_t attempt, bool is_ready) {
    instance_status seen{.state = instance_state::running, .reason = "Started"};
    container_status one{.name = "web", .state = container_state::running, .restart_count = attempt};
    one.ready = is_ready;
    seen.ready = is_ready;
    seen.containers.push_back(std::move(one));
    return seen;
}
instance_status ready(std::uint32_t attempt) { return running(attempt, true); }
instance_status unready(std::uint32_t attempt) { return running(attempt, false); }

std::uint32_t last_said(lone_primary const& alone, instance_id const& which) {
    std::uint32_t said = 0;
    for (auto const& each : alone.items)
        if (each.instance == which) said = each.restarts;
    return said;
}

awaitable<> asked_and_obeyed(lone_primary& alone) {
    auto const row = co_await bind_one(alone);
    auto const id = row->id();
    (void)co_await say(alone, ready(0));
    auto const asked = co_await restart(alone, id);
    REQUIRE(asked.has_value());
    CHECK((*asked)->restarts() == 1);
    CHECK((*asked)->generation() == row->generation() + 1);
    co_await alone.world.time().sleep_for(1s);
    CHECK(last_said(alone, id) == 1);

    co_await alone.crash();  // the wish is durable
    co_await alone.start();
    alone.items.clear();
    co_await alone.world.time().sleep_for(5s);
    CHECK(last_said(alone, id) == 1);

    auto obeyed = ready(1);
    obeyed.restarts = 1;
    auto const after = co_await say(alone, std::move(obeyed));
    CHECK(after->status().restarts == 1);
    CHECK(last_said(alone, id) == 0);

    auto forgotten = ready(0);  // a node that has lost what it held
    auto const later = co_await say(alone, std::move(forgotten));
    CHECK(later->status().restarts == 1);
    CHECK(last_said(alone, id) == 0);
    co_await alone.stop();
}

awaitable<> refused(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    auto const unplaced = co_await restart(alone, made[0]->id());
    REQUIRE_FALSE(unplaced.has_value());
    CHECK(unplaced.error().code == errc::conflict);
    auto const stranger = co_await restart(alone, instance_id::generate(alone.world.random()));
    CHECK(stranger.error().code == errc::not_found);

    caller const other{.subject = "eve", .tenant = "other", .role = caller_role::editor};
    auto const foreign = co_await alone.role->instances().restart(other, made[0]->id(), any_revision);
    REQUIRE_FALSE(foreign.has_value());
    CHECK(foreign.error().code == errc::not_found);
    caller const reader{.subject = "bob", .tenant = "default", .role = caller_role::reader};
    auto const only_read = co_await alone.role->instances().restart(reader, made[0]->id(), any_revision);
    REQUIRE_FALSE(only_read.has_value());
    CHECK(only_read.error().code == errc::denied);
    co_await alone.stop();
}

awaitable<> refused_when_over(lone_primary& alone) {
    auto const row = co_await bind_one(alone);
    auto const old = co_await alone.role->instances().restart(caller(), row->id(), row.changed_at - 1);
    CHECK(old.error().code == errc::conflict);
    instance_status ended{.state = instance_state::failed, .reason = "Error"};
    (void)co_await say(alone, std::move(ended));
    auto const finished = co_await restart(alone, row->id());
    REQUIRE_FALSE(finished.has_value());
    CHECK(finished.error().code == errc::conflict);
    CHECK(finished.error().message.find("has failed") != std::string::npos);
    (void)co_await alone.role->instances().remove(caller(), row->id(), any_revision);
    auto const going = co_await restart(alone, row->id());
    REQUIRE_FALSE(going.has_value());
    CHECK(going.error().message.find("is being deleted") != std::string::npos);
    co_await alone.stop();
}

/// A wish that is not obeyed yet ends with the instance.
awaitable<> over_before_it_obeys(lone_primary& alone) {
    auto const row = co_await bind_one(alone);
    (void)co_await say(alone, unready(0));
    (void)co_await restart(alone, row->id());
    co_await alone.world.time().sleep_for(1s);
    CHECK(last_said(alone, row->id()) == 1);
    instance_status ended{.state = instance_state::succeeded, .reason = "Completed"};
    (void)co_await say(alone, std::move(ended));
    CHECK(last_said(alone, row->id()) == 0);
    co_await alone.stop();
}

/// Crashing, waiting, running again, and readiness that comes and goes.
awaitable<> a_life_with_restarts(lone_primary& alone) {
    auto const row = co_await bind_one(alone);
    (void)co_await say(alone, ready(0));
    for (std::uint32_t attempt = 1; attempt <= 3; ++attempt) {
        instance_status waiting{.state = instance_state::running, .reason = "CrashLoopBackOff"};
        waiting.message = "it has ended " + std::to_string(attempt) + " times";  // the events of containers tell it
        container_status one{.name = "web", .reason = "CrashLoopBackOff", .restart_count = attempt - 1};
        one.last = container_end{.reason = "Error", .exit_code = 3};
        one.starts_at = wall_time(1s);
        waiting.containers.push_back(one);
        auto const crashed = co_await say(alone, waiting);
        CHECK(crashed->state() == instance_state::running);
        CHECK_FALSE(crashed->status().ready);
        CHECK(crashed->status().containers == waiting.containers);
        auto const again = co_await say(alone, ready(attempt));
        CHECK(again->status().ready);
    }
    auto const last = co_await say(alone, unready(3));
    CHECK_FALSE(last->status().ready);

    event_filter const of{.object_id = row->id().text()};
    auto const events = co_await alone.role->events().list(caller(), of);
    std::vector<std::pair<std::string, unsigned>> told;
    for (auto const& each : events->rows) told.emplace_back(parse_event(*each)->reason, parse_event(*each)->count);
    auto const has = [&](std::string const& reason, unsigned count) {
        return std::ranges::find(told, std::pair(reason, count)) != told.end();
    };
    CHECK(has("Error", 3));
    CHECK(has("BackOff", 3));
    CHECK(has("Unhealthy", 1));
    CHECK(events->rows.size() <= 8);
    co_await alone.stop();
}

/// A node that says it twice ends no session.
awaitable<> two_of_one_name(lone_primary& alone) {
    (void)co_await bind_one(alone);
    for (int i = 0; i < 3; ++i) {
        auto seen = running(i % 2 == 0 ? 1 : 2, i % 2 == 0);
        seen.containers.push_back(seen.containers.front());
        auto const after = co_await say(alone, seen);
        CHECK(after->status().containers == seen.containers);
    }
    CHECK(alone.scheduler.session_count == 1);
    co_await alone.stop();
}

}  // namespace

TEST_CASE("a restart that was asked for is due until its node obeys, also after a crash", "[sim][primary]") {
    simulate(asked_and_obeyed);
}
TEST_CASE("only what the caller may change and has a node is started again in place", "[sim][primary]") {
    simulate(refused);
}
TEST_CASE("what has ended or is being deleted is not started again in place", "[sim][primary]") {
    simulate(refused_when_over);
}
TEST_CASE("a restart is not due any more when the instance has ended", "[sim][primary]") {
    simulate(over_before_it_obeys);
}
TEST_CASE("an instance lives on while its containers crash and wait, and its events count", "[sim][primary]") {
    simulate(a_life_with_restarts);
}
TEST_CASE("a node that tells of two containers of one name is heard", "[sim][primary]") { simulate(two_of_one_name); }
