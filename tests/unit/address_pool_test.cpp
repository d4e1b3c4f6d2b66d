#include "support/catch.hpp"

#include <rik/network/address_pool.hpp>

namespace rik {

namespace {

address_pool pool_of(char const* subnet) { return address_pool(ipv4_subnet::parse(subnet).value()); }

}  // namespace

TEST_CASE("an IPv4 address is read strictly and written back the same", "[unit][network]") {
    for (auto const* text : {"0.0.0.0", "10.210.3.7", "255.255.255.255"})
        CHECK(ipv4_text(parse_ipv4(text).value()) == text);
    for (auto const* text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.", ".1.2.3", "1.2.3.4 ",
                             "+1.2.3.4", "1.2.3.-4", "1..2.3", "a.b.c.d"}) {
        INFO(text);
        CHECK(parse_ipv4(text).error().code == errc::invalid);
    }
}

TEST_CASE("a subnet is its network address and its bits", "[unit][network]") {
    auto const subnet = ipv4_subnet::parse("10.210.3.0/24").value();
    CHECK(subnet.text() == "10.210.3.0/24");
    CHECK(subnet.size() == 256);
    CHECK(ipv4_text(subnet.gateway()) == "10.210.3.1");
    CHECK(subnet.contains(parse_ipv4("10.210.3.255").value()));
    CHECK_FALSE(subnet.contains(parse_ipv4("10.210.4.0").value()));
    CHECK_FALSE(subnet.contains(parse_ipv4("10.210.2.255").value()));
    CHECK(ipv4_subnet::parse("0.0.0.0/0").value().size() == std::uint64_t{1} << 32);
    CHECK(ipv4_subnet::parse("1.2.3.4/32").value().size() == 1);
    for (auto const* text :
         {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/024", "10.0.0.1/24", "10.0.0/24", "/24", "10.0.0.0/24/1"}) {
        INFO(text);
        CHECK(ipv4_subnet::parse(text).error().code == errc::invalid);
    }
}

TEST_CASE("a cluster's range is large enough and has no addresses that Pods cannot have", "[unit][network]") {
    for (auto const* text : {"10.210.0.0/16", "10.0.0.0/24", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12",
                             "126.0.0.0/8", "192.0.0.0/8", "169.0.0.0/16", "169.255.0.0/16", "223.0.0.0/8"}) {
        INFO(text);
        CHECK(parse_cluster_cidr(text, 24).value().text() == text);
    }
    for (auto const* text :
         {"", "10.0.0.0/8x", "10.0.0.0", "10.1.2.3/16", "10.0.0.0/25", "0.0.0.0/0", "0.0.0.0/16", "127.0.0.0/16",
          "126.0.0.0/7", "169.254.0.0/16", "169.254.3.0/24", "169.0.0.0/8", "224.0.0.0/8", "255.0.0.0/24"}) {
        INFO(text);
        CHECK(parse_cluster_cidr(text, 24).error().code == errc::invalid);
    }
    CHECK(parse_cluster_cidr("10.0.0.0/25", 26).has_value());
}

TEST_CASE("a cluster's subnet is cut into the nodes' parts", "[unit][network]") {
    auto const cluster = ipv4_subnet::parse("10.210.0.0/16").value();
    CHECK(cluster.part(0, 24).value().text() == "10.210.0.0/24");
    CHECK(cluster.part(255, 24).value().text() == "10.210.255.0/24");
    CHECK(cluster.part(256, 24).error().code == errc::exhausted);
    CHECK(cluster.part(0, 8).error().code == errc::exhausted);
    CHECK(cluster.part(0, 16).value().text() == cluster.text());
    CHECK(ipv4_subnet::parse("0.0.0.0/0").value().part(~0u, 32).value().text() == "255.255.255.255/32");
}

TEST_CASE("a pool gives neither network, gateway nor broadcast address", "[unit][network]") {
    auto pool = pool_of("10.0.0.0/29");
    std::set<std::string> given;
    for (int i = 0; i < 5; ++i) given.insert(pool.allocate().value());
    CHECK(given == std::set<std::string>{"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"});
    CHECK(pool.allocate().error().code == errc::exhausted);
}

TEST_CASE("a pool too small for a Pod is exhausted from the start", "[unit][network]") {
    for (auto const* subnet : {"10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32", "255.255.255.255/32"}) {
        auto pool = pool_of(subnet);
        if (pool.subnet().prefix_bits() == 30) CHECK(pool.allocate().value() == "10.0.0.2");
        CHECK(pool.allocate().error().code == errc::exhausted);
    }
}

TEST_CASE("an address is reused as late as possible", "[unit][network]") {
    auto pool = pool_of("10.0.0.0/29");
    CHECK(pool.allocate().value() == "10.0.0.2");
    pool.free("10.0.0.2");
    CHECK(pool.allocate().value() == "10.0.0.3");
    CHECK(pool.allocate().value() == "10.0.0.4");
    CHECK(pool.allocate().value() == "10.0.0.5");
    CHECK(pool.allocate().value() == "10.0.0.6");
    CHECK(pool.allocate().value() == "10.0.0.2");
    pool.free("10.0.0.4");
    pool.free("10.0.0.4");
    pool.free("no address");
    CHECK(pool.allocate().value() == "10.0.0.4");
}

TEST_CASE("a reserved address is not given", "[unit][network]") {
    auto pool = pool_of("10.0.0.0/24");
    CHECK(pool.reserve("10.0.0.7").has_value());
    CHECK(pool.reserve("10.0.0.7").error().code == errc::conflict);
    CHECK(pool.allocate().value() == "10.0.0.8");
    for (auto const* wrong : {"10.0.1.7", "10.0.0.0", "10.0.0.1", "10.0.0.255", "x"}) {
        INFO(wrong);
        CHECK(pool.reserve(wrong).error().code == errc::invalid);
    }
}

}  // namespace rik
