// How tenants come, what can be made in them, and how they go with all that is in them.
#include <support/lone_primary.hpp>

#include <rik/base/limits.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;

namespace {

caller const admin;

workload_definition definition_of(std::string name, std::string tenant = {}) {
    auto parsed = parse_definition(R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
                                   R"(","spec":{"containers":[{"name":"web","image":"web:1"}]}})");
    REQUIRE(parsed.found.empty());
    parsed.definition.tenant = std::move(tenant);
    return std::move(parsed.definition);
}

/// A primary with its scheduler, and what the tests ask of it.
class world_of_tenants {
public:
    explicit world_of_tenants(sim::world& in) : alone(in) {}

    awaitable<result<stored<tenant_record>>> create(std::string name) {
        new_tenant what{.name = std::move(name)};
        return alone.role->tenants().create(admin, std::move(what));
    }
    awaitable<result<stored<tenant_record>>> get(std::string name) {
        object_ref which(std::move(name));
        return alone.role->tenants().get(admin, std::move(which));
    }
    awaitable<result<tenant_contents>> remove(std::string name, expected_revision expected = any_revision) {
        object_ref which(std::move(name));
        return alone.role->tenants().remove(admin, std::move(which), expected);
    }
    awaitable<std::vector<std::string>> names() {
        auto const listed = co_await alone.role->tenants().list(admin, page());
        REQUIRE(listed.has_value());
        std::vector<std::string> all;
        for (auto const& each : listed->rows) all.push_back(each->name);
        co_return all;
    }
    awaitable<workload_id> create_workload(std::string name, std::string tenant) {
        auto const made = co_await alone.role->workloads().create(admin, definition_of(name, tenant));
        REQUIRE(made.has_value());
        co_return made->row->id;
    }
    awaitable<std::vector<stored<document>>> events() {
        auto const listed = co_await alone.role->events().list(admin, event_filter());
        REQUIRE(listed.has_value());
        co_return listed->rows;
    }
    /// Gives what is decided in the background time to happen.
    awaitable<> settle() { return alone.world.time().sleep_for(1s); }

    lone_primary alone;
};

void simulate(awaitable<> (*what)(world_of_tenants&)) {
    sim::world world(42);
    world_of_tenants all(world);
    world.run(what(all));
    world.run(all.alone.stop());
}

awaitable<> is_there_from_the_start(world_of_tenants& all) {
    co_await all.alone.start();
    co_await all.settle();
    auto names = co_await all.names();
    CHECK(names == std::vector<std::string>{"default"});
    auto const first = co_await all.get("default");
    REQUIRE(first.has_value());
    co_await all.alone.crash();
    co_await all.alone.start();
    auto const again = co_await all.get("default");
    REQUIRE(again.has_value());
    CHECK((*again)->id == (*first)->id);
    auto const kept = co_await all.remove("default");
    CHECK(kept.error().code == errc::denied);
    CHECK(kept.error().message.find("default") != std::string::npos);
}

awaitable<> are_made_once(world_of_tenants& all) {
    co_await all.alone.start();
    auto const made = co_await all.create("team-a");
    REQUIRE(made.has_value());
    auto const by_id = co_await all.get((*made)->id.text());
    REQUIRE(by_id.has_value());
    CHECK((*by_id)->name == "team-a");
    CHECK(by_id->changed_at == made->changed_at);
    auto const twice = co_await all.create("team-a");
    CHECK(twice.error().code == errc::conflict);
    auto const wrong = co_await all.create("Team/A");
    CHECK(wrong.error().code == errc::invalid);
    CHECK(wrong.error().field == "name");
    auto const unknown = co_await all.get("team-b");
    CHECK(unknown.error().code == errc::not_found);
    CHECK(unknown.error().remedy.find("rikctl create tenant team-b") != std::string::npos);
    co_await all.create("b");
    page part{.count_max = 2};
    auto const first = co_await all.alone.role->tenants().list(admin, part);
    REQUIRE(first->rows.size() == 2);
    CHECK(first->rows.front()->name == "b");
    part.after = first->next;
    auto const last = co_await all.alone.role->tenants().list(admin, part);
    REQUIRE(last->rows.size() == 1);
    CHECK(last->rows.front()->name == "team-a");
    CHECK(last->next.empty());
}

awaitable<> are_limited(world_of_tenants& all) {
    co_await all.alone.start();
    for (std::size_t i = 1; i < limits::tenants_max; ++i) {
        auto const made = co_await all.create("t" + std::to_string(i));
        REQUIRE(made.has_value());
    }
    auto const more = co_await all.create("more");
    CHECK(more.error().code == errc::exhausted);
}

awaitable<> are_labelled(world_of_tenants& all) {
    co_await all.alone.start();
    auto const made = co_await all.create("a");
    object_ref const which("a");
    tenant_change what;
    what.labels["zone"] = "x";
    what.annotations["note"] = "any text";
    auto const changed = co_await all.alone.role->tenants().update(admin, which, what, made->changed_at);
    REQUIRE(changed.has_value());
    CHECK((*changed)->labels.at("zone") == "x");
    CHECK((*changed)->annotations.at("note") == "any text");
    CHECK((*changed)->generation == 2);
    auto const moved = co_await all.alone.role->tenants().update(admin, which, what, made->changed_at);
    CHECK(moved.error().code == errc::conflict);
    what.labels["zone"] = std::nullopt;
    auto const taken = co_await all.alone.role->tenants().update(admin, which, what, any_revision);
    CHECK((*taken)->labels.empty());
    what.labels["no key"] = "x";
    auto const wrong = co_await all.alone.role->tenants().update(admin, which, what, any_revision);
    CHECK(wrong.error().code == errc::invalid);
    what.labels.clear();
    what.annotations["note"] = std::string(limits::tenant_texts_bytes_max, 'x');
    auto const large = co_await all.alone.role->tenants().update(admin, which, what, any_revision);
    CHECK(large.error().code == errc::exhausted);
}

awaitable<> refuse_what_they_are_not_there_for(world_of_tenants& all) {
    co_await all.alone.start();
    auto const made = co_await all.alone.role->workloads().create(admin, definition_of("web", "nowhere"));
    CHECK(made.error().code == errc::not_found);
    CHECK(made.error().message == "tenant nowhere does not exist");
    CHECK(made.error().remedy.find("rikctl create tenant nowhere") != std::string::npos);
    workload_filter const nowhere{"nowhere"};
    auto const listed = co_await all.alone.role->workloads().list(admin, nowhere, page());
    CHECK(listed.error().code == errc::not_found);
    auto const watched = co_await all.alone.role->workloads().watch(admin, nowhere, watch_after());
    CHECK(watched.error().code == errc::not_found);
    event_filter told;
    told.tenant = "nowhere";
    auto const events = co_await all.alone.role->events().list(admin, told);
    CHECK(events.error().code == errc::not_found);
    object_ref web("web");
    web.tenant = "nowhere";
    auto const found = co_await all.alone.role->workloads().get(admin, web);
    CHECK(found.error().message == "tenant nowhere does not exist");
    auto const instance = co_await all.alone.role->instances().get(admin, web);
    CHECK(instance.error().message == "tenant nowhere does not exist");
}

awaitable<> keep_names_apart(world_of_tenants& all) {
    co_await all.alone.start();
    for (auto const* tenant : {"a", "a-b"}) {
        auto const made = co_await all.create(tenant);
        REQUIRE(made.has_value());
        auto const web = co_await all.create_workload("web", tenant);
        create_instances_request one{.workload = web, .name = "web-1"};
        auto const instance = co_await all.alone.role->instances().create(admin, std::move(one));
        REQUIRE(instance.has_value());
        CHECK(instance->front()->tenant() == tenant);
    }
    instance_filter of_a;
    of_a.tenant = "a";
    auto const listed = co_await all.alone.role->instances().list(admin, of_a, page());
    REQUIRE(listed->rows.size() == 1);
    CHECK(listed->rows.front()->tenant() == "a");
    workload_filter const of_both{"a-b"};
    auto const workloads = co_await all.alone.role->workloads().list(admin, of_both, page());
    REQUIRE(workloads->rows.size() == 1);
    CHECK(workloads->rows.front()->tenant == "a-b");
    object_ref which("web-1");
    which.tenant = "a-b";
    auto const found = co_await all.alone.role->instances().get(admin, which);
    CHECK((*found)->tenant() == "a-b");
    which.tenant.clear();
    auto const none = co_await all.alone.role->instances().get(admin, which);
    CHECK(none.error().code == errc::not_found);
    event_filter told;
    told.tenant = "a";
    auto const events = co_await all.alone.role->events().list(admin, told);
    CHECK_FALSE(events->rows.empty());
    for (auto const& each : events->rows) CHECK(each->key.tenant == "a");
}

awaitable<> go_with_all_that_is_in_them(world_of_tenants& all) {
    co_await all.alone.start();
    co_await all.create("a");
    co_await all.create("b");
    auto const kept = co_await all.create_workload("web", "b");
    for (int i = 0; i < 120; ++i) {
        auto const web = co_await all.create_workload("web-" + std::to_string(i), "a");
        if (i < 3) (void)co_await all.alone.create_instances(web, 2);
    }
    auto const gone = co_await all.remove("a");
    REQUIRE(gone.has_value());
    CHECK(gone->workloads_count == 120);
    CHECK(gone->instances_count == 6);
    co_await all.settle();
    auto const names = co_await all.names();
    CHECK(names == std::vector<std::string>{"b", "default"});
    auto const workloads = co_await all.alone.role->workloads().list(admin, workload_filter(), page());
    REQUIRE(workloads->rows.size() == 1);
    CHECK(workloads->rows.front()->id == kept);
    auto const instances = co_await all.alone.instances();
    CHECK(instances.empty());
    auto const events = co_await all.events();
    CHECK(std::ranges::none_of(events, [](auto const& row) { return row->key.tenant == "a"; }));
    auto const again = co_await all.remove("a");
    CHECK(again.error().code == errc::not_found);
    auto const anew = co_await all.create("a");
    CHECK(anew.has_value());
}

/// One instance of it is bound, and its node does not say that it is gone.
awaitable<instance_id> bind_one(world_of_tenants& all, std::string tenant) {
    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    auto const web = co_await all.create_workload("web", std::move(tenant));
    auto const made = co_await all.alone.create_instances(web, 2);
    reports news;
    news.proposals.push_back({made.front()->id(), node});
    co_await all.alone.report(std::move(news));
    co_await all.settle();
    co_return made.front()->id();
}

awaitable<> confirm(world_of_tenants& all, instance_id which) {
    object_ref const by_id(which);
    auto const row = co_await all.alone.role->instances().get(admin, by_id);
    REQUIRE(row.has_value());
    reports news;
    news.gone.push_back({which, (*row)->binding()->fence, (*row)->binding()->node});
    co_await all.alone.report(std::move(news));
    co_await all.settle();
}

awaitable<> wait_for_their_last_instance(world_of_tenants& all) {
    co_await all.alone.start();
    auto const made = co_await all.create("a");
    auto const bound = co_await bind_one(all, "a");
    auto const early = co_await all.remove("a", made->changed_at + 1);
    CHECK(early.error().code == errc::conflict);
    auto const gone = co_await all.remove("a", made->changed_at);
    CHECK(gone->instances_count == 2);
    auto const leaving = co_await all.get("a");
    CHECK((*leaving)->state() == workload_state::destroying);
    auto const refused = co_await all.alone.role->workloads().create(admin, definition_of("more", "a"));
    CHECK(refused.error().code == errc::conflict);
    CHECK(refused.error().message == "tenant a is being deleted");
    auto const taken = co_await all.create("a");
    CHECK(taken.error().code == errc::conflict);
    auto const again = co_await all.remove("a");
    CHECK(again->workloads_count == 1);
    CHECK(again->instances_count == 1);
    co_await confirm(all, bound);
    auto const nothing = co_await all.get("a");
    CHECK(nothing.error().code == errc::not_found);
}

awaitable<> go_on_after_a_crash(world_of_tenants& all) {
    co_await all.alone.start();
    co_await all.create("a");
    auto const bound = co_await bind_one(all, "a");
    auto const gone = co_await all.remove("a");
    REQUIRE(gone.has_value());
    co_await all.alone.crash();
    co_await all.alone.start();
    auto const leaving = co_await all.get("a");
    CHECK((*leaving)->state() == workload_state::destroying);
    co_await confirm(all, bound);
    auto const nothing = co_await all.get("a");
    CHECK(nothing.error().code == errc::not_found);
    auto const events = co_await all.events();
    CHECK(std::ranges::none_of(events, [](auto const& row) { return row->key.tenant == "a"; }));
}

awaitable<> are_watched(world_of_tenants& all) {
    co_await all.alone.start();
    co_await all.settle();
    auto const watch = co_await all.alone.role->tenants().watch(admin, watch_after());
    auto const first = co_await (*watch)->next();
    CHECK(first->changes.size() == 1);
    co_await all.create("a");
    auto const news = co_await (*watch)->next();
    REQUIRE(news->changes.size() == 1);
    CHECK(std::get<row_change<document>>(news->changes.front().row).after->key.name == "a");
    caller const stranger{.subject = "eve", .tenant = "other", .role = caller_role::reader};
    auto const theirs = co_await all.alone.role->tenants().watch(stranger, watch_after());
    auto const hidden = co_await (*theirs)->next();
    CHECK(hidden->changes.empty());
    auto const listed = co_await all.alone.role->tenants().list(stranger, page());
    CHECK(listed->rows.empty());
    object_ref const which("a");
    auto const found = co_await all.alone.role->tenants().get(stranger, which);
    CHECK(found.error().code == errc::not_found);
    auto const removed = co_await all.alone.role->tenants().remove(stranger, which, any_revision);
    CHECK(removed.error().code == errc::denied);
}

/// A disk as an earlier release left it: tenants in its own way, and a workload in a tenant that nobody has made.
std::shared_ptr<memory_disk> old_disk() {
    auto contents = std::make_shared<memory_disk>();
    auto const keep = [&](std::string const& id, std::string const& name) {
        document const old{.key = {std::string(tenant_kind), "default", id},
                           .json = R"({"name":")" + name + R"(","verb":"v","resource":"r","id":")" + id + R"("})"};
        contents->rows[{"document", "tenant/default/" + id}] = {1, "document", "tenant/default/" + id, encode(old)};
    };
    keep("f13563b8-8a0b-4867-81f7-6890d6fe9fcd", "me");
    keep("f13563b8-8a0b-4867-81f7-6890d6fe9fce", "me");
    keep("f13563b8-8a0b-4867-81f7-6890d6fe9fcf", "My Team");
    seeded_entropy random(7);
    auto const shared = std::make_shared<workload_definition const>(definition_of("web"));
    workload lost{.id = workload_id::generate(random), .tenant = "lost", .name = "web", .definition = shared};
    auto const first = make_release(release_id::generate(random), lost.id, shared);
    lost.current_release = first.id;
    contents->rows[{"release", first.id.text()}] = {1, "release", first.id.text(), encode(first)};
    contents->rows[{"workload", lost.id.text()}] = {1, "workload", lost.id.text(), encode(lost)};
    contents->last = 1;
    return contents;
}

awaitable<> old_state_is_read(lone_primary& alone) {
    co_await alone.start();
    co_await alone.world.time().sleep_for(1s);
    auto const listed = co_await alone.role->tenants().list(admin, page());
    REQUIRE(listed.has_value());
    std::vector<std::string> names;
    for (auto const& each : listed->rows) names.push_back(each->name);
    CHECK(names == std::vector<std::string>{"default", "lost", "me", "my-team"});
    CHECK(listed->rows[2]->id.text() == "f13563b8-8a0b-4867-81f7-6890d6fe9fcd");
    CHECK(listed->rows[2]->verb == "v");
    co_await alone.stop();
}

}  // namespace

TEST_CASE("the tenant default is there from the start, and stays") { simulate(is_there_from_the_start); }
TEST_CASE("a tenant is made once, and found by name and id") { simulate(are_made_once); }
TEST_CASE("there are at most limits::tenants_max tenants") { simulate(are_limited); }
TEST_CASE("labels and annotations of a tenant change") { simulate(are_labelled); }
TEST_CASE("nothing is made or found in a tenant that does not exist") { simulate(refuse_what_they_are_not_there_for); }
TEST_CASE("names of two tenants do not collide, and lists keep to one") { simulate(keep_names_apart); }
TEST_CASE("a tenant goes with all that is in it, and with its events") { simulate(go_with_all_that_is_in_them); }
TEST_CASE("a tenant waits for its last instance, and nothing is made in it") { simulate(wait_for_their_last_instance); }
TEST_CASE("the deletion of a tenant goes on after a crash") { simulate(go_on_after_a_crash); }
TEST_CASE("tenants are watched, and each caller sees its own") { simulate(are_watched); }
TEST_CASE("tenants of an earlier release are read") {
    sim::world world(42);
    lone_primary alone(world, old_disk());
    world.run(old_state_is_read(alone));
}
