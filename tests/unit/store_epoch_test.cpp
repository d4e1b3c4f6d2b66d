// Positions in a store whose journal is copied, put back, and opened again.
#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include <rik/base/limits.hpp>
#include <rik/store/epoch.hpp>

using namespace rik;
using namespace rik::testing;

namespace {

using disk_ptr = std::shared_ptr<memory_disk>;

disk_ptr copy_of(disk_ptr const& disk) { return std::make_shared<memory_disk>(*disk); }

/// Commits one document after the other: as many revisions.
store_position commit_some(running_store& store, row_maker& make, std::string const& prefix, int count) {
    for (int i = 0; i < count; ++i) store.commit(put_one(make.make_document(prefix + std::to_string(i)))).value();
    return store.rows.position();
}

bool goes_on_after(running_store& store, store_position const& after) {
    auto const watch = store.rows.watch({table_id::document, {}, after});
    row_maker make;
    static int count = 0;
    store.commit(put_one(make.make_document("after" + std::to_string(++count)))).value();
    auto const next = run(store.io, watch->next());
    if (!next) CHECK(next.error().message == "too old");
    return next.has_value();
}

store_epoch epoch_at(seeded_entropy& random, revision first) { return {epoch_id::generate(random), first}; }

}  // namespace

TEST_CASE("a position of a store that was put back from an older copy is not gone on after", "[store][epoch]") {
    row_maker make;
    auto const disk = std::make_shared<memory_disk>();
    store_position at_copy;
    store_position lost;
    disk_ptr copy;
    {
        running_store store(disk);
        at_copy = commit_some(store, make, "a", 5);
        copy = copy_of(disk);
        lost = commit_some(store, make, "b", 4);
    }
    running_store restored(copy);
    // It has made the same revisions by now: a bare number could not tell.
    auto const now = commit_some(restored, make, "c", 20);
    REQUIRE(now.reached > lost.reached);
    CHECK(!goes_on_after(restored, lost));
    CHECK(goes_on_after(restored, now));
    CHECK(!goes_on_after(restored, {.epoch = {}, .reached = now.reached}));
}

TEST_CASE("who has seen all that the copy has goes on after it was put back", "[store][epoch]") {
    row_maker make;
    auto const disk = std::make_shared<memory_disk>();
    store_position at_copy;
    disk_ptr copy;
    {
        running_store store(disk);
        at_copy = commit_some(store, make, "a", 5);
        copy = copy_of(disk);
        commit_some(store, make, "b", 4);
    }
    running_store restored(copy);
    CHECK(goes_on_after(restored, at_copy));
    CHECK(!goes_on_after(restored, {at_copy.epoch, at_copy.reached + 1}));
}

TEST_CASE("restarts without a change lose nobody's place", "[store][epoch]") {
    row_maker make;
    auto const disk = std::make_shared<memory_disk>();
    store_position last;
    {
        running_store store(disk);
        last = commit_some(store, make, "a", 3);
    }
    for (int i = 0; i < 5; ++i) running_store{disk};
    running_store store(disk);
    CHECK(goes_on_after(store, last));
    CHECK(!goes_on_after(store, {last.epoch, last.reached - 1}));
}

TEST_CASE("two copies of one journal go different ways", "[store][epoch]") {
    row_maker make;
    auto const disk = std::make_shared<memory_disk>();
    {
        running_store store(disk);
        commit_some(store, make, "a", 3);
    }
    auto const other = copy_of(disk);
    running_store one(disk);
    running_store two(other);
    auto const in_one = commit_some(one, make, "b", 3);
    auto const in_two = commit_some(two, make, "c", 3);
    CHECK(in_one.reached == in_two.reached);
    CHECK(!goes_on_after(two, in_one));
    CHECK(!goes_on_after(one, in_two));
}

TEST_CASE("a journal of a build without epochs is opened, and nobody goes on in it", "[store][epoch]") {
    row_maker make;
    auto const disk = std::make_shared<memory_disk>();
    store_position last;
    {
        running_store store(disk);
        last = commit_some(store, make, "a", 3);
    }
    disk->rows[{"meta", "epoch"}].value = "1";
    running_store store(disk);
    REQUIRE(store.opened);
    CHECK(!goes_on_after(store, last));
    CHECK(goes_on_after(store, store.rows.position()));
}

TEST_CASE("a journal remembers its newest epochs only", "[store][epoch]") {
    seeded_entropy random(1);
    std::vector<store_epoch> all;
    for (revision first = 1; first <= limits::store_epochs_max + 10; ++first) all.push_back(epoch_at(random, first));
    auto const kept = detail::parse_epochs(detail::epochs_text(all));
    REQUIRE(kept.size() == limits::store_epochs_max);
    CHECK(kept.front() == all[10]);
    CHECK(kept.back() == all.back());
    CHECK(detail::parse_epochs("").empty());
    CHECK(detail::parse_epochs("7").empty());
    CHECK(detail::parse_epochs(detail::epochs_text({all[1], all[0]})).empty());
    CHECK(detail::parse_epochs(detail::epochs_text(all) + "x").empty());
}

TEST_CASE("an epoch ends where the next begins", "[store][epoch]") {
    seeded_entropy random(1);
    std::vector<store_epoch> const epochs{epoch_at(random, 1), epoch_at(random, 10), epoch_at(random, 11)};
    CHECK(detail::was_at(epochs, {epochs[0].id, 9}, 20));
    CHECK(!detail::was_at(epochs, {epochs[0].id, 10}, 20));
    CHECK(detail::was_at(epochs, {epochs[1].id, 10}, 20));
    CHECK(!detail::was_at(epochs, {epochs[1].id, 9}, 20));
    CHECK(detail::was_at(epochs, {epochs[2].id, 20}, 20));
    CHECK(!detail::was_at(epochs, {epochs[2].id, 21}, 20));
    CHECK(!detail::was_at(epochs, {epoch_id::generate(random), 5}, 20));
    CHECK(detail::quiet_since(epochs, 20) == 20);
    CHECK(detail::quiet_since(epochs, 11) == 9);
    CHECK(detail::quiet_since({}, 7) == 7);
}

TEST_CASE("a position is a text, and a bare revision is one of no epoch", "[store][epoch]") {
    seeded_entropy random(1);
    store_position const here{epoch_id::generate(random), 1234};
    CHECK(parse_store_position(to_string(here)).value() == here);
    CHECK(parse_store_position("17").value() == store_position{.epoch = {}, .reached = 17});
    for (auto const* wrong : {"", "x", "-1", "17x", "18446744073709551616", "6b29fc40-ca47-4067-b31d-00dd010662da",
                              "6b29fc40-ca47-4067-b31d-00dd010662da-", "6b29fc40-ca47-4067-b31d-00dd010662da-1x",
                              "6b29fc40-ca47-4067-b31d-00dd010662da 1"})
        CHECK(parse_store_position(wrong).error().code == errc::invalid);
}
