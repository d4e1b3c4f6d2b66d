// CronJobs in rikctl: what is asked for, and what is shown.
#include <rik/client/print.hpp>

#include <fmt/format.h>

#include <sstream>
#include <string>
#include <vector>

#include "rikctl.hpp"
#include "support/catch.hpp"
#include "support/fake_server.hpp"
#include "unit/rikctl_outcome.hpp"

namespace {

using test::fake_reply;
using test::fake_request;
using test::fake_server;
using test::outcome;
using test::reply_with;

outcome run(fake_server const& server, std::vector<std::string> arguments, std::string const& input = {}) {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string const hello =
    R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"hello","tenant":"default","kind":"CronJob","state":"active",)"
    R"("replicas":1,"createdAt":"2026-11-20T12:00:00Z","release":"r","generation":1,"progress":{"wanted":0,"heldUp":"",)"
    R"("conditions":[],"cron":{"active":["hello-29393460"],"lastScheduleTime":"2026-11-21T11:00:00Z",)"
    R"("lastSuccessfulTime":null,"nextScheduleTime":"2026-11-21T13:00:00Z"}},"definition":{"spec":{"schedule":)"
    R"("0 * * * *","timeZone":"Europe/Berlin","suspend":false,"concurrencyPolicy":"Forbid","failedJobsHistoryLimit":0}}})";
rik::wall_time const noon = *rik::parse_wall_time("2026-11-21T12:00:00Z");

std::string list_of(std::string const& items) { return R"({"revision":1,"continue":"","items":[)" + items + "]}"; }

}  // namespace

TEST_CASE("a Job of a CronJob is started by hand") {
    std::vector<fake_request> seen;
    fake_server const server([&](fake_request const& request) {
        seen.push_back(request);
        return reply_with(201, R"({"id":"a","name":"now","kind":"Job","state":"active"})");
    });
    auto const done = run(server, {"create", "job", "now", "--from", "cronjob/hello"});
    CHECK(done.code == 0);
    CHECK(done.out == "job now created\n");
    CHECK(run(server, {"create", "job", "--from", "hello"}).code == 0);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].line.starts_with("POST /rik/v1/workloads/hello/jobs?kind=CronJob"));
    CHECK(seen[0].body == R"({"name":"now"})");
    CHECK(seen[1].body == "{}");
    CHECK(run(server, {"create", "job", "now", "--from", "deployment/hello"}).code == 2);
    CHECK(run(server, {"create", "job", "now"}).code == 2);
    CHECK(seen.size() == 2);
}

TEST_CASE("workloads of one kind are named by it") {
    std::vector<std::string> lines;
    fake_server const server([&](fake_request const& request) {
        lines.push_back(request.line);
        return reply_with(200, request.line.find("/hello") == std::string::npos ? list_of(hello) : hello);
    });
    auto const listed = run(server, {"get", "cronjobs"});
    CHECK(listed.code == 0);
    CHECK(listed.out.starts_with("NAME    SCHEDULE    TIMEZONE        SUSPEND   ACTIVE   LAST SCHEDULE"));
    CHECK(listed.out.find("hello   0 * * * *   Europe/Berlin   False     1 ") != std::string::npos);
    CHECK(run(server, {"get", "cj", "hello"}).out.starts_with("NAME    SCHEDULE"));
    CHECK(run(server, {"get", "cronjob/hello", "-o", "name"}).out == "hello\n");
    CHECK(run(server, {"get", "jobs", "-o", "name", "--field-selector", "owner=x"}).code == 0);
    CHECK(run(server, {"get", "workloads"}).out.find("1 active") != std::string::npos);
    CHECK(run(server, {"-n", "team", "get", "deployments", "-o", "wide"}).code == 0);
    REQUIRE(lines.size() == 6);
    CHECK(lines[0].find("fieldSelector=kind%3DCronJob") != std::string::npos);
    CHECK(lines[1].find("/rik/v1/workloads/hello?kind=CronJob") != std::string::npos);
    CHECK(lines[2].find("/rik/v1/workloads/hello?kind=CronJob") != std::string::npos);
    CHECK(lines[3].find("owner%3Dx%2Ckind%3DJob") != std::string::npos);
    CHECK(lines[5].find("kind%3DDeployment") != std::string::npos);
    CHECK(run(server, {"get", "pods"}).code == 0);  // to users of kubectl these are instances
    CHECK(lines.back().find("/rik/v1/instances?") != std::string::npos);
}

TEST_CASE("a CronJob tells its schedule, its runs and its Jobs") {
    std::string const job =
        R"({"name":"hello-29393460","state":"succeeded","createdAt":"2026-11-21T11:00:00Z","progress":{"job":{)"
        R"("startedAt":"2026-11-21T11:00:01Z","finishedAt":"2026-11-21T11:00:31Z"}}})";
    fake_server const server([&](fake_request const& request) {
        if (request.line.find("owner") != std::string::npos) return reply_with(200, list_of(job));
        if (request.line.find("/hello") != std::string::npos) return reply_with(200, hello);
        return reply_with(200, list_of(""));
    });
    auto const told = run(server, {"describe", "cronjob/hello"});
    CHECK(told.code == 0);
    for (auto const* line : {"Schedule:", "0 * * * * (Europe/Berlin)", "Suspended:", "Forbid", "3 succeeded, 0 failed",
                             "hello-29393460", "Last run:", "Next run:", "Jobs:", "30s"}) {
        INFO(line << " in " << told.out);
        CHECK(told.out.find(line) != std::string::npos);
    }
    CHECK(told.out.find("Instances") == std::string::npos);
    CHECK(told.out.find("Replicas") == std::string::npos);
    CHECK(told.out.find("Jobs:") < told.out.find("Events:"));
    rik::error const why{rik::errc::unavailable, "the server is away"};
    CHECK(rik::describe_jobs(why, noon).find("the server is away") != std::string::npos);
    CHECK(rik::describe_jobs(list_of(""), noon).empty());
}

TEST_CASE("a CronJob is suspended in its own words, and has no rollout") {
    fake_server const server([&](fake_request const&) { return reply_with(200, hello); });
    CHECK(run(server, {"suspend", "cronjob/hello"}).out ==
          "cronjob hello suspended: it starts no Job until it is resumed\n");
    CHECK(run(server, {"resume", "cronjob/hello"}).out == "cronjob hello resumed\n");
}

TEST_CASE("a time zone that is not known is told without a server") {
    fake_server const server([&](fake_request const&) { return reply_with(500, "{}"); });
    std::string const text =
        "apiVersion: v1\nkind: CronJob\nname: hello\nschedule: '@daily'\ntimeZone: ZONE\njobTemplate:\n  template:\n"
        "    spec:\n      containers: [{name: main, image: x}]\n";
    auto right = text;
    right.replace(right.find("ZONE"), 4, "Europe/Berlin");
    CHECK(run(server, {"validate", "-f", "-"}, right).code == 0);
    auto wrong = text;
    wrong.replace(wrong.find("ZONE"), 4, "Europe/Berlyn");
    auto const told = run(server, {"validate", "-f", "-"}, wrong);
    CHECK(told.code == 1);
    CHECK(told.err.find("did you mean Europe/Berlin?") != std::string::npos);
}
