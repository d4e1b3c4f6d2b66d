#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include <rik/base/limits.hpp>

using namespace rik;
using namespace rik::testing;

namespace {

/// The next `count` changes, which come in batches.
std::vector<change> take(running_store& store, watcher& from, std::size_t count) {
    run_ready(store.io);
    std::vector<change> all;
    while (all.size() < count)
        for (auto& each : run(store.io, from.next()).value()) all.push_back(std::move(each));
    return all;
}

std::vector<change> all_of(running_store& store, watcher& from) { return take(store, from, 1); }

store_position after(running_store const& store, revision reached) { return {store.rows.position().epoch, reached}; }

error end_of(running_store& store, std::unique_ptr<watcher> const& from) {
    run_ready(store.io);
    for (;;)
        if (auto const next = run(store.io, from->next()); !next) return next.error();
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
    auto const later = store.rows.watch({table_id::document, about_index("one"), after(store, first)});
    CHECK(names_of(all_of(store, *later)) == names{"moved"});
}

TEST_CASE("a watcher that was away gets what it missed from the history", "[store][watch]") {
    running_store store;
    row_maker make;
    std::vector<revision> at;
    for (auto const* name : {"a", "b", "c"}) at.push_back(store.commit(put_one(make.make_document(name))).value());
    auto const missed = store.rows.watch({table_id::document, {}, after(store, at[0])});
    REQUIRE(store.commit(put_one(make.make_document("d"))));
    CHECK(names_of(all_of(store, *missed)) == names{"b", "c", "d"});
    auto const future = store.rows.watch({table_id::document, {}, after(store, at[2] + 2)});
    CHECK(run(store.io, future->next()).error().code == errc::exhausted);
}

TEST_CASE("history starts anew at a restart", "[store][watch]") {
    auto const disk = std::make_shared<memory_disk>();
    row_maker make;
    store_position first;
    store_position last;
    {
        running_store store(disk);
        first = after(store, store.commit(put_one(make.make_document("a"))).value());
        last = after(store, store.commit(put_one(make.make_document("b"))).value());
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
    CHECK(take(store, *store.rows.watch({table_id::document, {}, after(store, first)}), 6).size() == 6);
    for (int i = 6; i < 9; ++i) REQUIRE(store.commit(put_one(make.make_document(std::to_string(i), text))));
    auto const late = store.rows.watch({table_id::document, {}, after(store, first)});
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
        if (i % 10'000 == 0) REQUIRE(run(store.io, store.rows.wait_durable(at)));  // or the journal falls behind
    }
    REQUIRE(run(store.io, store.rows.wait_durable(at)));
    REQUIRE(store.commit(put_one(make.make_document("a"))));
    auto const closed = run(store.io, slow->next());
    REQUIRE(!closed);
    CHECK(closed.error().message == "too old");
    CHECK(names_of(all_of(store, *calm)) == names{"a"});
    CHECK(take(store, *store.rows.watch({table_id::node, {}, after(store, recent)}), 1000).size() == 1000);
}

TEST_CASE("what a watcher has not fetched is bounded by bytes, too", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const slow = store.rows.watch({table_id::document});
    auto const calm = store.rows.watch({table_id::workload});
    std::string const text(900'000, 'x');
    std::weak_ptr<document const> first;
    for (int i = 0; i < 60; ++i) {
        auto big = make.make_document(std::to_string(i), text);
        auto const at = store.commit(put_one(big)).value();
        if (i == 0) first = store.rows.head().find<document>(big.key).row;
        transaction removal;
        removal.remove<document>(big.key, at);
        REQUIRE(store.commit(std::move(removal)));
    }
    CHECK(first.expired());  // nobody keeps it alive
    CHECK(end_of(store, slow).message == "too old");
    REQUIRE(store.commit(put_one(make.make_workload("web"))));
    CHECK(all_of(store, *calm).size() == 1);
}

TEST_CASE("a watcher that fetches in time gets all of many large changes, a few at a time", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const reader = store.rows.watch({table_id::document});
    std::string const text(900'000, 'x');
    std::size_t seen_count = 0;
    std::size_t largest = 0;
    auto const read = [](watcher& from, std::size_t& seen, std::size_t& most) -> awaitable<> {
        for (;;) {
            auto const batch = co_await from.next();
            if (!batch) co_return;
            seen += batch->size();
            most = std::max(most, batch->size());
        }
    };
    store.spawn(read(*reader, seen_count, largest));
    store.gate.held = true;  // all of it becomes durable at once
    for (int i = 0; i < 30; ++i) REQUIRE(store.rows.apply(put_one(make.make_document(std::to_string(i), text))));
    store.gate.release();
    REQUIRE(run(store.io, store.rows.wait_durable(store.rows.head().at())));
    run_ready(store.io);
    CHECK(seen_count == 30);
    CHECK(largest == 1);
    store.stop();  // who reads ends before what it reads from
}

TEST_CASE("a batch has whole commits", "[store][watch]") {
    running_store store;
    row_maker make;
    auto const reader = store.rows.watch({table_id::document});
    transaction large;
    for (auto const* name : {"a", "b", "c"}) large.put(make.make_document(name, std::string(30'000, 'x')), 0);
    REQUIRE(store.commit(put_one(make.make_document("0"))));
    REQUIRE(store.commit(std::move(large)));
    REQUIRE(store.commit(put_one(make.make_document("z"))));
    run_ready(store.io);
    CHECK(names_of(run(store.io, reader->next()).value()) == names{"0"});
    CHECK(names_of(run(store.io, reader->next()).value()) == names{"a", "b", "c"});
    CHECK(names_of(run(store.io, reader->next()).value()) == names{"z"});
}

TEST_CASE("of many watchers that fetch nothing the longest queue goes when all have too many changes",
          "[store][watch]") {
    running_store store;
    row_maker make;
    std::vector<std::unique_ptr<watcher>> slow;
    std::size_t const per_watcher = 10'000;
    for (std::size_t i = 0; i <= limits::watch_queues_count_max / per_watcher; ++i)
        slow.push_back(store.rows.watch({table_id::node}));
    auto machine = make.make_node("a");
    auto at = store.commit(put_one(machine)).value();
    for (std::size_t i = 1; i < per_watcher; ++i) at = store.rows.apply(put_one(machine, at)).value();
    REQUIRE(run(store.io, store.rows.wait_durable(at)));
    std::size_t ended_count = 0;
    for (auto const& each : slow) ended_count += run(store.io, each->next()).has_value() ? 0 : 1;
    CHECK(ended_count >= 1);
    CHECK(ended_count < slow.size());
}

TEST_CASE("a journal that is too slow takes no more bytes", "[store]") {
    running_store store;
    row_maker make;
    store.gate.held = true;
    std::string const text(8u << 20, 'x');
    int taken_count = 0;
    while (taken_count < 50 && store.rows.apply(put_one(make.make_document(std::to_string(taken_count), text))))
        ++taken_count;
    CHECK(taken_count > 1);
    CHECK(taken_count <= 9);
    auto const refused = store.rows.apply(put_one(make.make_document("small")));
    CHECK(refused.error().code == errc::exhausted);
    store.gate.release();
    REQUIRE(run(store.io, store.rows.wait_durable(store.rows.head().at())));
    CHECK(store.rows.unflushed_bytes() == 0);
    CHECK(store.rows.apply(put_one(make.make_document("small"))));
}

TEST_CASE("a watcher outlives its store, and is told", "[store][watch]") {
    asio::io_context io;
    memory_journal journal;
    seeded_entropy random(1);
    auto rows = std::make_unique<store>(io.get_executor(), journal, random);
    REQUIRE(run(io, rows->open()).has_value());
    auto const all = rows->watch({table_id::document});
    auto const some = rows->watch({table_id::document, kind_index("event")});
    rows.reset();
    CHECK(run(io, all->next()).error().code == errc::unavailable);
    CHECK(run(io, some->next()).error().code == errc::unavailable);
}
