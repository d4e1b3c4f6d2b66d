// RIK's own API: workloads that keep themselves.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <string>
#include <thread>

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::string deployment(int replicas, std::string const& image) {
    return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":)" +
           std::to_string(replicas) +
           R"(,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},)" +
           R"("spec":{"containers":[{"name":"main","image":")" + image + R"("}]}}}})";
}

/// Its progress once the current release has been looked at, and has `count` instances.
json::value progress_of(api_fixture& on, std::int64_t count) {
    for (int tries = 0; tries < 500; ++tries) {
        auto const shown = on.json_at("/rik/v1/workloads/web");
        auto const& progress = shown.at("progress");
        if (progress.is_object() && progress.at("release") == shown.at("release") && progress.at("have") == count)
            return progress;
        std::this_thread::sleep_for(10ms);
    }
    FAIL("it has not come so far");
    return {};
}

}  // namespace

TEST_CASE("v1: a workload that keeps itself says how far it is") {
    api_fixture on;
    CHECK(on.post("/rik/v1/workloads", deployment(3, "web:1")).status_code == 201);
    auto const progress = progress_of(on, 3);
    CHECK(progress.at("wanted") == 3);
    CHECK(progress.at("conditions").as_array().size() == 2);
    auto const listed = on.json_at("/rik/v1/workloads");
    CHECK(listed.at("items").at(0).at("progress").at("have") == 3);
    CHECK(on.post("/rik/v1/workloads", on.definition("bare")).status_code == 201);
    CHECK_FALSE(on.json_at("/rik/v1/workloads/bare").as_object().contains("progress"));
    auto const refused = on.post("/rik/v1/instances", R"({"workload":"web"})");
    CHECK(refused.status_code == 409);
    CHECK(refused.body.find("rikctl scale") != std::string::npos);
}

TEST_CASE("v1: a rollout tells its releases and what was done") {
    api_fixture on;
    CHECK(on.post("/rik/v1/workloads", deployment(1, "web:1")).status_code == 201);
    progress_of(on, 1);
    CHECK(on.connect().request("PUT", "/rik/v1/workloads/web", deployment(1, "web:2")).status_code == 200);
    progress_of(on, 2);  // nothing runs here, so that the new one only stands beside the old one
    auto const told = on.json_at("/rik/v1/workloads/web/rollout");
    auto const& releases = told.at("releases").as_array();
    REQUIRE(releases.size() == 2);
    CHECK(releases[0].at("number") == 1);
    CHECK(releases[1].at("id") == told.at("release"));
    CHECK(releases[1].at("definition").at("spec").at("template").at("spec").at("containers").at(0).at("image") ==
          "web:2");
    CHECK_FALSE(told.at("steps").as_array().empty());
    CHECK(told.at("isPaused") == false);
    CHECK(on.get("/rik/v1/workloads/none/rollout").status_code == 404);
}
