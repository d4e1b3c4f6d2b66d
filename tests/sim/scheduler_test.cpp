// A scheduler alone: the test is its primary, and its nodes.
#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/sim/world.hpp>

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <memory>
#include <utility>
#include <vector>

using namespace rik;
using namespace std::chrono_literals;

namespace {

/// Use it inside of `simulate`.
class lone_scheduler {
public:
    explicit lone_scheduler(sim::world& in)
        : world(in),
          cluster(cluster_id::generate(in.random())),
          primaries_(in.executor()),
          nodes_(in.executor()),
          role_(in.executor(), {in.time(), primaries_, nodes_}, {}),
          tasks_(in.executor()) {
        role_.start();
    }

    awaitable<> connect_primary(facts all) {
        auto link = co_await primaries_.connect();
        REQUIRE(link.has_value());
        primary_ = std::move(*link);
        tasks_.spawn(hear_reports(primary_));
        all.complete = true;
        all.everything = true;
        co_await tell(std::move(all));
    }
    awaitable<> tell(facts news) {
        news.at = ++at_;
        news.complete = true;
        news.cluster = cluster;
        news.cluster_cidr = "10.210.0.0/16";
        auto const sent = co_await primary_->send(std::move(news));
        REQUIRE(sent.has_value());
    }
    awaitable<std::shared_ptr<uplink_session>> connect_node() {
        auto link = co_await nodes_.connect();
        REQUIRE(link.has_value());
        std::shared_ptr<uplink_session> session = std::move(*link);
        tasks_.spawn(hear_orders(session));
        co_return session;
    }
    awaitable<> stop() {
        co_await role_.stop();
        co_await tasks_.stop();
    }

    sim::world& world;
    cluster_id cluster;
    std::vector<status_report> states;  ///< what the primary was told
    std::vector<orders> ordered;        ///< what any node was told

private:
    awaitable<> hear_reports(std::shared_ptr<scheduler_session> from) {
        for (;;) {
            auto news = co_await from->receive();
            if (!news) co_return;
            for (auto& each : news->states) states.push_back(std::move(each));
        }
    }
    awaitable<> hear_orders(std::shared_ptr<uplink_session> from) {
        for (;;) {
            auto said = co_await from->receive();
            if (!said) co_return;
            ordered.push_back(std::move(*said));
        }
    }

    revision at_ = 100;
    std::shared_ptr<scheduler_session> primary_;
    local_primary_edge primaries_;
    local_node_edge nodes_;
    scheduler role_;
    task_group tasks_;  // last member: the tasks use everything above
};

from_node hello_of(node_id const& node) {
    hello said{.node = node, .facts = {.name = "node", .boot_id = {}, .version = "sim"}};
    return said;
}

from_node state_of(instance_id const& which, std::uint64_t seq, bool is_inventory) {
    held_instance one{.instance = which, .fence = 7};
    one.status = {.state = instance_state::running, .reason = "Started", .seq = seq};
    held said{.inventory = is_inventory};
    said.states.push_back(std::move(one));
    return said;
}

awaitable<> say(std::shared_ptr<uplink_session> on, from_node what) {
    auto const sent = co_await on->send(std::move(what));
    CHECK(sent.has_value());
}

/// The node has dialled again, and a message of its earlier session arrives with those of the new one.
awaitable<> two_sessions(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const which = instance_id::generate(alone.world.random());
    facts all;
    all.nodes.push_back({node, "10.210.0.0/24", "node"});
    co_await alone.connect_primary(std::move(all));
    auto const older = co_await alone.connect_node();
    co_await say(older, hello_of(node));
    co_await alone.world.time().sleep_for(1s);
    auto const newer = co_await alone.connect_node();
    co_await say(newer, hello_of(node));
    co_await say(newer, state_of(which, 7, false));
    co_await say(older, state_of(which, 6, false));
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.states.size() == 1);
    CHECK(alone.states[0].status.seq == 7);
    co_await alone.stop();
}

/// What it holds is bound by facts that are on their way.
awaitable<> inventory_of_a_stranger(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const which = instance_id::generate(alone.world.random());
    facts nothing;
    co_await alone.connect_primary(std::move(nothing));
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_of(node));
    co_await say(session, state_of(which, 6, true));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.ordered.empty());
    auto asked = std::make_shared<release>();
    asked->id = release_id::generate(alone.world.random());
    asked->definition = testing::written_pod("web");
    item bound{.instance = which, .want = item_want::run, .made_from = asked, .node = node, .fence = 7};
    facts news;
    news.nodes.push_back({node, "10.210.0.0/24", "node"});
    news.items.push_back(std::move(bound));
    co_await alone.tell(std::move(news));
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.ordered.size() >= 1);
    CHECK(alone.ordered[0].cluster == alone.cluster);
    CHECK(alone.ordered[0].send_inventory);
    for (auto const& each : alone.ordered)
        for (auto const& due : each.due) CHECK(due.run);
    co_await alone.stop();
}

void simulate(awaitable<> (*what)(lone_scheduler&)) {
    sim::world world(42);
    lone_scheduler alone(world);
    world.run(what(alone));
}

}  // namespace

TEST_CASE("what an older session of a node says is dropped when the newer one has begun", "[sim][scheduler]") {
    simulate(two_sessions);
}
TEST_CASE("a node is told nothing before its primary knows it", "[sim][scheduler]") {
    simulate(inventory_of_a_stranger);
}
