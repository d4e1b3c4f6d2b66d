// The network of a node with the real kernel, on a private machine for each test. Needs root.
#include "support/catch.hpp"
#include "support/machine.hpp"

#include <rik/async/task_group.hpp>
#include <rik/network/linux/linux_network.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <iostream>

namespace rik {

using namespace test;

namespace {

constexpr char const* tag = "0123abcd";
constexpr char const* other_tag = "ffffffff";

std::string read_sysctl(std::string const& name) {
    std::string value;
    std::ifstream("/proc/sys/net/ipv4/" + name) >> value;
    return value;
}

/// A private machine with a node's network on it, and Pods.
class node_machine {
public:
    node_machine() { start(); }

    /// What a new process of the same node would be.
    void restart() {
        network_.reset();
        start();
    }

    template <class T>
    T run(awaitable<T> work) {
        std::optional<T> outcome;
        asio::io_context context;
        asio::co_spawn(context, std::move(work), [&](std::exception_ptr thrown, T value) {
            if (thrown) std::rethrow_exception(thrown);
            outcome.emplace(std::move(value));
        });
        context.run();
        return std::move(*outcome);
    }

    result<void> open(std::vector<pod_attachment> present = {}) {
        auto const opened =
            run(network_->open({.pod_subnet = "10.210.3.0/24", .cluster_cidr = "10.210.0.0/16"}, std::move(present)));
        if (!opened) return opened.error();
        lost = *opened;
        return {};
    }
    result<void> repair() {
        auto const repaired = run(network_->repair());
        if (!repaired) return repaired.error();
        lost = *repaired;
        return {};
    }
    std::vector<lost_pod> lost;  ///< of the last `open` or `repair`

    result<void> attach(pod_attachment const& pod) { return run(network_->attach(pod)); }
    result<void> detach(pod_attachment const& pod) { return run(network_->detach(pod.instance)); }
    result<void> remove_all() { return run(network_->remove_all()); }
    network& get() { return *network_; }

    /// A second node on the same machine.
    result<void> open_other() {
        other_ = make_network(other_tag);
        auto const opened = run(other_->open({.pod_subnet = "10.210.4.0/24", .cluster_cidr = "10.210.0.0/16"}, {}));
        if (!opened) return opened.error();
        return {};
    }
    result<void> remove_other() { return run(other_->remove_all()); }

    /// A Pod number `number` with the address 10.210.3.NUMBER; its namespace is there, nothing else.
    pod_attachment make_pod(int number, std::vector<container_port> ports = {}) {
        auto const& pinned = pods_.emplace_back(state_.path() / ("pod" + std::to_string(number)));
        return {.instance = instance_id::generate(random_),
                .network_namespace = pinned.path(),
                .address = "10.210.3." + std::to_string(number),
                .host_ports = std::move(ports)};
    }

    std::filesystem::path shared_dir() const { return state_.path() / "run"; }

    /// Drops the Pods' namespaces, the way a runtime does.
    void drop_pods() { pods_.clear(); }

private:
    void start() { network_ = make_network(tag); }

    std::unique_ptr<linux_network> make_network(std::string whose) {
        return std::make_unique<linux_network>(linux_network_options{.tag = std::move(whose),
                                                                     .shared_dir = shared_dir(),
                                                                     .namespace_executor = namespaces_.get_executor(),
                                                                     .pool_executor = pool_.get_executor()});
    }

    struct entered {
        entered() { enter_private_machine(); }
    } entered_;  // before any thread
    scratch_directory state_;
    seeded_entropy random_{42};
    std::deque<pinned_namespace> pods_;
    asio::thread_pool namespaces_{1};
    asio::thread_pool pool_{2};
    std::unique_ptr<linux_network> network_;
    std::unique_ptr<linux_network> other_;
};

std::vector<container_port> const web_port{{.port = 80, .host_port = 8080}};

std::string links() { return shell("ip -o link"); }
bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

}  // namespace

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
    shell("mkdir -p /run/netns && touch /run/netns/outside && mount --bind " + outside.path().string() +
          " /run/netns/outside");
    shell("ip link set eth0 netns outside");
    shell_inside(outside.path(), "ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up");
    REQUIRE(machine.open());
    auto const pod = machine.make_pod(2, web_port);
    REQUIRE(machine.attach(pod));
    name_server const far(outside.path(), {.name = "far", .port = 80});
    name_server const web(pod.network_namespace, {.name = "web", .port = 80});

    CHECK(call(pod.network_namespace, {"192.0.2.2", 80}) == "far 192.0.2.1");
    CHECK(call(outside.path(), {"192.0.2.1", 8080}) == "web 192.0.2.2");
    shell("umount /run/netns/outside && rm /run/netns/outside");
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
    REQUIRE(machine.detach(first));
    CHECK(machine.attach(second));
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

TEST_CASE("attach may be called again", "[e2e][network]") {
    node_machine machine;
    auto const pod = machine.make_pod(2, web_port);
    CHECK(machine.attach(pod).error().code == errc::unavailable);
    REQUIRE(machine.open());
    REQUIRE(machine.attach(pod));
    REQUIRE(machine.attach(pod));
    machine.restart();
    REQUIRE(machine.open());  // forgets the Pod, and with it its link
    CHECK_FALSE(has(links(), "rv"));
    REQUIRE(machine.attach(pod));
    name_server const server(pod.network_namespace, {.name = "web", .port = 80});
    CHECK(call(here(), {"127.0.0.1", 8080}) == "web 10.210.3.1");
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
    CHECK(read_sysctl("ip_forward") == "0");
    CHECK_FALSE(has(shell_inside(pod.network_namespace, "ip -o link"), "eth0"));
    CHECK(machine.remove_all());
    REQUIRE(machine.open());
    CHECK(machine.attach(pod));
}

TEST_CASE("the last node that leaves the machine puts its sysctls back", "[e2e][network]") {
    node_machine machine;
    REQUIRE(machine.open());
    REQUIRE(machine.open_other());
    SECTION("in the order in which they came") {
        REQUIRE(machine.remove_all());
        CHECK(read_sysctl("ip_forward") == "1");
        REQUIRE(machine.remove_other());
    }
    SECTION("in the opposite order") {
        REQUIRE(machine.remove_other());
        CHECK(read_sysctl("ip_forward") == "1");
        REQUIRE(machine.remove_all());
    }
    SECTION("after one that went without a word") {
        shell("ip link del rk0123abcd && nft delete table ip rik_0123abcd");
        REQUIRE(machine.remove_other());
    }
    SECTION("after one that left and came back") {
        REQUIRE(machine.remove_all());
        REQUIRE(machine.open());
        REQUIRE(machine.remove_other());
        CHECK(read_sysctl("ip_forward") == "1");
        REQUIRE(machine.remove_all());
    }
    SECTION("after one that had to make its settings again") {
        shell("sysctl -w net.ipv4.ip_forward=0");
        machine.restart();
        REQUIRE(machine.open());
        CHECK(read_sysctl("ip_forward") == "1");
        REQUIRE(machine.remove_all());
        REQUIRE(machine.remove_other());
    }
    CHECK(read_sysctl("ip_forward") == "0");
    CHECK_FALSE(std::filesystem::exists(machine.shared_dir()));
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

TEST_CASE("what the kernel changes with a sysctl is put back too", "[e2e][network]") {
    node_machine machine;
    shell("sysctl -w net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.lo.forwarding=1");
    REQUIRE(machine.open());
    SECTION("as it was") {}
    SECTION("or as somebody else has made it meanwhile") {
        shell("sysctl -w net.ipv4.conf.default.accept_redirects=0 net.ipv4.conf.all.accept_redirects=1");
        REQUIRE(machine.remove_all());
        CHECK(read_sysctl("conf/all/accept_redirects") == "1");
        CHECK(read_sysctl("conf/default/accept_redirects") == "0");
        shell("sysctl -w net.ipv4.conf.all.accept_redirects=0");
    }
    REQUIRE(machine.remove_all());
    CHECK(read_sysctl("ip_forward") == "0");
    CHECK(read_sysctl("conf/all/accept_redirects") == "0");
    CHECK(read_sysctl("conf/lo/forwarding") == "1");
    CHECK(read_sysctl("conf/default/forwarding") == "0");
}

TEST_CASE("a sysctl that was set before any node came stays set", "[e2e][network]") {
    node_machine machine;
    shell("sysctl -w net.ipv4.ip_forward=1");
    REQUIRE(machine.open());
    REQUIRE(machine.remove_all());
    CHECK(read_sysctl("ip_forward") == "1");
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
