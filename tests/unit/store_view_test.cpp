// The order of rows: by name, in whole tables and in indexes, and in parts.
#include "support/catch.hpp"
#include "support/store_fixture.hpp"

#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;

namespace {

using names = std::vector<std::string>;

names names_of(std::vector<stored<instance>> const& rows) {
    names found;
    for (auto const& row : rows) found.push_back(row->name());
    return found;
}

names names_of(std::vector<stored<node>> const& rows) {
    names found;
    for (auto const& row : rows) found.push_back(row->facts.name);
    return found;
}

template <class Row>
void put(running_store& store, Row row, revision expected = 0) {
    transaction changes;
    changes.put(std::move(row), expected);
    REQUIRE(store.commit(std::move(changes)));
}

/// Instances a to e of one workload, made in another order.
struct five_instances {
    five_instances() {
        auto const web = make.make_workload("web");
        auto const first = std::make_shared<release const>(make.make_release(web.id));
        put(store, web);
        put(store, *first);
        for (auto const* name : {"d", "a", "e", "c", "b"}) put(store, make.make_instance(name, first));
        owner = owner_index(web.id);
    }
    view const& rows() const { return store.rows.head(); }

    running_store store;
    row_maker make;
    std::string owner;
};

}  // namespace

TEST_CASE("rows are listed in the order of names, part by part", "[store]") {
    five_instances five;
    for (auto const& index : {std::string(), five.owner}) {
        CHECK(names_of(five.rows().list_after<instance>(index, {}, 2)) == names{"a", "b"});
        CHECK(names_of(five.rows().list_after<instance>(index, "default/b", 2)) == names{"c", "d"});
        CHECK(names_of(five.rows().list_after<instance>(index, "default/d", 2)) == names{"e"});
        CHECK(five.rows().list_after<instance>(index, "default/e", 2).empty());
        CHECK(names_of(five.rows().list_after<instance>(index, "default/bb", 9)) == names{"c", "d", "e"});
        CHECK(five.rows().list_after<instance>(index, "e", 9).empty());
    }
    CHECK(names_of(five.rows().list<instance>(five.owner)) == names{"a", "b", "c", "d", "e"});
    CHECK(five.rows().list_after<instance>("owner/nobody", {}, 9).empty());
}

TEST_CASE("a part goes on behind a row that has gone", "[store]") {
    five_instances five;
    auto const gone = five.rows().find_named<instance>("default/b");
    transaction removal;
    removal.remove<instance>(gone->id(), gone.changed_at);
    REQUIRE(five.store.commit(std::move(removal)));
    for (auto const& index : {std::string(), five.owner})
        CHECK(names_of(five.rows().list_after<instance>(index, "default/b", 2)) == names{"c", "d"});
}

TEST_CASE("a row that moves to another index keeps its place", "[store]") {
    five_instances five;
    auto const row = five.rows().find_named<instance>("default/c");
    auto fields = row->fields();
    auto const on = node_id::generate(five.make.random);
    fields.binding = node_binding{.node = on, .fence = 9};
    put(five.store, instance(std::move(fields)), row.changed_at);
    CHECK(names_of(five.rows().list_after<instance>(node_index(on), {}, 9)) == names{"c"});
    CHECK(names_of(five.rows().list_after<instance>(five.owner, {}, 9)) == names{"a", "b", "c", "d", "e"});
    auto const bound = five.rows().find_named<instance>("default/c");
    auto moved = bound->fields();
    moved.binding->node = node_id::generate(five.make.random);
    put(five.store, instance(moved), bound.changed_at);
    CHECK(five.rows().count<instance>(node_index(on)) == 0);
    CHECK(names_of(five.rows().list_after<instance>(node_index(moved.binding->node), {}, 9)) == names{"c"});
}

TEST_CASE("a name that goes to another row in the same commit stays in order", "[store]") {
    five_instances five;
    auto const old = five.rows().find_named<instance>("default/c");
    transaction replacement;
    replacement.put(five.make.make_instance("c", old->made_from()), 0);
    replacement.remove<instance>(old->id(), old.changed_at);
    REQUIRE(five.store.commit(std::move(replacement)));
    CHECK(names_of(five.rows().list<instance>(five.owner)) == names{"a", "b", "c", "d", "e"});
    CHECK(five.rows().find_named<instance>("default/c")->id() != old->id());
}

TEST_CASE("nodes of one name follow each other, and one that is renamed moves", "[store]") {
    running_store store;
    row_maker make;
    for (auto const* name : {"b", "a", "b"}) put(store, make.make_node(name));
    auto const& rows = store.rows.head();
    CHECK(names_of(rows.list_after<node>({}, {}, 9)) == names{"a", "b", "b"});
    CHECK(names_of(rows.list_after<node>({}, "b/", 9)) == names{"b", "b"});
    auto const first = rows.list_after<node>({}, "a/", 1).front();
    auto renamed = *first;
    renamed.facts.name = "c";
    put(store, std::move(renamed), first.changed_at);
    CHECK(names_of(rows.list_after<node>({}, {}, 9)) == names{"b", "b", "c"});
}

TEST_CASE("an instance compares with a text as its name does, also with texts of tenants that begin alike", "[store]") {
    five_instances five;
    auto fields = five.rows().find_named<instance>("default/c")->fields();
    for (std::string const tenant : {"a", "a-b", "a.b", "ab"}) {
        for (std::string const name : {"c", "b-c", "x"}) {
            fields.tenant = tenant;
            fields.name = name;
            instance const row(fields);
            for (std::string const text : {"a", "a/", "a/b-c", "a/c", "a/cc", "a-b/c", "a.b/c", "ab/x", "ab", ""})
                CHECK((table<instance>::compare_names(row, text) < 0) == (table<instance>::name_of(row) < text));
        }
    }
}
