// What clients notice while Pods come, go and are replaced: old connections of the kernel, ports before and after.
#include "support/catch.hpp"
#include "support/node_machine.hpp"
#include "support/steady_client.hpp"

#include <atomic>
#include <thread>

namespace rik {

using namespace test;

namespace {

std::vector<container_port> const names_port{{.port = 53, .host_port = 5353, .protocol = port_protocol::udp}};
name_server::options names(std::string of) { return {.name = std::move(of), .port = 53, .over = transport::udp}; }

/// Somebody else's rules, which make the kernel remember connections whatever happens to ours.
void keep_connections_remembered() {
    shell(
        "nft add table ip own && nft add chain ip own inbound '{ type filter hook input priority 0; }' && "
        "nft add rule ip own inbound ct state invalid counter");
}

/// Something out there that reaches the node at 192.0.2.1, and has 192.0.2.2 itself.
class far_away {
public:
    far_away() : where_(files_.path() / "far") {
        shell("ip link add up0 type veth peer name far0 && ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up");
        shell("ip link set far0 netns " + where_.path().string());
        shell_inside(where_.path(), "ip addr add 192.0.2.2/24 dev far0 && ip link set far0 up");
    }
    std::filesystem::path const& path() const { return where_.path(); }

private:
    scratch_directory files_;
    pinned_namespace where_;
};

/// Sends so many bytes, which must not be cut on the way, to port 90 of the gateway.
bool gets_through(std::filesystem::path const& where, int bytes) {
    auto const program =
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2);"
        "s.setsockopt(0, 10, 2); s.connect(('10.210.3.1', 90)); s.send(b'x' * " +
        std::to_string(bytes) + "); print(s.recv(99))";
    return has(shell_inside(where, "python3 -c \"" + program + "\""), "node");
}

}  // namespace

TEST_CASE("a client that calls a UDP host port before its Pod is there reaches the Pod", "[e2e][network]") {
    node_machine machine;
    far_away const far;
    keep_connections_remembered();
    REQUIRE(machine.open());
    auto const neighbour = machine.make_pod(3);
    REQUIRE(machine.attach(neighbour));
    steady_client local(here(), {"127.0.0.1", 5353, transport::udp});
    steady_client outside(far.path(), {"192.0.2.1", 5353, transport::udp});
    steady_client pod_client(neighbour.network_namespace, {"10.210.3.1", 5353, transport::udp});
    for (auto* each : {&local, &outside, &pod_client}) CHECK_FALSE(each->ask());

    auto const pod = machine.make_pod(2, names_port);
    name_server const server(pod.network_namespace, names("one"));
    SECTION("at once") { REQUIRE(machine.attach(pod)); }
    SECTION("after somebody has flushed the rules, when they are made again") {
        REQUIRE(machine.attach(pod));
        shell("nft delete table ip rik_0123abcd");
        for (auto* each : {&local, &outside, &pod_client}) CHECK_FALSE(each->ask_anew());
        REQUIRE(machine.repair());
    }
    SECTION("after the node was away, and came back to a Pod whose rules were lost") {
        REQUIRE(machine.attach(pod));
        shell("nft delete table ip rik_0123abcd");
        for (auto* each : {&local, &outside, &pod_client}) CHECK_FALSE(each->ask_anew());
        machine.restart();
        REQUIRE(machine.open({neighbour, pod}));
    }
    CHECK(local.ask() == "one 10.210.3.1");
    CHECK(outside.ask() == "one 192.0.2.2");
    CHECK(pod_client.ask() == "one 10.210.3.1");
}

TEST_CASE("a client of a UDP host port reaches the Pod that has replaced another", "[e2e][network]") {
    node_machine machine;
    far_away const far;
    REQUIRE(machine.open());
    auto const first = machine.make_pod(2, names_port);
    auto const second = machine.make_pod(3, names_port);
    REQUIRE(machine.attach(first));
    name_server const one(first.network_namespace, names("one"));
    name_server const two(second.network_namespace, names("two"));
    steady_client outside(far.path(), {"192.0.2.1", 5353, transport::udp});
    CHECK(outside.ask() == "one 192.0.2.2");
    REQUIRE(machine.detach(first));
    CHECK_FALSE(outside.ask());
    REQUIRE(machine.attach(second));
    CHECK(outside.ask() == "two 192.0.2.2");
}

TEST_CASE("an address that goes to another Pod takes no connection along", "[e2e][network]") {
    node_machine machine;
    far_away const far;
    REQUIRE(machine.open());
    auto const former = machine.make_pod(2, names_port);
    REQUIRE(machine.attach(former));
    steady_client outside(far.path(), {"192.0.2.1", 5353, transport::udp});
    name_server const abroad(far.path(), {.name = "abroad", .port = 7000, .over = transport::udp});
    {
        name_server const one(former.network_namespace, names("one"));
        steady_client leaving(former.network_namespace, {"192.0.2.2", 7000, transport::udp}, 4000);
        CHECK(outside.ask() == "one 192.0.2.2");
        CHECK(leaving.ask() == "abroad 192.0.2.1");
    }
    auto heir = machine.make_pod(3);
    heir.address = former.address;
    SECTION("while the node runs") { REQUIRE(machine.detach(former)); }
    SECTION("also when the node was away in between") {
        machine.restart();
        REQUIRE(machine.open());
    }
    REQUIRE(machine.attach(heir));
    name_server const two(heir.network_namespace, names("heir"));
    name_server const listens(heir.network_namespace, {.name = "listens", .port = 4000, .over = transport::udp});
    CHECK_FALSE(outside.ask());
    steady_client late_answer(far.path(), {"192.0.2.1", 4000, transport::udp}, 0);
    CHECK_FALSE(late_answer.ask());
}

TEST_CASE("connections that are nobody's business stay", "[e2e][network]") {
    node_machine machine;
    far_away const far;
    keep_connections_remembered();
    REQUIRE(machine.open());
    auto const caller = machine.make_pod(3);
    REQUIRE(machine.attach(caller));
    // The same port on another machine, and another port of this one.
    name_server const abroad(far.path(), {.name = "abroad", .port = 5353, .over = transport::udp});
    name_server const own(here(), {.name = "own", .port = 6000, .over = transport::udp});
    steady_client leaving(caller.network_namespace, {"192.0.2.2", 5353, transport::udp});
    steady_client visiting(far.path(), {"192.0.2.1", 6000, transport::udp});
    CHECK(leaving.ask());
    CHECK(visiting.ask());
    auto const before = shell("grep -c 'dport=5353\\|dport=6000' /proc/net/nf_conntrack");
    auto const pod = machine.make_pod(2, names_port);
    REQUIRE(machine.attach(pod));
    REQUIRE(machine.detach(pod));
    shell("nft delete table ip rik_0123abcd");
    REQUIRE(machine.repair());
    CHECK(shell("grep -c 'dport=5353\\|dport=6000' /proc/net/nf_conntrack") == before);
}

TEST_CASE("a TCP connection of a program lives on when a Pod gets its port", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    auto listener = std::make_unique<tcp_echo>(here(), 9090);
    tcp_caller talking(here(), {"127.0.0.1", 9090});
    CHECK(talking.echoes());
    listener->stop_listening();
    auto const pod = machine.make_pod(2, {{.port = 80, .host_port = 9090}});
    REQUIRE(machine.attach(pod));
    CHECK(talking.echoes());
    name_server const server(pod.network_namespace, {.name = "web", .port = 80});
    CHECK(call(here(), {"127.0.0.1", 9090}) == "web 10.210.3.1");
}

TEST_CASE("a TCP host port refuses connections until its Pod has it and from when it is gone", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    connect_counts all;
    for (int number = 2; number < 12; ++number) {
        auto const pod = machine.make_pod(number, web_port);
        name_server const server(pod.network_namespace, {.name = "web", .port = 80});
        std::atomic<bool> is_over = false;
        std::thread caller([&] { all += connect_until({"127.0.0.1", 8080}, is_over); });
        REQUIRE(machine.attach(pod));
        CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
        is_over = true;
        caller.join();
        REQUIRE(machine.detach(pod));
        CHECK(connect_once({"127.0.0.1", 8080}).refused == 1);
    }
    CHECK(all.refused > 0);
    CHECK(all.answered > 0);
    CHECK(all.reset + all.unreached + all.hung == 0);
}

TEST_CASE("the Pods' links have the size of packets that the way out of the machine has", "[e2e][network]") {
    node_machine machine;
    far_away const far;
    auto const mtu_of_bridge = [] { return shell("ip -o link show rk0123abcd | grep -o 'mtu [0-9]*'"); };
    auto const pod = machine.make_pod(2);
    auto const mtu_of_pod = [&] {
        return shell_inside(pod.network_namespace, "ip -o link show eth0 | grep -o 'mtu [0-9]*'");
    };
    SECTION("1500 without one") {
        REQUIRE(machine.open());
        REQUIRE(machine.attach(pod));
        CHECK(mtu_of_pod() == "mtu 1500\n");
    }
    SECTION("smaller, and later another one") {
        shell("ip link set up0 mtu 1400; ip route add default via 192.0.2.2");
        REQUIRE(machine.open());
        REQUIRE(machine.attach(pod));
        name_server const node(here(), {.name = "node", .port = 90, .over = transport::udp});
        CHECK(mtu_of_bridge() == "mtu 1400\n");
        CHECK(mtu_of_pod() == "mtu 1400\n");
        for (auto const* next : {"1300", "9000", "1450"}) {
            shell(std::string("ip link set up0 mtu ") + next);
            REQUIRE(machine.repair());
            CHECK(mtu_of_bridge() == "mtu " + std::string(next) + "\n");
            CHECK(mtu_of_pod() == "mtu " + std::string(next) + "\n");
            CHECK(gets_through(pod.network_namespace, std::stoi(next) - 28));
        }
        shell("ip route change default via 192.0.2.2 mtu 1280");
        machine.restart();
        REQUIRE(machine.open({pod}));
        CHECK(mtu_of_bridge() == "mtu 1280\n");
        CHECK(mtu_of_pod() == "mtu 1280\n");
    }
    SECTION("that of the route with the lowest metric") {
        shell("ip link add up1 type bridge && ip link set up1 mtu 1350 up && ip addr add 198.51.100.1/24 dev up1");
        shell("ip route add default via 192.0.2.2 metric 10; ip route add default via 198.51.100.9 metric 20");
        REQUIRE(machine.open());
        CHECK(mtu_of_bridge() == "mtu 1500\n");
        shell("ip route del default via 192.0.2.2 metric 10");
        REQUIRE(machine.repair());
        CHECK(mtu_of_bridge() == "mtu 1350\n");
    }
    SECTION("what was asked for, whatever the way out has") {
        shell("ip link set up0 mtu 1400; ip route add default via 192.0.2.2");
        machine.mtu = 1280;
        machine.restart();
        REQUIRE(machine.open());
        REQUIRE(machine.attach(pod));
        REQUIRE(machine.repair());
        CHECK(mtu_of_pod() == "mtu 1280\n");
    }
}

}  // namespace rik
