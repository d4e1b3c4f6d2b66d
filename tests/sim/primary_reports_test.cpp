// What a primary makes of reports that are odd: of text that is none, of news that is no news.
#include <rik/base/limits.hpp>
#include <rik/base/utf8.hpp>

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

awaitable<std::vector<event>> events_of(lone_primary& alone) {
    auto const listed = co_await alone.role->events().list(caller(), event_filter());
    REQUIRE(listed.has_value());
    std::vector<event> events;
    for (auto const& row : listed->rows) events.push_back(*parse_event(*row));
    co_return events;
}

bool is_fit(std::string const& text) { return is_utf8(text) && text.size() <= limits::message_bytes_max; }

/// An image's file may be named so, and the tool that unpacks it says the name.
awaitable<> reports_of_odd_text(lone_primary& alone) {
    auto const odd = "bad \xff\xfe name" + std::string(3 * limits::message_bytes_max, 'x');
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 2);
    reports first;
    first.proposals.push_back({made[0]->id(), node});
    first.unplaced.push_back({{made[1]->id()}, odd});
    co_await alone.report(std::move(first));
    co_await alone.world.time().sleep_for(1s);
    auto const bound = co_await alone.instances();
    status_report said{.instance = made[0]->id()};
    for (auto const& row : bound)
        if (row->binding()) said.fence = row->binding()->fence;
    said.status = {.state = instance_state::failed, .reason = odd, .message = odd, .seq = 1};
    said.status.containers.push_back({.name = "web", .reason = odd, .message = odd});
    reports second;
    second.states.push_back(said);
    node_report greeting{.node = node};
    greeting.facts = node_facts{.name = odd};
    second.nodes.push_back(greeting);
    co_await alone.report(std::move(second));
    co_await alone.world.time().sleep_for(1s);

    auto const after = co_await alone.instances();
    for (auto const& row : after) {
        CHECK(is_fit(row->status().reason));
        CHECK(is_fit(row->status().message));
        for (auto const& each : row->status().containers) CHECK((is_fit(each.reason) && is_fit(each.message)));
    }
    auto const events = co_await events_of(alone);
    CHECK(events.size() >= 6);
    for (auto const& each : events) CHECK((is_fit(each.message) && is_fit(each.reason) && is_fit(each.object_name)));
    auto const nodes = co_await alone.role->nodes().list(caller(), page());
    CHECK(is_fit(nodes->rows.front()->facts.name));
    co_await alone.stop();
}

awaitable<std::size_t> count_events(lone_primary& alone) {
    auto const events = co_await events_of(alone);
    co_return events.size();
}

awaitable<> say_unplaced(lone_primary& alone, instance_id which, std::string why) {
    reports news;
    news.unplaced.push_back({{which}, std::move(why)});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
}

awaitable<> waits_for_the_same(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    auto const which = made[0]->id();
    co_await say_unplaced(alone, which, "not enough cpu (1 node: a)");
    auto const before = co_await count_events(alone);
    co_await say_unplaced(alone, which, "not enough cpu (2 nodes: a, b)");
    auto const after = co_await count_events(alone);
    CHECK(after == before);
    auto const rows = co_await alone.instances();
    CHECK(rows[0]->status().message == "not enough cpu (2 nodes: a, b)");
    co_await say_unplaced(alone, which, "not enough memory (2 nodes: a, b)");
    auto const later = co_await count_events(alone);
    CHECK(later == before + 1);
    co_await alone.stop();
}

std::size_t count_of(std::vector<event> const& all, std::string_view object_id) {
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](event const& each) { return each.object_id == object_id; }));
}

awaitable<> say_all_unplaced(lone_primary& alone, std::string why) {
    auto const rows = co_await alone.instances();
    reports news;
    news.unplaced.push_back({{}, std::move(why)});
    for (auto const& row : rows) news.unplaced.back().instances.push_back(row->id());
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(10s);
}

/// Each of them has an event of its creation, and one for each reason.
awaitable<> flooded_with_events(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const quiet = co_await alone.create_workload("quiet");
    auto const lonely = co_await alone.create_instances(quiet, 1);
    auto const flood = co_await alone.create_workload("flood");
    co_await alone.create_instances(flood, 5'000);
    co_await say_all_unplaced(alone, "not enough cpu");
    co_await say_all_unplaced(alone, "not enough memory");
    co_await say_all_unplaced(alone, "too many pods");

    for (int starts = 0; starts < 2; ++starts) {
        auto const events = co_await events_of(alone);
        CHECK(events.size() == limits::events_per_owner_max + 7);
        CHECK(count_of(events, node.text()) == 1);
        CHECK(count_of(events, quiet.text()) == 1);
        CHECK(count_of(events, flood.text()) == 1);
        CHECK(count_of(events, lonely[0]->id().text()) == 4);
        co_await alone.crash();
        co_await alone.start();
    }
    co_await alone.stop();
}

bool tells_of(std::vector<event> const& all, instance_id const& which) { return count_of(all, which.text()) > 0; }

/// Of each tells one event, that of its creation.
awaitable<> many_made_at_once(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 5'000);
    auto const at_once = co_await events_of(alone);
    CHECK(at_once.size() == limits::events_per_owner_max + 1);
    co_await alone.world.time().sleep_for(2s);
    auto const later = co_await events_of(alone);
    CHECK(later.size() == limits::events_per_owner_max + 1);
    std::size_t told_count = 0;
    for (auto const& each : made) told_count += tells_of(later, each->id()) ? 1 : 0;
    CHECK(told_count == limits::events_per_owner_max);

    // What is held back is written by an orderly stop.
    auto const others = co_await alone.create_instances(workload, 5'000);
    co_await alone.stop();
    co_await alone.start();
    auto const last = co_await events_of(alone);
    CHECK(last.size() == limits::events_per_owner_max + 1);
    for (auto const& each : made) CHECK_FALSE(tells_of(last, each->id()));
    co_await alone.stop();
}

awaitable<> say_node(lone_primary& alone, node_id which, bool is_heard) {
    reports news;
    news.nodes.push_back({.node = which, .heard = is_heard});
    co_await alone.report(std::move(news));
    co_await alone.world.time().sleep_for(1s);
}

awaitable<std::vector<event>> story_of(lone_primary& alone, std::string id) {
    auto events = co_await events_of(alone);
    std::erase_if(events, [&](event const& each) { return each.object_id != id; });
    std::ranges::sort(events, {}, &event::at);
    co_return events;
}

awaitable<> one_that_tells_a_lot(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    auto const id = made[0]->id();
    for (int i = 0; i < 50; ++i) co_await say_unplaced(alone, id, "reason " + std::to_string(i));
    auto const story = co_await story_of(alone, id.text());
    CHECK(story.size() == limits::events_per_object_max);
    CHECK(story.back().message == "reason 49");
    co_await alone.stop();
}

/// Also over a restart of the primary.
awaitable<> a_node_that_comes_and_goes(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    co_await alone.world.time().sleep_for(1s);
    for (int i = 0; i < 3; ++i) {
        co_await say_node(alone, node, false);
        co_await say_node(alone, node, true);
        if (i == 1) co_await alone.crash();
        if (i == 1) co_await alone.start();
    }
    auto const story = co_await story_of(alone, node.text());
    REQUIRE(story.size() == 3);
    CHECK(story[0].reason == "NodeRegistered");
    CHECK(story[0].count == 1);
    CHECK_FALSE(story[0].first_at.has_value());
    CHECK(story[1].reason == "NodeUnheard");
    CHECK(story[1].count == 3);
    CHECK(story[2].reason == "NodeReady");
    CHECK(story[2].count == 3);
    REQUIRE(story[2].first_at.has_value());
    CHECK(*story[2].first_at < story[1].at);
    co_await alone.stop();
}

struct answered {
    std::optional<time_point> first = {};
    std::optional<time_point> second = {};
    std::optional<errc> second_code = {};
};

awaitable<> delete_first(lone_primary& alone, instance_id which, answered& into) {
    auto const done = co_await alone.role->instances().remove(caller(), which, any_revision);
    CHECK(done.has_value());
    into.first = alone.world.time().now();
}

awaitable<> delete_second(lone_primary& alone, instance_id which, answered& into) {
    auto const done = co_await alone.role->instances().remove(caller(), which, any_revision);
    if (!done) into.second_code = done.error().code;
    into.second = alone.world.time().now();
}

/// The first deletion may still be lost with the power.
awaitable<> deleted_twice(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    alone.disk->flush_time = 1s;
    answered seen;
    task_group callers(alone.world.executor());
    callers.spawn(delete_first(alone, made[0]->id(), seen));
    co_await alone.world.time().sleep_for(100ms);
    callers.spawn(delete_second(alone, made[0]->id(), seen));
    co_await callers.join();
    CHECK(seen.second_code == errc::not_found);
    CHECK(*seen.second >= *seen.first);
    co_await alone.stop();
}

}  // namespace

namespace {

/// The report was on its way when the instance was condemned.
awaitable<> late_report(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const made = co_await alone.create_instances(workload, 1);
    reports first;
    first.proposals.push_back({made[0]->id(), node});
    co_await alone.report(std::move(first));
    co_await alone.world.time().sleep_for(1s);
    auto const bound = co_await alone.instances();
    auto const deleted = co_await alone.role->instances().remove(caller(), made[0]->id(), any_revision);
    REQUIRE(deleted.has_value());
    status_report said{.instance = made[0]->id(), .fence = bound.at(0)->binding()->fence};
    said.status = {.state = instance_state::running, .reason = "Started", .message = "all containers run", .seq = 5};
    said.status.ready = true;
    said.status.ready_since = alone.world.time().wall();
    said.status.containers.push_back({.name = "web", .reason = "ContainerCreating", .message = "is being prepared"});
    reports second;
    second.states.push_back(std::move(said));
    co_await alone.report(std::move(second));
    co_await alone.world.time().sleep_for(1s);
    auto const after = co_await alone.instances();
    REQUIRE(after.size() == 1);
    CHECK(after[0]->status().seq == 5);
    CHECK(after[0]->state() == instance_state::destroying);
    CHECK_FALSE(after[0]->status().ready);
    CHECK_FALSE(after[0]->status().ready_since.has_value());
    CHECK(after[0]->status().containers.at(0).reason == "PodDeleted");
    co_await alone.stop();
}

}  // namespace

namespace {

/// So many bound instances that their news fill what may wait for the disk, but for less than one slice.
constexpr std::size_t full_count = 33'300;

reports all_say(std::vector<stored<instance>> const& rows, std::uint64_t seq, std::size_t count) {
    reports news;
    for (auto const& row : rows) {
        if (news.states.size() == count) break;
        status_report said{.instance = row->id(), .fence = row->binding()->fence};
        said.status = {.state = instance_state::creating, .reason = "Round" + std::to_string(seq), .seq = seq};
        news.states.push_back(std::move(said));
    }
    return news;
}

/// The session is over as soon as somebody has something to send.
awaitable<> ask_for_a_log(lone_primary& alone, instance_id of) {
    container_log_request what{.instance = of};
    auto const log = co_await alone.role->streams().open_container_log(caller(), std::move(what));
    CHECK_FALSE(log.has_value());
}

/// A report of an old session waits for the disk, and the same of the new session behind it.
awaitable<> old_news_wait(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const waiting = co_await alone.create_instances(workload, 10'000);
    reports first;
    for (auto const& row : waiting) first.proposals.push_back({row->id(), node});
    co_await alone.report(std::move(first));
    co_await alone.world.time().sleep_for(10s);
    auto const bound = co_await alone.instances();
    alone.disk->flush_time = 1h;
    std::uint64_t seq = 0;
    for (std::size_t left = full_count; left > 0;) {
        auto const count = std::min(left, bound.size());
        co_await alone.report(all_say(bound, ++seq, count));
        left -= count;
    }
    reports old;
    for (int i = 0; i < 100; ++i) old.nodes.push_back({node, true, std::nullopt});
    old.nodes.push_back({node, false, std::nullopt});
    co_await alone.report(std::move(old));
    co_await alone.world.time().sleep_for(1min);
    alone.scheduler.session->close();
    auto const sessions = alone.scheduler.session_count;
    task_group users(alone.world.executor());
    users.spawn(ask_for_a_log(alone, bound[0]->id()));
    co_await alone.world.time().sleep_for(5s);  // less than a scheduler may report nothing
    REQUIRE(alone.scheduler.session_count == sessions + 1);
    reports now;
    now.nodes.push_back({node, true, std::nullopt});
    co_await alone.report(std::move(now));
    co_await users.join();
    alone.disk->flush_time = 1ms;
    co_await alone.world.time().sleep_for(2h);
    auto const after = co_await alone.role->nodes().list(caller(), page());
    REQUIRE(after->rows.size() == 1);
    CHECK(after->rows[0]->state == node_state::ready);
    event_filter of{.object_id = node.text()};
    auto const events = co_await alone.role->events().list(caller(), of);
    for (auto const& row : events->rows) CHECK(parse_event(*row)->reason != "NodeUnheard");
    co_await alone.stop();
}

}  // namespace

TEST_CASE("what an older session has said is dropped when a newer one begins meanwhile", "[sim][primary]") {
    simulate(old_news_wait);
}

TEST_CASE("an instance that is being removed does not become ready by a late report", "[sim][primary]") {
    simulate(late_report);
}

TEST_CASE("what a node says is kept as UTF-8 of bounded length", "[sim][primary]") { simulate(reports_of_odd_text); }
TEST_CASE("an event tells why an instance waits, not on how many nodes", "[sim][primary]") {
    simulate(waits_for_the_same);
}
TEST_CASE("what is not found because of a change is told when that is durable", "[sim][primary]") {
    simulate(deleted_twice);
}
TEST_CASE("many instances that fit nowhere do not push out the story of others", "[sim][primary]") {
    simulate(flooded_with_events);
}
TEST_CASE("of many events at once the newest are there soon, and an orderly stop loses none", "[sim][primary]") {
    simulate(many_made_at_once);
}
TEST_CASE("an object that tells a lot keeps the newest", "[sim][primary]") { simulate(one_that_tells_a_lot); }
TEST_CASE("what happens again is one event that counts", "[sim][primary]") { simulate(a_node_that_comes_and_goes); }
