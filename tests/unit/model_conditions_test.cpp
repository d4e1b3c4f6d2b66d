// What is true of an instance, in Kubernetes' words.
#include <rik/model/conditions.hpp>

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <string>

using namespace rik;

namespace {

instance_fields a_pod() {
    auto made = std::make_shared<release>();
    instance_template spec;
    spec.containers = {{.name = "setup", .image = "x", .role = container_role::init},
                       {.name = "proxy", .image = "x", .role = container_role::sidecar},
                       {.name = "web", .image = "x"}};
    made->definition = testing::unwritten(std::move(spec));
    instance_fields fields;
    fields.name = "web-1";
    fields.made_from = std::move(made);
    return fields;
}

instance_fields a_bound_pod() {
    auto fields = a_pod();
    fields.binding = node_binding{.node = {}, .fence = 1};
    for (auto const& each : fields.made_from->spec().containers)
        fields.status.containers.push_back({.name = each.name, .role = each.role});
    return fields;
}

instance_condition find(instance_fields const& of, condition_type type, bool is_unheard = false) {
    return conditions_of(instance(of), is_unheard).at(static_cast<std::size_t>(type));
}
condition_status status_of(instance_fields const& of, condition_type type) { return find(of, type).status; }

using enum condition_type;
using enum condition_status;

}  // namespace

TEST_CASE("the words of conditions are Kubernetes'") {
    for (auto const each : condition_types) CHECK(parse_condition_type(to_string(each)) == each);
    CHECK_FALSE(parse_condition_type("ready"));
    CHECK(to_string(unknown) == "Unknown");
}

TEST_CASE("what fits nowhere is not scheduled, and says why") {
    auto waiting = a_pod();
    waiting.status.reason = "Unschedulable";
    waiting.status.message = "no node has room";
    auto const told = find(waiting, pod_scheduled);
    CHECK(told.status == no);
    CHECK(told.reason == "Unschedulable");
    CHECK(told.message == "no node has room");
    CHECK(status_of(waiting, pod_ready_to_start_containers) == no);
}

TEST_CASE("conditions follow a Pod from its node to its readiness") {
    auto pod = a_bound_pod();
    CHECK(status_of(pod, pod_scheduled) == yes);
    pod.status.addresses = {"10.210.0.5"};
    CHECK(status_of(pod, pod_ready_to_start_containers) == yes);
    auto const first = find(pod, initialized);
    CHECK(first.status == no);
    CHECK(first.message == "containers with incomplete status: [setup proxy]");
    pod.status.containers[0].ready = true;
    CHECK(find(pod, initialized).message == "containers with incomplete status: [proxy]");
    pod.status.initialized_at = wall_time(std::chrono::seconds(7));
    CHECK(find(pod, initialized).status == yes);
    CHECK(find(pod, initialized).since == pod.status.initialized_at);

    pod.status.state = instance_state::running;
    CHECK(find(pod, containers_ready).message == "containers with unready status: [proxy web]");
    pod.status.containers[1].ready = true;
    CHECK(find(pod, ready).message == "containers with unready status: [web]");
    pod.status.containers[2].ready = true;
    CHECK(status_of(pod, containers_ready) == yes);
    CHECK(status_of(pod, ready) == no);
    pod.status.ready = true;
    pod.status.ready_since = wall_time(std::chrono::seconds(9));
    CHECK(find(pod, ready).status == yes);
    CHECK(find(pod, ready).since == pod.status.ready_since);
    CHECK(find(pod, ready, true).status == unknown);
    CHECK(find(pod, containers_ready, true).reason == "NodeUnheard");
    CHECK(find(pod, initialized, true).status == yes);
}

TEST_CASE("what has ended says so") {
    auto pod = a_bound_pod();
    pod.status.state = instance_state::succeeded;
    CHECK(find(pod, ready).reason == "PodCompleted");
    pod.status.state = instance_state::failed;
    CHECK(find(pod, containers_ready).reason == "PodFailed");
    CHECK(find(pod, ready, true).status == no);
}
