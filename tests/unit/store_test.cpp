#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include <rik/base/limits.hpp>

using namespace rik;
using namespace rik::testing;

namespace {

awaitable<> commit_into(store& rows, transaction changes, std::vector<result<revision>>& results) {
    auto committed = co_await rows.commit(std::move(changes));
    results.push_back(std::move(committed));
}

awaitable<> wait_into(store& rows, revision reached, std::vector<revision>& woken) {
    auto const waited = co_await rows.wait_durable(reached);
    woken.push_back(waited ? reached : 0);
}

}  // namespace

TEST_CASE("a put at the wrong revision changes nothing of its transaction", "[store]") {
    running_store store;
    row_maker make;
    auto const web = make.make_workload("web");
    auto const first = store.commit(put_one(web));
    REQUIRE(first);

    transaction changes;
    changes.put(make.make_node("a"), 0);
    changes.put(web, 0);
    auto const refused = store.rows.apply(std::move(changes));
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::conflict);
    CHECK(refused.error().message.find("workload web") == 0);
    CHECK(store.rows.head().count<node>() == 0);
    CHECK(store.rows.head().at() == *first);
    CHECK(store.commit(put_one(web, *first)));
    CHECK(!store.rows.apply(put_one(web, *first)));
}

TEST_CASE("what is not there can neither be changed nor removed", "[store]") {
    running_store store;
    row_maker make;
    auto const web = make.make_workload("web");
    CHECK(store.rows.apply(put_one(web, 5)).error().code == errc::conflict);
    for (revision const expected : {0, 5}) {
        transaction changes;
        changes.remove<workload>(web.id, expected);
        CHECK(store.rows.apply(std::move(changes)).error().code == errc::conflict);
    }
}

TEST_CASE("a row occurs once in a transaction", "[store]") {
    running_store store;
    row_maker make;
    auto const web = make.make_workload("web");
    transaction changes;
    changes.put(web, 0);
    changes.put(web, 0);
    CHECK(store.rows.apply(std::move(changes)).error().code == errc::internal);
}

TEST_CASE("an empty transaction makes no revision", "[store]") {
    running_store store;
    CHECK(store.commit(transaction()).value() == store.rows.head().at());
    CHECK(store.rows.next_revision() == store.rows.head().at() + 1);
}

TEST_CASE("a name belongs to one row", "[store]") {
    running_store store;
    row_maker make;
    auto const web = make.make_workload("web");
    auto const created = store.commit(put_one(web)).value();

    SECTION("another row cannot take it") {
        auto const refused = store.rows.apply(put_one(make.make_workload("web")));
        REQUIRE(!refused);
        CHECK(refused.error().code == errc::conflict);
        CHECK(refused.error().message.find("workload web") == 0);
    }
    SECTION("two of one transaction cannot both take it") {
        transaction changes;
        changes.put(make.make_workload("db"), 0);
        changes.put(make.make_workload("db"), 0);
        CHECK(store.rows.apply(std::move(changes)).error().code == errc::conflict);
    }
    SECTION("it is free in another tenant") {
        auto other = make.make_workload("web");
        other.tenant = "blue";
        CHECK(store.rows.apply(put_one(other)));
    }
    SECTION("a transaction may hand it over") {
        auto const next = make.make_workload("web");
        transaction changes;
        changes.put(next, 0);
        changes.remove<workload>(web.id, created);
        REQUIRE(store.commit(std::move(changes)));
        auto const name = workload_name("default", workload_kind::pod, "web");
        CHECK(store.rows.head().find_named<workload>(name)->id == next.id);
        CHECK(store.rows.durable().find_named<workload>(name)->id == next.id);
    }
    SECTION("two rows may swap theirs") {
        auto db = make.make_workload("db");
        auto const second = store.commit(put_one(db)).value();
        auto renamed = web;
        std::swap(renamed.name, db.name);
        transaction changes;
        changes.put(renamed, created);
        changes.put(db, second);
        REQUIRE(store.commit(std::move(changes)));
        CHECK(store.rows.head().find_named<workload>("default/Pod/web")->id == db.id);
        CHECK(store.rows.head().find_named<workload>("default/Pod/db")->id == web.id);
    }
}

TEST_CASE("indexes follow their rows", "[store]") {
    running_store store;
    row_maker make;
    auto const web = make.make_workload("web");
    auto const pod = std::make_shared<release const>(make.make_release(web.id));
    auto const one = make.make_instance("web-1", pod);
    transaction changes;
    changes.put(web, 0);
    changes.put(*pod, 0);
    changes.put(one, 0);
    auto const created = store.commit(std::move(changes)).value();
    auto const& head = store.rows.head();
    CHECK(head.count<instance>(owner_index(web.id)) == 1);
    CHECK(head.find_release(pod->id) != nullptr);

    auto bound = one.fields();
    bound.binding = node_binding{node_id::generate(make.random), store.rows.next_revision()};
    auto const bound_at = store.commit(put_one(instance(bound), created)).value();
    CHECK(head.list<instance>(node_index(bound.binding->node)).front()->binding()->fence == bound_at);

    transaction removal;
    removal.remove<instance>(one.id(), bound_at);
    REQUIRE(store.commit(std::move(removal)));
    CHECK(head.count<instance>(owner_index(web.id)) == 0);
    CHECK(head.count<instance>(node_index(bound.binding->node)) == 0);
    CHECK(!head.find<instance>(one.id()));
}

TEST_CASE("the durable view follows the head when the journal has it", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    auto const web = make.make_workload("web");
    auto const applied = store.rows.apply(put_one(web)).value();
    run_ready(store.io);
    CHECK(store.rows.head().find<workload>(web.id).changed_at == applied);
    CHECK(!store.rows.durable().find<workload>(web.id));
    CHECK(store.rows.durable().at() < applied);
    store.gate.release();
    run_ready(store.io);
    CHECK(store.rows.durable().find<workload>(web.id).changed_at == applied);
    CHECK(store.rows.durable().at() == applied);
}

TEST_CASE("commits that arrive during a flush share the next one", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    store.gate.batch_sizes.clear();
    std::vector<result<revision>> results;
    for (int i = 0; i < 100; ++i) {
        store.spawn(commit_into(store.rows, put_one(make.make_document(std::to_string(i))), results));
        run_ready(store.io);
    }
    CHECK(results.empty());
    store.gate.release();
    run_ready(store.io);
    REQUIRE(results.size() == 100);
    for (std::size_t i = 0; i < results.size(); ++i) CHECK(results[i].value() == results[0].value() + i);
    CHECK(store.gate.batch_sizes == std::vector<std::size_t>{1, 99});
}

TEST_CASE("a flush takes no more than an append may have, and never half a commit", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    store.gate.batch_sizes.clear();
    constexpr auto each = limits::append_entries_max / 3;
    for (int i = 0; i < 4; ++i) {
        transaction changes;
        for (std::size_t k = 0; k < each; ++k) {
            changes.put(make.make_document(std::to_string(i) + "-" + std::to_string(k)), 0);
        }
        REQUIRE(store.rows.apply(std::move(changes)));
    }
    store.gate.release();
    run_ready(store.io);
    CHECK(store.gate.batch_sizes == std::vector<std::size_t>{3 * each, each});
    CHECK(store.rows.durable().count<document>() == 4 * each);

    transaction too_large;
    for (std::size_t k = 0; k <= limits::append_entries_max; ++k)
        too_large.put(make.make_document(std::to_string(k)), 0);
    CHECK(store.rows.apply(std::move(too_large)).error().code == errc::exhausted);
}

TEST_CASE("a journal that is too slow makes the store refuse", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    auto const web = make.make_node("a");
    auto at = store.rows.apply(put_one(web)).value();
    std::size_t count = 1;
    auto next = store.rows.apply(put_one(web, at));
    for (; next && count <= limits::unflushed_count_max; ++count, next = store.rows.apply(put_one(web, at))) at = *next;
    REQUIRE(!next);
    CHECK(next.error().code == errc::exhausted);
    CHECK(count > 10'000);
    store.gate.release();
    run_ready(store.io);
    CHECK(store.rows.apply(put_one(web, at)));
}

TEST_CASE("a failed flush tells everybody and ends the store", "[store]") {
    running_store store;
    row_maker make;
    auto const changes = store.rows.watch({table_id::document});
    store.gate.held = true;
    std::vector<result<revision>> results;
    for (int i = 0; i < 3; ++i) {
        store.spawn(commit_into(store.rows, put_one(make.make_document(std::to_string(i))), results));
    }
    run_ready(store.io);
    store.gate.fails_with = error{errc::exhausted, "the disk is full"};
    store.gate.release();
    run_ready(store.io);
    REQUIRE(results.size() == 3);
    for (auto const& each : results) CHECK(each.error() == *store.gate.fails_with);
    CHECK(store.flush_failure == store.gate.fails_with);
    CHECK(store.rows.apply(put_one(make.make_document("late"))).error().code == errc::unavailable);
    CHECK(run(store.io, changes->next()).error().code == errc::unavailable);
    CHECK(store.rows.durable().count<document>() == 0);
    CHECK(run(store.io, store.rows.wait_durable(store.rows.durable().at())));
    CHECK(!run(store.io, store.rows.wait_durable(store.rows.head().at())));
}

TEST_CASE("who waits for a flush that was stopped is told so", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    REQUIRE(store.rows.apply(put_one(make.make_document("a"))));
    run_ready(store.io);
    store.stop();
    CHECK(run(store.io, store.rows.wait_durable(store.rows.head().at())).error().code == errc::unavailable);
    CHECK(store.rows.apply(put_one(make.make_document("b"))).error().code == errc::unavailable);
}

TEST_CASE("waiters wake in order of their revisions", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    std::vector<revision> woken;
    for (int i = 0; i < 5; ++i) REQUIRE(store.rows.apply(put_one(make.make_document(std::to_string(i)))));
    auto const last = store.rows.head().at();
    for (revision back = 0; back < 5; ++back) store.spawn(wait_into(store.rows, last - back, woken));
    run_ready(store.io);
    CHECK(woken.empty());
    store.gate.release();
    run_ready(store.io);
    CHECK(woken == std::vector<revision>{last - 4, last - 3, last - 2, last - 1, last});
}

TEST_CASE("a cancelled waiter leaves nothing behind", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    std::vector<result<revision>> results;
    {
        task_group callers(store.io.get_executor());
        callers.spawn(commit_into(store.rows, put_one(make.make_document("a")), results));
        run_ready(store.io);
        run(store.io, callers.stop());
    }
    store.gate.release();
    run_ready(store.io);
    CHECK(results.empty());
    CHECK(store.rows.durable().count<document>() == 1);
}

TEST_CASE("a store that is opened again has everything, and never an old revision", "[store]") {
    auto const disk = std::make_shared<memory_disk>();
    row_maker make;
    auto const web = make.make_workload("web");
    auto const pod = std::make_shared<release const>(make.make_release(web.id));
    auto const one = make.make_instance("web-1", pod);
    auto const machine = make.make_node("a");
    revision created = 0;
    revision last = 0;
    {
        running_store store(disk);
        transaction changes;
        changes.put(one, 0);
        changes.put(machine, 0);
        changes.put(*pod, 0);
        changes.put(web, 0);
        created = store.commit(std::move(changes)).value();
        // The release is now newer than the instance that refers to it.
        REQUIRE(store.commit(put_one(*pod, created)));
        auto const event = make.make_document("gone");
        auto const written = store.commit(put_one(event)).value();
        transaction removal;
        removal.remove<document>(event.key, written);
        last = store.commit(std::move(removal)).value();
    }
    running_store store(disk);
    REQUIRE(store.opened);
    auto const& head = store.rows.head();
    CHECK(head.at() > last);
    CHECK(head.at() == store.rows.durable().at());
    CHECK(head.find<workload>(web.id).changed_at == created);
    CHECK(head.find<node>(machine.id)->facts == machine.facts);
    CHECK(head.count<document>() == 0);
    REQUIRE(head.find<instance>(one.id()));
    CHECK(head.find<instance>(one.id())->made_from() == head.find_release(pod->id));
    CHECK(head.list<instance>(owner_index(web.id)).size() == 1);
    CHECK(store.rows.durable().list<instance>(owner_index(web.id)).size() == 1);
    CHECK(store.rows.apply(put_one(web, created)));
}

TEST_CASE("damaged rows are refused", "[store]") {
    auto const disk = std::make_shared<memory_disk>();
    row_maker make;
    auto const web = make.make_workload("web");
    auto const key = std::pair<std::string, std::string>("workload", web.id.text());
    auto entry = journal_entry{7, "workload", web.id.text(), encode(web)};
    auto expected = errc::corrupt;
    SECTION("no JSON") { entry.value = "{"; }
    SECTION("of another object") { entry.value = encode(make.make_workload("web")); }
    SECTION("of a table that comes later") {
        entry.table = "route";
        expected = errc::unsupported;
    }
    disk->rows[key] = entry;
    disk->last = 7;
    asio::io_context io;
    memory_journal log(disk);
    seeded_entropy random(1);
    store rows(io.get_executor(), log, random);
    auto const opened = run(io, rows.open());
    REQUIRE(!opened);
    CHECK(opened.error().code == expected);
}
