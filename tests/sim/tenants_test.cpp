// What callers of several tenants see of each other, and may do to each other: nothing.
#include <support/lone_primary.hpp>

#include <array>
#include <set>
#include <string>

using namespace rik;
using namespace rik::testing;

namespace {

caller const admin;
caller const editor{.subject = "ada", .tenant = "default", .role = caller_role::editor};
caller const reader{.subject = "rita", .tenant = "default", .role = caller_role::reader};
caller const stranger{.subject = "eve", .tenant = "other", .role = caller_role::editor};
std::array const everybody{admin, editor, reader, stranger};
std::array const no_admins{editor, reader, stranger};
std::array const no_writers{stranger, reader};

/// A workload of tenant default with an instance, one of tenant other with none, and a node.
struct inhabited {
    explicit inhabited(sim::world& in) : alone(in) {}

    awaitable<> fill() {
        co_await alone.start();
        alone.start_scheduler();
        node = co_await alone.join_node();
        ours = co_await alone.create_workload("web");
        auto const made = co_await alone.create_instances(ours, 1);
        instance = made.front()->id();
        new_tenant other{.name = "other"};
        auto const known = co_await alone.role->tenants().create(admin, std::move(other));
        REQUIRE(known.has_value());
        auto const wanted = definition_of("other", "shop");
        auto const created = co_await alone.role->workloads().create(stranger, wanted);
        REQUIRE(created.has_value());
        theirs = created->row->id;
    }
    static workload_definition definition_of(std::string tenant, std::string name) {
        auto parsed = parse_definition(R"({"apiVersion":"v1","kind":"Pod","name":")" + name +
                                       R"(","spec":{"containers":[{"name":"web","image":"web:1"}]}})");
        parsed.definition.tenant = std::move(tenant);
        return std::move(parsed.definition);
    }

    lone_primary alone;
    node_id node = {};
    workload_id ours = {};
    workload_id theirs = {};
    instance_id instance = {};
};

void simulate(awaitable<> (*what)(inhabited&)) {
    sim::world world(42);
    inhabited all(world);
    world.run(all.fill());
    world.run(what(all));
    world.run(all.alone.stop());
}

awaitable<> lists_keep_to_tenants(inhabited& all) {
    auto& role = *all.alone.role;
    for (auto const& who : everybody) {
        CAPTURE(who.subject);
        auto const is_admin = who.role == caller_role::admin;
        auto const is_other = who.tenant == "other";
        auto const workloads = co_await role.workloads().list(who, workload_filter(), page());
        CHECK(workloads->rows.size() == (is_admin ? 2 : 1));
        for (auto const& each : workloads->rows) CHECK((is_admin || each->tenant == who.tenant));
        auto const instances = co_await role.instances().list(who, instance_filter(), page());
        CHECK(instances->rows.size() == (is_other ? 0 : 1));
        auto const nodes = co_await role.nodes().list(who, page());
        CHECK(nodes->rows.size() == 1);
        auto const events = co_await role.events().list(who, event_filter());
        std::set<std::string> about;
        for (auto const& each : events->rows) about.insert(parse_event(*each)->object_name);
        CHECK(about.contains("node-0"));
        CHECK(about.contains("web") == !is_other);
        CHECK(about.contains("shop") == (is_admin || is_other));
    }
}

awaitable<> filters_keep_to_tenants(inhabited& all) {
    auto& role = *all.alone.role;
    workload_filter const other{"other"};
    auto const of_other = co_await role.workloads().list(admin, other, page());
    REQUIRE(of_other->rows.size() == 1);
    CHECK(of_other->rows.front()->name == "shop");
    auto const refused = co_await role.workloads().list(editor, other, page());
    CHECK(refused.error().code == errc::denied);
    instance_filter of_ours;
    of_ours.workload = all.ours;
    auto const hidden = co_await role.instances().list(stranger, of_ours, page());
    CHECK(hidden->rows.empty());
    of_ours.tenant = "default";
    auto const denied = co_await role.instances().list(stranger, of_ours, page());
    CHECK(denied.error().code == errc::denied);
    auto const watch = co_await role.instances().watch(stranger, of_ours, watch_after());
    CHECK(watch.error().code == errc::denied);
    event_filter const about{all.ours.text()};
    auto const events = co_await role.events().list(stranger, about);
    CHECK(events->rows.empty());
}

awaitable<> lookups_keep_to_tenants(inhabited& all) {
    auto& role = *all.alone.role;
    object_ref by_name("web");
    auto const unknown = co_await role.workloads().get(stranger, by_name);
    CHECK(unknown.error().code == errc::not_found);
    auto const hidden = co_await role.workloads().get(stranger, all.ours);
    CHECK(hidden.error().code == errc::not_found);
    by_name.tenant = "default";
    auto const denied = co_await role.workloads().get(stranger, by_name);
    CHECK(denied.error().code == errc::denied);
    auto const own = co_await role.workloads().get(reader, all.ours);
    CHECK(own.has_value());
    auto const instance = co_await role.instances().get(stranger, all.instance);
    CHECK(instance.error().code == errc::not_found);
    container_log_request what{.instance = all.instance};
    auto const log = co_await role.streams().open_container_log(stranger, std::move(what));
    CHECK(log.error().code == errc::not_found);
    auto const node = co_await role.nodes().get(stranger, all.node);
    CHECK(node.has_value());
}

awaitable<> changes_keep_to_tenants(inhabited& all) {
    auto& role = *all.alone.role;
    auto const definition = inhabited::definition_of("default", "more");
    auto const foreign = co_await role.workloads().create(stranger, definition);
    CHECK(foreign.error().code == errc::denied);
    auto const read_only = co_await role.workloads().create(reader, definition);
    CHECK(read_only.error().code == errc::denied);
    create_instances_request one{.workload = all.ours};
    auto const hidden = co_await role.instances().create(stranger, one);
    CHECK(hidden.error().code == errc::not_found);
    auto const made = co_await role.instances().create(reader, one);
    CHECK(made.error().code == errc::denied);
    for (auto const& who : no_writers) {
        auto const wanted = who.tenant == "default" ? errc::denied : errc::not_found;
        auto const workload = co_await role.workloads().remove(who, all.ours, any_revision);
        CHECK(workload.error().code == wanted);
        auto const instance = co_await role.instances().remove(who, all.instance, any_revision);
        CHECK(instance.error().code == wanted);
    }
    auto const kept = co_await role.instances().get(editor, all.instance);
    CHECK_FALSE((*kept)->deleting_since());
    auto const by_owner = co_await role.instances().remove(editor, all.instance, any_revision);
    CHECK(by_owner.has_value());
    auto const by_admin = co_await role.workloads().remove(admin, all.theirs, any_revision);
    CHECK(by_admin.has_value());
}

awaitable<> images_are_the_admins(inhabited& all) {
    for (auto const& who : no_admins) {
        image_call list = list_images();
        auto const listed = co_await all.alone.role->images().call(who, all.node, std::move(list));
        CHECK(listed.error().code == errc::denied);
    }
}

awaitable<> a_watch_keeps_to_its_tenant(inhabited& all) {
    auto& role = *all.alone.role;
    auto const watch = co_await role.workloads().watch(stranger, workload_filter(), watch_after());
    auto const first = co_await (*watch)->next();
    REQUIRE(first->changes.size() == 1);
    (void)co_await all.alone.create_workload("hidden");
    auto const passed = co_await (*watch)->next();
    CHECK(passed->changes.empty());
    CHECK(passed->at.reached > first->at.reached);
    auto const definition = inhabited::definition_of("other", "more");
    auto const made = co_await role.workloads().create(stranger, definition);
    CHECK(made.has_value());
    auto const news = co_await (*watch)->next();
    REQUIRE(news->changes.size() == 1);
    CHECK(std::get<row_change<workload>>(news->changes.front().row).after->name == "more");
}

}  // namespace

TEST_CASE("lists have what is of the caller's tenant, and nodes, and an admin's have all") {
    simulate(lists_keep_to_tenants);
}
TEST_CASE("a filter shows nobody what is of another tenant") { simulate(filters_keep_to_tenants); }
TEST_CASE("what is of another tenant is not found, not even by its uid") { simulate(lookups_keep_to_tenants); }
TEST_CASE("nobody changes what is of another tenant, and a reader nothing") { simulate(changes_keep_to_tenants); }
TEST_CASE("the images of a node are the admin's") { simulate(images_are_the_admins); }
TEST_CASE("a watch tells nothing of another tenant but that time has passed") { simulate(a_watch_keeps_to_its_tenant); }
