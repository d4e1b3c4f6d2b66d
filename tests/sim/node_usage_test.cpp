// What a node says of what its instances use.
#include "node_support.hpp"

#include <rik/base/metric.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <ctime>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr auto web =
    R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"containers":[{"name":"main","image":"app"}]}})";

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(12);
    node_site site(world);
    world.run(what(site));
}

awaitable<result<std::vector<usage_row>>> ask(node_site& site) {
    auto const asked = co_await site.ask_for(usage_call());
    auto const stream = co_await site.streams.expect(asked);
    if (!stream) co_return stream.error();
    std::string text;
    for (;;) {
        auto const piece = co_await (*stream)->read();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        text += *piece;
    }
    co_return decode_usage_rows(text);
}

std::string metrics_text(node_site& site) { return prometheus_text(site.agent().health().metrics); }

awaitable<> instances_are_measured(node_site& site) {
    co_await site.start();
    CHECK(metrics_text(site).find("container_") == std::string::npos);
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(40s);
    auto const rows = co_await ask(site);
    REQUIRE(rows.has_value());
    REQUIRE(rows->size() == 1);
    CHECK(rows->at(0).instance == id);
    REQUIRE(rows->at(0).containers.size() == 1);
    CHECK(rows->at(0).containers[0].name == "main");
    CHECK(rows->at(0).containers[0].process_count == 1);
    CHECK(rows->at(0).containers[0].cpu_milli == 0);
    auto const text = metrics_text(site);
    CHECK(text.find("container_processes{namespace=\"") != std::string::npos);
    CHECK(text.find("pod=\"web\",container=\"main\"} 1\n") != std::string::npos);
    co_await site.destroy(id);
    co_await site.time().sleep_for(40s);
    auto const after = co_await ask(site);
    CHECK(after->empty());
    CHECK(metrics_text(site).find("container_") == std::string::npos);
}

}  // namespace

TEST_CASE("a node measures what its instances use, and forgets those that are gone", "[sim][node][usage]") {
    simulate(instances_are_measured);
}
