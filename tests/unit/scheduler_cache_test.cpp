#include <scheduler/cache_detail.hpp>

#include <support/catch.hpp>
#include <support/placement_maker.hpp>

using namespace rik;
using namespace rik::testing;

namespace {

auto const node_one = numbered<node_id>(1);

item waiting(unsigned number, release_ptr asked) {
    return {.instance = numbered<instance_id>(number), .want = item_want::place, .made_from = std::move(asked)};
}

item bound(item from, revision fence) {
    from.want = item_want::run;
    from.node = node_one;
    from.fence = fence;
    return from;
}

/// A cache of a cluster with one node of two cores, and what is placed at once.
struct fixture {
    detail::scheduler_cache cache;
    release_ptr one_core = make_release(1, 1000);
    revision at = 10;

    fixture() {
        apply({.everything = true, .nodes = {{node_one, "10.0.0.0/24"}}});
        cache.set_node(node_one, make_facts("n1", 2000));
        cache.set_ready(node_one, true);
    }
    std::vector<item> apply(facts news) {
        news.at = ++at;
        return cache.apply(news);
    }
    placement place(std::size_t count_max = 100) { return cache.place(count_max); }
};

}  // namespace

TEST_CASE("what a node says of its load moves the next instance, and lasts while it connects anew") {
    fixture on;
    auto const node_two = numbered<node_id>(2);
    on.cache.set_node(node_two, make_facts("n2", 2000));
    on.cache.set_ready(node_two, true);
    (void)on.place();
    on.cache.set_load(node_one,
                      {.cpu_total = 2, .cpu_free_percent = 10, .memory_total_bytes = 100, .memory_free_bytes = 90});
    CHECK_FALSE(on.cache.has_undecided());  // what fits nowhere does not fit because of it
    on.cache.set_load(node_two,
                      {.cpu_total = 2, .cpu_free_percent = 90, .memory_total_bytes = 100, .memory_free_bytes = 90});
    on.cache.set_node(node_one, make_facts("n1", 2000));
    on.cache.set_ready(node_one, true);
    on.apply({.items = {waiting(1, make_release(1, 100))}});
    auto const decided = on.place();
    REQUIRE(decided.placed.size() == 1);
    CHECK(decided.placed[0].node == node_two);
}

TEST_CASE("an open proposal holds room until it is bound, refused or gone") {
    fixture on;
    on.apply({.items = {waiting(1, on.one_core), waiting(2, on.one_core), waiting(3, on.one_core)}});
    auto const first = on.place();
    CHECK(first.placed.size() == 2);
    REQUIRE(first.unplaced.size() == 1);
    CHECK(first.unplaced[0].reason == "not enough cpu (1 node: n1; asked 1, most free 0 of 2 on n1)");
    CHECK_FALSE(on.cache.has_undecided());

    auto const due = on.apply({.items = {bound(waiting(1, on.one_core), 5)}});
    CHECK(due.size() == 1);
    CHECK(on.place().placed.empty());
    on.apply({.removed = {numbered<instance_id>(2)}});
    auto const second = on.place();
    REQUIRE(second.placed.size() == 1);
    CHECK(second.placed[0].instance == numbered<instance_id>(3));
}

TEST_CASE("the echo of a pending instance's own report is no refusal") {
    fixture on;
    on.apply({.items = {waiting(1, on.one_core)}});
    CHECK(on.place().placed.size() == 1);
    on.apply({.items = {waiting(1, on.one_core)}});
    CHECK_FALSE(on.cache.has_undecided());
    on.apply({.items = {waiting(2, on.one_core), waiting(3, on.one_core)}});
    CHECK(on.place().placed.size() == 1);  // the room of the first is still held
}

TEST_CASE("a refused proposal gives its room back and is tried again only when told so") {
    fixture on;
    on.apply({.items = {waiting(1, on.one_core)}});
    CHECK(on.place().placed.size() == 1);
    on.apply({.refused = {numbered<instance_id>(1)}});
    CHECK(on.place().placed.empty());
    on.cache.retry_refused();
    CHECK(on.place().placed.size() == 1);
}

TEST_CASE("a reason is told once, and again when its causes change") {
    fixture on;
    on.apply({.items = {waiting(1, make_release(2, 9000))}});
    CHECK(on.place().unplaced.size() == 1);
    on.cache.set_node(numbered<node_id>(2), make_facts("n2", 1000));
    on.cache.set_ready(numbered<node_id>(2), true);
    CHECK(on.cache.has_undecided());
    CHECK(on.place().unplaced.empty());  // not enough cpu, now on two nodes
    on.cache.set_ready(numbered<node_id>(2), false);
    auto const told = on.place();
    REQUIRE(told.unplaced.size() == 1);
    CHECK(told.unplaced[0].causes == std::vector<std::string_view>{"node is not ready", "not enough cpu"});
}

TEST_CASE("a reason names who has the host port, and is told again when somebody else has it") {
    fixture on;
    auto holder = bound(waiting(1, make_release(1, 10, 8080)), 5);
    holder.name = "web-1";
    holder.workload = "web";
    on.apply({.items = {holder, waiting(2, make_release(2, 10, 8080))}});
    auto const first = on.place();
    REQUIRE(first.unplaced.size() == 1);
    CHECK(first.unplaced[0].reason.find("8080/TCP on n1 by instance web-1 of workload web") != std::string::npos);
    auto heir = bound(waiting(3, make_release(1, 10, 8080)), 6);
    heir.name = "web-2";
    on.apply({.items = {heir}, .removed = {numbered<instance_id>(1)}});
    auto const second = on.place();
    REQUIRE(second.unplaced.size() == 1);
    CHECK(second.unplaced[0].reason.find("by instance web-2") != std::string::npos);
}

TEST_CASE("of those that ask for the same one is tried, and each hears the reason once") {
    fixture on;
    facts news;
    for (unsigned i = 1; i <= 5; ++i) news.items.push_back(waiting(i, make_release(i, 9000)));
    on.apply(news);
    auto const first = on.place(3);
    REQUIRE(first.unplaced.size() == 1);
    CHECK(first.unplaced[0].instances.size() == 3);
    CHECK(on.cache.has_undecided());
    auto const second = on.place(3);
    REQUIRE(second.unplaced.size() == 1);
    CHECK(second.unplaced[0].instances == std::vector{numbered<instance_id>(4), numbered<instance_id>(5)});
    CHECK_FALSE(on.cache.has_undecided());

    on.apply({.items = {waiting(6, make_release(6, 9000))}});  // a late one hears it, the others have
    auto const third = on.place();
    REQUIRE(third.unplaced.size() == 1);
    CHECK(third.unplaced[0].instances == std::vector{numbered<instance_id>(6)});

    on.cache.set_node(numbered<node_id>(2), make_facts("n2", 18'000));
    on.cache.set_ready(numbered<node_id>(2), true);
    auto const last = on.place();
    REQUIRE(last.placed.size() == 2);
    CHECK(last.placed[0].instance == numbered<instance_id>(1));
    CHECK(last.placed[1].instance == numbered<instance_id>(2));
    CHECK(last.unplaced.empty());  // not enough cpu, as before
    on.apply({.removed = {numbered<instance_id>(3)}});
    CHECK_FALSE(on.cache.has_undecided());
}

TEST_CASE("what everything does not name is forgotten, in the middle of a session too") {
    fixture on;
    auto const bound_one = bound(waiting(1, make_release(1, 2000)), 5);
    on.apply({.items = {bound_one, waiting(2, on.one_core)}});
    CHECK(on.place().placed.empty());
    on.apply({.everything = true, .items = {waiting(2, on.one_core)}, .nodes = {{node_one, "10.0.0.0/24"}}});
    CHECK(on.place().placed.size() == 1);
    std::map<instance_id, revision> const inventory{{numbered<instance_id>(1), 5}};
    auto const due = on.cache.due(node_one, inventory);
    REQUIRE(due.size() == 1);
    CHECK_FALSE(due[0].run);
}

TEST_CASE("a node hears of an instance when it is bound and when it is condemned, not of each report") {
    fixture on;
    auto news = bound(waiting(1, on.one_core), 5);
    CHECK(on.apply({.items = {news}}).size() == 1);
    CHECK(on.apply({.items = {news}}).empty());
    news.occupies_room = false;  // it has finished
    CHECK(on.apply({.items = {news}}).empty());
    CHECK(on.cache.due(node_one, {}).empty());
    news.want = item_want::destroy;
    CHECK(on.apply({.items = {news}}).size() == 1);
}

TEST_CASE("a node hears that an instance is started again in place, and hears it again, until it obeys") {
    fixture on;
    auto news = bound(waiting(1, on.one_core), 5);
    on.apply({.items = {news}});
    CHECK(on.cache.due(node_one).empty());
    news.restarts = 2;
    auto const due = on.apply({.items = {news}});
    REQUIRE(due.size() == 1);
    CHECK(detail::scheduler_cache::order_for(due[0]).restarts == 2);
    news.seq = 9;  // its node tells something else
    CHECK(on.apply({.items = {news}}).empty());
    for (auto const& each : {on.cache.due(node_one), on.cache.due(node_one, {{news.instance, 5}})}) {
        REQUIRE(each.size() == 1);
        CHECK(each[0].run);
        CHECK(each[0].restarts == 2);
    }
    news.restarts = 3;
    CHECK(on.apply({.items = {news}}).size() == 1);
    news.restarts = 0;
    CHECK(on.apply({.items = {news}}).empty());
    CHECK(on.cache.due(node_one).empty());
    news.restarts = 4;
    CHECK(on.apply({.items = {news}}).size() == 1);
}

TEST_CASE("a permit is told at once, and again to a node that holds the instance, and never made here") {
    fixture on;
    auto news = bound(waiting(1, on.one_core), 5);
    news.permitted_boot = "boot-1";
    auto const first = on.apply({.items = {news}});
    REQUIRE(first.size() == 1);
    CHECK(detail::scheduler_cache::order_for(first[0]).permitted_boot == "boot-1");
    CHECK(on.apply({.items = {news}}).empty());
    news.permitted_boot = "boot-2";
    CHECK(on.apply({.items = {news}}).size() == 1);
    auto const held = on.cache.due(node_one);
    REQUIRE(held.size() == 1);
    CHECK(held[0].run);
    CHECK(held[0].permitted_boot == "boot-2");
    CHECK(held[0].made_from == nullptr);  // the node has its release
    auto const lacking = on.cache.due(node_one, {});
    REQUIRE_FALSE(lacking.empty());
    CHECK(lacking.back().permitted_boot == "boot-2");
    CHECK(lacking.back().made_from == on.one_core);
    news.permitted_boot.clear();
    CHECK(on.apply({.items = {news}}).empty());
    CHECK(on.cache.due(node_one).empty());
    news.permitted_boot = "boot-3";
    news.want = item_want::destroy;
    on.apply({.items = {news}});
    CHECK_FALSE(on.cache.due(node_one).front().run);
}

TEST_CASE("a turn decides about so many, those that have waited longest first") {
    fixture on;
    facts news;
    for (unsigned i = 1; i <= 5; ++i) news.items.push_back(waiting(6 - i, make_release(1, 10)));
    on.apply(news);
    auto const first = on.place(2);
    REQUIRE(first.placed.size() == 2);
    CHECK(first.placed[0].instance == numbered<instance_id>(5));
    CHECK(on.cache.has_undecided());
    CHECK(on.place(100).placed.size() == 3);
    CHECK_FALSE(on.cache.has_undecided());
}

TEST_CASE("after a new session of the primary everything pending is decided again") {
    fixture on;
    on.apply({.items = {waiting(1, make_release(1, 2000)), waiting(2, make_release(2, 9000))}});
    CHECK(on.place().placed.size() == 1);
    on.cache.forget_decisions();
    auto const again = on.place();
    CHECK(again.placed.size() == 1);
    CHECK(again.unplaced.size() == 1);
}

TEST_CASE("failures are held while nodes are awaited, and an absent node is said by name") {
    detail::scheduler_cache cache;
    facts news{.at = 1, .complete = true, .everything = true};
    news.items.push_back(waiting(1, make_release(1, 1000)));
    news.nodes.push_back({node_one, "10.0.0.0/24", "n1"});
    cache.apply(news);
    cache.mute_failures();
    CHECK(cache.place(100).unplaced.empty());
    CHECK_FALSE(cache.has_undecided());
    cache.tell_failures();
    CHECK(cache.has_undecided());
    auto const told = cache.place(100);
    REQUIRE(told.unplaced.size() == 1);
    CHECK(told.unplaced[0].reason == "node is not ready (1 node: n1)");
    cache.set_node(node_one, make_facts("n1", 2000));
    cache.set_ready(node_one, true);
    CHECK(cache.place(100).placed.size() == 1);
}

TEST_CASE("the digest of a node is that of all that is bound to it, as the primary has it now") {
    fixture on;
    CHECK(on.cache.digest_of(node_one) == held_digest());
    auto one = bound(waiting(1, on.one_core), 5);
    on.apply({.items = {one, waiting(2, on.one_core)}});
    held_digest expected;
    expected.add(one.instance, {5, instance_state::pending, 0});
    CHECK(on.cache.digest_of(node_one) == expected);

    one.state = instance_state::running;
    one.seq = 3;
    on.apply({.items = {one}});
    expected = {};
    expected.add(one.instance, {5, instance_state::running, 3});
    CHECK(on.cache.digest_of(node_one) == expected);

    one.want = item_want::destroy;  // its node may have said anything of it
    on.apply({.items = {one}});
    expected = {};
    expected.add(one.instance, {5, instance_state::destroying, 3});
    CHECK(on.cache.digest_of(node_one) == expected);
    CHECK(on.cache.due(node_one).size() == 1);

    on.apply({.removed = {one.instance}});
    CHECK(on.cache.digest_of(node_one) == held_digest());
    CHECK(on.cache.due(node_one).empty());
}

TEST_CASE("what operators want of a node counts, whether it or the node's own word comes first") {
    fixture on;
    on.apply({.items = {waiting(1, on.one_core)}, .nodes = {{node_one, "10.0.0.0/24", "n1", {.is_cordoned = true}}}});
    auto const none = on.place();
    REQUIRE(none.unplaced.size() == 1);
    CHECK(none.unplaced[0].reason == "node is cordoned (1 node: n1)");
    on.cache.set_node(node_one, make_facts("n1", 2000));  // it says Hello again
    on.cache.set_ready(node_one, true);
    CHECK(on.place().placed.empty());
    on.apply({.nodes = {{node_one, "10.0.0.0/24", "n1"}}});
    CHECK(on.place().placed.size() == 1);
}

TEST_CASE("a node that is removed takes nothing more, also when the primary says so by leaving it out") {
    for (auto const is_everything : {false, true}) {
        fixture on;
        facts news{.everything = is_everything, .items = {waiting(1, on.one_core)}};
        if (!is_everything) news.removed_nodes.push_back(node_one);
        on.apply(std::move(news));
        CHECK(on.cache.find_node(node_one) == nullptr);
        auto const none = on.place();
        REQUIRE(none.unplaced.size() == 1);
        CHECK(none.unplaced[0].reason == "no node has joined yet");
    }
}

TEST_CASE("a node that was declared dead is told to destroy what it may still have, and takes nothing") {
    fixture on;
    registered_node dead{node_one, "10.0.0.0/24", "n1", {.is_dead = true}};
    dead.remnants = {{numbered<instance_id>(7), 5}};
    auto const due = on.apply({.items = {waiting(1, on.one_core)}, .nodes = {dead}});
    REQUIRE(due.size() == 1);
    CHECK(due[0].instance == numbered<instance_id>(7));
    CHECK(due[0].want == item_want::destroy);
    CHECK(due[0].fence == 5);
    CHECK(on.apply({.nodes = {dead}}).empty());  // said already
    CHECK(on.place().placed.empty());
    auto const orders = on.cache.due(node_one);
    REQUIRE(orders.size() == 1);
    CHECK(orders[0].instance == numbered<instance_id>(7));
    CHECK_FALSE(orders[0].run);
    CHECK(on.apply({.everything = true, .nodes = {dead}}).size() == 1);  // a new session of the primary
}

TEST_CASE("of what waits the higher priority is placed first, whoever came before") {
    fixture on;
    auto const core_of_priority = [](unsigned number, std::int32_t priority) {
        auto made = *make_release(number, 1000);
        change_spec(made, [&](instance_template& spec) { spec.priority = priority; });
        return std::make_shared<release const>(std::move(made));
    };
    on.apply({.items = {waiting(1, core_of_priority(1, -5)), waiting(2, on.one_core),
                        waiting(3, core_of_priority(2, 7)), waiting(4, core_of_priority(3, 7))}});
    auto const first = on.place(1);
    REQUIRE(first.placed.size() == 1);
    CHECK(first.placed[0].instance == numbered<instance_id>(3));
    auto const second = on.place();
    REQUIRE(second.placed.size() == 1);
    CHECK(second.placed[0].instance == numbered<instance_id>(4));
    CHECK(second.unplaced.size() == 2);
}
