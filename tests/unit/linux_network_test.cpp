#include "network/linux/firewall_text_detail.hpp"
#include "network/linux/host_ports_detail.hpp"
#include "network/linux/interfaces_detail.hpp"
#include "network/linux/link_messages_detail.hpp"
#include "network/linux/names_detail.hpp"
#include "network/linux/namespaces_detail.hpp"
#include "network/linux/netlink_detail.hpp"
#include "runtime/oci/namespaces_detail.hpp"

#include <rik/base/stray_thread.hpp>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <filesystem>
#include <set>
#include <thread>
#include <vector>

namespace rik {

using namespace detail;

namespace {

/// What a receiver would see of a message.
netlink_reply received(netlink_message const& message) {
    nlmsghdr header;
    std::memcpy(&header, message.bytes().data(), sizeof header);
    REQUIRE(header.nlmsg_len == message.bytes().size());
    return netlink_reply(header.nlmsg_type, message.bytes().subspan(sizeof header));
}

ipv4_subnet subnet_of(char const* text) { return ipv4_subnet::parse(text).value(); }

constexpr char const* tag = "0123abcd";

}  // namespace

TEST_CASE("names of links fit into the kernel's 15 characters and follow from tag and instance", "[unit][network]") {
    seeded_entropy random(1);
    std::set<std::string> names;
    for (int i = 0; i < 1000; ++i) {
        auto const instance = instance_id::generate(random);
        auto const name = pod_veth_name(tag, instance);
        CHECK(name.size() == 15);
        CHECK(name == pod_veth_name(tag, instance));
        CHECK(name != pod_veth_name("0123abce", instance));
        names.insert(name);
    }
    CHECK(names.size() == 1000);
    CHECK(bridge_name(tag) == "rk0123abcd");
    CHECK(table_name(tag) == "rik_0123abcd");
}

TEST_CASE("link groups are never that of everybody's links", "[unit][network]") {
    for (auto const* each : {"00000000", "ffffffff", "80000000", tag}) {
        auto const groups = interface_groups_of(each);
        CHECK(groups.live != 0);
        CHECK(groups.disconnected != 0);
        CHECK(groups.live != groups.disconnected);
    }
}

TEST_CASE("a MAC address is local, unicast and says the IPv4 address", "[unit][network]") {
    CHECK(mac_of(0x0ad20307) == mac_address{0x0a, 0x58, 0x0a, 0xd2, 0x03, 0x07});
}

TEST_CASE("attributes are read as they were written, nested ones too", "[unit][network]") {
    veth_pair const pair{.name = "rv0123456789abc",
                         .bridge_index = 7,
                         .group = 42,
                         .peer_name = "eth0",
                         .peer_mac = mac_of(0x0a000002),
                         .peer_namespace = 11};
    auto const message = received(new_veth_pair(pair));
    CHECK(message.type() == RTM_NEWLINK);
    auto const attributes = message.attributes<ifinfomsg>();
    CHECK(attributes.text(IFLA_IFNAME) == pair.name);
    CHECK(attributes.find_number(IFLA_MASTER) == 7u);
    CHECK(attributes.find_number(IFLA_GROUP) == 42u);
    CHECK_FALSE(attributes.find(IFLA_TXQLEN));
    auto const info = attributes.nested(IFLA_LINKINFO);
    CHECK(info.text(IFLA_INFO_KIND) == "veth");
    auto const peer = info.nested(IFLA_INFO_DATA).find(VETH_INFO_PEER);
    REQUIRE(peer);
    netlink_attributes const inside(peer->subspan(sizeof(ifinfomsg)));
    CHECK(inside.text(IFLA_IFNAME) == "eth0");
    CHECK(inside.find_number(IFLA_NET_NS_FD) == 11u);
    CHECK(inside.find(IFLA_ADDRESS)->size() == 6);
}

TEST_CASE("attributes of odd sizes are padded, and their lengths are not", "[unit][network]") {
    netlink_message message(RTM_NEWLINK, 0, ifinfomsg{});
    message.add(1, std::string_view("abc")).add(2, std::string_view("abcd")).add(3, std::uint8_t{9});
    CHECK(message.bytes().size() % 4 == 0);
    auto const reply = received(message);
    auto const attributes = reply.attributes<ifinfomsg>();
    CHECK(attributes.find(1)->size() == 4);  // "abc" and its zero
    CHECK(attributes.find(2)->size() == 5);
    CHECK(attributes.find(3)->size() == 1);
}

TEST_CASE("malformed attributes end the reading", "[unit][network]") {
    auto const read = [](std::vector<unsigned char> bytes) {
        return netlink_attributes(std::as_bytes(std::span(bytes))).find(1).has_value();
    };
    CHECK(read({4, 0, 1, 0}));
    CHECK_FALSE(read({}));
    CHECK_FALSE(read({4, 0, 1}));
    CHECK_FALSE(read({3, 0, 1, 0}));
    CHECK_FALSE(read({0, 0, 2, 0, 4, 0, 1, 0}));
    CHECK_FALSE(read({9, 0, 1, 0, 1, 2, 3, 4}));
    CHECK(read({5, 0, 2, 0, 1, 0, 0, 0, 4, 0, 1, 0}));
    netlink_reply const empty(1, {});
    CHECK(empty.attributes<ifinfomsg>().text(1).empty());
}

TEST_CASE("the firewall's table is deleted and made in one text", "[unit][network]") {
    firewall_rules const rules{.pod_subnet = subnet_of("10.210.3.0/24"), .cluster_cidr = subnet_of("10.210.0.0/16")};
    auto const empty = rebuild_text(tag, rules, {});
    CHECK(empty.starts_with("add table ip rik_0123abcd\ndelete table ip rik_0123abcd\ntable ip rik_0123abcd {"));
    CHECK(empty.find("elements") == std::string::npos);
    CHECK(empty.find("ip saddr 10.210.3.0/24 ip daddr != 10.210.0.0/16 masquerade") != std::string::npos);
    port_mapping const web{.protocol = port_protocol::tcp, .host_port = 8080, .address = 0x0ad20307, .port = 80};
    port_mapping const names{.protocol = port_protocol::udp, .host_port = 53, .address = 0x0ad20308, .port = 53};
    std::vector const both{web, names};
    CHECK(rebuild_text(tag, rules, {.ports = both})
              .find("elements = { tcp . 8080 : 10.210.3.7 . 80, udp . 53 : 10.210.3.8 . 53 }") != std::string::npos);
    CHECK(add_text(tag, both) ==
          "add element ip rik_0123abcd host_ports { tcp . 8080 : 10.210.3.7 . 80, udp . 53 : 10.210.3.8 . 53 }\n");
    CHECK(remove_text(tag, std::span(&web, 1)) ==
          "add element ip rik_0123abcd host_ports { tcp . 8080 : 10.210.3.7 . 80 }\n"
          "delete element ip rik_0123abcd host_ports { tcp . 8080 }\n");
}

TEST_CASE("the table for guests is there if there are some, and says who may speak behind each tap",
          "[unit][network]") {
    firewall_rules const rules{.pod_subnet = subnet_of("10.210.3.0/24"), .cluster_cidr = subnet_of("10.210.0.0/16")};
    CHECK(rebuild_text(tag, rules, {}).find("bridge rik_") == std::string::npos);
    guest_identity const guest{.interface = "rt0123456789abc", .mac = mac_of(0x0ad20307), .address = 0x0ad20307};
    auto const made = rebuild_text(tag, rules, {.ports = {}, .guests = {guest}});
    CHECK(made.find("add table bridge rik_0123abcd\ndelete table bridge rik_0123abcd\ntable bridge rik_0123abcd {") !=
          std::string::npos);
    CHECK(made.find("elements = { \"rt0123456789abc\" . 0a:58:0a:d2:03:07 . 10.210.3.7 }") != std::string::npos);
    CHECK(add_guests_text(tag, std::span(&guest, 1)) ==
          "add element bridge rik_0123abcd taps { \"rt0123456789abc\" }\n"
          "add element bridge rik_0123abcd guests { \"rt0123456789abc\" . 0a:58:0a:d2:03:07 . 10.210.3.7 }\n"
          "add element ip rik_0123abcd machines { 10.210.3.7 }\n");
    CHECK(made.find("set machines {\n    type ipv4_addr\n    elements = { 10.210.3.7 }\n  }") != std::string::npos);
    CHECK(made.find("ip saddr != @machines accept") != std::string::npos);
    auto const instance = instance_id::parse("00000000-0000-4000-8000-000000000001");
    REQUIRE(instance);
    CHECK(pod_tap_name(tag, *instance).size() == 15);
    CHECK(pod_tap_name(tag, *instance).substr(2) == pod_veth_name(tag, *instance).substr(2));
}

TEST_CASE("only ports with a host port are mapped", "[unit][network]") {
    std::vector<container_port> const ports{{.port = 80},
                                            {.port = 53, .host_port = 5353, .protocol = port_protocol::udp}};
    auto const mappings = mappings_of(ports, 0x0a000002);
    REQUIRE(mappings.size() == 1);
    CHECK(mappings[0].host_port == 5353);
    CHECK(mappings[0].protocol == port_protocol::udp);
}

TEST_CASE("a thread that is not at home works neither on the node's links nor in Pods, whoever has led it astray",
          "[unit][network]") {
    testing::scratch_directory directory;
    auto const own = open_namespace("/proc/self/ns/net");
    REQUIRE(own.has_value());
    CHECK(node_interfaces(tag).list_joined().has_value());
    std::vector<error> refusals;
    std::thread([&] {
        stray_thread::mark();
        refusals = {node_interfaces(tag).list_joined().error(), open_socket_in(*own).error(),
                    pin_namespaces(directory.path(), "pod", pod_network::own).error()};
    }).join();
    REQUIRE(refusals.size() == 3);
    for (auto const& each : refusals) CHECK(each.remedy == "start rik again");
    CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(stray_thread::check().has_value());  // the others go on
}

}  // namespace rik
