// How workloads change, and how a bare Pod in Kubernetes' form and its instance are one.
#include <support/lone_primary.hpp>

#include <rik/base/limits.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace rik;
using namespace rik::testing;

namespace {

caller const admin;

std::string pod(std::string const& name, std::string const& image, std::string const& labels = "{}") {
    return R"({"apiVersion":"v1","kind":"Pod","name":")" + name + R"(","labels":)" + labels +
           R"(,"spec":{"containers":[{"name":"web","image":")" + image + R"("}]}})";
}

std::string one_pod(std::string const& name, std::string const& image) {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
           R"("},"spec":{"containers":[{"name":"web","image":")" + image + R"("}]}})";
}

workload_definition read(std::string const& text) {
    auto parsed = parse_definition(text);
    REQUIRE(parsed.found.empty());
    return std::move(parsed.definition);
}

/// A primary, and what the tests ask of it.
class world_of_changes {
public:
    explicit world_of_changes(sim::world& in) : alone(in) {}

    awaitable<result<workload_change>> apply(std::string text, change_options how) {
        return alone.role->workloads().apply(admin, read(text), how);
    }
    awaitable<workload_change> applied(std::string text) {
        change_options const how;
        auto const done = co_await apply(std::move(text), how);
        REQUIRE(done.has_value());
        co_return *done;
    }
    awaitable<result<workload_change>> patch(std::string name, std::string text) {
        object_ref which(std::move(name));
        return alone.role->workloads().change(admin, std::move(which), std::move(text), change_options());
    }
    awaitable<result<stored<workload>>> get(std::string name) {
        object_ref which(std::move(name));
        return alone.role->workloads().get(admin, std::move(which));
    }
    awaitable<result<void>> remove(std::string name) {
        object_ref which(std::move(name));
        return alone.role->workloads().remove(admin, std::move(which), any_revision);
    }
    awaitable<result<void>> remove_instance(std::string name) {
        object_ref which(std::move(name));
        return alone.role->instances().remove(admin, std::move(which), any_revision);
    }
    awaitable<std::vector<std::string>> names(instance_filter which) {
        auto const listed = co_await alone.role->instances().list(admin, std::move(which), page());
        REQUIRE(listed.has_value());
        std::vector<std::string> all;
        for (auto const& each : listed->rows) all.push_back(each->name());
        co_return all;
    }
    awaitable<bool> is_empty() {
        auto const workloads = co_await alone.role->workloads().list(admin, workload_filter(), page());
        auto const rows = co_await alone.instances();
        co_return workloads->rows.empty() && rows.empty();
    }
    awaitable<> settle() { return alone.world.time().sleep_for(1s); }

    /// An instance gets a node.
    awaitable<> bind(instance_id which, node_id to) {
        reports news;
        news.proposals.push_back({which, to});
        co_await alone.report(std::move(news));
        co_await settle();
    }
    awaitable<> report_state(stored<instance> row, instance_state state) {
        reports news;
        instance_status seen{.state = state};
        seen.seq = row->status().seq + 1;
        seen.since = alone.world.time().wall();
        news.states.push_back({row->id(), row->binding()->fence, std::move(seen)});
        co_await alone.report(std::move(news));
        co_await settle();
    }
    awaitable<> confirm_gone(stored<instance> row) {
        reports news;
        news.gone.push_back({row->id(), row->binding()->fence, row->binding()->node});
        co_await alone.report(std::move(news));
        co_await settle();
    }

    lone_primary alone;
};

void simulate(awaitable<> (*what)(world_of_changes&)) {
    sim::world world(42);
    world_of_changes all(world);
    world.run(what(all));
    world.run(all.alone.stop());
}

/// Releases that the disk has; the primary shows none.
std::size_t releases_count(world_of_changes const& all) {
    auto const& rows = all.alone.contents().rows;
    return static_cast<std::size_t>(
        std::ranges::count_if(rows, [](auto const& row) { return row.second.table == "release" && row.second.value; }));
}

awaitable<> is_applied(world_of_changes& all) {
    co_await all.alone.start();
    auto const made = co_await all.applied(pod("web", "a:1"));
    CHECK(made.outcome == change_outcome::created);
    auto const same = co_await all.applied(pod("web", "a:1"));
    CHECK(same.outcome == change_outcome::unchanged);
    CHECK(same.row.changed_at == made.row.changed_at);
    auto const rows = co_await all.alone.create_instances(made.row->id, 2);
    auto const changed = co_await all.applied(pod("web", "a:2"));
    CHECK(changed.outcome == change_outcome::changed);
    REQUIRE(changed.changes.size() == 1);
    CHECK(changed.changes.front().path == "spec.containers[0].image");
    REQUIRE(changed.warnings.size() == 1);
    CHECK_THAT(changed.warnings.front(), Catch::StartsWith("2 instances of workload web go on as they are"));
    CHECK(changed.row->generation == 2);
    auto const next = co_await all.alone.create_instances(made.row->id, 1);
    CHECK(next.front()->spec().containers.front().image == "a:2");
    auto const now = co_await all.alone.instances();
    for (auto const& each : now)
        if (each->id() != next.front()->id()) CHECK(each->spec().containers.front().image == "a:1");
    auto const found = co_await all.get("web");
    CHECK(found->changed_at == changed.row.changed_at);
    CHECK((*found)->definition->spec.containers.front().image == "a:2");
}

awaitable<> dry_runs_do_nothing(world_of_changes& all) {
    co_await all.alone.start();
    change_options how;
    how.is_dry_run = true;
    auto const made = co_await all.apply(pod("web", "a:1"), how);
    REQUIRE(made.has_value());
    CHECK(made->outcome == change_outcome::created);
    CHECK(made->row.changed_at == 0);
    auto const nothing = co_await all.get("web");
    CHECK(nothing.error().code == errc::not_found);
    auto const first = co_await all.applied(pod("web", "a:1"));
    auto const changed = co_await all.apply(pod("web", "a:2"), how);
    CHECK(changed->outcome == change_outcome::changed);
    CHECK(changed->row->definition->spec.containers.front().image == "a:2");
    auto const kept = co_await all.get("web");
    CHECK(kept->changed_at == first.row.changed_at);
    how.expected = revision{0};
    auto const taken = co_await all.apply(pod("web", "a:2"), how);
    CHECK(taken.error().message == "Pod web exists already");
    auto const nowhere = co_await all.apply(R"({"tenant":"nowhere",)" + pod("x", "a").substr(1), how);
    CHECK(nowhere.error().message == "tenant nowhere does not exist");
}

awaitable<> is_compared_and_swapped(world_of_changes& all) {
    co_await all.alone.start();
    auto const made = co_await all.applied(pod("web", "a:1"));
    auto const patched = co_await all.patch("web", R"({"labels":{"theirs":"1"}})");
    REQUIRE(patched.has_value());
    change_options how;
    how.expected = made.row.changed_at;
    auto const late = co_await all.apply(pod("web", "a:2"), how);
    CHECK(late.error().code == errc::conflict);
    CHECK(late.error().field == "revision");
    object_ref const which("web");
    auto const replaced = co_await all.alone.role->workloads().replace(admin, which, read(pod("web", "a:3")), how);
    CHECK(replaced.error().code == errc::conflict);
    how.expected = patched->row.changed_at;
    auto const done = co_await all.alone.role->workloads().replace(admin, which, read(pod("web", "a:3")), how);
    REQUIRE(done.has_value());
    CHECK((*done->row).labels().empty());
    auto const none = co_await all.patch("nobody", "{}");
    CHECK(none.error().code == errc::not_found);
    caller const reader{.subject = "eve", .tenant = "default", .role = caller_role::reader};
    auto const denied = co_await all.alone.role->workloads().apply(reader, read(pod("web", "a:4")), change_options());
    CHECK(denied.error().code == errc::denied);
    caller const stranger{.subject = "eve", .tenant = "other", .role = caller_role::editor};
    object_ref const by_id(made.row->id);
    auto const hidden = co_await all.alone.role->workloads().change(stranger, by_id, "{}", change_options());
    CHECK(hidden.error().code == errc::not_found);
}

awaitable<> keeps_what_others_said(world_of_changes& all) {
    co_await all.alone.start();
    co_await all.applied(pod("web", "a:1", R"({"mine":"1","old":"1"})"));
    (void)co_await all.patch("web", R"({"labels":{"theirs":"1"}})");
    co_await all.alone.crash();
    co_await all.alone.start();
    auto const changed = co_await all.applied(pod("web", "a:1", R"({"mine":"2"})"));
    CHECK(changed.row->labels() == string_map{{"mine", "2"}, {"theirs", "1"}});
    auto const again = co_await all.applied(pod("web", "a:1", R"({"mine":"2"})"));
    CHECK(again.outcome == change_outcome::unchanged);
    auto const off = co_await all.patch("web", R"({"labels":{"mine":null}})");
    CHECK(off->row->labels() == string_map{{"theirs", "1"}});
    auto const wrong = co_await all.patch("web", R"({"spec":{"containers":[]}})");
    CHECK(wrong.error().code == errc::invalid);
    auto const renamed = co_await all.patch("web", R"({"name":"api"})");
    CHECK_THAT(to_string(renamed.error()), Catch::Contains("name cannot change"));
}

/// The first release stays as long as something is made from it, also over a crash.
awaitable<> drops_old_releases(world_of_changes& all) {
    co_await all.alone.start();
    auto const made = co_await all.applied(pod("web", "a:1"));
    auto const rows = co_await all.alone.create_instances(made.row->id, 1);
    co_await all.applied(pod("web", "a:2"));
    co_await all.applied(pod("web", "a:3"));
    co_await all.settle();
    CHECK(releases_count(all) == 2);
    auto const back = co_await all.applied(pod("web", "a:1"));
    CHECK(back.row->current_release == made.row->current_release);
    co_await all.settle();
    CHECK(releases_count(all) == 1);
    co_await all.applied(pod("web", "a:4"));
    co_await all.alone.crash();
    co_await all.alone.start();
    co_await all.settle();
    CHECK(releases_count(all) == 2);
    (void)co_await all.remove_instance(rows.front()->name());
    co_await all.settle();
    CHECK(releases_count(all) == 1);
    auto const found = co_await all.get("web");
    CHECK((*found)->releases_made == 5);
    (void)co_await all.remove("web");
    CHECK(releases_count(all) == 0);
}

awaitable<> comes_with_its_instance(world_of_changes& all) {
    co_await all.alone.start();
    auto const def = co_await all.applied(pod("other", "a:1"));
    create_instances_request taken{.workload = def.row->id, .name = "pod2"};
    auto const holder = co_await all.alone.role->instances().create(admin, std::move(taken));
    REQUIRE(holder.has_value());

    auto const made = co_await all.applied(one_pod("pod1", "a:1"));
    CHECK(made.outcome == change_outcome::created);
    instance_filter which;
    which.workload = made.row->id;
    auto const names = co_await all.names(which);
    CHECK(names == std::vector<std::string>{"pod1"});
    create_instances_request more{.workload = made.row->id};
    auto const refused = co_await all.alone.role->instances().create(admin, std::move(more));
    CHECK(refused.error().code == errc::conflict);
    CHECK_THAT(refused.error().message, Catch::Contains("has its one instance"));

    auto const none = co_await all.apply(one_pod("pod2", "a:1"), change_options());
    CHECK(none.error().code == errc::conflict);
    CHECK(none.error().message == "instance pod2 exists already");
    auto const nothing = co_await all.get("pod2");
    CHECK(nothing.error().code == errc::not_found);

    auto const changed = co_await all.applied(one_pod("pod1", "a:2"));
    REQUIRE(changed.warnings.size() == 1);
    CHECK_THAT(changed.warnings.front(), Catch::StartsWith("its instance goes on as it is"));
    auto const posted = co_await all.alone.role->workloads().create(admin, read(one_pod("pod3", "a:1")));
    REQUIRE(posted.has_value());
    object_ref const pod3("pod3");
    auto const there = co_await all.alone.role->instances().get(admin, pod3);
    CHECK((*there)->owner() == posted->row->id);
}

awaitable<> goes_with_its_instance(world_of_changes& all) {
    co_await all.alone.start();
    co_await all.applied(one_pod("pod1", "a:1"));
    (void)co_await all.remove_instance("pod1");  // pending: at once
    auto is_empty = co_await all.is_empty();
    CHECK(is_empty);
    co_await all.applied(one_pod("pod1", "a:1"));
    (void)co_await all.remove("pod1");
    is_empty = co_await all.is_empty();
    CHECK(is_empty);

    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    for (auto const by_instance : {true, false}) {
        co_await all.applied(one_pod("pod1", "a:1"));
        auto rows = co_await all.alone.instances();
        co_await all.bind(rows.front()->id(), node);
        rows = co_await all.alone.instances();
        if (by_instance) co_await all.report_state(rows.front(), instance_state::succeeded);
        auto removing = by_instance ? all.remove_instance("pod1") : all.remove("pod1");
        auto const removed = co_await std::move(removing);
        REQUIRE(removed.has_value());
        auto const leaving = co_await all.get("pod1");
        CHECK(state_of_row(**leaving) == workload_state::destroying);
        auto const refused = co_await all.apply(one_pod("pod1", "a:1"), change_options());
        CHECK(refused.error().message == "Pod pod1 is being deleted");
        co_await all.confirm_gone(rows.front());
        is_empty = co_await all.is_empty();
        CHECK(is_empty);
    }
}

/// Drained, and given up: what takes the instance takes the Pod.
awaitable<> goes_with_its_node(world_of_changes& all) {
    co_await all.alone.start();
    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    for (auto const* name : {"pod1", "pod2"}) co_await all.applied(one_pod(name, "a:1"));
    auto rows = co_await all.alone.instances();
    for (auto const& each : rows) co_await all.bind(each->id(), node);
    object_ref const which(node);
    drain_options const forced{.forces = true};
    auto const drained = co_await all.alone.role->nodes().drain(admin, which, forced);
    REQUIRE(drained.has_value());
    for (auto const* name : {"pod1", "pod2"}) {
        auto const leaving = co_await all.get(name);
        CHECK(state_of_row(**leaving) == workload_state::destroying);
    }
    rows = co_await all.alone.instances();
    co_await all.confirm_gone(rows.front());
    node_report silent{.node = node, .heard = false};
    reports news;
    news.nodes.push_back(silent);
    co_await all.alone.report(std::move(news));
    co_await all.settle();
    auto const given_up = co_await all.alone.role->nodes().declare_dead(admin, which, "node-0");
    REQUIRE(given_up.has_value());
    auto const is_empty = co_await all.is_empty();
    CHECK(is_empty);
}

awaitable<> lists_are_selected(world_of_changes& all) {
    co_await all.alone.start();
    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    for (int i = 0; i < 5; ++i) {
        auto const name = "w" + std::to_string(i);
        auto const made = co_await all.applied(pod(name, "a:1", i % 2 == 0 ? R"({"even":"yes"})" : "{}"));
        create_instances_request one{.workload = made.row->id, .name = "i" + std::to_string(i)};
        (void)co_await all.alone.role->instances().create(admin, std::move(one));
    }
    auto const rows = co_await all.alone.instances();
    co_await all.bind(rows[4]->id(), node);
    instance_filter which;
    which.chosen.labels = *parse_label_selector("even=yes");
    auto names = co_await all.names(which);
    CHECK(names == std::vector<std::string>{"i0", "i2", "i4"});
    page part{.count_max = 2};
    auto const listed = co_await all.alone.role->instances().list(admin, which, part);
    CHECK(listed->rows.size() == 2);
    CHECK_FALSE(listed->next.empty());
    which.chosen.fields = *parse_field_selector("node=node-0");
    names = co_await all.names(which);
    CHECK(names == std::vector<std::string>{"i4"});
    which.chosen = {};
    which.chosen.fields = *parse_field_selector("workload=w1");
    names = co_await all.names(which);
    CHECK(names == std::vector<std::string>{"i1"});
    which.chosen.fields = *parse_field_selector("colour=red");
    auto const wrong = co_await all.alone.role->instances().list(admin, which, page());
    CHECK(wrong.error().code == errc::invalid);
    workload_filter of_workloads;
    of_workloads.chosen.labels = *parse_label_selector("!even");
    auto const workloads = co_await all.alone.role->workloads().list(admin, of_workloads, page());
    CHECK(workloads->rows.size() == 2);
    node_filter of_nodes;
    of_nodes.chosen.fields = *parse_field_selector("name=node-1");
    auto const nodes = co_await all.alone.role->nodes().list(admin, of_nodes, page());
    CHECK(nodes->rows.empty());
}

/// Past the bound of finished instances both go.
awaitable<> finished_ones_go_together(world_of_changes& all) {
    co_await all.alone.start();
    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    auto const made = co_await all.applied(pod("many", "a:1"));
    co_await all.applied(one_pod("pod1", "a:1"));
    auto rows = co_await all.alone.instances();
    co_await all.bind(rows.front()->id(), node);
    rows = co_await all.alone.instances();
    co_await all.report_state(rows.front(), instance_state::succeeded);
    std::vector<workload_id> owners;
    for (std::size_t i = 0; i <= limits::finished_instances_count_max / limits::finished_instances_per_owner_max; ++i) {
        auto const owner = co_await all.applied(pod("w" + std::to_string(i), "a:1"));
        owners.push_back(owner.row->id);
    }
    std::size_t finished_count = 0;
    for (auto const& owner : owners) {
        for (std::size_t i = 0;
             i < limits::finished_instances_per_owner_max && finished_count < limits::finished_instances_count_max;
             i += 100) {
            auto const some = co_await all.alone.create_instances(owner, 100);
            reports news;
            for (auto const& each : some) news.proposals.push_back({each->id(), node});
            co_await all.alone.report(std::move(news));
            co_await all.settle();
            reports ended;
            for (auto const& each : some) {
                object_ref const which(each->id());
                auto const row = co_await all.alone.role->instances().get(admin, which);
                instance_status seen{.state = instance_state::succeeded};
                seen.seq = 1;
                seen.since = all.alone.world.time().wall();
                ended.states.push_back({each->id(), (*row)->binding()->fence, std::move(seen)});
            }
            co_await all.alone.report(std::move(ended));
            co_await all.settle();
            finished_count += 100;
        }
    }
    auto const leaving = co_await all.get("pod1");
    REQUIRE(leaving.has_value());
    CHECK(state_of_row(**leaving) == workload_state::destroying);
    (void)made;
}

awaitable<> taints_spare_what_tolerates_them(world_of_changes& all) {
    co_await all.alone.start();
    all.alone.start_scheduler();
    auto const node = co_await all.alone.join_node();
    auto steady = pod("steady", "a:1");
    steady.insert(steady.find(R"("containers")"), R"("tolerations":[{"key":"gone","operator":"Exists"}],)");
    for (auto const& text : {steady, pod("other", "a:1")}) {
        auto const made = co_await all.applied(text);
        auto const rows = co_await all.alone.create_instances(made.row->id, 1);
        co_await all.bind(rows.front()->id(), node);
    }
    node_change what;
    what.taints.push_back(*parse_taint_change("gone=yes:NoExecute"));
    object_ref const which(node);
    auto const tainted = co_await all.alone.role->nodes().update(admin, which, what, any_revision);
    REQUIRE(tainted.has_value());
    auto const rows = co_await all.alone.instances();
    REQUIRE(rows.size() == 2);
    for (auto const& each : rows) CHECK(each->is_condemned() == each->spec().tolerations.empty());
}

}  // namespace

TEST_CASE("a workload is created, left alone or changed by what is applied, and its instances stay as they are") {
    simulate(is_applied);
}
TEST_CASE("a dry run says what would be, and does nothing") { simulate(dry_runs_do_nothing); }
TEST_CASE("a change is compared and swapped, and only by who may") { simulate(is_compared_and_swapped); }
TEST_CASE("what is applied leaves what others have said, also after a crash") { simulate(keeps_what_others_said); }
TEST_CASE("a release goes when nothing is made from it, and is taken again before that") {
    simulate(drops_old_releases);
}
TEST_CASE("a Pod in Kubernetes' form comes with its one instance, or not at all") { simulate(comes_with_its_instance); }
TEST_CASE("a Pod in Kubernetes' form and its instance go together") { simulate(goes_with_its_instance); }
TEST_CASE("a Pod in Kubernetes' form goes with what is taken from its node") { simulate(goes_with_its_node); }
TEST_CASE("lists are selected by labels and fields, in whole pages") { simulate(lists_are_selected); }
TEST_CASE("a finished Pod in Kubernetes' form goes with its instance when too many are kept") {
    simulate(finished_ones_go_together);
}
TEST_CASE("a taint drives off what does not tolerate it") { simulate(taints_spare_what_tolerates_them); }
