// What others do to the network of a node, and what the node does to the machine: found, mended, removed.
#include "support/catch.hpp"
#include "support/node_machine.hpp"

namespace rik {

using namespace test;

TEST_CASE("a table that somebody flushed is made anew", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const first = machine.make_pod(2, web_port);
    auto const second = machine.make_pod(3, {{.port = 80, .host_port = 8081}});
    REQUIRE(machine.attach(first));
    shell("nft delete table ip rik_0123abcd");
    REQUIRE(machine.attach(second));
    name_server const server(first.network_namespace, {.name = "one", .port = 80});
    CHECK(call(here(), {"127.0.0.1", 8080}) == "one 10.210.3.1");
    shell("nft delete table ip rik_0123abcd");
    REQUIRE(machine.detach(second));
    CHECK(call(here(), {"127.0.0.1", 8080}) == "one 10.210.3.1");
}

TEST_CASE("nothing is left after remove_all", "[e2e][network]") {
    node_machine machine;
    CHECK(read_sysctl("ip_forward") == "0");
    auto const links_before = links();
    auto const ruleset_before = shell("nft list ruleset");
    REQUIRE(machine.open());
    REQUIRE(machine.open());
    CHECK(read_sysctl("ip_forward") == "1");
    CHECK(read_sysctl("conf/rk0123abcd/route_localnet") == "1");
    CHECK(read_sysctl("conf/all/route_localnet") == "0");
    auto const pod = machine.make_pod(2, web_port);
    REQUIRE(machine.attach(pod));
    SECTION("of the process that made it") {}
    SECTION("of another process") { machine.restart(); }
    REQUIRE(machine.remove_all());
    CHECK(links() == links_before);
    CHECK(shell("nft list ruleset") == ruleset_before);
    CHECK_FALSE(has(shell_inside(pod.network_namespace, "ip -o link"), "eth0"));
    CHECK(machine.remove_all());
    REQUIRE(machine.open());
    CHECK(machine.attach(pod));
}

TEST_CASE("packets are forwarded as long as the machine is up, whoever leaves", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    REQUIRE(machine.open_other());
    REQUIRE(machine.remove_all());
    CHECK(read_sysctl("ip_forward") == "1");
    REQUIRE(machine.remove_other());
    CHECK(read_sysctl("ip_forward") == "1");
}

TEST_CASE("what somebody else takes away of the network is made anew", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const one = machine.make_pod(2, web_port);
    auto const two = machine.make_pod(3);
    REQUIRE(machine.attach(one));
    REQUIRE(machine.attach(two));
    auto const table_before = shell("nft list table ip rik_0123abcd");
    auto const links_before = shell("ip -o link show type veth | wc -l");
    SECTION("nothing") { CHECK(machine.repair()); }
    SECTION("the firewall, by who loads his own") { shell("nft flush ruleset"); }
    SECTION("the rules of a chain, by hand") { shell("nft flush chain ip rik_0123abcd guard"); }
    SECTION("the bridge") { shell("ip link del rk0123abcd"); }
    SECTION("the bridge's address") { shell("ip addr flush dev rk0123abcd"); }
    SECTION("that the bridge is up") { shell("ip link set rk0123abcd down"); }
    SECTION("a Pod's link") { shell_inside(two.network_namespace, "ip link del eth0"); }
    SECTION("that a Pod's link is up, and on the bridge") {
        shell("ip link set $(ip -o link show master rk0123abcd | head -1 | sed 's/[0-9]*: //;s/@.*//') down nomaster");
    }
    SECTION("that packets are forwarded") { shell("sysctl -w net.ipv4.ip_forward=0"); }
    REQUIRE(machine.repair());
    CHECK(machine.lost.empty());
    CHECK(shell("nft list table ip rik_0123abcd") == table_before);
    CHECK(shell("ip -o link show type veth | wc -l") == links_before);
    CHECK(read_sysctl("ip_forward") == "1");
    CHECK(read_sysctl("conf/rk0123abcd/route_localnet") == "1");
    name_server const first(one.network_namespace, {.name = "one", .port = 80});
    CHECK(call(here(), {"127.0.0.1", 8080}) == "one 10.210.3.1");
    CHECK(call(two.network_namespace, {"10.210.3.2", 80}) == "one 10.210.3.3");
}

TEST_CASE("a Pod is attached although somebody has deleted the bridge, and one that is gone is told",
          "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const one = machine.make_pod(2);
    REQUIRE(machine.attach(one));
    shell("ip link del rk0123abcd");
    auto const two = machine.make_pod(3);
    CHECK(machine.attach(two));
    {
        name_server const second(two.network_namespace, {.name = "two", .port = 80});
        CHECK(call(one.network_namespace, {"10.210.3.3", 80}) == "two 10.210.3.2");
    }
    machine.drop_pods();  // the kernel takes their links away a moment later
    shell("for i in $(seq 200); do test -z \"$(ip -o link show type veth)\" && break; sleep 0.05; done");
    REQUIRE(machine.repair());
    REQUIRE(machine.lost.size() == 2);
    CHECK(machine.lost[0].why.code == errc::not_found);
    REQUIRE(machine.repair());
    CHECK(machine.lost.empty());
}

TEST_CASE("who has no network is known while it cannot be repaired", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto const one = machine.make_pod(2);
    auto const two = machine.make_pod(3);
    REQUIRE(machine.attach(one));
    REQUIRE(machine.attach(two));
    auto const cut_off = [&] { return machine.run(machine.get().list_cut_off({one.instance, two.instance})); };
    CHECK(cut_off().empty());
    shell("ip link add blocker type bridge");
    shell("ip addr add 10.210.3.9/24 dev blocker");
    SECTION("one of them") {
        shell_inside(two.network_namespace, "ip link del eth0");
        CHECK(cut_off() == std::vector{two.instance});
    }
    SECTION("all, without the bridge") {
        shell("ip link del rk0123abcd");
        CHECK(cut_off() == std::vector{one.instance, two.instance});
    }
    SECTION("all, without the gateway") {
        shell("ip addr flush dev rk0123abcd");
        CHECK(cut_off() == std::vector{one.instance, two.instance});
    }
    auto const refused = machine.repair();
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::conflict);
    CHECK_FALSE(cut_off().empty());
    shell("ip link del blocker");
    REQUIRE(machine.repair());
    CHECK(machine.lost.empty());
    CHECK(cut_off().empty());
}

}  // namespace rik
