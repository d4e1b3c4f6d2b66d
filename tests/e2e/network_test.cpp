// The network of a node with the real kernel, on a private machine for each test. Needs root.
#include "contract/network_contract.hpp"
#include "support/catch.hpp"
#include "support/node_machine.hpp"

#include <rik/async/task_group.hpp>

#include <boost/asio/co_spawn.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

namespace rik {

using namespace test;

namespace {

class linux_maker final : public testing::network_maker {
public:
    testing::event_loop& loop() override { return loop_; }
    network& tested() override { return machine_.get(); }
    void reopen() override { machine_.restart(); }
    pod_attachment make_pod(int number, std::vector<container_port> host_ports) override {
        return machine_.make_pod(number, std::move(host_ports));
    }
    void cut_off(pod_attachment const& pod) override { shell_inside(pod.network_namespace, "ip link del eth0"); }

private:
    node_machine machine_;
    testing::real_loop loop_;
};

}  // namespace

TEST_CASE("the network of Linux is a network", "[e2e][network][contract]") {
    linux_maker machine;
    testing::check_network(machine);
}

TEST_CASE("Pods, their node and each other reach one another", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const one = machine.make_pod(2);
    auto const two = machine.make_pod(3);
    REQUIRE(machine.attach(one));
    REQUIRE(machine.attach(two));
    name_server const first(one.network_namespace, {.name = "one", .port = 80});
    name_server const second(two.network_namespace, {.name = "two", .port = 80});
    name_server const node(here(), {.name = "node", .port = 90});

    CHECK(call(here(), {"10.210.3.2", 80}) == "one 10.210.3.1");
    CHECK(call(one.network_namespace, {"10.210.3.3", 80}) == "two 10.210.3.2");
    CHECK(call(two.network_namespace, {"10.210.3.2", 80}) == "one 10.210.3.3");
    CHECK(call(one.network_namespace, {"10.210.3.1", 90}) == "node 10.210.3.2");
    CHECK(call(one.network_namespace, {"127.0.0.1", 80}) == "one 127.0.0.1");
    CHECK(is_silent(one.network_namespace, {"10.210.3.9", 80}));
}

TEST_CASE("a host port leads to its Pod from everywhere", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const pod = machine.make_pod(
        2, {{.port = 80, .host_port = 8080}, {.port = 53, .host_port = 5353, .protocol = port_protocol::udp}});
    auto const other = machine.make_pod(3);
    REQUIRE(machine.attach(pod));
    REQUIRE(machine.attach(other));
    name_server const server(pod.network_namespace, {.name = "web", .port = 80});
    name_server const names(pod.network_namespace, {.name = "names", .port = 53, .over = transport::udp});

    CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
    CHECK(call(here(), {"127.0.0.5", 8080}) == "web 10.210.3.1");
    CHECK(call(here(), {"10.210.3.1", 8080}) == "web 10.210.3.1");
    CHECK(call(other.network_namespace, {"10.210.3.1", 8080}) == "web 10.210.3.1");
    CHECK(call(pod.network_namespace, {"10.210.3.1", 8080}) == "web 10.210.3.1");  // hairpin
    CHECK(call(here(), {"127.0.0.1", 5353, transport::udp}) == "names 10.210.3.1");
    CHECK(call(other.network_namespace, {"10.210.3.1", 5353, transport::udp}) == "names 10.210.3.1");
    CHECK(is_silent(here(), {"127.0.0.1", 5353}));  // the other protocol
}

TEST_CASE("a Pod leaves under the node's address, and is called from outside by its host port", "[e2e][network]") {
    node_machine machine;
    scratch_directory files;
    pinned_namespace const outside(files.path() / "outside");
    shell("ip link add up0 type veth peer name eth0 && ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up");
    shell("ip link set eth0 netns " + outside.path().string());
    shell_inside(outside.path(), "ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up");
    REQUIRE(machine.open());
    auto const pod = machine.make_pod(2, web_port);
    REQUIRE(machine.attach(pod));
    name_server const far(outside.path(), {.name = "far", .port = 80});
    name_server const web(pod.network_namespace, {.name = "web", .port = 80});

    CHECK(call(pod.network_namespace, {"192.0.2.2", 80}) == "far 192.0.2.1");
    CHECK(call(outside.path(), {"192.0.2.1", 8080}) == "web 192.0.2.2");
}

TEST_CASE("a Pod cannot reach what listens on the node's loopback", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const pod = machine.make_pod(2);
    REQUIRE(machine.attach(pod));
    shell_inside(pod.network_namespace,
                 "ip addr del 127.0.0.1/8 dev lo; ip link set lo down;"
                 "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet;"
                 "ip route add 127.0.0.1 via 10.210.3.1");
    name_server const secret(here(), {.name = "secret", .port = 90});
    CHECK(is_silent(pod.network_namespace, {"127.0.0.1", 90}));
    shell("nft flush chain ip rik_0123abcd guard");  // it is our rule that stops it
    CHECK(call(pod.network_namespace, {"127.0.0.1", 90}) == "secret 10.210.3.2");
}

TEST_CASE("a host port that is taken is refused, and the Pod has nothing", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const first = machine.make_pod(2, web_port);
    auto const second = machine.make_pod(3, web_port);
    REQUIRE(machine.attach(first));
    auto const other_pod = machine.attach(second);
    REQUIRE_FALSE(other_pod);
    CHECK(other_pod.error().code == errc::conflict);
    CHECK(has(other_pod.error().message, "8080"));

    name_server const program(here(), {.name = "program", .port = 9090});
    auto const third = machine.make_pod(4, {{.port = 80, .host_port = 9090}});
    auto const other_program = machine.attach(third);
    REQUIRE_FALSE(other_program);
    CHECK(other_program.error().code == errc::conflict);
    CHECK(has(other_program.error().message, "9090"));
    CHECK(call(here(), {"127.0.0.1", 9090}) == "program 127.0.0.1");
    CHECK_FALSE(has(shell_inside(third.network_namespace, "ip -o link"), "eth0"));

    CHECK_THROWS(name_server(here(), {.name = "late", .port = 8080}));  // it is held for the Pod
}

TEST_CASE("a detached Pod is off the network while its namespace lives on", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const pod = machine.make_pod(2, web_port);
    REQUIRE(machine.attach(pod));
    name_server const server(pod.network_namespace, {.name = "web", .port = 80});
    CHECK(call(here(), {"127.0.0.1", 8080}));
    REQUIRE(machine.detach(pod));
    CHECK(is_silent(here(), {"127.0.0.1", 8080}));
    CHECK(is_silent(here(), {"10.210.3.2", 80}));
    CHECK(machine.detach(pod));

    auto heir = machine.make_pod(3);
    heir.address = pod.address;
    REQUIRE(machine.attach(heir));
    name_server const next(heir.network_namespace, {.name = "heir", .port = 80});
    CHECK(call(here(), {"10.210.3.2", 80}) == "heir 10.210.3.1");
    REQUIRE(machine.attach(pod_attachment{pod.instance, pod.network_namespace, "10.210.3.9", web_port}));  // again
    CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
}

TEST_CASE("the links of detached Pods do not pile up", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    for (int number = 2; number < 42; ++number) {
        auto const pod = machine.make_pod(number);
        REQUIRE(machine.attach(pod));
        REQUIRE(machine.detach(pod));
    }
    auto const left = links();
    CHECK(std::count(left.begin(), left.end(), '\n') < 2 + 16);
}

TEST_CASE("a Pod that cannot be attached is told why", "[e2e][network]") {
    node_machine machine;
    CHECK(machine.attach(machine.make_pod(2)).error().code == errc::unavailable);
    REQUIRE(machine.open());
    auto wrong = machine.make_pod(3);
    wrong.address = "10.210.4.3";
    CHECK(machine.attach(wrong).error().code == errc::invalid);
    wrong.address = "10.210.3.3";
    wrong.network_namespace = "/nowhere";
    CHECK(machine.attach(wrong).error().code == errc::not_found);
}

TEST_CASE("a restarted node finds its Pods as they were and removes what is foreign", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const stays = machine.make_pod(2, web_port);
    auto const goes = machine.make_pod(3, {{.port = 80, .host_port = 8081}});
    auto const lost = machine.make_pod(4, {{.port = 80, .host_port = 8082}});
    REQUIRE(machine.attach(stays));
    REQUIRE(machine.attach(goes));
    auto const link_before = shell_inside(stays.network_namespace, "ip -o link show eth0");
    name_server const server(stays.network_namespace, {.name = "web", .port = 80});
    machine.restart();
    auto gone = lost;
    gone.network_namespace = "/nowhere";
    auto elsewhere = machine.make_pod(5);
    elsewhere.address = "10.99.0.5";  // one such Pod must not keep the others from their network
    REQUIRE(machine.open({stays, gone, elsewhere}));
    REQUIRE(machine.lost.size() == 2);
    CHECK(machine.lost[0].instance == elsewhere.instance);
    CHECK(machine.lost[0].why.code == errc::invalid);
    CHECK(machine.lost[1].instance == gone.instance);
    CHECK(machine.lost[1].why.code == errc::not_found);
    CHECK(shell_inside(stays.network_namespace, "ip -o link show eth0") == link_before);
    CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
    CHECK_FALSE(has(shell_inside(goes.network_namespace, "ip -o link"), "eth0"));
    auto const table = shell("nft list table ip rik_0123abcd");
    CHECK(has(table, "8080"));
    CHECK_FALSE(has(table, "8081"));
    CHECK_FALSE(has(table, "8082"));

    shell("ip link del rk0123abcd && nft flush ruleset");  // somebody else tidied up
    machine.restart();
    REQUIRE(machine.open({stays}));
    CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
    CHECK(call(here(), {"10.210.3.2", 80}) == "web 10.210.3.1");
}

TEST_CASE("a machine's tap is on the bridge and guarded, is kept, put back, and goes", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto pod = machine.make_pod(2, web_port);
    pod.link = pod_link::tap;
    REQUIRE(machine.attach(pod));
    REQUIRE(machine.attach(pod));
    auto const told = machine.get().describe(pod.instance);
    REQUIRE(told);
    CHECK(told->address == "10.210.3.2");
    CHECK(told->gateway == "10.210.3.1");
    CHECK(told->mac == "0a:58:0a:d2:03:02");
    CHECK_FALSE(has(shell_inside(pod.network_namespace, "ip -o link"), "eth0"));
    auto const link = "ip -o link show " + told->interface;
    auto const made = shell(link);
    CHECK(has(made, "master rk0123abcd"));
    CHECK(has(shell("nft list table bridge rik_0123abcd"), told->interface + "\" . 0a:58:0a:d2:03:02 . 10.210.3.2"));

    machine.restart();
    REQUIRE(machine.open({pod}));
    CHECK(machine.lost.empty());
    CHECK(shell(link) == made);
    CHECK(machine.get().describe(pod.instance) == told);
    shell("ip link del " + told->interface + "; nft flush table bridge rik_0123abcd");
    CHECK(machine.run(machine.get().list_cut_off({pod.instance})).size() == 1);
    REQUIRE(machine.repair());
    CHECK(machine.lost.empty());
    CHECK(has(shell(link), "master rk0123abcd"));
    CHECK(has(shell("nft list table bridge rik_0123abcd"), "drop"));
    CHECK(machine.run(machine.get().list_cut_off({pod.instance})).empty());

    auto other = machine.make_pod(3);
    other.link = pod_link::tap;
    REQUIRE(machine.attach(other));
    REQUIRE(machine.detach(pod));
    CHECK_FALSE(has(links(), told->interface));
    CHECK_FALSE(has(shell("nft list table bridge rik_0123abcd"), told->interface));
    CHECK_FALSE(machine.get().describe(pod.instance));
    machine.restart();
    REQUIRE(machine.open());  // a machine that has ended meanwhile
    CHECK_FALSE(has(links(), "rt"));
    REQUIRE(machine.remove_all());
    CHECK_FALSE(has(shell("nft list tables"), "rik_"));
}

TEST_CASE("a subnet that another interface uses is refused, naming it", "[e2e][network]") {
    node_machine machine;
    shell("ip link add lan0 type bridge && ip addr add 10.210.0.9/16 dev lan0");
    auto const opened = machine.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::conflict);
    CHECK(has(opened.error().message, "lan0"));
    shell("ip addr flush dev lan0 && ip addr add 10.210.4.1/24 dev lan0");
    CHECK(machine.open());
}

namespace {

awaitable<> attach_all(network& with, std::vector<pod_attachment> const& pods, std::size_t& failures) {
    task_group tasks(co_await asio::this_coro::executor);
    auto const attach_one = [](network& net, pod_attachment pod, std::size_t& failed) -> awaitable<> {
        auto const attached = co_await net.attach(std::move(pod));
        if (!attached) ++failed;
    };
    for (std::size_t i = 0; i < pods.size(); ++i) tasks.spawn(attach_one(with, pods[i], failures));
    co_await tasks.join();
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("many Pods at once get their network", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    std::vector<pod_attachment> pods;
    for (int number = 2; number < 52; ++number) {
        auto const port = static_cast<std::uint16_t>(8000 + number);
        pods.push_back(machine.make_pod(number, {{.port = 80, .host_port = port}}));
    }
    std::size_t failures = 0;
    auto const start = std::chrono::steady_clock::now();
    asio::io_context context;
    asio::co_spawn(context, attach_all(machine.get(), pods, failures), [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    context.run();
    std::cout << "50 Pods with host ports at once: " << milliseconds_since(start) << " ms\n";
    CHECK(failures == 0);
    name_server const server(pods[49].network_namespace, {.name = "last", .port = 80});
    CHECK(call(pods[0].network_namespace, {"10.210.3.1", 8051}) == "last 10.210.3.1");
}

TEST_CASE("how long it takes", "[.][bench]") {
    node_machine machine;
    REQUIRE(machine.open());
    std::vector<double> plain, ported, detached;
    for (int number = 2; number < 102; ++number) {
        auto const port = static_cast<std::uint16_t>(8000 + number);
        auto const ports =
            number % 2 ? std::vector<container_port>{{.port = 80, .host_port = port}} : std::vector<container_port>{};
        auto const pod = machine.make_pod(number, ports);
        auto const start = std::chrono::steady_clock::now();
        REQUIRE(machine.attach(pod));
        (number % 2 ? ported : plain).push_back(milliseconds_since(start));
        if (number % 3) continue;
        auto const stop = std::chrono::steady_clock::now();
        REQUIRE(machine.detach(pod));
        (number % 2 ? ported : detached).push_back(milliseconds_since(stop));
    }
    for (auto* each : {&plain, &ported, &detached}) {
        std::sort(each->begin(), each->end());
        std::cout << "median " << (*each)[each->size() / 2] << " ms, max " << each->back() << " ms\n";
    }
}

}  // namespace rik
