// The commands of rikctl on nodes, against a server of the test.
#include <memory>
#include <sstream>
#include <string>
#include <utility>
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

outcome rikctl_at(std::string const& address, std::vector<std::string> arguments, bool can_ask = false,
                  std::string const& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    rikctl::surroundings around{.in = in, .out = out, .err = err};
    around.can_ask = can_ask;
    around.sources.server_variable = address;
    auto const code = rikctl::run_rikctl(std::move(arguments), around);
    return {code, out.str(), err.str()};
}

std::string error_body(std::string const& code, std::string const& message) {
    return R"({"error":{"code":")" + code + R"(","message":")" + message + "\"}}";
}

/// Replies by the beginning of the request line; the first that fits.
fake_server::handler routes(std::vector<std::pair<std::string, fake_reply>> table) {
    return [table](fake_request const& request) {
        for (auto const& [start, reply] : table)
            if (request.line.starts_with(start)) return reply;
        return reply_with(404, error_body("not_found", "no route: " + request.line));
    };
}

constexpr auto node_a = R"({"id":"id-a","name":"a","state":"ready","unschedulable":true})";

}  // namespace

TEST_CASE("rikctl node: a wrong command line touches no server") {
    for (auto const& arguments : std::vector<std::vector<std::string>>{
             {"node"},
             {"node", "cordon"},
             {"node", "cordon", ""},
             {"node", "melt", "a"},
             {"node", "label", "a"},
             {"node", "label", "a", "zone"},
             {"node", "label", "a", "bad key=x"},
             {"node", "taint", "a", "gpu"},
             {"node", "taint", "a", "gpu:Never"},
             {"node", "drain", "a", "--timeout", "soon"},
             {"node", "declare-dead", "a"},
         }) {
        auto const done = rikctl_at("unix:///nonexistent/rik.sock", arguments);
        CAPTURE(arguments, done.err);
        CHECK(done.code == 2);
        CHECK(done.err.starts_with("error: "));
        CHECK(done.out.empty());
    }
}

TEST_CASE("rikctl node cordon, uncordon, label and taint change a node") {
    fake_server server(routes({{"PATCH /rik/v1/nodes/a ", reply_with(200, node_a)}}));
    auto const body_of = [&](std::vector<std::string> arguments, std::string const& out) {
        auto const done = rikctl_at(server.address(), std::move(arguments));
        CHECK(done.err.empty());
        CHECK(done.code == 0);
        CHECK(done.out == out);
        return server.requests().back().body;
    };
    CHECK(body_of({"node", "cordon", "a"}, "node a is cordoned\n") == R"({"unschedulable":true})");
    CHECK(body_of({"node", "uncordon", "a"}, "node a is uncordoned\n") == R"({"unschedulable":false})");
    CHECK(body_of({"node", "label", "a", "zone=north", "disk-"}, "node a is labelled\n") ==
          R"({"labels":{"disk":null,"zone":"north"}})");
    CHECK(body_of({"node", "taint", "a", "gpu=yes:NoSchedule", "old-"}, "node a is changed\n") ==
          R"({"taints":["gpu=yes:NoSchedule","old-"]})");
    auto const some = rikctl_at(server.address(), {"node", "cordon", "b", "a"});
    CHECK(some.code == 3);
    CHECK(some.out == "node a is cordoned\n");
}

TEST_CASE("rikctl node drain waits until what leaves is gone") {
    fake_server server(routes(
        {{"POST /rik/v1/nodes/a/drain ", reply_with(200, R"({"leaving":[{"id":"1","name":"web-1"}],"kept":[]})")},
         {"GET /rik/v1/instances/1 ", reply_with(404, error_body("not_found", "gone"))}}));
    auto const done = rikctl_at(server.address(), {"node", "drain", "a", "--force"});
    CHECK(done.err.empty());
    CHECK(done.code == 0);
    CHECK(done.out ==
          "node a is cordoned\ninstance web-1 is being deleted\ninstance web-1 is deleted\nnode a is drained; to "
          "forget it: "
          "rikctl node remove a\n");
    CHECK(server.requests().front().body == R"({"force":true})");
}

TEST_CASE("rikctl node drain says what stays and why, and is not done then") {
    fake_server server(routes(
        {{"POST /rik/v1/nodes/a/drain ",
          reply_with(
              200,
              R"({"leaving":[],"kept":[{"id":"1","name":"web-1","tenant":"team-a","why":"nobody replaces it"}]})")}}));
    auto const done = rikctl_at(server.address(), {"node", "drain", "a"});
    CHECK(done.code == 4);
    CHECK(done.out == "node a is cordoned\n");
    CHECK(done.err ==
          "instance web-1 of tenant team-a stays: nobody replaces it\n"
          "error: node a is cordoned, and not empty: 1 instance stays (--force removes them for good)\n");
    CHECK(server.requests().front().body == R"({"force":false})");
}

TEST_CASE("rikctl node remove passes on why a node stays") {
    fake_server server(routes({{"DELETE /rik/v1/nodes/a ", reply_with(202, "{}")},
                               {"DELETE /rik/v1/nodes/b ", reply_with(409, error_body("conflict", "it is in use"))}}));
    auto const done = rikctl_at(server.address(), {"node", "remove", "a", "b"});
    CHECK(done.code == 4);
    CHECK(done.out == "node a is removed\n");
    CHECK(done.err == "error: it is in use\n");
}

namespace {

/// Asks for the confirmation "a".
fake_server::handler dying_node() {
    return [](fake_request const& request) {
        if (request.line.starts_with("GET /rik/v1/nodes/")) return reply_with(200, node_a);
        if (request.body == R"({"confirm":"a"})") return reply_with(200, R"({"givenUp":[{"id":"1","name":"web-1"}]})");
        return reply_with(400, error_body("invalid", "declaring node a dead gives up 1 instance (web-1)"));
    };
}

}  // namespace

TEST_CASE("rikctl node declare-dead says what is at stake, and goes on when the name is typed") {
    fake_server server(dying_node());
    auto const done = rikctl_at(server.address(), {"node", "declare-dead", "id-a"}, true, "a\n");
    CHECK(done.code == 0);
    CHECK(done.err.starts_with("declaring node a dead gives up 1 instance (web-1)\n"));
    CHECK(done.out == "instance web-1 is given up\nnode a is declared dead\n");
    auto const asked = rikctl_at(server.address(), {"node", "declare-dead", "a"}, true, "yes\n");
    CHECK(asked.code == 1);
    CHECK(asked.out.empty());
    CHECK(asked.err.ends_with("node a was not declared dead\n"));
}

TEST_CASE("rikctl node declare-dead --yes asks nobody, and without a terminal nothing is done") {
    fake_server server(dying_node());
    auto const refused = rikctl_at(server.address(), {"node", "declare-dead", "a"}, false, "a\n");
    CHECK(refused.code == 2);
    CHECK(server.requests().empty());
    auto const done = rikctl_at(server.address(), {"node", "declare-dead", "a", "--yes"});
    CHECK(done.code == 0);
    CHECK(done.err.empty());
    CHECK(done.out == "instance web-1 is given up\nnode a is declared dead\n");
}

TEST_CASE("rikctl node declare-dead asks nothing of a node that is heard") {
    fake_server server([](fake_request const& request) {
        if (request.line.starts_with("GET ")) return reply_with(200, node_a);
        return reply_with(409, error_body("conflict", "node a is heard"));
    });
    auto const done = rikctl_at(server.address(), {"node", "declare-dead", "a"}, true, "a\n");
    CHECK(done.code == 4);
    CHECK(done.err == "error: node a is heard\n");
}
