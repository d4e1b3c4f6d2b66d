// A scheduler alone: the test is its primary, and its nodes.
#include <rik/async/task_group.hpp>
#include <rik/link/local_link.hpp>
#include <rik/scheduler/scheduler.hpp>
#include <rik/sim/world.hpp>

#include <sim/faulty_edge_detail.hpp>
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
    explicit lone_scheduler(sim::world& in, duration unheard_after = limits::unheard_after,
                            batch_limits batch = batch_limits())
        : world(in),
          cluster(cluster_id::generate(in.random())),
          primaries_(in.executor()),
          nodes_(in.executor()),
          role_(in.executor(), {in.time(), primaries_, nodes_}, {.unheard_after = unheard_after, .batch = batch}),
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
    /// Nobody takes what is reported.
    awaitable<> connect_deaf_primary(facts all) {
        auto link = co_await primaries_.connect();
        REQUIRE(link.has_value());
        primary_ = std::move(*link);
        all.everything = true;
        co_await tell(std::move(all));
    }
    void disconnect_primary() {
        primary_->close();
        primary_.reset();
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
    /// Where nodes dial.
    connector<uplink_session>& door() { return nodes_; }
    awaitable<> stop() {
        co_await role_.stop();
        co_await tasks_.stop();
    }

    sim::world& world;
    cluster_id cluster;
    std::vector<status_report> states;  ///< what the primary was told
    std::vector<node_report> nodes;     ///< the same
    std::vector<orders> ordered;        ///< what any node was told

    std::size_t inventory_count() const {
        std::size_t count = 0;
        for (auto const& each : ordered) count += each.send_inventory ? 1 : 0;
        return count;
    }
    std::vector<order> due() const {
        std::vector<order> all;
        for (auto const& each : ordered) all.insert(all.end(), each.due.begin(), each.due.end());
        return all;
    }
    std::vector<std::string> refusals() const {
        std::vector<std::string> all;
        for (auto const& each : ordered)
            if (!each.refusal.empty()) all.push_back(each.refusal);
        return all;
    }
    revision at() const { return at_; }
    void skip_revisions(revision count) { at_ += count; }

private:
    awaitable<> hear_reports(std::shared_ptr<scheduler_session> from) {
        for (;;) {
            auto news = co_await from->receive();
            if (!news) co_return;
            for (auto& each : news->states) states.push_back(std::move(each));
            for (auto& each : news->nodes) nodes.push_back(std::move(each));
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

/// A node with one instance, of which its primary has `state` and `seq`.
facts one_bound(lone_scheduler& alone, node_id const& node, instance_id const& which, std::uint64_t seq) {
    auto asked = std::make_shared<release>();
    asked->id = release_id::generate(alone.world.random());
    asked->definition = testing::written_pod("web");
    item bound{.instance = which, .want = item_want::run, .made_from = asked, .node = node, .fence = 7};
    bound.state = instance_state::running;
    bound.seq = seq;
    facts all;
    all.nodes.push_back({node, "10.210.0.0/24", "node"});
    all.items.push_back(std::move(bound));
    return all;
}

held_digest digest_of(instance_id const& which, std::uint64_t seq) {
    held_digest sum;
    sum.add(which, {7, instance_state::running, seq});
    return sum;
}

from_node hello_with(node_id const& node, held_digest const& digest) {
    auto said = std::get<hello>(hello_of(node));
    said.features.emplace_back(link_feature::digests);
    said.digest = digest;
    return said;
}

from_node beat_with(held_digest const& digest) {
    held said;
    said.digest = digest;
    return said;
}

struct bound_one {
    node_id node;
    instance_id which;
};

/// The primary knows a node and an instance that runs there, with seq 3.
awaitable<bound_one> bind_one(lone_scheduler& alone) {
    bound_one made{node_id::generate(alone.world.random()), instance_id::generate(alone.world.random())};
    co_await alone.connect_primary(one_bound(alone, made.node, made.which, 3));
    co_return made;
}

/// What it holds is what the primary believes.
awaitable<> equal_digests(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 3)));
    for (int i = 0; i < 10; ++i) {
        co_await alone.world.time().sleep_for(1s);
        co_await say(session, beat_with(digest_of(known.which, 3)));
    }
    CHECK(alone.inventory_count() == 0);
    CHECK(alone.due().empty());
    co_await alone.stop();
}

/// At its hello, and then at its beats: the first may only be news on its way.
awaitable<> unequal_digests(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 4)));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.inventory_count() == 1);
    held all{.inventory = true};
    all.digest = digest_of(known.which, 3);
    co_await say(session, std::move(all));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.due().size() == 1);  // it was not in the inventory
    co_await say(session, beat_with(held_digest()));
    co_await say(session, beat_with(digest_of(known.which, 3)));
    co_await say(session, beat_with(held_digest()));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.inventory_count() == 1);
    co_await say(session, beat_with(held_digest()));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.inventory_count() == 2);
    co_await alone.stop();
}

/// While no primary was there it said something: the next one is told.
awaitable<> digest_after_a_primary(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 3)));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.inventory_count() == 0);
    alone.disconnect_primary();
    co_await alone.world.time().sleep_for(1s);
    co_await say(session, beat_with(digest_of(known.which, 4)));
    co_await alone.connect_primary(one_bound(alone, known.node, known.which, 3));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.inventory_count() == 1);
    co_await alone.stop();
}

/// The wish reaches its node at once, and again in each session, until the primary knows that it was obeyed.
awaitable<> restarted_in_place(lone_scheduler& alone) {
    bound_one const known{node_id::generate(alone.world.random()), instance_id::generate(alone.world.random())};
    auto all = one_bound(alone, known.node, known.which, 3);
    auto wish = all.items.front();
    co_await alone.connect_primary(std::move(all));
    auto session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 3)));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.due().empty());
    auto const tell = [&](std::uint32_t restarts) {
        wish.restarts = restarts;
        facts news;
        news.items.push_back(wish);
        return alone.tell(std::move(news));
    };
    co_await tell(1);
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.due().size() == 1);
    CHECK(alone.due()[0].run);
    CHECK(alone.due()[0].restarts == 1);

    session->close();  // it may not have heard it; what it holds is what the primary believes
    session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 3)));
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.due().size() == 2);
    CHECK(alone.due()[1].restarts == 1);
    CHECK(alone.inventory_count() == 0);

    co_await tell(0);
    session->close();
    session = co_await alone.connect_node();
    co_await say(session, hello_with(known.node, digest_of(known.which, 3)));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.due().size() == 2);
    co_await alone.stop();
}

/// In each session, although the digests are the same; and as the primary says it, whatever boot the node names.
awaitable<> permitted_again(lone_scheduler& alone) {
    bound_one const known{node_id::generate(alone.world.random()), instance_id::generate(alone.world.random())};
    auto all = one_bound(alone, known.node, known.which, 3);
    auto& one = all.items.front();
    one.permitted_boot = "boot-1";
    auto permit = one;
    co_await alone.connect_primary(std::move(all));
    auto said = std::get<hello>(hello_with(known.node, digest_of(known.which, 3)));
    said.facts.boot_id = "boot-2";
    for (std::size_t i = 0; i < 2; ++i) {
        auto const session = co_await alone.connect_node();
        co_await say(session, said);
        co_await alone.world.time().sleep_for(1s);
        REQUIRE(alone.due().size() == i + 1);
        CHECK(alone.due()[i].permitted_boot == "boot-1");
        CHECK(alone.inventory_count() == 0);
        if (i == 0) session->close();
    }
    permit.permitted_boot = "boot-2";
    facts news;
    news.items.push_back(permit);
    co_await alone.tell(std::move(news));
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.due().size() == 3);
    CHECK(alone.due()[2].permitted_boot == "boot-2");
    co_await alone.stop();
}

awaitable<> send_if_heard(std::shared_ptr<uplink_session> on, from_node what) {
    auto const sent = co_await on->send(std::move(what));
    (void)sent;  // the session has ended: the next one begins with a hello
}

/// A node that obeys restarts in place, and remembers what it has obeyed.
class obeying_node {
public:
    obeying_node(sim::world& in, connector<uplink_session>& to, bound_one const& what)
        : world_(in), to_(to), what_(what) {}

    awaitable<> run() {
        for (;;) {
            auto link = co_await to_.connect();
            if (!link) {
                co_await world_.time().sleep_for(500ms);
                continue;
            }
            session_ = std::move(*link);
            auto greeting = hello_with(what_.node, digest());
            co_await send_if_heard(session_, std::move(greeting));
            co_await serve();
        }
    }
    awaitable<> beat() {
        for (;;) {
            co_await world_.time().sleep_for(1s);
            if (session_) co_await send_if_heard(session_, beat_with(digest()));
        }
    }

    std::uint32_t obeyed = 0;
    std::uint32_t restart_count = 0;

private:
    held_digest digest() const { return digest_of(what_.which, seq_); }

    awaitable<> serve() {
        for (;;) {
            auto const told = co_await session_->receive();
            if (!told) co_return;
            auto const has_changed = obey(*told);
            if (has_changed || told->send_inventory) co_await send_if_heard(session_, status(told->send_inventory));
        }
    }
    bool obey(orders const& told) {
        auto const before = seq_;
        for (auto const& each : told.due) {
            CHECK(each.run);
            if (each.instance != what_.which || each.restarts <= obeyed) continue;
            obeyed = each.restarts;
            ++restart_count;
            ++seq_;
        }
        return seq_ != before;
    }
    from_node status(bool is_inventory) const {
        auto said = std::get<held>(state_of(what_.which, seq_, is_inventory));
        said.digest = digest();
        said.states.front().status.restarts = obeyed;
        return said;
    }

    sim::world& world_;
    connector<uplink_session>& to_;
    bound_one what_;
    std::uint64_t seq_ = 3;
    std::shared_ptr<uplink_session> session_;
};

using node_wire = sim::faulty_edge<from_node, orders>;

awaitable<> break_again_and_again(sim::world& in, sim::line& on, node_wire& wire) {
    auto const some_time = [&in] { return std::chrono::milliseconds(in.random().below(6'000)); };
    for (;;) {
        co_await in.time().sleep_for(some_time());
        auto const is_cut = in.random().below(2) == 0;
        on.become(is_cut ? sim::line::condition::cut : sim::line::condition::silent);
        is_cut ? wire.cut() : wire.silence();
        co_await in.time().sleep_for(some_time());
        on.become(sim::line::condition::up);
        wire.mend();
    }
}

/// Plays the primary of one instance: it asks, and asks on until a status has come that obeys.
awaitable<> ask_until_obeyed(lone_scheduler& alone, item& wish, std::uint32_t number) {
    wish.restarts = number;
    facts asked;
    asked.items.push_back(wish);
    co_await alone.tell(std::move(asked));
    auto const newest = [&alone] { return alone.states.empty() ? instance_status() : alone.states.back().status; };
    auto const give_up_at = alone.world.time().now() + 10min;
    while (newest().restarts < number && alone.world.time().now() < give_up_at)
        co_await alone.world.time().sleep_for(100ms);
    REQUIRE(newest().restarts >= number);
    wish.seq = newest().seq;
    wish.restarts = 0;
    facts done;
    done.items.push_back(wish);
    co_await alone.tell(std::move(done));
}

/// Whatever is lost on the way, in either direction: each wish is obeyed, and none twice.
awaitable<> restarted_over_bad_lines(lone_scheduler& alone) {
    constexpr std::uint32_t wishes_count = 40;
    bound_one const known{node_id::generate(alone.world.random()), instance_id::generate(alone.world.random())};
    auto all = one_bound(alone, known.node, known.which, 3);
    auto wish = all.items.front();
    co_await alone.connect_primary(std::move(all));
    sim::line line;
    node_wire wire(alone.world, alone.door(), line, 20ms);
    obeying_node node(alone.world, wire, known);
    task_group others(alone.world.executor());
    others.spawn(node.run());
    others.spawn(node.beat());
    others.spawn(break_again_and_again(alone.world, line, wire));
    for (std::uint32_t number = 1; number <= wishes_count; ++number) {
        co_await ask_until_obeyed(alone, wish, number);
        co_await alone.world.time().sleep_for(std::chrono::milliseconds(alone.world.random().below(3'000)));
    }
    CHECK(node.obeyed == wishes_count);
    CHECK(node.restart_count == wishes_count);
    co_await others.stop();
    co_await wire.stop();
    co_await alone.stop();
}

awaitable<> inventory_in_parts(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_of(known.node));
    auto const stranger = instance_id::generate(alone.world.random());
    auto first = std::get<held>(state_of(stranger, 6, true));
    first.complete = false;
    co_await say(session, std::move(first));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.due().empty());
    co_await say(session, state_of(known.which, 3, true));
    co_await alone.world.time().sleep_for(1s);
    REQUIRE(alone.due().size() == 1);
    CHECK(alone.due()[0].instance == stranger);
    CHECK_FALSE(alone.due()[0].run);
    co_await alone.stop();
}

awaitable<> node_ahead(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    for (auto const floor : {alone.at() + 1, alone.at()}) {
        auto const session = co_await alone.connect_node();
        auto said = std::get<hello>(hello_of(known.node));
        said.floor = floor;
        co_await say(session, std::move(said));
        co_await alone.world.time().sleep_for(1s);
        CHECK(alone.inventory_count() == (floor > alone.at() ? 0 : 1));
    }
    REQUIRE(alone.refusals().size() == 1);
    CHECK(alone.refusals()[0].find("behind") != std::string::npos);
    co_await alone.stop();
}

/// It waits for the first facts, and is refused then.
awaitable<> node_ahead_of_all(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const session = co_await alone.connect_node();
    auto said = std::get<hello>(hello_of(node));
    said.floor = 1'000'000;
    co_await say(session, std::move(said));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.ordered.empty());
    co_await alone.connect_primary(one_bound(alone, node, instance_id::generate(alone.world.random()), 3));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.refusals().size() == 1);
    CHECK(alone.due().empty());
    co_await alone.stop();
}

awaitable<> other_versions(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    for (auto const version : {link_protocol - 1, link_protocol, link_protocol + 1, link_protocol + 2}) {
        auto const session = co_await alone.connect_node();
        auto said = std::get<hello>(hello_of(known.node));
        said.protocol_version = version;
        co_await say(session, std::move(said));
        co_await alone.world.time().sleep_for(1s);
    }
    CHECK(alone.inventory_count() == 3);
    REQUIRE(alone.refusals().size() == 1);
    CHECK(alone.refusals()[0].find("version " + std::to_string(link_protocol + 2)) != std::string::npos);
    CHECK(alone.refusals()[0].find("version " + std::to_string(link_protocol) + ":") != std::string::npos);
    co_await alone.stop();
}

/// Each is found at its own time, and how often it must beat follows from that.
awaitable<> silence_is_tunable(lone_scheduler& alone) {
    auto const known = co_await bind_one(alone);
    auto const session = co_await alone.connect_node();
    co_await say(session, hello_of(known.node));
    co_await alone.world.time().sleep_for(500ms);
    CHECK(alone.ordered.at(0).beat_period <= 1s);
    co_await say(session, beat_with(held_digest()));
    auto const heard_at = alone.world.time().now();
    co_await alone.world.time().sleep_for(2990ms);
    for (auto const& each : alone.nodes) CHECK(each.heard);
    co_await alone.world.time().sleep_for(20ms);
    REQUIRE_FALSE(alone.nodes.empty());
    CHECK_FALSE(alone.nodes.back().heard);
    CHECK(alone.world.time().now() - heard_at < 4s);
    co_await alone.stop();
}

void simulate(awaitable<> (*what)(lone_scheduler&)) {
    sim::world world(42);
    lone_scheduler alone(world);
    world.run(what(alone));
}

/// Its revisions are above the fences of what runs here: by the rule of orphans all of it would go.
awaitable<> foreign_primary(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const which = instance_id::generate(alone.world.random());
    auto all = one_bound(alone, node, which, 1);
    co_await alone.connect_primary(std::move(all));
    auto const session = co_await alone.connect_node();
    auto greeting = hello_of(node);
    co_await say(session, std::move(greeting));
    auto holding = state_of(which, 1, true);
    co_await say(session, std::move(holding));
    co_await alone.world.time().sleep_for(1s);
    alone.disconnect_primary();
    alone.ordered.clear();
    auto const ours = std::exchange(alone.cluster, cluster_id::generate(alone.world.random()));
    facts theirs;
    theirs.nodes.push_back({node, "10.210.0.0/24", "node"});
    alone.skip_revisions(1'000);
    co_await alone.connect_primary(std::move(theirs));
    co_await alone.world.time().sleep_for(30s);
    CHECK(alone.due().empty());
    alone.cluster = ours;
    auto again = one_bound(alone, node, which, 1);
    co_await alone.connect_primary(std::move(again));
    co_await alone.world.time().sleep_for(1s);
    for (auto const& each : alone.due()) CHECK(each.run);
    co_await alone.stop();
}

/// It has come before the scheduler knew which cluster it serves.
awaitable<> foreign_node(lone_scheduler& alone) {
    auto const session = co_await alone.connect_node();
    hello greeting{.node = node_id::generate(alone.world.random()),
                   .facts = {.name = "node", .boot_id = {}, .version = "sim"}};
    greeting.cluster = cluster_id::generate(alone.world.random());
    from_node first = std::move(greeting);
    co_await say(session, std::move(first));
    co_await alone.world.time().sleep_for(1s);
    facts nothing;
    co_await alone.connect_primary(std::move(nothing));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.nodes.empty());
    REQUIRE(alone.refusals().size() == 1);
    CHECK(alone.refusals()[0].find("cluster") != std::string::npos);
    co_await alone.stop();
}

/// The same identity on two machines at once: the second one must not obey what is meant for the first.
awaitable<> copied_node(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    facts all;
    all.nodes.push_back({node, "10.210.0.0/24", "node"});
    co_await alone.connect_primary(std::move(all));
    std::vector<std::shared_ptr<uplink_session>> sessions;
    for (auto const* const boot : {"one", "other"}) {
        auto session = co_await alone.connect_node();
        sessions.push_back(std::move(session));
        hello greeting{.node = node, .facts = {.name = "node", .boot_id = boot, .version = "sim"}};
        from_node first = std::move(greeting);
        co_await say(sessions.back(), std::move(first));
        co_await alone.world.time().sleep_for(1s);
    }
    REQUIRE(alone.refusals().size() == 1);
    CHECK(alone.refusals()[0].find("another machine of the same identity") == 0);
    auto beat = state_of(instance_id::generate(alone.world.random()), 1, false);
    co_await say(sessions[0], std::move(beat));  // the first goes on
    co_await alone.stop();
}

awaitable<> slander(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const other = node_id::generate(alone.world.random());
    auto const which = instance_id::generate(alone.world.random());
    auto all = one_bound(alone, node, which, 1);
    all.nodes.push_back({other, "10.210.1.0/24", "other"});
    co_await alone.connect_primary(std::move(all));
    auto const session = co_await alone.connect_node();
    auto greeting = hello_of(other);
    co_await say(session, std::move(greeting));
    auto lie = state_of(which, 9, false);
    co_await say(session, std::move(lie));
    co_await alone.world.time().sleep_for(1s);
    CHECK(alone.states.empty());
    co_await alone.stop();
}

/// Says hello for a node that the primary knows.
awaitable<std::shared_ptr<uplink_session>> join(lone_scheduler& alone, node_id node) {
    auto session = co_await alone.connect_node();
    auto greeting = hello_of(node);
    co_await say(session, std::move(greeting));
    co_await alone.world.time().sleep_for(100ms);
    co_return session;
}

/// Sends what is new to anybody until it has sent all, or is cut off. Returns how many were sent.
awaitable<std::size_t> flood(lone_scheduler& alone, std::shared_ptr<uplink_session> over, held how, std::size_t count) {
    constexpr std::size_t in_one = 10'000;
    for (std::size_t sent = 0; sent < count; sent += in_one) {
        auto said = how;
        for (std::size_t i = 0; i < in_one; ++i)
            said.states.push_back({.instance = instance_id::generate(alone.world.random()), .fence = 7, .status = {}});
        from_node part = std::move(said);
        auto const done = co_await over->send(std::move(part));
        if (!done) co_return sent;
        co_await alone.world.time().sleep_for(10ms);
    }
    co_return count;
}

awaitable<> endless_inventory(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    facts all;
    all.nodes.push_back({node, "10.210.0.0/24", "node"});
    co_await alone.connect_primary(std::move(all));
    auto const session = co_await join(alone, node);
    held part{.inventory = true, .complete = false};
    auto const sent = co_await flood(alone, session, part, 3 * limits::inventory_count_max);
    CHECK(sent > limits::inventory_count_max);
    CHECK(sent < 2 * limits::inventory_count_max);
    auto const again = co_await join(alone, node);  // with another inventory it is welcome
    held whole{.inventory = true};
    auto const taken = co_await flood(alone, again, whole, 10'000);
    CHECK(taken == 10'000);
    co_await alone.stop();
}

awaitable<> words_about_nobody(lone_scheduler& alone) {
    auto const node = node_id::generate(alone.world.random());
    auto const other = node_id::generate(alone.world.random());
    auto const which = instance_id::generate(alone.world.random());
    auto all = one_bound(alone, node, which, 1);
    all.nodes.push_back({other, "10.210.1.0/24", "other"});
    co_await alone.connect_deaf_primary(std::move(all));
    auto const honest = co_await join(alone, node);
    auto const liar = co_await join(alone, other);
    held some;
    auto const sent = co_await flood(alone, liar, some, 3 * limits::unknown_reports_count_max);
    CHECK(sent > limits::unknown_reports_count_max);
    CHECK(sent < 2 * limits::unknown_reports_count_max);
    for (std::uint64_t seq = 2; seq < 5; ++seq) {  // what is known still goes through
        auto word = state_of(which, seq, false);
        co_await say(honest, std::move(word));
        co_await alone.world.time().sleep_for(10ms);
    }
    co_await alone.stop();
}

}  // namespace

TEST_CASE("a node that says it holds more than a node may is cut off", "[sim][scheduler]") {
    simulate(endless_inventory);
}
TEST_CASE("a node that tells of too many instances that nobody knows is cut off, and no other", "[sim][scheduler]") {
    sim::world world(42);
    lone_scheduler alone(world, limits::unheard_after, {.items_max = 1});
    world.run(words_about_nobody(alone));
}
TEST_CASE("what an older session of a node says is dropped when the newer one has begun", "[sim][scheduler]") {
    simulate(two_sessions);
}
TEST_CASE("a node is told nothing before its primary knows it", "[sim][scheduler]") {
    simulate(inventory_of_a_stranger);
}
TEST_CASE("a node whose digest is what the primary believes is asked for nothing", "[sim][scheduler]") {
    simulate(equal_digests);
}
TEST_CASE("a node whose digest stays another is asked for its inventory", "[sim][scheduler]") {
    simulate(unequal_digests);
}
TEST_CASE("what a node said while no primary was there is asked for when one is", "[sim][scheduler]") {
    simulate(digest_after_a_primary);
}
TEST_CASE("a restart in place is ordered in each session until it is obeyed", "[sim][scheduler]") {
    simulate(restarted_in_place);
}
TEST_CASE("a permit is passed on in each session as the primary gave it", "[sim][scheduler]") {
    simulate(permitted_again);
}
TEST_CASE("a restart in place is obeyed once, whatever is lost on the way", "[sim][scheduler]") {
    simulate(restarted_over_bad_lines);
}
TEST_CASE("an inventory is decided on when its last part is there", "[sim][scheduler]") {
    simulate(inventory_in_parts);
}
TEST_CASE("a node that has obeyed more than the scheduler knows is refused", "[sim][scheduler]") {
    simulate(node_ahead);
    simulate(node_ahead_of_all);
}
TEST_CASE("neighbouring versions work together, and others are refused by name", "[sim][scheduler]") {
    simulate(other_versions);
}
TEST_CASE("a primary of another cluster is refused, and nothing is destroyed for it", "[sim][scheduler]") {
    simulate(foreign_primary);
}
TEST_CASE("a node of another cluster is not reported, also when it came first", "[sim][scheduler]") {
    simulate(foreign_node);
}
TEST_CASE("a copy of a node on another machine is refused while the first is heard", "[sim][scheduler]") {
    simulate(copied_node);
}
TEST_CASE("what a node tells of another one's instances is not passed on", "[sim][scheduler]") { simulate(slander); }
TEST_CASE("how long a node may be silent can be set", "[sim][scheduler]") {
    sim::world world(42);
    lone_scheduler alone(world, 3s);
    world.run(silence_is_tunable(alone));
}
