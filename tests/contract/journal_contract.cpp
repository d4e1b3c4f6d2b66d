#include "contract/journal_contract.hpp"

#include "support/catch.hpp"

#include <rik/async/unless.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

namespace {

using namespace std::string_literals;

journal_entry entry(revision at, std::string key, std::optional<std::string> value, std::string table = "document") {
    return journal_entry{at, std::move(table), std::move(key), std::move(value)};
}

/// A journal of a process that lives as long as this.
class process {
public:
    explicit process(journal_maker& disk) : loop_(disk.loop()), journal_(disk.open()) {}

    result<journal_contents> lead() { return loop_.run(journal_->lead()); }
    result<void> append(std::vector<journal_entry> batch) { return loop_.run(journal_->append(std::move(batch))); }
    /// Gives up while the append is under way; it may have succeeded.
    void append_and_die(std::vector<journal_entry> batch) {
        loop_.run(abandon(journal_->append(std::move(batch))));
        journal_.reset();
    }

private:
    static awaitable<> nothing() { co_return; }
    static awaitable<> abandon(awaitable<result<void>> appending) {
        auto const ended = co_await unless(nothing(), std::move(appending));
        (void)ended;
    }

    event_loop& loop_;
    std::unique_ptr<journal> journal_;
};

journal_contents read(journal_maker& disk) {
    process reader(disk);
    auto led = reader.lead();
    if (!led) FAIL(led.error());
    return std::move(*led);
}

/// The row of this key; nullopt if there is none.
std::optional<journal_entry> find(journal_contents const& in, std::string_view key, std::string_view table) {
    auto const found = std::find_if(in.rows.begin(), in.rows.end(),
                                    [&](auto const& each) { return each.key == key && each.table == table; });
    return found == in.rows.end() ? std::nullopt : std::optional(*found);
}

void gives_back_the_newest(journal_maker& disk) {
    auto const odd = "{\"text\":\"\0 \xc3\xa4\"}"s;
    {
        process writer(disk);
        auto const led = writer.lead();
        REQUIRE(led.has_value());
        CHECK(led->rows.empty());
        CHECK(led->last == 0);
        REQUIRE(writer.append({entry(1, "a", "1"), entry(1, "z", odd), entry(1, "a", "other", "event")}));
        REQUIRE(writer.append({entry(2, "b", ""), entry(2, "c", "1")}));
        REQUIRE(writer.append({entry(3, "a", "3")}));
        REQUIRE(writer.append({entry(4, "c", std::nullopt), entry(4, "never", std::nullopt)}));
    }
    auto const left = read(disk);
    CHECK(left.last == 4);  // of a removal, of which nothing is left
    REQUIRE(left.rows.size() == 4);
    CHECK(std::is_sorted(left.rows.begin(), left.rows.end(),
                         [](auto const& one, auto const& other) { return one.changed_at < other.changed_at; }));
    auto const newest = find(left, "a", "document");
    REQUIRE(newest);
    CHECK(newest->value == "3");
    CHECK(newest->changed_at == 3);
    REQUIRE(find(left, "a", "event"));
    CHECK(find(left, "a", "event")->value == "other");
    REQUIRE(find(left, "z", "document"));
    CHECK(find(left, "z", "document")->value == odd);
    REQUIRE(find(left, "b", "document"));
    CHECK(find(left, "b", "document")->value == "");
}

void keeps_the_newest_of_a_batch(journal_maker& disk) {
    {
        process writer(disk);
        REQUIRE(writer.lead().has_value());
        REQUIRE(
            writer.append({entry(1, "changed", "1"), entry(1, "removed", "1"), entry(2, "changed", "2"),
                           entry(2, "removed", std::nullopt), entry(2, "back", std::nullopt), entry(3, "back", "3")}));
    }
    auto const left = read(disk);
    CHECK(left.last == 3);
    REQUIRE(left.rows.size() == 2);
    CHECK(left.rows[0].key == "changed");
    CHECK(left.rows[0].value == "2");
    CHECK(left.rows[0].changed_at == 2);
    CHECK(left.rows[1].key == "back");
    CHECK(left.rows[1].value == "3");
}

/// Which of two wins is the adapter's choice, but not both.
void has_one_leader(journal_maker& disk) {
    {
        process first(disk);
        REQUIRE(first.lead().has_value());
        process second(disk);
        auto const led = second.lead();
        if (!led) CHECK(led.error().code == errc::conflict);
        auto const of_first = first.append({entry(1, "first", "1")});
        CHECK(of_first.has_value() != led.has_value());
        if (!of_first) CHECK(of_first.error().code == errc::unavailable);
        auto const of_second = second.append({entry(1, "second", "1")});
        CHECK(of_second.has_value() == led.has_value());
        if (!of_second) CHECK(of_second.error().code == errc::unavailable);
    }
    auto const left = read(disk);
    CHECK(left.rows.size() == 1);
}

void is_appended_whole_or_not_at_all(journal_maker& disk) {
    constexpr std::size_t count = 500;
    {
        process writer(disk);
        REQUIRE(writer.lead().has_value());
        REQUIRE(writer.append({entry(1, "before", "1")}));
        std::vector<journal_entry> batch;
        for (std::size_t i = 0; i < count; ++i) batch.push_back(entry(2, std::to_string(i), std::string(200, 'x')));
        writer.append_and_die(std::move(batch));
    }
    auto const left = read(disk);
    CHECK(left.rows.size() == (left.last == 2 ? 1 + count : 1));
    CHECK(find(left, "before", "document").has_value());
}

void ends_with_its_first_error(journal_maker& disk) {
    if (!disk.limit_room()) return;
    revision acknowledged = 0;
    {
        process writer(disk);
        REQUIRE(writer.lead().has_value());
        result<void> appended;
        while (appended) {
            auto const at = acknowledged + 1;
            auto const key = std::to_string(at);
            appended = writer.append({entry(at, key + "/a", std::string(9'000, 'x')), entry(at, key + "/b", "x")});
            if (appended) acknowledged = at;
            REQUIRE(acknowledged < 1'000);
        }
        CHECK(appended.error().code == errc::exhausted);
        disk.free_room();
        CHECK_FALSE(writer.append({entry(acknowledged + 2, "late", "x")}));
    }
    REQUIRE(acknowledged > 10);
    process next(disk);
    auto const led = next.lead();
    REQUIRE(led.has_value());
    auto const is_there_all_the_same = led->last == acknowledged + 1;
    CHECK((is_there_all_the_same || led->last == acknowledged));
    CHECK(led->rows.size() == 2 * led->last);
    CHECK(next.append({entry(acknowledged + 2, "again", "x")}));
}

}  // namespace

void check_journal(journal_maker& disk) {
    SECTION("it gives back the newest of each row, in order of revision") { gives_back_the_newest(disk); }
    SECTION("of one batch, too, it keeps the newest of each row") { keeps_the_newest_of_a_batch(disk); }
    SECTION("before it leads it takes nothing") {
        process early(disk);
        CHECK(early.append({entry(1, "a", "1")}).error().code == errc::unavailable);
    }
    SECTION("of two on one disk one leads") { has_one_leader(disk); }
    SECTION("a batch whose writer dies is there whole or not at all") { is_appended_whole_or_not_at_all(disk); }
    SECTION("after an error it takes nothing, and what was acknowledged stays") { ends_with_its_first_error(disk); }
}

}  // namespace rik::testing
