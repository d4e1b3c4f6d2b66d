// RIK's own API: workloads that keep themselves.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

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

TEST_CASE("v1: instances name their releases by the numbers of the history") {
    api_fixture on;
    CHECK(on.post("/rik/v1/workloads", deployment(1, "web:1")).status_code == 201);
    progress_of(on, 1);
    auto const numbers = [&] {
        auto const list = on.json_at("/rik/v1/instances");
        std::vector<std::int64_t> all;
        for (auto const& each : list.at("items").as_array()) all.push_back(each.at("release").as_int64());
        std::ranges::sort(all);
        return all;
    };
    CHECK(numbers() == std::vector<std::int64_t>{1});
    CHECK(on.connect().request("PUT", "/rik/v1/workloads/web", deployment(1, "web:2")).status_code == 200);
    progress_of(on, 2);
    CHECK(numbers() == std::vector<std::int64_t>{1, 2});
    CHECK(on.json_at("/rik/v1/workloads/web").at("releaseNumber") == 2);
    // The first one again: it has a new number, also of the instance that was made from it at first.
    CHECK(on.connect().request("PUT", "/rik/v1/workloads/web", deployment(1, "web:1")).status_code == 200);
    progress_of(on, 2);
    CHECK(numbers() == std::vector<std::int64_t>{2, 3});
    CHECK(on.json_at("/rik/v1/workloads/web").at("releaseNumber") == 3);
    CHECK(on.json_at("/rik/v1/workloads/web/rollout").at("releases").as_array().back().at("number") == 3);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web?cascade=orphan", "").status_code == 202);
    CHECK(on.json_at("/rik/v1/instances").at("items").at(0).at("release").is_null());
}

TEST_CASE("v1: a workload is scaled, and only what is active is paused and restarted") {
    api_fixture on;
    CHECK(on.post("/rik/v1/workloads", deployment(2, "web:1")).status_code == 201);
    progress_of(on, 2);
    CHECK(on.json_at("/rik/v1/workloads/web").at("state") == "provisioning");  // nothing runs here
    auto const early = on.post("/rik/v1/workloads/web/pause", "");
    CHECK(early.status_code == 409);
    CHECK(early.body.find("provisioning: it cannot become paused") != std::string::npos);
    CHECK(on.post("/rik/v1/workloads/web/restart", "{}").status_code == 409);
    auto const more = on.post("/rik/v1/workloads/web/scale", R"({"replicas":4})");
    CHECK(more.status_code == 200);
    CHECK(json::parse(more.body).at("replicas") == 4);
    progress_of(on, 4);
    for (auto const* wrong : {"{}", R"({"replicas":-1})", R"({"replicas":1.5})", R"({"replicas":"2"})",
                              R"({"replicas":5000000})", R"({"replicas":1,"more":2})", "no"})
        CHECK(on.post("/rik/v1/workloads/web/scale", wrong).status_code == 400);
    CHECK(on.post("/rik/v1/workloads/web/restart", R"({"atOnce":1})").status_code == 400);
    CHECK(on.post("/rik/v1/workloads/none/scale", R"({"replicas":1})").status_code == 404);
    CHECK(on.post("/rik/v1/workloads/web/scale?revision=1", R"({"replicas":1})").status_code == 409);
}

TEST_CASE("v1: a ReplicaSet of none is active, is paused, and comes back") {
    api_fixture on;
    auto text = deployment(0, "web:1");
    text.replace(text.find("Deployment"), 10, "ReplicaSet");
    CHECK(on.post("/rik/v1/workloads", text).status_code == 201);
    progress_of(on, 0);
    CHECK(on.json_at("/rik/v1/workloads/web").at("state") == "active");
    auto const paused = on.post("/rik/v1/workloads/web/pause", "");
    CHECK(paused.status_code == 200);
    CHECK(json::parse(paused.body).at("state") == "paused");
    CHECK(json::parse(paused.body).at("pausedSince").is_string());
    CHECK(on.json_at("/rik/v1/workloads?fieldSelector=state%3Dpaused&total=true").at("total") == 1);
    CHECK(on.json_at("/rik/v1/workloads?fieldSelector=state%3Dactive&total=true").at("total") == 0);
    CHECK(on.post("/rik/v1/workloads/web/resume", "").status_code == 200);
    CHECK(on.get("/rik/v1/replacement").status_code == 200);
    CHECK(on.post("/rik/v1/replacement/resume", "").status_code == 409);
}

TEST_CASE("v1: instances come by index, releases from the newest, and pages go on") {
    api_fixture on;
    CHECK(on.post("/rik/v1/workloads", deployment(3, "web:1")).status_code == 201);
    progress_of(on, 3);
    auto const first = on.json_at("/rik/v1/workloads/web/instances?limit=2");
    REQUIRE(first.at("items").as_array().size() == 2);
    CHECK(first.at("items").at(0).at("index") == 0);
    CHECK(first.at("items").at(1).at("index") == 1);
    auto const next = std::string(first.at("continue").as_string());
    auto const second = on.json_at("/rik/v1/workloads/web/instances?limit=2&continue=" + next);
    CHECK(second.at("items").as_array().size() == 1);
    CHECK(second.at("continue") == "");
    CHECK(on.get("/rik/v1/workloads/web/instances?continue=none").status_code == 400);
    auto const releases = on.json_at("/rik/v1/workloads/web/releases");
    CHECK(releases.at("items").at(0).at("number") == 1);
    CHECK_FALSE(releases.as_object().contains("total"));
    CHECK(on.json_at("/rik/v1/workloads/web/instances?limit=1&total=true").at("total") == 3);
}

TEST_CASE("v1: an instance gets labels, and a deletion leaves it") {
    api_fixture on;
    auto text = deployment(1, "web:1");
    text.replace(text.find("Deployment"), 10, "ReplicaSet");
    CHECK(on.post("/rik/v1/workloads", text).status_code == 201);
    progress_of(on, 1);
    auto const name = std::string(on.json_at("/rik/v1/instances").at("items").at(0).at("name").as_string());
    auto const patch = [&](std::string const& body) {
        return on.connect().request("PATCH", "/rik/v1/instances/" + name, body);
    };
    auto const labelled = patch(R"({"labels":{"tier":"front"}})");
    CHECK(labelled.status_code == 200);
    CHECK(json::parse(labelled.body).at("labels").at("tier") == "front");
    CHECK(json::parse(labelled.body).at("labels").at("app") == "web");
    CHECK(patch(R"({"labels":{"not a key":"x"}})").status_code == 400);
    CHECK(patch(R"({"label":{}})").status_code == 400);
    CHECK(on.json_at("/rik/v1/instances?labelSelector=tier%3Dfront").at("items").as_array().size() == 1);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web?cascade=none").status_code == 400);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web?cascade=orphan").status_code == 202);
    CHECK(on.get("/rik/v1/workloads/web").status_code == 404);
    CHECK(on.json_at("/rik/v1/instances").at("items").at(0).at("workload").is_null());
}

TEST_CASE("v1: a Job says what has ended of it, and is suspended") {
    api_fixture on;
    std::string const of_job = R"("parallelism":2,"completions":3,"template":{"spec":{"restartPolicy":"Never",)"
                               R"("containers":[{"name":"main","image":"web:1"}]}}})";
    auto const made =
        on.post("/rik/v1/workloads",
                R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"web"},"spec":{)" + of_job + "}");
    CHECK(made.status_code == 201);
    auto const progress = progress_of(on, 2);
    auto const& job = progress.at("job");
    CHECK(job.at("active") == 2);
    CHECK(job.at("succeeded") == 0);
    CHECK(job.at("completedIndexes") == "");
    CHECK_FALSE(job.at("startedAt").is_null());
    CHECK(job.at("finishedAt").is_null());
    CHECK(on.json_at("/rik/v1/workloads/web/rollout").at("failures").as_array().empty());
    CHECK(on.post("/rik/v1/workloads/web/scale", R"({"replicas":5})").status_code == 409);
    CHECK(on.post("/rik/v1/workloads/web/pause", "{}").status_code == 200);
    CHECK(on.json_at("/rik/v1/workloads/web").at("definition").at("spec").at("suspend") == true);
    CHECK(progress_of(on, 0).at("job").at("failed") == 0);
    CHECK(on.post("/rik/v1/workloads/web/resume", "{}").status_code == 200);
    progress_of(on, 2);
}

TEST_CASE("v1: a CronJob says when it runs, and a Job of it is made by hand") {
    api_fixture on;
    auto const cron = [](std::string const& zone) {
        return R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"nightly"},"spec":{"schedule":"@daily",)"
               R"("timeZone":")" +
               zone +
               R"(","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"main",)"
               R"("image":"web:1"}]}}}}}})";
    };
    auto const refused = on.post("/rik/v1/workloads", cron("Europe/Berlyn"));
    CHECK(refused.status_code == 400);
    CHECK(refused.body.find("did you mean Europe/Berlin?") != std::string::npos);
    CHECK(refused.body.find("spec.timeZone") != std::string::npos);
    CHECK(refused.body.find(", line 1 column 101") != std::string::npos);
    auto const applied = on.connect().request("PUT", "/rik/v1/workloads", "\n" + cron("Mars"));
    CHECK(applied.body.find(", line 2 column 101") != std::string::npos);
    CHECK(on.post("/rik/v1/workloads?dryRun=true", cron("Mars")).status_code == 400);
    CHECK(on.post("/rik/v1/workloads", cron("Europe/Berlin")).status_code == 201);
    auto const one = on.post("/rik/v1/workloads/nightly/jobs?kind=CronJob", R"({"name":"now"})");
    CHECK(one.status_code == 201);
    CHECK(json::parse(one.body).at("kind") == "Job");
    CHECK(on.post("/rik/v1/workloads/nightly/jobs", R"({"name":"now"})").status_code == 409);
    CHECK(on.post("/rik/v1/workloads/nightly/jobs", R"({"nome":"now"})").status_code == 400);
    CHECK(on.post("/rik/v1/workloads/nightly/jobs", R"({"name":"No Name"})").status_code == 400);
    CHECK(on.post("/rik/v1/workloads/now/jobs", "{}").status_code == 409);
    CHECK(on.post("/rik/v1/workloads/none/jobs", "{}").status_code == 404);
    json::value progress;
    for (int tries = 0; tries < 500; ++tries) {
        progress = on.json_at("/rik/v1/workloads/nightly").at("progress");
        if (progress.is_object() && !progress.at("cron").at("active").as_array().empty()) break;
        std::this_thread::sleep_for(10ms);
    }
    CHECK(progress.at("cron").at("active").at(0) == "now");
    CHECK(progress.at("cron").at("lastScheduleTime").is_null());
    CHECK(progress.at("cron").at("nextScheduleTime").is_string());
    auto const id = std::string(on.json_at("/rik/v1/workloads/nightly").at("id").as_string());
    auto const own = on.json_at("/rik/v1/workloads?fieldSelector=kind%3DJob,owner%3D" + id);
    REQUIRE(own.at("items").as_array().size() == 1);
    CHECK(own.at("items").at(0).at("owner").as_string() == id);
    CHECK(on.post("/rik/v1/workloads/nightly/pause", "{}").status_code == 200);
    CHECK(on.json_at("/rik/v1/workloads/nightly").at("definition").at("spec").at("suspend") == true);
    CHECK(on.post("/rik/v1/workloads/nightly/restart", "{}").status_code == 409);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/nightly").status_code == 202);
}
