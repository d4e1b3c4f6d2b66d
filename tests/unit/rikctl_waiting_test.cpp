// Waiting for workloads that keep their instances: what ends it, what is said meanwhile, and a server that goes away.
#include <fmt/format.h>

#include <atomic>
#include <memory>
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

outcome rikctl_at(fake_server const& server, std::vector<std::string> arguments, std::string const& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

bool has(fake_request const& request, std::string const& part) { return request.line.find(part) != std::string::npos; }

struct progress {
    int updated = 3;
    bool is_complete = true;
    std::string held_up = "";
    std::string available = "True";
    bool restart_is_done = false;
};

std::string text_of(progress const& of, std::string const& kind = "Deployment") {
    return fmt::format(
        R"({{"id":"id-web","name":"web","kind":"{}","generation":4,"state":"active","release":"b","isPaused":false,)"
        R"("deletingSince":null,"restart":{{"isDone":{}}},"releases":[],"steps":[],"progress":{{"generation":4,"wanted":3,)"
        R"("have":3,"updated":{},"available":{},"isComplete":{},"heldUp":"{}","conditions":[{{"type":"Available",)"
        R"("status":"{}","reason":"R","message":"M"}},{{"type":"Progressing","status":"True","reason":"P","message":"Q"}}]}}}})",
        kind, of.restart_is_done, of.updated, of.updated, of.is_complete, of.held_up, of.available);
}

std::string instance(std::string const& name, std::string const& state, bool ready, std::string const& more = "") {
    return fmt::format(
        R"({{"id":"id-{}","name":"{}","state":"{}","reason":"","message":"","ready":{},{}"containers":[]}})", name,
        name, state, ready, more);
}

std::string event(std::string const& id, std::string const& type, std::string const& data) {
    return "id: " + id + "\nevent: " + type + "\ndata: " + data + "\n\n";
}

fake_reply watch_of(std::vector<std::string> const& texts) {
    auto reply = test::stream_of("text/event-stream", texts, false);
    reply.stays_open = true;
    return reply;
}

fake_reply error_reply(int status, std::string const& code, std::string const& message) {
    return reply_with(status, fmt::format(R"({{"error":{{"code":"{}","message":"{}"}}}})", code, message));
}

std::string const lost =
    "warning: the connection to the server is lost (the server closed the connection), trying again\n"
    "the server is there again\n";

}  // namespace

TEST_CASE("what waits for a rollout goes on when the server is killed, and says so", "[rikctl]") {
    for (std::vector<std::string> const& arguments : {std::vector<std::string>{"rollout", "status", "web"},
                                                      {"scale", "web", "--replicas", "3", "--wait"},
                                                      {"pause", "web", "--wait"},
                                                      {"resume", "web", "--wait"},
                                                      {"rollout", "restart", "web", "--wait"},
                                                      {"restart", "deployment/web", "--wait"}}) {
        INFO(arguments.front());
        auto const looks = std::make_shared<std::atomic<int>>(0);
        fake_server const server([=](fake_request const& request) {
            if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
            if (!has(request, "/rollout"))
                return reply_with(
                    200, R"({"kind":"Deployment","name":"web","state":"active","outcome":"changed","definition":{}})");
            auto const number = ++*looks;
            progress now{.updated = 1, .is_complete = false};
            if (number == 1) return reply_with(200, text_of(now));
            if (number <= 3) return fake_reply{};
            return reply_with(200, text_of({.restart_is_done = true}));
        });
        auto const done = rikctl_at(server, arguments);
        CHECK(done.code == 0);
        CHECK(done.err == lost);
    }
}

TEST_CASE("rollout status ends at once for what is being deleted, and says that a workload is paused", "[rikctl]") {
    std::string state = "destroying";
    fake_server const server([&](fake_request const& request) {
        if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
        auto text = text_of({});
        text.replace(text.find("active"), 6, state);
        return reply_with(200, text);
    });
    auto const leaving = rikctl_at(server, {"rollout", "status", "web"});
    CHECK(leaving.code == 4);
    CHECK(leaving.out == "");
    CHECK(leaving.err == "error: deployment web is being deleted: nothing is rolled out any more\n");
    state = "paused";
    auto const paused = rikctl_at(server, {"rollout", "status", "web"});
    CHECK(paused.code == 0);
    CHECK_THAT(paused.out, Catch::EndsWith("deployment web is paused: it wants no instance until it is resumed\n"));
}

TEST_CASE("a server that was never there is not waited for by rollout status", "[rikctl]") {
    fake_server const server([](fake_request const&) { return fake_reply{}; });
    CHECK(rikctl_at(server, {"rollout", "status", "web"}).code == 5);
    CHECK(server.requests().size() == 1);
}

TEST_CASE("a server that stays away makes the waiting for a rollout end in time", "[rikctl]") {
    auto const looks = std::make_shared<std::atomic<int>>(0);
    fake_server const server([=](fake_request const& request) {
        if (!has(request, "/rollout") || ++*looks > 1) return fake_reply{};
        return reply_with(200, text_of({.updated = 1, .is_complete = false}));
    });
    auto const done = rikctl_at(server, {"rollout", "status", "web", "--timeout", "1s"});
    CHECK(done.code == 6);
    CHECK_THAT(done.err, Catch::Contains("trying again\n") &&
                             Catch::Contains("deployment web is not rolled out after 1s: 1 of 3 updated, 3 there, 1 "
                                             "available; the server does not answer\n"));
}

TEST_CASE("a rollout that takes long says what holds it up, which instance is not ready, and what it wrote",
          "[rikctl]") {
    auto const containers =
        R"("containers":[{"name":"setup","role":"init","state":"exited","exitCode":0,"ready":false},)"
        R"({"name":"main","role":"main","state":"waiting","reason":"CrashLoopBackOff","message":"it has failed",)"
        R"("restartCount":2,"ready":false}]})";
    auto broken = instance("web-b", "running", false);
    broken.replace(broken.find(R"("containers")"), std::string::npos, containers);
    std::string held_up;
    std::string items =
        instance("web-old", "destroying", false) + "," + instance("web-a", "running", true) + "," + broken;
    fake_server const server([&](fake_request const& request) {
        if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
        if (has(request, "/logs?")) return test::stream_of("text/plain", {"no such file"}, true);
        if (has(request, "/rollout"))
            return reply_with(200, text_of({.updated = 2, .is_complete = false, .held_up = held_up}, "DaemonSet"));
        return reply_with(200, R"({"items":[)" + items + "]}");
    });
    auto const words = std::string(
        "instance web-b is running\n"
        "container main: waiting (CrashLoopBackOff), restarted 2 times: it has failed\n"
        "no such file\n");
    auto const late = rikctl_at(server, {"rollout", "status", "ds/web", "--timeout", "1s"});
    CHECK(late.code == 6);
    // It is told while that goes on, and not again at its end.
    CHECK(late.err ==
          words + "error: daemonset web is not rolled out after 1s: 2 of 3 updated, 3 there, 2 available\n");
    items =
        R"({"id":"x","name":"web-c","state":"pending","reason":"","message":"","ready":false,"deletingSince":null,)"
        R"("containers":[{"name":"main","state":"waiting","reason":"","message":"","restartCount":0,"ready":false}]})";
    held_up = "nothing is replaced";
    auto const held = rikctl_at(server, {"rollout", "status", "ds/web", "--timeout", "1s"});
    CHECK_THAT(held.err,
               Catch::StartsWith("held up: nothing is replaced\ninstance web-c is pending\ncontainer main: waiting\n"));
}

TEST_CASE("instances that leave do not count when a workload is waited for", "[rikctl]") {
    fake_server const server([](fake_request const& request) {
        if (has(request, "watch="))
            return watch_of(
                {event("1", "added", instance("old", "destroying", false)),
                 event("2", "added", instance("dying", "running", true, R"("deletingSince":"2026-11-21T19:19:00Z",)")),
                 event("3", "added", instance("a", "running", true)),
                 event("4", "added", instance("b", "running", true)), event("5", "synced", "{}"),
                 event("6", "modified", instance("a", "destroying", false)),
                 event("7", "deleted", instance("a", "terminated", false)),
                 event("8", "added", instance("c", "running", true)),
                 event("9", "added", instance("d", "running", true))});
        return reply_with(200, text_of({}));
    });
    auto const done = rikctl_at(server, {"wait", "deployment/web", "--for", "ready", "--timeout", "5s"});
    CHECK(done.out == "workload web is ready\n");
    CHECK(done.err.empty());
    CHECK(done.code == 0);
}

TEST_CASE("a wait for a workload ends when it fails, is deleted, or time is up", "[rikctl]") {
    std::string last = event("2", "added", instance("b", "failed", false));
    auto const gets = std::make_shared<std::atomic<int>>(0);
    bool is_deleted = false;
    fake_server const server([&](fake_request const& request) {
        if (has(request, "watch=")) return watch_of({last, event("3", "synced", "{}")});
        if (is_deleted && ++*gets > 1) return error_reply(404, "not_found", "gone");
        return reply_with(200, text_of({}));
    });
    auto const failed = rikctl_at(server, {"wait", "deployment/web", "--for", "ready"});
    CHECK(failed.code == 1);
    CHECK(failed.err == "error: workload web cannot become ready: b is failed\n");
    last = event("2", "added", instance("b", "destroying", false));
    auto const late = rikctl_at(server, {"wait", "deployment/web", "--for", "ready", "--timeout", "1s"});
    CHECK(late.code == 6);
    CHECK(late.err == "error: workload web is not ready in time: 0 of 3 instances are there\n");
    is_deleted = true;
    auto const gone = rikctl_at(server, {"wait", "deployment/web", "--for", "ready", "--timeout", "9s"});
    CHECK(gone.code == 1);
    CHECK(gone.err == "error: workload web cannot become ready: web was deleted\n");
}

TEST_CASE("the conditions of a Deployment can be waited for, in the words of kubectl", "[rikctl]") {
    auto const gets = std::make_shared<std::atomic<int>>(0);
    fake_server const server([=](fake_request const& request) {
        if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
        if (has(request, "/nodes/")) return reply_with(200, R"({"id":"n","name":"a","state":"ready"})");
        if (has(request, "kind=DaemonSet")) return reply_with(200, text_of({}, "DaemonSet"));
        return reply_with(200, text_of({.available = ++*gets < 3 ? "False" : "True"}));
    });
    auto const available = rikctl_at(server, {"wait", "deployment/web", "--for", "condition=available"});
    CHECK(available.out == "workload web is Available\n");
    CHECK(available.code == 0);
    CHECK(*gets == 3);
    CHECK(rikctl_at(server, {"wait", "deployment/web", "--for", "condition=Progressing=True"}).code == 0);
    auto const late =
        rikctl_at(server, {"wait", "deploy/web", "--for", "condition=Available=False", "--timeout", "1s"});
    CHECK(late.code == 6);
    CHECK_THAT(late.err, Catch::Contains("Available is True: R: M"));
    CHECK(rikctl_at(server, {"wait", "node", "a", "--for", "condition=Ready"}).out == "node a is ready\n");
    auto const other = rikctl_at(server, {"wait", "daemonset/web", "--for", "condition=Available"});
    CHECK(other.code == 2);
    CHECK_THAT(other.err, Catch::Contains("a DaemonSet has no condition Available"));
    CHECK(rikctl_at(server, {"wait", "instance", "a", "--for", "condition=Available"}).code == 2);
    CHECK(rikctl_at(server, {"wait", "deploy/web", "--for", "condition=Available=Maybe"}).code == 2);
}

TEST_CASE("a wait for a workload goes on when the server is killed", "[rikctl]") {
    auto const watches = std::make_shared<std::atomic<int>>(0);
    auto const gets = std::make_shared<std::atomic<int>>(0);
    fake_server const server([=](fake_request const& request) {
        if (!has(request, "watch=")) return ++*gets == 2 ? fake_reply{} : reply_with(200, text_of({}));
        std::vector<std::string> all{event("1", "added", instance("a", "running", true)),
                                     event("1", "added", instance("b", "running", true))};
        if (++*watches > 1) all.push_back(event("2", "added", instance("c", "running", true)));
        all.push_back(event("3", "synced", "{}"));
        return watch_of(all);
    });
    auto const done = rikctl_at(server, {"wait", "deployment/web", "--for", "ready", "--timeout", "9s"});
    CHECK(done.code == 0);
    CHECK(done.err == lost);
    CHECK(done.out == "workload web is ready\n");
}

TEST_CASE("apply --wait waits for what keeps instances, and for nothing else", "[rikctl]") {
    auto const looks = std::make_shared<std::atomic<int>>(0);
    fake_server const server([=](fake_request const& request) {
        if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
        if (has(request, "GET /rik/v1/workloads/id-web/rollout"))
            return reply_with(200, ++*looks == 1 ? text_of({.updated = 1, .is_complete = false}) : text_of({}));
        auto const kind = request.body.find("kind: Pod") == std::string::npos ? "Deployment" : "Pod";
        return reply_with(201, fmt::format(R"({{"outcome":"created","changes":[],"warnings":[],"workload":)"
                                           R"({{"id":"id-web","name":"web","kind":"{}"}}}})",
                                           kind));
    });
    std::string const containers = "spec: {containers: [{name: main, image: a}]}\n";
    std::string const pod = "apiVersion: v1\nkind: Pod\nname: one\n" + containers;
    std::string const deployment = "apiVersion: v1\nkind: Deployment\nname: web\ntemplate:\n  " + containers;
    auto const both = rikctl_at(server, {"apply", "-f", "-", "--wait"}, deployment + "---\n" + pod);
    CHECK(both.err.empty());
    CHECK(both.code == 0);
    CHECK(both.out ==
          "deployment web created\npod one created\ndeployment web 1 of 3 updated, 3 there, 1 available\n"
          "deployment web 3 of 3 updated, 3 there, 3 available\ndeployment web is rolled out\n");
    CHECK(*looks == 2);
    CHECK(rikctl_at(server, {"apply", "-f", "-", "--wait"}, pod).out == "pod one created\n");
    CHECK(rikctl_at(server, {"apply", "-f", "-"}, deployment).out == "deployment web created\n");
    CHECK(*looks == 2);
    auto const late = [&] {
        fake_server const stuck([](fake_request const& request) {
            if (has(request, "watch=")) return watch_of({event("1", "synced", "{}")});
            if (has(request, "/rollout")) return reply_with(200, text_of({.updated = 1, .is_complete = false}));
            if (request.line.starts_with("GET")) return reply_with(200, R"({"items":[]})");
            return reply_with(200,
                              R"({"outcome":"changed","workload":{"id":"id-web","name":"web","kind":"Deployment"}})");
        });
        return rikctl_at(stuck, {"apply", "-f", "-", "--wait", "--timeout", "1s"}, deployment);
    }();
    CHECK(late.code == 6);
    CHECK(rikctl_at(server, {"apply", "-f", "-", "--wait", "--dry-run"}, deployment).code == 2);
}
