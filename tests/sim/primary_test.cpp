// What a primary promises to its users and its scheduler while its disk is slow, full or gone.
#include <support/definitions.hpp>
#include <support/lone_primary.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <set>

using namespace rik;
using namespace rik::testing;

namespace {

void simulate(awaitable<> (*what)(lone_primary&)) {
    sim::world world(42);
    lone_primary alone(world);
    world.run(what(alone));
}

std::size_t count_bound(std::vector<stored<instance>> const& rows) {
    return static_cast<std::size_t>(
        std::count_if(rows.begin(), rows.end(), [](auto const& row) { return row->is_bound(); }));
}

reports propose_all(std::vector<stored<instance>> const& rows, node_id const& node) {
    reports news;
    for (auto const& row : rows) news.proposals.push_back({row->id(), node});
    return news;
}

awaitable<> many_proposals(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    co_await alone.create_instances(workload, 10'000);
    co_await alone.create_instances(workload, 2'000);
    auto const waiting = co_await alone.instances();
    co_await alone.report(propose_all(waiting, node));
    co_await alone.world.time().sleep_for(10s);
    auto const placed = co_await alone.instances();
    CHECK(count_bound(placed) == 12'000);
    CHECK(alone.scheduler.session_count == 1);
    co_await alone.stop();
}

reports all_say(std::vector<stored<instance>> const& rows, std::uint64_t seq, std::string const& reason) {
    reports news;
    for (auto const& row : rows) {
        status_report said{.instance = row->id(), .fence = row->binding()->fence};
        said.status = {.state = instance_state::creating, .reason = reason, .seq = seq};
        news.states.push_back(std::move(said));
    }
    return news;
}

/// Each round is an instance, an event and the oldest event that goes: the fourth is one too many for the disk.
awaitable<> reports_to_a_slow_disk(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const waiting = co_await alone.create_instances(workload, 10'000);
    co_await alone.report(propose_all(waiting, node));
    co_await alone.world.time().sleep_for(10s);
    auto const bound = co_await alone.instances();
    REQUIRE(count_bound(bound) == 10'000);
    alone.disk->flush_time = 1h;
    for (std::uint64_t round = 1; round <= 4; ++round)
        co_await alone.report(all_say(bound, round, "Round" + std::to_string(round)));
    co_await alone.world.time().sleep_for(1min);
    alone.disk->flush_time = 1ms;
    co_await alone.world.time().sleep_for(2h);
    auto const after = co_await alone.instances();
    CHECK(std::all_of(after.begin(), after.end(), [](auto const& row) { return row->status().seq == 4; }));
    co_await alone.stop();
}

awaitable<> delete_it(lone_primary& alone, workload_id which) {
    auto const deleted = co_await alone.role->workloads().remove(caller(), which, any_revision);
    CHECK(deleted.has_value());
}

/// A workload with 2,500 bound instances: many slices.
awaitable<workload_id> create_large(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("large");
    auto const waiting = co_await alone.create_instances(workload, 2'500);
    co_await alone.report(propose_all(waiting, node));
    co_await alone.world.time().sleep_for(10s);
    co_return workload;
}

awaitable<> deleted_by_a_caller_who_leaves(lone_primary& alone) {
    auto const workload = co_await create_large(alone);
    alone.disk->flush_time = 1s;
    task_group caller_of(alone.world.executor());
    caller_of.spawn(delete_it(alone, workload));
    co_await alone.world.time().sleep_for(1500ms);
    co_await caller_of.stop();
    auto const after = co_await alone.instances();
    CHECK(after.size() == 2'500);
    CHECK(count_bound(after) == 0);
    co_await alone.stop();
}

awaitable<> make_many(lone_primary& alone, workload_id of,
                      std::optional<result<std::vector<stored<instance>>>>& answer) {
    create_instances_request what{.workload = of, .replicas = 10'000};
    answer = co_await alone.role->instances().create(caller(), std::move(what));
}

awaitable<> made_by_a_caller_who_leaves(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("large");
    task_group caller_of(alone.world.executor());
    std::optional<result<std::vector<stored<instance>>>> answer;
    caller_of.spawn(make_many(alone, workload, answer));
    for (int turn = 0; turn < 10; ++turn) co_await asio::post(alone.world.executor(), asio::use_awaitable);
    co_await caller_of.stop();
    CHECK_FALSE(answer.has_value());
    co_await alone.world.time().sleep_for(1s);
    auto const after = co_await alone.instances();
    CHECK(after.size() == 10'000);
    co_await alone.stop();
}

awaitable<> deleted_while_many_are_made(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("large");
    task_group users(alone.world.executor());
    std::optional<result<std::vector<stored<instance>>>> answer;
    users.spawn(make_many(alone, workload, answer));
    users.spawn(delete_it(alone, workload));
    co_await users.join();
    REQUIRE(answer.has_value());
    CHECK(answer->error().code == errc::conflict);
    auto const after = co_await alone.instances();
    CHECK(after.empty());
    auto const listed = co_await alone.role->workloads().list(caller(), workload_filter(), page());
    CHECK(listed->rows.empty());
    co_await alone.stop();
}

awaitable<> stopped_while_many_are_made(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("large");
    task_group users(alone.world.executor());
    std::optional<result<std::vector<stored<instance>>>> answer;
    users.spawn(make_many(alone, workload, answer));
    for (int turn = 0; turn < 10; ++turn) co_await asio::post(alone.world.executor(), asio::use_awaitable);
    co_await alone.role->stop();
    co_await users.join();
    REQUIRE(answer.has_value());
    CHECK(answer->error().code == errc::unavailable);
    co_await alone.crash();  // starts another one on the same disk
    co_await alone.start();
    auto const after = co_await alone.instances();
    CHECK(after.empty());
    co_await alone.stop();
}

awaitable<> names_that_are_taken(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"web","image":"web:1"}]}})");
    auto const again = co_await alone.role->workloads().create(caller(), parsed.definition);
    CHECK(again.error().message == "Pod web exists already");
    create_instances_request an_id{.workload = workload, .name = workload.text()};
    auto const misleading = co_await alone.role->instances().create(caller(), std::move(an_id));
    CHECK(misleading.error().code == errc::invalid);
    CHECK(misleading.error().field == "name");
    create_instances_request named{.workload = workload, .name = "one"};
    auto const first = co_await alone.role->instances().create(caller(), named);
    CHECK(first.has_value());
    auto const second = co_await alone.role->instances().create(caller(), named);
    CHECK(second.error().code == errc::conflict);
    auto const after = co_await alone.instances();
    CHECK(after.size() == 1);
    co_await alone.stop();
}

awaitable<> made_again_while_it_goes(lone_primary& alone) {
    auto const workload = co_await create_large(alone);
    co_await delete_it(alone, workload);  // its instances are bound, and nobody confirms that they are gone
    auto parsed = parse_definition(
        R"({"apiVersion":"v1","kind":"Pod","name":"large","spec":{"containers":[{"name":"web","image":"web:1"}]}})");
    auto const again = co_await alone.role->workloads().create(caller(), std::move(parsed.definition));
    CHECK(again.error().code == errc::conflict);
    CHECK(again.error().message == "Pod large is being deleted");
    co_await alone.stop();
}

awaitable<> try_to_delete(lone_primary& alone, workload_id which, std::optional<result<void>>& answer) {
    answer = co_await alone.role->workloads().remove(caller(), which, any_revision);
}

awaitable<> deleted_across_a_crash(lone_primary& alone) {
    auto const workload = co_await create_large(alone);
    alone.disk->flush_time = 1s;
    std::optional<result<void>> answer;
    alone.tasks.spawn(try_to_delete(alone, workload, answer));
    co_await alone.world.time().sleep_for(1500ms);
    co_await alone.crash();
    REQUIRE(answer.has_value());
    CHECK_FALSE(answer->has_value());
    co_await alone.start();
    co_await delete_it(alone, workload);
    auto const after = co_await alone.instances();
    CHECK(count_bound(after) == 0);
    co_await alone.stop();
}

awaitable<> try_to_drive_away(lone_primary& alone, std::optional<result<stored<node>>>& answer) {
    node_change what;
    what.taints.push_back(parse_taint_change("gone:NoExecute").value());
    answer = co_await alone.role->nodes().update(caller(), object_ref("node-0"), std::move(what), any_revision);
}

awaitable<> driven_away_across_a_crash(lone_primary& alone) {
    co_await create_large(alone);
    alone.disk->flush_time = 1s;
    std::optional<result<stored<node>>> answer;
    alone.tasks.spawn(try_to_drive_away(alone, answer));
    co_await alone.world.time().sleep_for(1500ms);
    co_await alone.crash();
    REQUIRE(answer.has_value());
    CHECK_FALSE(answer->has_value());
    co_await alone.start();
    auto const tainted = co_await alone.role->nodes().get(caller(), object_ref("node-0"));
    REQUIRE((*tainted)->standing.taints.size() == 1);  // so somebody must go on
    co_await alone.world.time().sleep_for(1min);
    auto const after = co_await alone.instances();
    CHECK(after.size() == 2'500);
    CHECK(count_bound(after) == 0);
    co_await alone.stop();
}

reports hello_with_taint(node_id const& node, std::string subnet) {
    node_report hello{.node = node, .facts = node_facts{.name = "tainted"}};
    hello.facts->taints.push_back({"gpu", "yes"});
    hello.facts->labels["zone"] = "north";
    hello.facts->pod_subnet = std::move(subnet);
    reports news;
    news.nodes.push_back(std::move(hello));
    return news;
}

awaitable<> joins_with_taint(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const id = node_id::generate(alone.world.random());
    co_await alone.report(hello_with_taint(id, "10.210.7.0/24"));
    co_await alone.world.time().sleep_for(1s);
    auto const joined = co_await alone.role->nodes().get(caller(), id);
    REQUIRE((*joined)->standing.taints.size() == 1);
    CHECK((*joined)->pod_subnet == "10.210.7.0/24");
    node_change what;
    what.taints.push_back(parse_taint_change("gpu-").value());
    what.labels["zone"] = "south";
    auto const changed = co_await alone.role->nodes().update(caller(), id, std::move(what), any_revision);
    CHECK(changed.has_value());
    co_await alone.report(hello_with_taint(id, "10.210.7.0/24"));
    co_await alone.world.time().sleep_for(1s);
    auto const again = co_await alone.role->nodes().get(caller(), id);
    CHECK((*again)->standing.taints.empty());
    CHECK((*again)->labels.at("zone") == "south");
    auto const other = node_id::generate(alone.world.random());
    co_await alone.report(hello_with_taint(other, "10.210.7.0/24"));
    auto const third = node_id::generate(alone.world.random());
    co_await alone.report(hello_with_taint(third, "192.0.2.0/24"));
    co_await alone.world.time().sleep_for(1s);
    auto const late = co_await alone.role->nodes().get(caller(), other);
    CHECK((*late)->pod_subnet == "10.210.0.0/24");
    auto const foreign = co_await alone.role->nodes().get(caller(), third);
    CHECK((*foreign)->pod_subnet == "10.210.1.0/24");
    co_await alone.stop();
}

/// One instance goes and another comes.
awaitable<> replace_one(lone_primary& alone, workload_id of, std::vector<stored<instance>>& going) {
    if (going.empty()) co_return;
    auto const gone = going.back()->id();
    going.pop_back();
    auto const removed = co_await alone.role->instances().remove(caller(), gone, any_revision);
    CHECK(removed.has_value());
    co_await alone.create_instances(of, 1);
}

awaitable<> pages_stay_right(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    auto const staying = co_await alone.create_instances(workload, 40);
    auto going = co_await alone.create_instances(workload, 20);
    std::vector<std::string> names;
    page part{.count_max = 7};
    do {
        auto const some = co_await alone.role->instances().list(caller(), instance_filter(), part);
        REQUIRE(some.has_value());
        CHECK(some->rows.size() <= 7);
        for (auto const& row : some->rows) names.push_back(row->name());
        part.after = some->next;
        co_await replace_one(alone, workload, going);
    } while (!part.after.empty());
    CHECK(std::ranges::is_sorted(names));
    CHECK(std::ranges::adjacent_find(names) == names.end());
    for (auto const& row : staying) CHECK(std::ranges::binary_search(names, row->name()));
    co_await alone.stop();
}

/// A workload on a disk, which `finalizer` keeps.
std::pair<workload_id, std::shared_ptr<memory_disk>> disk_with_kept_workload(std::string finalizer) {
    seeded_entropy random(7);
    auto const definition = testing::written_pod("web");
    workload kept{.id = workload_id::generate(random), .name = "web", .definition = definition};
    auto const first = make_release(release_id::generate(random), kept.id, definition);
    kept.current_release = first.id;
    kept.finalizers.push_back(std::move(finalizer));
    auto contents = std::make_shared<memory_disk>();
    contents->rows[{"release", first.id.text()}] = {1, "release", first.id.text(), encode(first)};
    contents->rows[{"workload", kept.id.text()}] = {1, "workload", kept.id.text(), encode(kept)};
    contents->last = 1;
    return {kept.id, contents};
}

awaitable<> removed_but_kept(lone_primary& alone, workload_id which) {
    co_await alone.start();
    co_await alone.create_instances(which, 2);
    object_ref const kept(which);
    auto const removed = co_await alone.role->workloads().remove(caller(), kept, any_revision);
    CHECK(removed.has_value());
    auto const left = co_await alone.instances();
    CHECK(left.empty());
    auto const row = co_await alone.role->workloads().get(caller(), kept);
    REQUIRE(row.has_value());
    CHECK(state_of_row(**row) == workload_state::destroying);
    co_await alone.stop();
}

/// What start answers when the identity on the disk is `json`.
errc start_with_identity(std::string json) {
    document const damaged{.key = {"identity", "", "cluster"}, .json = std::move(json)};
    auto const contents = std::make_shared<memory_disk>();
    contents->rows[{"document", "identity//cluster"}] = {1, "document", "identity//cluster", encode(damaged)};
    contents->last = 1;
    sim::world world(42);
    lone_primary alone(world, contents);
    return world.run(alone.role->start()).error().code;
}

awaitable<> asked_too_early(lone_primary& alone) {
    auto& role = *alone.role;
    auto const workloads = co_await role.workloads().list(caller(), workload_filter(), page());
    CHECK(workloads.error().code == errc::unavailable);
    object_ref const nobody{"nobody"};
    auto const one = co_await role.instances().get(caller(), nobody);
    CHECK(one.error().code == errc::unavailable);
    auto const watch = co_await role.workloads().watch(caller(), workload_filter(), watch_after());
    CHECK(watch.error().code == errc::unavailable);
    container_log_request const log{.instance = instance_id::generate(alone.world.random())};
    auto const opened = co_await role.streams().open_container_log(caller(), log);
    CHECK(opened.error().code == errc::unavailable);
    co_await alone.start();
    auto const then = co_await role.workloads().list(caller(), workload_filter(), page());
    CHECK(then.has_value());
    co_await alone.stop();
    auto const late = co_await role.workloads().list(caller(), workload_filter(), page());
    CHECK(late.error().code == errc::unavailable);
}

awaitable<> take_next(watch_source& from, std::optional<result<watch_source::batch>>& into) {
    into = co_await from.next();
}

awaitable<> watch_outlives_its_primary(lone_primary& alone) {
    co_await alone.start();
    auto watch = co_await alone.role->events().watch(caller(), event_filter(), watch_after());
    REQUIRE(watch.has_value());
    std::optional<result<watch_source::batch>> batch;
    co_await take_next(**watch, batch);
    CHECK((*batch)->is_initial);
    batch.reset();
    alone.tasks.spawn(take_next(**watch, batch));
    co_await alone.crash();  // the primary is gone when it returns
    while (batch && *batch) co_await take_next(**watch, batch);
    REQUIRE(batch.has_value());
    CHECK(batch->error().code == errc::unavailable);
    auto const again = co_await (*watch)->next();
    CHECK(again.error().code == errc::unavailable);
    watch->reset();
    co_await alone.start();
    co_await alone.stop();
}

awaitable<> wait_for_log(lone_primary& alone, instance_id of, std::optional<errc>& ended) {
    container_log_request const log{.instance = of};
    auto const opened = co_await alone.role->streams().open_container_log(caller(), log);
    ended = opened.error().code;
}

awaitable<> stops_while_a_log_is_awaited(lone_primary& alone) {
    alone.start_scheduler();
    co_await alone.start();
    auto const node = co_await alone.join_node();
    auto const workload = co_await alone.create_workload("web");
    auto const waiting = co_await alone.create_instances(workload, 1);
    co_await alone.report(propose_all(waiting, node));
    co_await alone.world.time().sleep_for(1s);
    std::optional<errc> ended;
    task_group readers(alone.world.executor());
    readers.spawn(wait_for_log(alone, waiting.front()->id(), ended));
    co_await alone.world.time().sleep_for(1s);
    CHECK_FALSE(ended.has_value());
    auto const before = alone.world.time().now();
    co_await alone.stop();
    CHECK(alone.world.time().now() - before < 1s);
    CHECK(ended.value_or(errc::internal) == errc::unavailable);
    co_await readers.join();
}

awaitable<std::size_t> count_events(lone_primary& alone) {
    auto const listed = co_await alone.role->events().list(caller(), event_filter());
    co_return listed->rows.size();
}

awaitable<> count_refusals(lone_primary& alone, workload_id of, std::size_t& refused_count) {
    create_instances_request what{.workload = of, .replicas = 10'000};
    auto const made = co_await alone.role->instances().create(caller(), std::move(what));
    if (made) co_return;
    CHECK(made.error().code == errc::exhausted);
    ++refused_count;
}

/// Asks for so many instances that the disk is too slow for the last of them.
awaitable<> too_many_for_the_disk(lone_primary& alone) {
    co_await alone.start();
    auto const workload = co_await alone.create_workload("web");
    alone.disk->flush_time = 1h;
    std::size_t refused_count = 0;
    for (int count = 0; count < 5; ++count) alone.tasks.spawn(count_refusals(alone, workload, refused_count));
    co_await alone.world.time().sleep_for(10h);
    CHECK(refused_count == 2);
    auto const events = co_await count_events(alone);
    CHECK(events == limits::events_per_owner_max + 1);
    co_await alone.create_workload("another");
    auto const one_more = co_await count_events(alone);
    CHECK(one_more == limits::events_per_owner_max + 2);
    co_await alone.stop();
}

awaitable<> starts_with_too_many_events(lone_primary& alone) {
    co_await alone.start();
    co_await alone.world.time().sleep_for(1s);
    auto const events = co_await count_events(alone);
    CHECK(events == limits::events_count_max);
    co_await alone.stop();
}

std::shared_ptr<memory_disk> disk_with_events(std::uint64_t count) {
    auto contents = std::make_shared<memory_disk>();
    for (std::uint64_t number = 1; number <= count; ++number) {
        event const happened{.object_kind = "node", .object_id = "n", .reason = "NodeReady"};
        auto const row = to_document(happened, number);
        auto const key = row.key.kind + "/" + row.key.tenant + "/" + row.key.name;
        contents->rows[{"document", key}] = {number, "document", key, encode(row)};
    }
    contents->last = count;
    return contents;
}

}  // namespace

TEST_CASE("a workload that is deleted stays until its last finalizer is taken off") {
    auto const [which, contents] = disk_with_kept_workload("example.com/keep");
    sim::world world(42);
    lone_primary alone(world, contents);
    world.run(removed_but_kept(alone, which));
}

TEST_CASE("more proposals than one commit holds become bindings all the same") { simulate(many_proposals); }
TEST_CASE("reports wait for a slow disk, and none is lost") { simulate(reports_to_a_slow_disk); }
TEST_CASE("the deletion of a large workload goes on when its caller leaves") {
    simulate(deleted_by_a_caller_who_leaves);
}
TEST_CASE("a node brings taints and its Pod subnet when it joins, and from then on they are the primary's") {
    simulate(joins_with_taint);
}
TEST_CASE("what a taint drives away goes on leaving after a crash") { simulate(driven_away_across_a_crash); }
TEST_CASE("the deletion of a large workload goes on after a crash, and when it is asked for again") {
    simulate(deleted_across_a_crash);
}
TEST_CASE("many instances are made although their caller leaves") { simulate(made_by_a_caller_who_leaves); }
TEST_CASE("of many instances none is left when their workload is deleted meanwhile") {
    simulate(deleted_while_many_are_made);
}
TEST_CASE("of many instances none is left when the primary stops meanwhile") { simulate(stopped_while_many_are_made); }
TEST_CASE("a name that is taken is refused, and one that reads as an id") { simulate(names_that_are_taken); }
TEST_CASE("a workload that is being deleted is told as such") { simulate(made_again_while_it_goes); }
TEST_CASE("the pages of a list have each object that stays once, whatever comes and goes") {
    simulate(pages_stay_right);
}
TEST_CASE("a damaged identity stops the start with an error") {
    CHECK(start_with_identity("") == errc::corrupt);
    CHECK(start_with_identity("\"") == errc::corrupt);
    CHECK(start_with_identity("\"00000000-0000") == errc::corrupt);
    CHECK(start_with_identity("{}") == errc::corrupt);
}
TEST_CASE("a primary answers before its start and after its end that it is unavailable") { simulate(asked_too_early); }
TEST_CASE("a watch outlives its primary") { simulate(watch_outlives_its_primary); }
TEST_CASE("a primary stops at once although somebody waits for a log") { simulate(stops_while_a_log_is_awaited); }
TEST_CASE("a refused commit leaves no trace in the list of events") { simulate(too_many_for_the_disk); }
TEST_CASE("more events than are kept go at the start") {
    sim::world world(42);
    lone_primary alone(world, disk_with_events(12'500));
    world.run(starts_with_too_many_events(alone));
}
