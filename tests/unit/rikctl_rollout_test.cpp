// rikctl scale and rollout: what they ask for, and what they say.
#include <rik/client/client.hpp>

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

outcome rikctl_at(fake_server const& server, std::vector<std::string> arguments) {
    std::istringstream in;
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.sources.server_variable = server.address();
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string const kubernetes_form =
    R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"template":{"spec":{"containers":[{"name":"main","image":"web:2"}]}}}})";
std::string const rik_form =
    R"({"apiVersion":"v1","kind":"Deployment","name":"web","template":{"spec":{"containers":[{"name":"main","image":"web:2"}]}}})";

std::string workload(std::string const& definition) {
    return R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"web","kind":"Deployment","revision":7,"definition":)" +
           definition + "}";
}

std::string changed(std::string const& word) {
    return R"({"outcome":")" + word + R"(","changes":[],"warnings":[],"workload":)" + workload(kubernetes_form) + "}";
}

std::string rollout(std::string const& progress, std::string const& more = "") {
    return R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"web","kind":"Deployment","generation":4,"release":"b","isPaused":false,)" +
           more + R"("progress":)" + progress +
           R"(,"steps":[],"releases":[{"id":"a","number":1,"createdAt":"2026-11-01T00:00:00Z","cause":"","definition":)" +
           R"({"spec":{"template":{"spec":{"containers":[{"name":"main","image":"web:1"}]}}}}},)" +
           R"({"id":"b","number":2,"createdAt":"2026-11-02T00:00:00.078788Z","cause":"new colours","definition":)" +
           kubernetes_form + "}]}";
}

std::string const done =
    R"({"generation":4,"release":"b","wanted":3,"have":3,"updated":3,"available":3,"isComplete":true,"conditions":[]})";

}  // namespace

TEST_CASE("scale, pause, resume and restart of a workload are calls of their own") {
    struct sent {
        std::vector<std::string> arguments;
        std::string line;
        std::string body;
        std::string out;
    };
    std::vector<sent> const all{
        {{"scale", "deployment/web", "--replicas", "5"}, "/scale?kind=Deployment", R"({"replicas":5})", "scaled to 5"},
        {{"pause", "web"}, "/pause", "{}", "paused: it wants no instance until it is resumed"},
        {{"resume", "web"}, "/resume", "{}", "resumed"},
        {{"suspend", "job/web"}, "/pause?kind=Job", "{}", "paused"},
        {{"restart", "workload/web"}, "/restart", R"({"atOnce":false})", "one after the other"},
        {{"restart", "deploy/web", "--at-once"}, "/restart?kind=Deployment", R"({"atOnce":true})", "at once"}};
    for (auto const& each : all) {
        std::vector<fake_request> seen;
        fake_server const server([&](fake_request const& request) {
            seen.push_back(request);
            auto text = workload(rik_form);
            text.insert(1, R"("state":"active",)");
            return reply_with(200, text);
        });
        auto const done = rikctl_at(server, each.arguments);
        CHECK(done.code == 0);
        CHECK(done.out.starts_with("deployment web "));
        CHECK(done.out.find(each.out) != std::string::npos);
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].line.starts_with("POST /rik/v1/workloads/web" + each.line));
        CHECK(seen[0].body == each.body);
    }
}

TEST_CASE("scale --current-replicas changes what it has looked at, or nothing") {
    std::vector<fake_request> seen;
    fake_server const server([&](fake_request const& request) {
        seen.push_back(request);
        auto text = workload(rik_form);
        text.insert(1, R"("state":"active","replicas":3,)");
        return reply_with(200, text);
    });
    auto const other = rikctl_at(server, {"scale", "web", "--replicas", "5", "--current-replicas", "2"});
    CHECK(other.code == 4);
    CHECK(other.err == "error: deployment web wants 3 instances, not 2: it is not scaled\n");
    CHECK(seen.size() == 1);
    auto const same = rikctl_at(server, {"scale", "web", "--replicas", "5", "--current-replicas", "3"});
    CHECK(same.code == 0);
    REQUIRE(seen.size() == 3);
    CHECK(seen[2].line.starts_with("POST /rik/v1/workloads/web/scale?revision=7"));
}

TEST_CASE("a refused pause says both states") {
    fake_server const server([](fake_request const&) {
        return reply_with(
            409,
            R"({"error":{"code":"conflict","message":"Deployment web is scaling: it cannot become paused","field":"","remedy":"wait until it is active"}})");
    });
    auto const refused = rikctl_at(server, {"pause", "web"});
    CHECK(refused.code == 4);
    CHECK(refused.err.find("is scaling: it cannot become paused") != std::string::npos);
}

TEST_CASE("a deletion says what becomes of the instances") {
    std::vector<std::string> lines;
    fake_server const server([&](fake_request const& request) {
        lines.push_back(request.line);
        return reply_with(202, "{}");
    });
    auto const left = rikctl_at(server, {"delete", "workload", "web", "--cascade", "orphan"});
    CHECK(left.code == 0);
    CHECK(left.out == "workload web is being deleted; its instances stay\n");
    REQUIRE(lines.size() == 2);  // its kind is asked for first
    CHECK(lines[1].find("cascade=orphan") != std::string::npos);
    CHECK(rikctl_at(server, {"delete", "workload", "web", "--cascade", "none"}).code == 2);
    CHECK(rikctl_at(server, {"delete", "instance", "web-1", "--cascade", "orphan"}).code == 2);
    CHECK(lines.size() == 2);
    CHECK(rikctl_at(server, {"restart", "web-1", "--at-once"}).code == 2);
}

TEST_CASE("a rollout's status ends when it is rolled out, paused, or past its deadline") {
    std::string answer = rollout(done);
    fake_server const server([&](fake_request const&) { return reply_with(200, answer); });
    auto const good = rikctl_at(server, {"rollout", "status", "web"});
    CHECK(good.code == 0);
    CHECK(good.out == "deployment web 3 of 3 updated, 3 there, 3 available\ndeployment web is rolled out\n");
    answer = rollout(
        R"({"generation":4,"release":"b","wanted":3,"have":4,"updated":1,"available":3,"isComplete":false,"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"it has timed out"}]})");
    auto const stuck = rikctl_at(server, {"rollout", "status", "web"});
    CHECK(stuck.code == 6);
    CHECK(stuck.err.find("it has timed out") != std::string::npos);
    answer = rollout(done);
    answer.replace(answer.find("\"isPaused\":false"), 16, "\"isPaused\":true ");
    answer.replace(answer.find("\"isComplete\":true"), 17, "\"isComplete\":false");
    auto const paused = rikctl_at(server, {"rollout", "status", "web"});
    CHECK(paused.code == 4);
    CHECK(paused.err.find("rikctl rollout resume web") != std::string::npos);
}

TEST_CASE("a rollout's history names revisions, causes and the current one") {
    fake_server const server([](fake_request const&) { return reply_with(200, rollout(done)); });
    auto const told = rikctl_at(server, {"rollout", "history", "web"});
    CHECK(told.code == 0);
    CHECK(told.out.find("1         2026-11-01T00:00:00Z          <none>\n") != std::string::npos);
    CHECK(told.out.find("2         2026-11-02T00:00:00Z          new colours  (current)\n") != std::string::npos);
}

TEST_CASE("a rollout's history shows what one revision contains") {
    fake_server const server([](fake_request const&) { return reply_with(200, rollout(done)); });
    auto const first = rikctl_at(server, {"rollout", "history", "web", "--revision", "1"});
    CHECK(first.code == 0);
    CHECK(first.out ==
          "deployment web revision 1\ntemplate:\n  spec:\n    containers:\n    - name: main\n      image: web:1\n");
    CHECK(rikctl_at(server, {"rollout", "history", "web", "--revision", "2"})
              .out.starts_with("deployment web revision 2 (current)\n"));
    auto const none = rikctl_at(server, {"rollout", "history", "web", "--revision", "3"});
    CHECK(none.code == 3);
    CHECK(none.err.find("deployment web has no revision 3") != std::string::npos);
}

TEST_CASE("undo puts the template of the revision before in the place of the current one") {
    std::vector<fake_request> seen;
    fake_server const server([&](fake_request const& request) {
        seen.push_back(request);
        if (request.line.find("/rollout") != std::string::npos) return reply_with(200, rollout(done));
        return reply_with(200, request.line.starts_with("GET") ? workload(kubernetes_form) : changed("changed"));
    });
    auto const back = rikctl_at(server, {"rollout", "undo", "web"});
    CHECK(back.code == 0);
    CHECK(back.out == "deployment web goes back to revision 1\n");
    REQUIRE(seen.size() == 3);
    CHECK(seen[2].line.starts_with("PUT"));
    CHECK(seen[2].line.find("revision=7") != std::string::npos);
    CHECK(seen[2].body.find("web:1") != std::string::npos);
    CHECK(seen[2].body.find("web:2") == std::string::npos);
    // As to kubectl, 0 is the one before.
    CHECK(rikctl_at(server, {"rollout", "undo", "web", "--to-revision", "0"}).out == back.out);
    auto const none = rikctl_at(server, {"rollout", "undo", "web", "--to-revision", "9"});
    CHECK(none.code == 3);
    CHECK(none.err.find("no other revision 9") != std::string::npos);
}

TEST_CASE("restart, pause and resume are patches") {
    std::vector<std::string> bodies;
    std::string definition = rik_form;
    fake_server const server([&](fake_request const& request) {
        if (!request.line.starts_with("GET")) bodies.push_back(request.body);
        return reply_with(200, request.line.starts_with("GET") ? workload(definition) : changed("changed"));
    });
    auto const running = rikctl_at(server, {"rollout", "resume", "web"});
    CHECK(running.code == 4);
    CHECK(running.err == "error: deployment web is not paused\n");
    CHECK(rikctl_at(server, {"rollout", "pause", "web"}).out == "deployment web paused\n");
    definition.insert(1, R"("paused":true,)");
    for (std::string const verb : {"restart", "undo"}) {
        auto const refused = rikctl_at(server, {"rollout", verb, "web"});
        CHECK(refused.code != 0);
        if (verb == "restart") CHECK(refused.err.find("rikctl rollout resume web") != std::string::npos);
    }
    CHECK(bodies.size() == 1);
    CHECK(rikctl_at(server, {"rollout", "resume", "web"}).out == "deployment web resumed\n");
    definition = rik_form;
    CHECK(rikctl_at(server, {"rollout", "restart", "web"}).code == 0);
    REQUIRE(bodies.size() == 3);
    CHECK(bodies[0] == R"({"paused":true})");
    CHECK(bodies[1] == R"({"paused":false})");
    CHECK(bodies[2].starts_with(R"({"template":{"annotations":{"kubectl.kubernetes.io/restartedAt":")"));
}

TEST_CASE("a ReplicaSet has no rollout that could restart it") {
    std::size_t changes_count = 0;
    fake_server const server([&](fake_request const& request) {
        changes_count += request.line.starts_with("GET") ? 0 : 1;
        auto text = workload(rik_form);
        for (auto at = text.find("Deployment"); at != std::string::npos; at = text.find("Deployment"))
            text.replace(at, std::string("Deployment").size(), "ReplicaSet");
        return reply_with(200, text);
    });
    auto const refused = rikctl_at(server, {"rollout", "restart", "rs/web"});
    CHECK(refused.code != 0);
    CHECK(refused.err.find("replicaset web has no rollout") != std::string::npos);
    CHECK(refused.err.find("rikctl restart rs/web") != std::string::npos);
    CHECK(changes_count == 0);
}

TEST_CASE("what was looked at before the last change is not taken for it", "[rikctl]") {
    std::string answer = rollout(done);
    answer.replace(answer.find("\"generation\":4,\"release\":\"b\",\"wanted\""), 14, "\"generation\":3");
    fake_server const server([&](fake_request const& request) {
        auto const is_rollout = request.line.find("/rollout") != std::string::npos;
        return is_rollout ? reply_with(200, answer)
                          : reply_with(503, R"({"error":{"code":"unavailable","message":"no"}})");
    });
    auto const told = rikctl_at(server, {"rollout", "status", "web", "--timeout", "1s"});
    CHECK(told.code != 0);
    CHECK(told.out.find("deployment web has not been looked at yet") != std::string::npos);
    CHECK(told.out.find("is rolled out") == std::string::npos);
}

TEST_CASE("a Pod has no rollouts", "[rikctl]") {
    std::size_t changes_count = 0;
    fake_server const server([&](fake_request const& request) {
        changes_count += request.line.starts_with("GET") ? 0 : 1;
        return reply_with(
            200,
            R"({"id":"a","name":"web","kind":"Pod","definition":{},"releases":[{"id":"x","number":1},{"id":"y","number":2}]})");
    });
    for (std::vector<std::string> const& words : {std::vector<std::string>{"rollout", "status", "web"},
                                                  {"rollout", "history", "web"},
                                                  {"rollout", "undo", "web"},
                                                  {"rollout", "restart", "web"}}) {
        auto const refused = rikctl_at(server, words);
        CHECK(refused.code != 0);
        CHECK(refused.err.find("pod web keeps no instances by itself") != std::string::npos);
    }
    CHECK(changes_count == 0);
}

TEST_CASE("names with their kind are those of workloads, as many as there are", "[rikctl]") {
    std::vector<std::string> lines;
    fake_server const server([&](fake_request const& request) {
        lines.push_back(request.line);
        return reply_with(202, "{}");
    });
    CHECK(rikctl_at(server, {"delete", "job/a", "job/b"}).code == 0);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("DELETE /rik/v1/workloads/a?"));
    CHECK(lines[1].find("workloads/b?") != std::string::npos);
    for (auto const& each : lines) CHECK(each.find("kind=Job") != std::string::npos);
    CHECK(rikctl_at(server, {"delete", "job/a", "deployment/b"}).code == 2);
    CHECK(lines.size() == 2);
}

TEST_CASE("a Job has no rollout, and the message says what to wait for", "[rikctl]") {
    fake_server const server([](fake_request const&) {
        return reply_with(
            200,
            R"({"id":"c0ffee00-0000-4000-8000-000000000001","name":"pi","kind":"Job","releases":[],"failures":[]})");
    });
    auto const refused = rikctl_at(server, {"rollout", "status", "job/pi"});
    CHECK(refused.code == 4);
    CHECK(refused.err.find("rikctl wait job/pi --for complete") != std::string::npos);
}
