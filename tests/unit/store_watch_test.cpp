#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include <rik/base/limits.hpp>

using namespace rik;
using namespace rik::testing;

namespace {

std::vector<change> all_of(running_store& store, watcher& from) {
    run_ready(store.io);
    return run(store.io, from.next()).value();
}

std::string name_of(change const& done) {
    auto const& row = std::get<row_change<document>>(done.row);
    return row.after ? row.after->key.name : "-" + row.before->key.name;
}

std::vector<std::string> names_of(std::vector<change> const& changes) {
    std::vector<std::string> names;
    for (auto const& each : changes) names.push_back(name_of(each));
    return names;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("a watcher gets durable changes in order, with the row before and after", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const changes = store.rows.watch({table_id::document});
    auto const others = store.rows.watch({table_id::workload});
    auto const a = make.make_document("a");
    auto const first = store.rows.apply(put_one(a)).value();
    REQUIRE(store.rows.apply(put_one(make.make_document("b"))));
    transaction removal;
    removal.remove<document>(a.key, first);
    auto const last = store.commit(std::move(removal)).value();

    auto const seen = all_of(store, *changes);
    CHECK(names_of(seen) == names{"a", "b", "-a"});
    CHECK(seen.front().changed_at == first);
    CHECK(seen.back().changed_at == last);
    CHECK(std::get<row_change<document>>(seen.front().row).before == nullptr);
    REQUIRE(store.commit(put_one(make.make_workload("web"))));
    CHECK(run(store.io, others->next()).value().size() == 1);
}

TEST_CASE("a watcher sees nothing before it is durable", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const changes = store.rows.watch({table_id::document});
    store.gate.held = true;
    REQUIRE(store.rows.apply(put_one(make.make_document("a"))));
    std::optional<std::size_t> seen;
    auto const look = [](watcher& from, std::optional<std::size_t>& count) -> awaitable<> {
        auto const got = co_await from.next();
        count = got.value().size();
    };
    store.spawn(look(*changes, seen));
    run_ready(store.io);
    CHECK(!seen);
    store.gate.release();
    run_ready(store.io);
    CHECK(seen == 1u);
}

TEST_CASE("an index key selects what has it before or after the change", "[store][watch]") {
    running_store store;
    row_maker make;
    auto moved = make.make_document("moved");
    moved.about = "one";
    auto const first = store.commit(put_one(moved)).value();
    auto const one = store.rows.watch({table_id::document, about_index("one")});
    auto const two = store.rows.watch({table_id::document, about_index("two")});
    auto const kind = store.rows.watch({table_id::document, kind_index("event")});
    moved.about = "two";
    auto const second = store.commit(put_one(moved, first)).value();
    transaction removal;
    removal.remove<document>(moved.key, second);
    REQUIRE(store.commit(std::move(removal)));
    CHECK(names_of(all_of(store, *one)) == names{"moved"});
    CHECK(names_of(all_of(store, *two)) == names{"moved", "-moved"});
    CHECK(names_of(all_of(store, *kind)) == names{"moved", "-moved"});
    auto const later = store.rows.watch({table_id::document, about_index("one"), first});
    CHECK(names_of(all_of(store, *later)) == names{"moved"});
}

TEST_CASE("a watcher that was away gets what it missed from the history", "[store][watch]") {
    running_store store;
    row_maker make;
    std::vector<revision> at;
    for (auto const* name : {"a", "b", "c"}) at.push_back(store.commit(put_one(make.make_document(name))).value());
    auto const missed = store.rows.watch({table_id::document, {}, at[0]});
    REQUIRE(store.commit(put_one(make.make_document("d"))));
    CHECK(names_of(all_of(store, *missed)) == names{"b", "c", "d"});
    auto const future = store.rows.watch({table_id::document, {}, at[2] + 2});
    CHECK(run(store.io, future->next()).error().code == errc::exhausted);
}

TEST_CASE("history starts anew at a restart", "[store][watch]") {
    auto const disk = std::make_shared<memory_disk>();
    row_maker make;
    revision first = 0;
    revision last = 0;
    {
        running_store store(disk);
        first = store.commit(put_one(make.make_document("a"))).value();
        last = store.commit(put_one(make.make_document("b"))).value();
    }
    running_store store(disk);
    auto const behind = store.rows.watch({table_id::document, {}, first});
    CHECK(run(store.io, behind->next()).error().code == errc::exhausted);
    auto const abreast = store.rows.watch({table_id::document, {}, last});
    REQUIRE(store.commit(put_one(make.make_document("c"))));
    CHECK(names_of(all_of(store, *abreast)) == names{"c"});
}

TEST_CASE("history is bounded by bytes", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const first = store.commit(put_one(make.make_document("first"))).value();
    std::string const text(limits::history_bytes_max / 8, 'x');
    for (int i = 0; i < 6; ++i) REQUIRE(store.commit(put_one(make.make_document(std::to_string(i), text))));
    CHECK(all_of(store, *store.rows.watch({table_id::document, {}, first})).size() == 6);
    for (int i = 6; i < 9; ++i) REQUIRE(store.commit(put_one(make.make_document(std::to_string(i), text))));
    auto const late = store.rows.watch({table_id::document, {}, first});
    CHECK(run(store.io, late->next()).error().message == "too old");
}

TEST_CASE("a slow watcher is closed, and the others are not", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const slow = store.rows.watch({table_id::node});
    auto const calm = store.rows.watch({table_id::document});
    auto machine = make.make_node("a");
    auto at = store.commit(put_one(machine)).value();
    auto recent = at;
    for (std::size_t i = 0; i < limits::watch_queue_count_max; ++i) {
        at = store.rows.apply(put_one(machine, at)).value();
        if (i + 1001 == limits::watch_queue_count_max) recent = at;
    }
    REQUIRE(run(store.io, store.rows.wait_durable(at)));
    REQUIRE(store.commit(put_one(make.make_document("a"))));
    auto const closed = run(store.io, slow->next());
    REQUIRE(!closed);
    CHECK(closed.error().message == "too old");
    CHECK(names_of(all_of(store, *calm)) == names{"a"});
    CHECK(all_of(store, *store.rows.watch({table_id::node, {}, recent})).size() == 1000);
}

TEST_CASE("a watcher outlives its store, and is told", "[store][watch]") {
    asio::io_context io;
    memory_journal journal;
    auto rows = std::make_unique<store>(io.get_executor(), journal);
    REQUIRE(run(io, rows->open()).has_value());
    auto const all = rows->watch({table_id::document});
    auto const some = rows->watch({table_id::document, kind_index("event")});
    rows.reset();
    CHECK(run(io, all->next()).error().code == errc::unavailable);
    CHECK(run(io, some->next()).error().code == errc::unavailable);
}
