// Which of the ports that are chosen for Functions are taken.
#include "primary/port_ledger_detail.hpp"

#include <support/catch.hpp>
#include <support/definitions.hpp>

#include <memory>
#include <string>

using namespace rik;
using detail::port_ledger;

namespace {

release_ptr release_with(std::string const& exposure) {
    auto const definition = testing::written(
        R"({"apiVersion":"v1","kind":"Function","name":"fn","spec":{"function":{"execution":{"rootfs":"/srv/a"},
            "exposure":)" +
        exposure + "}}}");
    return std::make_shared<release const>(make_release({}, {}, definition));
}

instance instance_at(std::uint16_t port) {
    instance_fields fields{.id = {}, .made_from = release_with("{}")};
    fields.exposed_port = port;
    return instance(std::move(fields));
}

}  // namespace

TEST_CASE("the next free port is the first from where one looks, going round") {
    port_ledger ports;
    CHECK(ports.find_free(45'000, {}) == 45'000);
    ports.add(instance_at(45'000));
    CHECK(ports.find_free(45'000, {}) == 45'001);
    CHECK(ports.find_free(45'000, {45'001, 45'002}) == 45'003);
    ports.add(instance_at(49'999));
    CHECK(ports.find_free(49'999, {}) == 45'001);
    ports.remove(instance_at(45'000));
    CHECK(ports.find_free(49'999, {}) == 45'000);
}

TEST_CASE("a port that a release names is not free, and one outside of the range does not count") {
    port_ledger ports;
    auto const named = release_with(R"({"port":45000})");
    ports.add(*named);
    ports.add(instance_at(45'000));  // chosen before the definition came
    CHECK_FALSE(ports.is_free(45'000));
    ports.remove(instance_at(45'000));
    CHECK_FALSE(ports.is_free(45'000));
    ports.remove(*named);
    CHECK(ports.is_free(45'000));
    ports.add(*release_with(R"({"port":80})"));
    ports.add(instance_at(0));
    CHECK(ports.find_free(45'000, {}) == 45'000);
}

TEST_CASE("all ports can be taken, and each is given once") {
    port_ledger ports;
    for (std::size_t i = 0; i < port_ledger::size; ++i) {
        auto const port = ports.find_free(47'000, {});
        REQUIRE(port.has_value());
        REQUIRE(*port >= limits::chosen_port_first);
        REQUIRE(*port <= limits::chosen_port_last);
        ports.add(instance_at(*port));
    }
    CHECK_FALSE(ports.find_free(47'000, {}).has_value());
    ports.remove(instance_at(46'123));
    CHECK(ports.find_free(47'000, {}) == 46'123);
    CHECK_FALSE(ports.find_free(47'000, {46'123}).has_value());
}
