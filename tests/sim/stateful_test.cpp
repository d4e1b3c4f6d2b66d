// StatefulSets on the real roles in virtual time.
#include <sim/scenario.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;
using namespace std::chrono_literals;

namespace {

std::string db(std::string const& image, std::string const& more = R"("replicas":3,)") {
    return R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"},"spec":{)" + more +
           R"("selector":{"matchLabels":{"app":"db"}},"template":{"metadata":{"labels":{"app":"db"}},)" +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}}})";
}

awaitable<> remove(sim::cluster& cluster, std::string name) {
    object_ref which(std::move(name));
    auto const removed = co_await cluster.api().instances().remove(caller(), std::move(which), any_revision);
    CHECK(removed.has_value());
}

awaitable<workload_story> story(sim::cluster& cluster) {
    object_ref which("db");
    auto told = co_await cluster.api().workloads().story(caller(), std::move(which));
    if (!told) FAIL(to_string(told.error()));
    co_return std::move(*told);
}

/// Exactly db-0, db-1, ... run, each from its image: "db:1 db:2".
condition run(std::string const& images) {
    std::map<std::string, std::string> wanted;
    std::istringstream words(images);
    for (std::string image; words >> image;) wanted["db-" + std::to_string(wanted.size())] = image;
    return [wanted = std::move(wanted)](rows const& all) {
        std::map<std::string, std::string> found;
        for (auto const& row : all) {
            if (row->state() != instance_state::running || row->is_condemned()) return false;
            found[row->name()] = row->spec().containers.front().image;
        }
        return found == wanted && all.size() == wanted.size();
    };
}

awaitable<> until_complete(sim::cluster& cluster, sim::world& world) {
    for (int tries = 0; tries < 6'000; ++tries) {
        auto const told = co_await story(cluster);
        auto const is_current = told.progress && told.progress->generation == told.row->generation;
        if (is_current && told.progress->is_complete) co_return;
        co_await world.time().sleep_for(100ms);
    }
    FAIL("it is not rolled out");
}

void check_order_and_labels(rows const& all) {
    std::map<std::string, stored<instance>> by_name;
    for (auto const& row : all) by_name[row->name()] = row;
    for (auto each = by_name.begin(), next = std::next(each); next != by_name.end(); ++each, ++next)
        CHECK(each->second->status().ready_since <= next->second->created_at());
    CHECK(by_name.at("db-1")->labels().at("apps.kubernetes.io/pod-index") == "1");
    CHECK(by_name.at("db-1")->labels().at("app") == "db");
}

awaitable<> comes_in_order_and_rolls(sim::cluster& cluster, sim::world& world) {
    auto const made = co_await apply(cluster, db("db:1"));
    co_await cluster.until(run("db:1 db:1 db:1"));
    auto const all = co_await instances(cluster);
    check_order_and_labels(all);

    co_await apply(cluster, db("db:2", R"("replicas":3,"updateStrategy":{"rollingUpdate":{"partition":1}},)"));
    co_await cluster.until(run("db:1 db:2 db:2"));
    co_await until_complete(cluster, world);
    co_await remove(cluster, "db-0");
    co_await world.time().sleep_for(5s);
    co_await cluster.until(run("db:1 db:2 db:2"));

    co_await cluster.crash_primary();
    co_await cluster.start_primary();
    co_await remove(cluster, "db-0");  // what the partition keeps is known after a crash, too
    co_await world.time().sleep_for(5s);
    co_await cluster.until(run("db:1 db:2 db:2"));

    co_await apply(cluster, db("db:2", R"("replicas":2,)"));
    co_await cluster.until(run("db:2 db:2"));
    object_ref which(made.row->id);
    auto const deleted = co_await cluster.api().workloads().remove(caller(), std::move(which), any_revision);
    CHECK(deleted.has_value());
    co_await cluster.until(sim::none_left);
    CHECK(cluster.unused_releases_count() == 0);
}

awaitable<> rolls_through_crashes(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, db("db:1"));
    co_await cluster.until(run("db:1 db:1 db:1"));
    co_await apply(cluster, db("db:2"));
    for (int i = 0; i < 4; ++i) {
        co_await world.time().sleep_for(300ms);
        co_await cluster.crash_primary();
        co_await world.time().sleep_for(200ms);
        co_await cluster.start_primary();
    }
    co_await cluster.until(run("db:2 db:2 db:2"));
    co_await until_complete(cluster, world);
}

awaitable<std::size_t> node_of(sim::cluster& cluster, std::string name) {
    auto const all = co_await instances(cluster);
    auto const found = std::ranges::find(all, name, [](auto const& row) { return row->name(); });
    REQUIRE(found != all.end());
    for (std::size_t i = 0;; ++i) {
        auto const where = co_await cluster.api().nodes().get(caller(), object_ref("node-" + std::to_string(i)));
        REQUIRE(where.has_value());
        if ((*where)->id == (*found)->binding()->node) co_return i;
    }
}

/// Neither time nor a scale brings another one; a person's word does, and what comes back then is destroyed.
awaitable<> is_not_replaced_before_a_persons_word(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, db("db:1", R"("replicas":3,"podManagementPolicy":"Parallel",)"));
    co_await cluster.until(run("db:1 db:1 db:1"));
    auto const where = co_await node_of(cluster, "db-1");
    auto const name = "node-" + std::to_string(where);
    co_await cluster.power_off(where);
    co_await world.time().sleep_for(2h);
    auto const before = co_await instances(cluster);
    CHECK(before.size() == 3);
    auto const told = co_await story(cluster);
    CHECK(told.progress->held_up.find(name + ", which is not heard") != std::string::npos);
    CHECK(told.progress->held_up.find("rikctl node declare-dead " + name) != std::string::npos);

    object_ref which(name);
    auto const dead = co_await cluster.api().nodes().declare_dead(caller(), std::move(which), name);
    REQUIRE(dead.has_value());
    auto const is_whole = [](rows const& all) { return sim::all_running(3)(all); };
    co_await cluster.until(is_whole);
    auto const again = co_await node_of(cluster, "db-1");
    CHECK(again != where);
    auto const after = co_await story(cluster);
    CHECK(after.progress->held_up.empty());

    co_await cluster.start_node(where);
    co_await world.time().sleep_for(1min);
    CHECK(cluster.node(where).occupied().empty());
    co_await cluster.until(is_whole);
}

/// One that is deleted while its node is away goes when the node is back, and only then another one comes.
awaitable<> deleted_on_a_node_that_is_away(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, db("db:1", R"("replicas":2,)"));
    co_await cluster.until(run("db:1 db:1"));
    auto const where = co_await node_of(cluster, "db-1");
    cluster.cut_link(where);
    co_await world.time().sleep_for(1min);
    co_await remove(cluster, "db-1");
    co_await world.time().sleep_for(1h);
    auto const all = co_await instances(cluster);
    CHECK(all.size() == 2);
    CHECK(std::ranges::count_if(all, [](auto const& row) { return row->is_condemned(); }) == 1);
    cluster.mend_link(where);
    co_await cluster.until(run("db:1 db:1"));
}

std::set<instance_id> ids_of(rows const& all) {
    std::set<instance_id> ids;
    for (auto const& row : all) ids.insert(row->id());
    return ids;
}

awaitable<> deleted_and_made_again_without_its_instances(sim::cluster& cluster, sim::world& world) {
    co_await apply(cluster, db("db:1"));
    co_await cluster.until(run("db:1 db:1 db:1"));
    auto const before = co_await instances(cluster);
    object_ref which("db");
    remove_options const orphaning(any_revision, cascade::orphan);
    auto const removed = co_await cluster.api().workloads().remove(caller(), std::move(which), orphaning);
    CHECK(removed.has_value());
    co_await world.time().sleep_for(1s);
    co_await apply(cluster, db("db:1", R"("replicas":3,"podManagementPolicy":"Parallel",)"));
    co_await until_complete(cluster, world);
    auto const after = co_await instances(cluster);
    CHECK(ids_of(after) == ids_of(before));  // the template is the same
    for (auto const& row : after) CHECK(row->owner().has_value());
    co_await apply(cluster, db("db:2", R"("replicas":3,"podManagementPolicy":"Parallel",)"));
    co_await cluster.until(run("db:2 db:2 db:2"));
}

awaitable<> a_name_that_is_taken(sim::cluster& cluster, sim::world& world) {
    auto const pod =
        R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"db-1"},"spec":{"containers":[{"name":"main","image":"web:1"}]}})";
    co_await apply(cluster, pod);
    co_await apply(cluster, db("db:1", R"("replicas":2,)"));
    co_await cluster.until(run("db:1 web:1"));
    co_await world.time().sleep_for(1min);
    auto const told = co_await story(cluster);
    CHECK(std::ranges::count_if(told.steps, [](rollout_step const& each) {
              return each.what.find("db-1 exists already") != std::string::npos;
          }) == 1);
    co_await remove(cluster, "db-1");
    co_await cluster.until(run("db:1 db:1"));
}

}  // namespace

TEST_CASE("a StatefulSet comes up in order, rolls down to its partition, and goes", "[sim][managed]") {
    simulate(comes_in_order_and_rolls);
}
TEST_CASE("the rollout of a StatefulSet goes on where a crash of the primary has cut it short", "[sim][managed]") {
    simulate(rolls_through_crashes, 2);
}
TEST_CASE("an ordinal on a lost node comes back only when a person declares the node dead", "[sim][managed]") {
    simulate(is_not_replaced_before_a_persons_word, 3);
}
TEST_CASE("an ordinal that is deleted on a node that is away is not made before the node is back", "[sim][managed]") {
    simulate(deleted_on_a_node_that_is_away, 2);
}
TEST_CASE("a StatefulSet that is made again takes over what its predecessor has left", "[sim][managed]") {
    simulate(deleted_and_made_again_without_its_instances);
}
TEST_CASE("a StatefulSet waits for a name that another instance has, and says so once", "[sim][managed]") {
    simulate(a_name_that_is_taken);
}
