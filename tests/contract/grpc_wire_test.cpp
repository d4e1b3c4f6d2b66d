// What the roles say arrives as it was said, every member of it.
#include "link/grpc/wire_detail.hpp"

#include "support/catch.hpp"
#include "support/definitions.hpp"

#include <rik/base/entropy.hpp>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;
using detail::from_wire;
using detail::known_releases;
using detail::to_wire;
using detail::told_releases;

struct ids {
    seeded_entropy random{1};
    template <class Id>
    Id next() {
        return Id::generate(random);
    }
};

release_ptr some_release(ids& from) {
    auto const id = from.next<release_id>();
    auto definition = *written_pod("web");  // its text does not name the tenant
    definition.tenant = "shop";
    auto made =
        make_release(id, from.next<workload_id>(), std::make_shared<workload_definition const>(std::move(definition)));
    made.number = 7;
    made.created_at = wall_time(5s);
    return std::make_shared<release const>(std::move(made));
}

instance_status some_status() {
    instance_status made{.state = instance_state::running, .reason = "Started", .message = "all run"};
    made.since = wall_time(3s);
    made.seq = 9;
    made.ready = true;
    made.ready_since = wall_time(4s);
    made.addresses = {"10.0.0.2", "fd00::2"};
    container_status one{.name = "main", .state = container_state::exited, .reason = "Error", .message = "code 3"};
    one.image_digest = "sha256:1";
    one.exit_code = 3;
    one.started_at = wall_time(1s);
    one.finished_at = wall_time(2s);
    one.restart_count = 4;
    one.role = container_role::sidecar;
    one.started = true;
    one.ready = true;
    one.starts_at = wall_time(6s);
    one.last = container_end{.reason = "OOMKilled", .message = "too much", .exit_code = 137};
    one.last->started_at = wall_time(7s);
    one.last->finished_at = wall_time(8s);
    container_status first{.name = "first", .role = container_role::init};
    first.last = container_end{};
    first.machine = machine_boot{.acceleration = "tcg", .steps = {{"running", 1900}, {"ready", 2100}}};
    made.initialized_at = wall_time(9s);
    made.restarts = 2;
    made.containers = {std::move(first), std::move(one), container_status{.name = "other"}};
    return made;
}

node_facts some_facts() {
    node_facts made{.name = "a", .boot_id = "boot", .version = "1"};
    made.capacity.set(resource::cpu, 2000);
    made.labels = {{"zone", "x"}};
    made.runtimes = {"oci"};
    made.missing_runtimes = {{"microvm", "no kernel"}};
    made.addresses = {"192.0.2.1"};
    made.troubles = {{"NetworkNotReady", "why"}};
    made.taints = {{"gpu", "", taint_effect::prefer_no_schedule}};
    made.pod_subnet = "10.0.9.0/24";
    return made;
}

node_metrics some_metrics() {
    node_metrics made{.cpu_total = 2, .cpu_free_percent = 17.5, .memory_total_bytes = 100, .memory_free_bytes = 40};
    made.disks = {{"/dev/sda1", 1000, 10}};
    made.measured_at = wall_time(7s);
    return made;
}

bool are_same(release_ptr const& one, release_ptr const& other) {
    return one->id == other->id && one->workload == other->workload && one->number == other->number &&
           one->created_at == other->created_at && one->definition->text == other->definition->text &&
           one->definition->tenant == other->definition->tenant && one->requests == other->requests;
}

}  // namespace

TEST_CASE("facts arrive as they were said, and a release once", "[wire]") {
    ids made;
    told_releases told;
    known_releases known;
    facts said{.at = 12, .complete = true, .everything = true, .cluster = made.next<cluster_id>()};
    said.cluster_cidr = "10.0.0.0/16";
    item one{.instance = made.next<instance_id>(), .want = item_want::run, .made_from = some_release(made)};
    one.node = made.next<node_id>();
    one.fence = 11;
    one.name = "web-1";
    one.occupies_room = false;
    one.workload = "web";
    one.state = instance_state::failed;
    one.seq = 5;
    one.restarts = 3;
    one.exposed_port = 45'001;
    one.index = 0;
    one.permitted_boot = "boot-1";
    said.items = {one};
    said.removed = {made.next<instance_id>()};
    said.refused = {made.next<instance_id>()};
    registered_node node{one.node, "10.0.1.0/24", "a"};
    node.standing = {.is_cordoned = true, .is_dead = true, .taints = {{"k", "v", taint_effect::no_execute}}};
    node.labels = {{"zone", "x"}};
    node.remnants = {{made.next<instance_id>(), 6}};
    said.nodes = {node};
    said.removed_nodes = {made.next<node_id>()};
    auto const first = to_wire(said, told);
    auto const second = to_wire(said, told);
    CHECK(first.releases_size() == 1);
    CHECK(second.releases_size() == 0);
    for (auto const& each : {first, second}) {
        auto const heard = from_wire(each, known);
        REQUIRE(heard.has_value());
        CHECK(heard->at == said.at);
        CHECK(heard->complete);
        CHECK(heard->everything);
        CHECK(heard->cluster == said.cluster);
        CHECK(heard->cluster_cidr == said.cluster_cidr);
        CHECK(heard->removed == said.removed);
        CHECK(heard->refused == said.refused);
        REQUIRE(heard->nodes.size() == 1);
        CHECK(heard->nodes[0].node == one.node);
        CHECK(heard->nodes[0].pod_subnet == "10.0.1.0/24");
        CHECK(heard->nodes[0].name == "a");
        CHECK(heard->nodes[0].standing == node.standing);
        CHECK(heard->nodes[0].labels == node.labels);
        CHECK(heard->nodes[0].remnants == node.remnants);
        CHECK(heard->removed_nodes == said.removed_nodes);
        REQUIRE(heard->items.size() == 1);
        auto const& got = heard->items[0];
        CHECK(got.instance == one.instance);
        CHECK(got.want == one.want);
        CHECK(are_same(got.made_from, one.made_from));
        CHECK(got.node == one.node);
        CHECK(got.fence == one.fence);
        CHECK(got.name == one.name);
        CHECK_FALSE(got.occupies_room);
        CHECK(got.workload == one.workload);
        CHECK(got.state == one.state);
        CHECK(got.seq == one.seq);
        CHECK(got.restarts == 3);
        CHECK(got.index == 0u);
        CHECK(got.permitted_boot == "boot-1");
    }
}

TEST_CASE("a release that was named and not sent is an error, not a crash", "[wire]") {
    ids made;
    told_releases told;
    known_releases known;
    orders said{.at = 1};
    said.due = {{.instance = made.next<instance_id>(), .fence = 1, .run = true, .made_from = some_release(made)}};
    (void)to_wire(said, told);
    auto const heard = from_wire(to_wire(said, told), known);
    REQUIRE_FALSE(heard.has_value());
    CHECK(heard.error().code == errc::corrupt);
}

TEST_CASE("reports arrive as they were said", "[wire]") {
    ids made;
    reports said;
    auto const node = made.next<node_id>();
    auto const instance = made.next<instance_id>();
    said.proposals = {{instance, node}};
    said.unplaced = {{{instance}, "no room"}};
    said.nodes = {{node, false, std::nullopt}, {node, true, some_facts()}};
    said.states = {{instance, 4, some_status()}};
    said.gone = {{instance, 4, node}};
    said.loads = {{node, some_metrics()}};
    auto const heard = from_wire(to_wire(said));
    REQUIRE(heard.has_value());
    REQUIRE(heard->proposals.size() == 1);
    CHECK(heard->proposals[0].instance == instance);
    CHECK(heard->proposals[0].node == node);
    REQUIRE(heard->unplaced.size() == 1);
    CHECK(heard->unplaced[0].reason == "no room");
    REQUIRE(heard->nodes.size() == 2);
    CHECK_FALSE(heard->nodes[0].heard);
    CHECK_FALSE(heard->nodes[0].facts);
    CHECK(heard->nodes[1].facts == some_facts());
    REQUIRE(heard->states.size() == 1);
    CHECK(heard->states[0].fence == 4);
    CHECK(heard->states[0].status == some_status());
    REQUIRE(heard->gone.size() == 1);
    CHECK(heard->gone[0].node == node);
    REQUIRE(heard->loads.size() == 1);
    CHECK(heard->loads[0].node == node);
    CHECK(heard->loads[0].metrics == some_metrics());
}

TEST_CASE("a hello arrives as it was said", "[wire]") {
    ids made;
    hello said{.node = made.next<node_id>(), .cluster = made.next<cluster_id>(), .floor = 3, .facts = some_facts()};
    said.protocol_version = 2;
    said.features = {"digests"};
    said.digest = held_digest(~std::uint64_t{0}, 1, 2);
    auto const heard = from_wire(to_wire(from_node(said)));
    REQUIRE(heard.has_value());
    auto const& got = std::get<hello>(*heard);
    CHECK(got.node == said.node);
    CHECK(got.cluster == said.cluster);
    CHECK(got.floor == 3);
    CHECK(got.facts == said.facts);
    CHECK(got.protocol_version == 2);
    CHECK(got.features == said.features);
    CHECK(got.digest == said.digest);
}

TEST_CASE("what is held arrives as it was said", "[wire]") {
    ids made;
    held said{.inventory = true, .complete = false, .digest = held_digest(1, 2, 3)};
    said.states = {{made.next<instance_id>(), 4, some_status()}};
    said.gone = {{made.next<instance_id>(), 5}};
    said.troubles = std::vector<node_trouble>();
    said.metrics = some_metrics();
    auto const heard = from_wire(to_wire(from_node(said)));
    REQUIRE(heard.has_value());
    auto const& got = std::get<held>(*heard);
    CHECK(got.inventory);
    CHECK_FALSE(got.complete);
    CHECK(got.digest == said.digest);
    REQUIRE(got.states.size() == 1);
    CHECK(got.states[0].status == some_status());
    REQUIRE(got.gone.size() == 1);
    CHECK(got.gone[0].fence == 5);
    REQUIRE(got.troubles);
    CHECK(got.troubles->empty());
    CHECK(got.metrics == some_metrics());
}

TEST_CASE("orders arrive as they were said", "[wire]") {
    ids made;
    told_releases told;
    known_releases known;
    orders said{.at = 8, .refusal = "behind", .beat_period = 1500ms, .cluster = made.next<cluster_id>()};
    said.cluster_cidr = "10.0.0.0/16";
    said.pod_subnet = "10.0.3.0/24";
    said.send_inventory = true;
    said.due = {{.instance = made.next<instance_id>(), .fence = 2, .run = true, .made_from = some_release(made)},
                {.instance = made.next<instance_id>(), .fence = 3, .run = false}};
    said.due[0].name = "web-1";
    said.due[0].restarts = 4;
    said.due[0].index = 7;
    said.due[0].permitted_boot = "boot-2";
    container_log_call call{.instance = said.due[0].instance, .container = "main"};
    call.how.follow = true;
    call.how.is_of_previous = true;
    call.how.tail_lines = 4;
    call.how.only = container_log_origin::standard_error;
    call.how.since = wall_time(9s);
    said.streams = {{made.next<stream_id>(), made.next<node_id>(), call},
                    {made.next<stream_id>(), made.next<node_id>(), image_call(pull_image{"x:1"})},
                    {made.next<stream_id>(), made.next<node_id>(), usage_call()}};
    auto const heard = from_wire(to_wire(said, told), known);
    REQUIRE(heard.has_value());
    CHECK(heard->at == 8);
    CHECK(heard->refusal == "behind");
    CHECK(heard->beat_period == 1500ms);
    CHECK(heard->cluster == said.cluster);
    CHECK(heard->pod_subnet == said.pod_subnet);
    CHECK(heard->send_inventory);
    REQUIRE(heard->due.size() == 2);
    CHECK(are_same(heard->due[0].made_from, said.due[0].made_from));
    CHECK(heard->due[0].index == 7u);
    CHECK(heard->due[0].permitted_boot == "boot-2");
    CHECK(heard->due[1].permitted_boot.empty());
    CHECK_FALSE(heard->due[1].index.has_value());
    CHECK(heard->due[0].name == "web-1");
    CHECK(heard->due[0].restarts == 4);
    CHECK_FALSE(heard->due[1].run);
    CHECK(heard->due[1].made_from == nullptr);
    REQUIRE(heard->streams.size() == 3);
    CHECK(std::holds_alternative<usage_call>(heard->streams[2].what));
    auto const& log = std::get<container_log_call>(heard->streams[0].what);
    CHECK(log.how.follow);
    CHECK(log.how.is_of_previous);
    CHECK(log.how.tail_lines == 4u);
    CHECK(log.how.only == container_log_origin::standard_error);
    CHECK(log.how.since == wall_time(9s));
    CHECK(std::get<pull_image>(std::get<image_call>(heard->streams[1].what)).name == "x:1");
}

TEST_CASE("what an older peer does not say means its default", "[wire]") {
    detail::wire::NodeMessage said;
    auto& one = *said.mutable_held()->add_states();
    one.set_instance(std::string(16, 'x'));
    one.mutable_status()->add_containers()->set_name("main");
    auto const heard = from_wire(said);
    REQUIRE(heard.has_value());
    CHECK(std::get<held>(*heard).states.at(0).status.containers == std::vector{container_status{.name = "main"}});
}

TEST_CASE("a message that is wrong is refused with what is wrong", "[wire]") {
    known_releases known;
    detail::wire::OrdersMessage orders;
    orders.add_due()->set_instance("short");
    CHECK(from_wire(orders, known).error().message == "a message of the peer: an id of 5 bytes");
    CHECK_FALSE(from_wire(detail::wire::NodeMessage()).has_value());
    detail::wire::NodeMessage role;
    role.mutable_held()->add_states()->mutable_status()->add_containers()->set_role(
        static_cast<detail::wire::ContainerStatus::Role>(9));
    CHECK_FALSE(from_wire(role).has_value());
    detail::wire::NodeMessage held;
    held.mutable_held()->add_states()->mutable_status()->set_state(99);
    CHECK_FALSE(from_wire(held).has_value());
}

}  // namespace rik::testing
