// What a pod_actor is told by the disk, by a definition, and by what an earlier agent left.
#include "node/pod_plan_detail.hpp"

#include "support/catch.hpp"

using namespace rik;
using namespace rik::detail;
using namespace std::chrono_literals;

namespace {

pod_rules two_units() { return {.units = {{.name = "a"}, {.name = "b"}}}; }

wall_time const now{24h};

container_status container(std::string name, container_state state, std::optional<int> code = {}) {
    container_status made{.name = std::move(name), .state = state};
    made.exit_code = code;
    return made;
}

std::optional<instance_end> end(restart_policy restart, bool is_rebooted, std::vector<container_status> containers) {
    return end_of(remains{instance_state::running, restart, std::move(containers), is_rebooted});
}

}  // namespace

TEST_CASE("what is remembered of a Pod is read as it was written", "[unit][node]") {
    std::vector<unit_memory> memory(2);
    memory[0] = {.attempt = 3, .restart_count = 3, .delay_level = 4, .waits = 20s};
    memory[0].exit = unit_exit{137};
    memory[1] = {.attempt = 1, .restart_count = 1, .has_started = true, .has_ever_started = true, .is_ready = true};
    memory[1].exit = unit_exit{};
    auto const text = encode_memory(two_units(), memory, now);
    auto const read = parse_memory(two_units(), text, now + 5s);
    REQUIRE(read);
    CHECK((*read)[0].attempt == 3);
    CHECK((*read)[0].restart_count == 3);
    CHECK((*read)[0].delay_level == 4);
    CHECK((*read)[0].waits == 15s);  // what is left of it
    CHECK((*read)[0].exit == unit_exit{137});
    CHECK((*read)[1].is_ready);
    CHECK((*read)[1].has_started);
    CHECK((*read)[1].exit == unit_exit{});
    CHECK(parse_memory(two_units(), text, now + 1h)->front().waits == 0s);
    CHECK(parse_memory(two_units(), text, now - 10h)->front().waits == 5min);  // the clock was set back
}

TEST_CASE("why a unit was told to end, and whether its hook was run, is read as it was written", "[unit][node]") {
    std::vector<unit_memory> memory(2);
    for (auto const cause : {unit_end_cause::none, unit_end_cause::hook, unit_end_cause::startup,
                             unit_end_cause::liveness, unit_end_cause::restart}) {
        memory[0].ends_for = cause;
        memory[0].is_restarting = cause == unit_end_cause::restart;
        memory[1].is_restarting = true;
        memory[1].is_hook_passed = true;
        auto const read = parse_memory(two_units(), encode_memory(two_units(), memory, now), now);
        REQUIRE(read);
        CHECK((*read)[0].ends_for == cause);
        CHECK((*read)[0].is_restarting == (cause == unit_end_cause::restart));
        CHECK_FALSE((*read)[0].is_hook_passed);
        CHECK((*read)[1].ends_for == unit_end_cause::none);
        CHECK((*read)[1].is_restarting);
        CHECK((*read)[1].is_hook_passed);
        CHECK_FALSE((*read)[1].has_started);
        CHECK_FALSE((*read)[1].is_ready);
    }
}

TEST_CASE("a memory that is damaged is refused, and one of other units is not", "[unit][node]") {
    for (auto const* text : {"a", "a 1 2 3\n", "a x 0 0 0 0 0 0 -\n", "a 1 0 0 0 0 0 0 -"}) {
        INFO(text);
        CHECK_FALSE(parse_memory(two_units(), text, now));
    }
    auto const read = parse_memory(two_units(), "other 1 0 0 0 0 0 0 -\n", now);
    REQUIRE(read);
    CHECK(read->size() == 2);
    CHECK(read->front().attempt == 0);
}

TEST_CASE("an attempt that was begun and not written is known by its container", "[unit][node]") {
    unit_memory memory{.attempt = 1, .restart_count = 1, .delay_level = 1, .waits = 10s, .is_ready = true};
    memory.is_restarting = memory.is_hook_passed = true;
    memory.ends_for = unit_end_cause::restart;
    take_attempt(memory, 1);
    CHECK(memory.waits == 10s);
    take_attempt(memory, 2);
    CHECK(memory.attempt == 2);
    CHECK(memory.restart_count == 2);
    CHECK(memory.delay_level == 2);
    CHECK(memory.waits == 0s);
    CHECK_FALSE(memory.is_ready);
    CHECK_FALSE(memory.is_hook_passed);
    CHECK_FALSE(memory.is_restarting);  // that attempt is the one that was to start
    CHECK(memory.ends_for == unit_end_cause::none);
}

TEST_CASE("of a Pod that is made anew what had run counts as restarted", "[unit][node]") {
    std::vector<unit_memory> memory(2);
    memory[0].is_done = true;
    auto const anew =
        made_anew(memory, {container("a", container_state::exited, 0), container("b", container_state::waiting)});
    CHECK(anew[0].attempt == 1);
    CHECK(anew[0].restart_count == 1);
    CHECK_FALSE(anew[0].is_done);
    CHECK(anew[1].attempt == 0);
}

TEST_CASE("what was there before a reboot ends or starts again by its policy", "[unit][node]") {
    auto const exited = container_state::exited;
    using policy = restart_policy;
    CHECK_FALSE(end(policy::always, true, {container("a", exited, 0)}));
    CHECK_FALSE(end(policy::on_failure, true, {container("a", exited, 3)}));
    CHECK(end(policy::on_failure, true, {container("a", exited, 0)})->state == instance_state::succeeded);
    CHECK(end(policy::never, true, {container("a", exited, 0)})->state == instance_state::succeeded);
    CHECK(end(policy::never, true, {container("a", exited, 3)})->state == instance_state::failed);
    CHECK(end(policy::never, true, {container("a", container_state::running)})->reason == "NodeRebooted");
    CHECK(end(policy::never, false, {container("a", container_state::running)})->reason == "ContainersLost");
    CHECK_FALSE(end(policy::always, false, {container("a", container_state::running)}));
}

TEST_CASE("what has run and is never restarted does not start again, though nobody had written that its Pod runs",
          "[unit][node]") {
    auto const end_of_created = [](restart_policy restart, container_status first) {
        std::vector<container_status> containers{std::move(first), container("b", container_state::waiting)};
        return end_of(remains{instance_state::creating, restart, std::move(containers), true});
    };
    auto const ran = container("a", container_state::exited);
    auto sidecar = ran;
    sidecar.role = container_role::sidecar;
    auto const how = end_of_created(restart_policy::never, ran);
    REQUIRE(how);
    CHECK(how->reason == "NodeRebooted");
    CHECK_FALSE(end_of_created(restart_policy::always, ran));
    CHECK_FALSE(end_of_created(restart_policy::never, container("a", container_state::waiting)));
    CHECK_FALSE(end_of_created(restart_policy::never, sidecar));
}

TEST_CASE("a node bounds the delays of all workloads", "[unit][node]") {
    instance_template pod;
    pod.containers.push_back({.name = "i", .image = "i", .role = container_role::init});
    pod.containers.push_back({.name = "s", .image = "i", .role = container_role::sidecar});
    pod.containers.push_back({.name = "a", .image = "i"});
    pod.restart = restart_policy::never;
    auto const rules = pod_rules_of(pod, 3s);
    CHECK(rules.delays.first == 3s);
    CHECK(rules.delays.max == 3s);
    CHECK(rules.units[0].restart == restart_policy::never);
    CHECK(rules.units[1].restart == restart_policy::always);
    CHECK(rules.units[2].role == unit_role::main);
}

TEST_CASE("a volume on disk that holds more than it may ends its Pod", "[unit][node]") {
    instance_template pod;
    pod.volumes = {{"memory", empty_dir{true, 10}}, {"free", empty_dir{}}, {"small", empty_dir{false, 10}}};
    CHECK(has_disk_limit(pod));
    instance_usage used{.instance = {}};
    used.volumes = {{"memory", 20}, {"free", 20}, {"small", 10}};
    CHECK_FALSE(find_overfull(pod, used));
    used.volumes.back().bytes = 11 << 10;
    auto const how = find_overfull(pod, used);
    REQUIRE(how);
    CHECK(how->reason == "Evicted");
    CHECK(how->message == "volume small holds 11Ki, and its sizeLimit is 10");
    pod.volumes.pop_back();
    CHECK_FALSE(has_disk_limit(pod));
}

TEST_CASE("a container that writes more than its limit ends its Pod", "[unit][node]") {
    instance_template pod;
    pod.containers = {{.name = "main", .image = "i"}, {.name = "other", .image = "i"}};
    CHECK_FALSE(has_disk_limit(pod));
    pod.containers[0].limits.set(resource::storage, 10 << 20);
    CHECK(has_disk_limit(pod));
    instance_usage used{.instance = {}};
    used.containers = {{.name = "main", .process_count = 1, .written_bytes = 10 << 20}};
    CHECK_FALSE(find_overfull(pod, used));
    used.containers[0].written_bytes = 12 << 20;
    auto const how = find_overfull(pod, used);
    REQUIRE(how);
    CHECK(how->state == instance_state::failed);
    CHECK(how->reason == "Evicted");
    CHECK(how->message == "container main exceeded its local ephemeral storage limit 10Mi: it uses 12Mi");
    pod.form = instance_form::function;  // its limit is the size of its disk, which takes a bit more
    CHECK_FALSE(find_overfull(pod, used));
    CHECK_FALSE(has_disk_limit(pod));
}

TEST_CASE("a Pod that writes more than all its containers may ends", "[unit][node]") {
    instance_template pod;
    pod.containers = {{.name = "first", .image = "i", .role = container_role::init},
                      {.name = "a", .image = "i"},
                      {.name = "b", .image = "i"}};
    pod.containers[0].limits.set(resource::storage, 5 << 20);
    pod.containers[1].limits.set(resource::storage, 10 << 20);
    pod.containers[2].limits.set(resource::storage, 20 << 20);
    pod.volumes = {{"data", empty_dir{}}, {"memory", empty_dir{true, 0}}};
    instance_usage used{.instance = {}};
    used.containers = {{.name = "first", .written_bytes = 5 << 20},  // has ended
                       {.name = "a", .process_count = 1, .written_bytes = 9 << 20},
                       {.name = "b", .process_count = 1, .written_bytes = 1 << 20}};
    used.volumes = {{"data", 20 << 20}, {"memory", 100 << 20}};
    CHECK_FALSE(find_overfull(pod, used));
    used.volumes[0].bytes = 21 << 20;
    auto const how = find_overfull(pod, used);
    REQUIRE(how);
    CHECK(how->reason == "Evicted");
    CHECK(how->message ==
          "the Pod exceeded the local ephemeral storage limit of all its containers, 30Mi: it uses 31Mi");
    pod.containers[0].limits.set(resource::storage, 40 << 20);
    CHECK_FALSE(find_overfull(pod, used));
}
