// What a node's network decides: which connections are stale, how large packets are, who may have a port.
#include "network/linux/default_route_detail.hpp"
#include "network/linux/flows_detail.hpp"
#include "network/linux/host_ports_detail.hpp"
#include "network/linux/link_messages_detail.hpp"

#include "support/catch.hpp"

#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>

namespace rik::detail {

namespace {

constexpr std::uint32_t node = 0xc0000201;    // 192.0.2.1
constexpr std::uint32_t client = 0xc0000202;  // 192.0.2.2
constexpr std::uint32_t pod = 0x0ad20302;     // 10.210.3.2
constexpr std::uint32_t other = 0x0ad20303;

constexpr port_mapping names{.protocol = port_protocol::udp, .host_port = 5353, .address = pod, .port = 53};
constexpr port_mapping web{.protocol = port_protocol::tcp, .host_port = 8080, .address = pod, .port = 80};

flow to_host(std::uint8_t protocol, std::uint16_t port) {
    return {.protocol = protocol,
            .there = {.source = client, .destination = node, .source_port = 1000, .destination_port = port},
            .back = {.source = node, .destination = client, .source_port = port, .destination_port = 1000}};
}

flow to_pod(flow from, std::uint32_t address, std::uint16_t port) {
    from.back.source = address;
    from.back.source_port = port;
    return from;
}

flow leaving(std::uint32_t from, std::uint32_t to, std::uint32_t as) {
    return {.protocol = IPPROTO_UDP,
            .there = {.source = from, .destination = to, .source_port = 1000, .destination_port = 53},
            .back = {.source = to, .destination = as, .source_port = 53, .destination_port = 1000}};
}

int listen_on(std::uint16_t port) {
    int const socket = ::socket(AF_INET, SOCK_STREAM, 0);
    int const on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    auto const is_bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (is_bound && ::listen(socket, 1) == 0) return socket;
    ::close(socket);
    return -1;
}

/// 0, or the errno of the first of: connect, and for UDP a datagram and its answer.
int call(int type, std::uint16_t port) {
    int const socket = ::socket(AF_INET, type, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval const patience{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char letter = 'a';
    auto const is_done =
        ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        (type == SOCK_STREAM || (::send(socket, &letter, 1, 0) == 1 && ::recv(socket, &letter, 1, 0) == 1));
    auto const number = is_done ? 0 : errno;
    ::close(socket);
    return number;
}

}  // namespace

TEST_CASE("a connection to a host port is stale if it does not lead to the port's Pod", "[unit][network]") {
    CHECK(misses(to_host(IPPROTO_UDP, 5353), names));                         // began when there was no Pod
    CHECK(misses(to_pod(to_host(IPPROTO_UDP, 5353), other, 53), names));      // leads to the one before
    CHECK(misses(to_pod(to_host(IPPROTO_UDP, 5353), pod, 54), names));        // to another port of the same
    CHECK_FALSE(misses(to_pod(to_host(IPPROTO_UDP, 5353), pod, 53), names));  // as it should be
    CHECK_FALSE(misses(to_host(IPPROTO_UDP, 5354), names));
    CHECK_FALSE(misses(to_host(IPPROTO_TCP, 5353), names));
    auto apart = to_host(IPPROTO_UDP, 5353);
    apart.is_in_zone = true;
    CHECK_FALSE(misses(apart, names));
}

TEST_CASE("a TCP connection that is established with a program of the node is not stale", "[unit][network]") {
    auto seen = to_host(IPPROTO_TCP, 8080);
    CHECK(misses(seen, web));  // nobody has answered yet
    seen.is_assured = true;
    CHECK_FALSE(misses(seen, web));
    CHECK(misses(to_pod(seen, other, 80), web));
    auto datagrams = to_host(IPPROTO_UDP, 5353);
    datagrams.is_assured = true;
    CHECK(misses(datagrams, names));
}

TEST_CASE("a connection concerns both of its ends, translated or not", "[unit][network]") {
    CHECK(concerns(to_pod(to_host(IPPROTO_UDP, 5353), pod, 53), pod));
    CHECK(concerns(leaving(pod, client, node), pod));
    CHECK_FALSE(concerns(leaving(other, client, node), pod));
    CHECK_FALSE(concerns(to_host(IPPROTO_ICMP, 0), pod));
}

TEST_CASE("what leaves the cluster under a Pod's own address is stale", "[unit][network]") {
    firewall_rules const rules{.pod_subnet = ipv4_subnet::parse("10.210.3.0/24").value(),
                               .cluster_cidr = ipv4_subnet::parse("10.210.0.0/16").value()};
    CHECK(is_unmasked(leaving(pod, client, pod), rules));
    CHECK_FALSE(is_unmasked(leaving(pod, client, node), rules));
    CHECK_FALSE(is_unmasked(leaving(pod, 0x0ad20909, pod), rules));  // another node's Pod
    CHECK_FALSE(is_unmasked(leaving(pod, 0xe00000fb, pod), rules));  // multicast
    CHECK_FALSE(is_unmasked(leaving(client, node, client), rules));  // no Pod's
    auto established = leaving(pod, client, pod);
    established.protocol = IPPROTO_TCP;
    established.is_assured = true;
    CHECK_FALSE(is_unmasked(established, rules));
}

TEST_CASE("the Pods' MTU is the smallest of the default routes that are used", "[unit][network]") {
    std::map<std::uint32_t, std::uint32_t> const links{{1, 65536}, {2, 1500}, {3, 1400}, {4, 9000}, {5, 65536}};
    CHECK(mtu_of({}, links) == 1500);
    CHECK(mtu_of({{.metric = 0, .interface_index = 3}}, links) == 1400);
    CHECK(mtu_of({{.metric = 0, .interface_index = 4}}, links) == 9000);
    CHECK(mtu_of({{.metric = 0, .interface_index = 4, .mtu = 1280}}, links) == 1280);
    CHECK(mtu_of({{.metric = 0, .interface_index = 3, .mtu = 9000}}, links) == 1400);
    CHECK(mtu_of({{.metric = 20, .interface_index = 3}, {.metric = 10, .interface_index = 2}}, links) == 1500);
    CHECK(mtu_of({{.metric = 10, .interface_index = 2}, {.metric = 10, .interface_index = 3}}, links) == 1400);
    CHECK(mtu_of({{.metric = 0, .interface_index = 99}}, links) == 1500);  // gone meanwhile
    CHECK(mtu_of({{.metric = 0, .interface_index = 5}}, links) == 65535);
}

namespace {

netlink_reply route_reply(rtmsg const& body, std::function<void(netlink_message&)> const& fill) {
    netlink_message message(RTM_NEWROUTE, 0, body);
    fill(message);
    return netlink_reply(RTM_NEWROUTE, message.bytes().subspan(sizeof(nlmsghdr)));
}

rtmsg default_route() {
    rtmsg body{};
    body.rtm_family = AF_INET;
    body.rtm_table = RT_TABLE_MAIN;
    body.rtm_type = RTN_UNICAST;
    return body;
}

}  // namespace

TEST_CASE("default routes are read with their metric, MTU and next hops", "[unit][network]") {
    auto const plain = route_reply(default_route(), [](auto& message) {
        message.add(RTA_OIF, std::uint32_t{7}).add(RTA_PRIORITY, std::uint32_t{100});
        netlink_message::nest const metrics(message, RTA_METRICS);
        message.add(RTAX_MTU, std::uint32_t{1380});
    });
    CHECK(ways_of(plain) == std::vector<way_out>{{.metric = 100, .interface_index = 7, .mtu = 1380}});
    auto const several = route_reply(default_route(), [](auto& message) {
        netlink_message::nest const hops(message, RTA_MULTIPATH);
        for (int index : {3, 4})
            message.append(
                rtnexthop{.rtnh_len = sizeof(rtnexthop), .rtnh_flags = 0, .rtnh_hops = 0, .rtnh_ifindex = index});
    });
    CHECK(ways_of(several) ==
          std::vector<way_out>{{.metric = 0, .interface_index = 3}, {.metric = 0, .interface_index = 4}});
    auto nearer = default_route();
    nearer.rtm_dst_len = 24;
    CHECK(ways_of(route_reply(nearer, [](auto&) {})).empty());
    auto of_the_machine = default_route();
    of_the_machine.rtm_table = RT_TABLE_LOCAL;
    CHECK(ways_of(route_reply(of_the_machine, [](auto&) {})).empty());
}

TEST_CASE("a port that is held is nobody else's, and refuses whoever calls it", "[unit][network]") {
    constexpr std::uint16_t port = 47'113;
    {
        auto const held = occupy_port(port_protocol::tcp, port);
        REQUIRE(held.has_value());
        CHECK(call(SOCK_STREAM, port) == ECONNREFUSED);
        CHECK(listen_on(port) == -1);
        CHECK(occupy_port(port_protocol::tcp, port).error().code == errc::conflict);
        auto const datagrams = occupy_port(port_protocol::udp, port);
        REQUIRE(datagrams.has_value());
        CHECK(call(SOCK_DGRAM, port) == ECONNREFUSED);
        CHECK(occupy_port(port_protocol::udp, port).error().code == errc::conflict);
    }
    auto const program = listen_on(port);
    REQUIRE(program >= 0);
    CHECK(occupy_port(port_protocol::tcp, port).error().code == errc::conflict);
    ::close(program);
}

TEST_CASE("old connections of a port keep nobody from holding it, and nobody else gets it", "[unit][network]") {
    constexpr std::uint16_t port = 47'114;
    auto const program = listen_on(port);
    REQUIRE(program >= 0);
    REQUIRE(call(SOCK_STREAM, port) == 0);
    auto const connection = ::accept(program, nullptr, nullptr);
    ::close(connection);  // or the caller: one of them is in TIME_WAIT or FIN_WAIT now
    ::close(program);
    auto const held = occupy_port(port_protocol::tcp, port);
    REQUIRE(held.has_value());
    CHECK(call(SOCK_STREAM, port) == ECONNREFUSED);
    CHECK(listen_on(port) == -1);
}

TEST_CASE("a connection that goes out from a port is not in the way of whoever wants it", "[unit][network]") {
    constexpr std::uint16_t port = 47'116;
    constexpr std::uint16_t far_port = 47'117;
    auto const program = listen_on(far_port);
    REQUIRE(program >= 0);
    auto const caller = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    REQUIRE(::bind(caller, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    CHECK(occupy_port(port_protocol::tcp, port).error().code == errc::conflict);  // it may listen yet
    address.sin_port = htons(far_port);
    REQUIRE(::connect(caller, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
    auto const beside = occupy_port(port_protocol::tcp, port);
    REQUIRE(beside.has_value());
    CHECK_FALSE(*beside);
    CHECK(occupy_port(port_protocol::tcp, far_port).error().code == errc::conflict);  // it has the same, and listens
    linger const at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(caller, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(caller);
    ::close(program);
    auto const held = occupy_port(port_protocol::tcp, port);
    REQUIRE(held.has_value());
    CHECK(*held);
}

TEST_CASE("a closed port leads nowhere, and is still nobody else's", "[unit][network]") {
    constexpr std::uint16_t port = 47'115;
    seeded_entropy random(1);
    auto const first = instance_id::generate(random);
    auto const second = instance_id::generate(random);
    std::vector<port_mapping> const mappings{{.host_port = port, .address = pod, .port = 80}};
    port_table table;
    REQUIRE(table.open(first, mappings));
    CHECK(table.close(first).size() == 1);
    CHECK(table.all().empty());
    CHECK(table.open(second, mappings).error().message.find("another Pod") != std::string::npos);
    REQUIRE(table.open(first, mappings));
    CHECK(table.all().size() == 1);
    table.give_back(first);
    CHECK(table.open(second, mappings));
}

}  // namespace rik::detail
