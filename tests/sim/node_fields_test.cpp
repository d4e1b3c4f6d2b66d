// What a node makes of the parts of a definition beside its programs: rights, variables, networks, limits of Pods.
#include "node_support.hpp"

#include <support/catch.hpp>

#include <span>
#include <string_view>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    site.machine_under.set_addresses({"192.0.2.7", "172.17.0.1"});
    world.run(what(site));
}

/// Remembers whether something had to be said.
class error_counter final : public log_sink {
public:
    void write(log_level level, std::string_view, std::span<log_field const>) override {
        count += level == log_level::error ? 1 : 0;
    }
    std::size_t count = 0;
};

std::string pod(std::string const& spec, std::string const& container = "") {
    return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"x"}},"spec":{)" + spec +
           (spec.empty() ? "" : ",") + R"("containers":[{"name":"main","image":"main:1")" +
           (container.empty() ? "" : ",") + container + "}]}}";
}

std::string on_host() { return pod(R"("hostNetwork":true)", R"("ports":[{"containerPort":80}])"); }

awaitable<> runs_on_the_network_of_its_node(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(on_host());
    co_await site.until_state(id, instance_state::running);
    CHECK(site.status(id).addresses == std::vector<std::string>{"192.0.2.7"});
    CHECK(site.status(id).ready);
    CHECK(site.machine_under.attached().empty());
    REQUIRE(site.machine_under.find_sandbox(id) != nullptr);
    CHECK(site.machine_under.find_sandbox(id)->has_host_network);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(std::move(is_gone));
    CHECK(site.machine_under.occupied().empty());
}

awaitable<> is_taken_over_with_the_address_that_its_node_has_now(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(on_host());
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.machine_under.set_addresses({"192.0.2.9"});
    co_await site.start();
    std::function<bool()> is_taken_over = [&] { return site.status(id).reason == "TakenOver"; };
    co_await site.until(std::move(is_taken_over));
    co_await site.time().sleep_for(1min);
    CHECK(site.status(id).addresses == std::vector<std::string>{"192.0.2.9"});
    CHECK(site.status(id).state == instance_state::running);
    CHECK(site.status(id).ready);
    CHECK(site.start_count(id) == 1);
}

awaitable<> starts_after_a_reboot_with_the_address_of_then(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(on_host());
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.machine_under.power_off();
    site.machine_under.set_addresses({"192.0.2.9"});
    co_await site.start();
    std::function<bool()> is_started_again = [&] {
        return site.start_count(id) == 2 && site.status(id).state == instance_state::running;
    };
    co_await site.until(std::move(is_started_again));
    CHECK(site.status(id).addresses == std::vector<std::string>{"192.0.2.9"});
}

awaitable<> does_not_need_the_pod_network(node_site& site) {
    site.machine_under.set_network_error(error{errc::internal, "the bridge is broken"});
    site.machine_under.faults.detach_error = error{errc::internal, "so are its links"};
    co_await site.start();
    auto const id = co_await site.run(on_host());
    co_await site.until_state(id, instance_state::running);
    auto const other = co_await site.run(pod(""));
    co_await site.time().sleep_for(1min);
    CHECK(site.status(id).reason == "Started");  // it is not counted as cut off
    CHECK(site.status(id).ready);
    CHECK(site.status(other).reason == "NetworkNotReady");
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(std::move(is_gone));
}

awaitable<> passes_on_what_a_pod_says(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod(
        R"("securityContext":{"fsGroup":5},"resources":{"limits":{"memory":"64Mi"}},"dnsConfig":{"searches":["x.test"]})",
        R"("env":[{"name":"IP","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}])"));
    co_await site.until_state(id, instance_state::running);
    auto const* const asked = site.machine_under.find_request({id, "main", 0});
    REQUIRE(asked != nullptr);
    CHECK(asked->groups == std::vector<std::int64_t>{5});
    CHECK(asked->definition.env.at(0).value == site.status(id).addresses.at(0));
    CHECK(asked->annotations.at("rik.io/instance") == "web");
    auto const* const sandbox = site.machine_under.find_sandbox(id);
    REQUIRE(sandbox != nullptr);
    CHECK(sandbox->limits.get(resource::memory) == 64 << 20);
    CHECK(sandbox->volume_group == 5);
    CHECK(sandbox->dns.searches == std::vector<std::string>{"x.test"});
}

awaitable<> refuses_what_may_not_be_root(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod(R"("restartPolicy":"Never")", R"("securityContext":{"runAsNonRoot":true})"));
    co_await site.until_state(id, instance_state::failed);
    auto const status = site.status(id);
    CHECK(status.reason == "CreateContainerConfigError");
    CHECK(status.containers.at(0).reason == "CreateContainerConfigError");
    CHECK(status.message.find("container main") != std::string::npos);
    CHECK(status.message.find("runAsUser") != std::string::npos);
    CHECK(site.start_count(id) == 0);
    CHECK(site.machine_under.occupied().empty());
}

}  // namespace

TEST_CASE("a Pod on the network of its node has its address and nothing of the Pod network", "[sim][node]") {
    simulate(runs_on_the_network_of_its_node);
}

TEST_CASE("a Pod on the network of its node is taken over with the address that the node has now", "[sim][node]") {
    error_counter errors;  // its address is none of the Pod subnet, and that is no error
    sim::world world(7);
    node_site site(world);
    site.machine_under.set_addresses({"192.0.2.7"});
    site.out = rik::log(errors);
    world.run(is_taken_over_with_the_address_that_its_node_has_now(site));
    CHECK(errors.count == 0);
}

TEST_CASE("a Pod on the network of its node has the node's new address after a reboot", "[sim][node]") {
    simulate(starts_after_a_reboot_with_the_address_of_then);
}

TEST_CASE("a Pod on the network of its node starts and ends while the Pod network is broken", "[sim][node]") {
    simulate(does_not_need_the_pod_network);
}

TEST_CASE("a runtime is told what a Pod says", "[sim][node]") { simulate(passes_on_what_a_pod_says); }

TEST_CASE("a container that may not be root does not start as root", "[sim][node]") {
    simulate(refuses_what_may_not_be_root);
}
