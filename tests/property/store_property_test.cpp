// Properties of the store, with random transactions:
// 1. It accepts exactly what a model of plain maps accepts; what it refuses changes nothing.
// 2. Head and durable view hold the model's rows, and their indexes and names are those of their rows.
// 3. After a crash, everything acknowledged is there, and each transaction as a whole or not at all, in order.
// 4. Who watched from the start has seen each durable change once, in order.
// RIK_SEED=N repeats a run.
#include "support/catch.hpp"
#include "support/seed.hpp"
#include "support/store_fixture.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace rik;
using namespace rik::testing;

namespace {

/// Names and bodies of documents and workloads, by key, with their revisions.
struct model_row {
    std::string name;  ///< of a workload; empty for a document
    std::string body;
    revision changed_at = 0;
    friend bool operator==(model_row const&, model_row const&) = default;
};
using model = std::map<std::string, model_row>;

model_row to_model(stored<workload> const& row) { return {row->name, row->definition->text, row.changed_at}; }
model_row to_model(stored<document> const& row) { return {{}, row->json, row.changed_at}; }

model to_model(view const& from) {
    model rows;
    for (auto const& row : from.list<workload>()) rows["w" + row->id.text()] = to_model(row);
    for (auto const& row : from.list<document>()) rows["d" + row->key.name] = to_model(row);
    return rows;
}

void check_indexes(view const& of) {
    std::map<std::string, std::size_t> expected;
    for (auto const& row : of.list<document>()) {
        for (auto const& key : table<document>::index_of(*row)) ++expected[key];
    }
    for (auto const& [key, count] : expected) CHECK(of.count<document>(key) == count);
    for (int i = 0; i < 4; ++i) {
        auto const key = about_index(std::to_string(i));
        CHECK(of.list<document>(key).size() == (expected.contains(key) ? expected[key] : 0));
    }
    for (auto const& row : of.list<workload>()) {
        CHECK(of.find_named<workload>(table<workload>::name_of(*row))->id == row->id);
    }
}

/// A random transaction, and what it makes of the model; nullopt: it must be refused.
class generator {
public:
    explicit generator(std::uint64_t seed) : random_(seed) {
        for (int i = 0; i < 6; ++i) ids_.push_back(workload_id::generate(random_));
    }

    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

    std::pair<transaction, std::optional<model>> next(view const& head, model const& now) {
        transaction changes;
        auto after = now;
        bool legal = true;
        std::set<std::string> touched;
        auto const count = 1 + below(4);
        for (std::uint64_t i = 0; i < count; ++i) {
            auto const key =
                below(2) == 0 ? workload_change(head, changes, after) : document_change(head, changes, after);
            legal = legal && expected_right_ && touched.insert(key).second;
        }
        std::set<std::string> names;
        for (auto const& [key, row] : after) {
            if (!row.name.empty() && !names.insert(row.name).second) legal = false;
        }
        if (!legal) return {std::move(changes), std::nullopt};
        return {std::move(changes), std::move(after)};
    }

private:
    revision expected_of(revision real) {
        expected_right_ = below(20) != 0;
        return expected_right_ ? real : real + 1;
    }

    std::string workload_change(view const& head, transaction& changes, model& after) {
        auto const& id = ids_[below(ids_.size())];
        auto const now = head.find<workload>(id);
        auto const expected = expected_of(now.changed_at);
        auto const key = "w" + id.text();
        if (below(3) == 0) {
            changes.remove<workload>(id, expected);
            expected_right_ = expected_right_ && now;
            after.erase(key);
            return key;
        }
        workload row;
        row.id = id;
        row.name = "n" + std::to_string(below(5));
        row.definition = testing::written_pod("web", std::to_string(below(1'000)));
        after[key] = model_row{row.name, row.definition->text, head.at() + 1};
        changes.put(std::move(row), expected);
        return key;
    }

    std::string document_change(view const& head, transaction& changes, model& after) {
        document row;
        row.key = document_key{"event", "default", std::to_string(below(8))};
        auto const now = head.find<document>(row.key);
        auto const expected = expected_of(now.changed_at);
        auto const key = "d" + row.key.name;
        if (below(3) == 0) {
            changes.remove<document>(row.key, expected);
            expected_right_ = expected_right_ && now;
            after.erase(key);
            return key;
        }
        row.about = std::to_string(below(4));
        row.json = "{\"n\":" + std::to_string(below(1'000)) + "}";
        after[key] = model_row{{}, row.json, head.at() + 1};
        changes.put(std::move(row), expected);
        return key;
    }

    seeded_entropy random_;
    std::vector<workload_id> ids_;
    bool expected_right_ = true;
};

/// A change, without what it changes: when, and which row by its key in the model.
using sighting = std::pair<revision, std::string>;

std::string key_of(row_change<workload> const& of) { return "w" + (of.after ? of.after : of.before)->id.text(); }
std::string key_of(row_change<document> const& of) { return "d" + (of.after ? of.after : of.before)->key.name; }

template <class Row>
awaitable<> collect(watcher& from, std::vector<sighting>& seen) {
    for (;;) {
        auto const changes = co_await from.next();
        if (!changes) co_return;
        for (auto const& each : *changes)
            seen.emplace_back(each.changed_at, key_of(std::get<row_change<Row>>(each.row)));
    }
}

/// The keys that begin with `prefix` of the rows that differ.
std::set<std::string> changed_keys(model const& before, model const& after, char prefix) {
    std::set<std::string> keys;
    for (auto const& [key, row] : before)
        if (key.front() == prefix && !after.contains(key)) keys.insert(key);
    for (auto const& [key, row] : after) {
        auto const old = before.find(key);
        if (key.front() == prefix && (old == before.end() || old->second != row)) keys.insert(key);
    }
    return keys;
}

/// One life of a store: from an opening to a crash.
class life {
public:
    life(std::shared_ptr<memory_disk> disk, generator& random, std::map<revision, model>& states)
        : random_(random), states_(states), store_(std::move(disk)) {}

    /// Returns what was acknowledged.
    revision live(revision acknowledged) {
        REQUIRE(store_.opened);
        auto const opened_at = store_.rows.head().at();
        check_recovered(acknowledged);
        auto const documents = store_.rows.watch({table_id::document});
        auto const workloads = store_.rows.watch({table_id::workload});
        store_.spawn(collect<document>(*documents, seen_documents_));
        store_.spawn(collect<workload>(*workloads, seen_workloads_));
        auto const steps = 20 + random_.below(60);
        for (std::uint64_t i = 0; i < steps; ++i) step();
        check_watched(opened_at);
        auto const durable = store_.rows.durable().at();
        store_.stop();  // with what the journal holds up, if it does: a crash
        return durable;
    }

private:
    void check_recovered(revision acknowledged) {
        auto const found = to_model(store_.rows.head());
        auto const last = store_.rows.head().at() - 1;  // the epoch made a revision
        REQUIRE(last >= acknowledged);
        CHECK(found == std::prev(states_.upper_bound(last))->second);
        CHECK(found == to_model(store_.rows.durable()));
        check_indexes(store_.rows.head());
        states_.erase(states_.upper_bound(last), states_.end());
        states_[last + 1] = found;
    }

    void step() {
        auto const now = to_model(store_.rows.head());
        auto [changes, after] = random_.next(store_.rows.head(), now);
        auto const applied = store_.rows.apply(std::move(changes));
        CHECK(applied.has_value() == after.has_value());
        CHECK(to_model(store_.rows.head()) == after.value_or(now));
        if (applied) states_[*applied] = to_model(store_.rows.head());
        if (random_.below(4) == 0) {
            store_.gate.release();
            store_.gate.held = random_.below(3) == 0;
            store_.gate.answer_held = random_.below(3) == 0;
        }
        if (random_.below(2) == 0) testing::run_ready(store_.io);
        check_indexes(store_.rows.head());
        auto const durable = store_.rows.durable().at();
        CHECK(to_model(store_.rows.durable()) == std::prev(states_.upper_bound(durable))->second);
    }

    void check_watched(revision opened_at) {
        testing::run_ready(store_.io);
        check_seen(seen_documents_, opened_at, 'd');
        check_seen(seen_workloads_, opened_at, 'w');
    }

    /// Each durable change once, in order of revisions; within a revision any order will do.
    void check_seen(std::vector<sighting> seen, revision opened_at, char prefix) {
        CHECK(std::is_sorted(seen.begin(), seen.end(),
                             [](sighting const& a, sighting const& b) { return a.first < b.first; }));
        std::vector<sighting> expected;
        for (auto at = opened_at + 1; at <= store_.rows.durable().at(); ++at) {
            auto const& before = std::prev(states_.lower_bound(at))->second;
            for (auto const& key : changed_keys(before, states_.at(at), prefix)) expected.emplace_back(at, key);
        }
        std::sort(seen.begin(), seen.end());
        CHECK(seen == expected);
    }

    generator& random_;
    std::map<revision, model>& states_;  ///< after each revision
    std::vector<sighting> seen_documents_;
    std::vector<sighting> seen_workloads_;
    running_store store_;
};

}  // namespace

TEST_CASE("a store does what plain maps do, and a crash takes only what was not acknowledged", "[store][property]") {
    for (auto const seed : seeds(60)) {
        INFO("RIK_SEED=" << seed);
        generator random(seed);
        auto const disk = std::make_shared<memory_disk>();
        std::map<revision, model> states{{0, model()}};
        revision acknowledged = 0;
        for (int lives = 0; lives < 5; ++lives) acknowledged = life(disk, random, states).live(acknowledged);
    }
}
