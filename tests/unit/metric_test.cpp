#include "support/catch.hpp"

#include <rik/base/metric.hpp>

namespace rik {

TEST_CASE("metrics are Prometheus' text", "[metric]") {
    metric states{.name = "rik_instances", .help = "Instances,\nby state \\ all."};
    states.samples = {{3, {{"state", "running"}}}, {0.5, {{"state", "a\"b\\c\nd"}, {"node", "a"}}}};
    CHECK(prometheus_text({states, make_gauge("rik_up", "1.", 1)}) ==
          "# HELP rik_instances Instances,\\nby state \\\\ all.\n"
          "# TYPE rik_instances gauge\n"
          "rik_instances{state=\"running\"} 3\n"
          "rik_instances{state=\"a\\\"b\\\\c\\nd\",node=\"a\"} 0.5\n"
          "# HELP rik_up 1.\n"
          "# TYPE rik_up gauge\n"
          "rik_up 1\n");
}

TEST_CASE("the first reason why a role is not ready stays", "[metric]") {
    role_health all;
    add(all, {.ready = error{errc::unavailable, "first"}, .metrics = {make_gauge("a", "", 1)}});
    add(all, {.ready = error{errc::unavailable, "second"}, .metrics = {make_gauge("b", "", 1)}});
    add(all, {});
    REQUIRE_FALSE(all.ready);
    CHECK(all.ready.error().message == "first");
    CHECK(all.metrics.size() == 2);
}

}  // namespace rik
