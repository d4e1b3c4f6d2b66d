// RIK's own API: what operators do with nodes.
#include <fmt/format.h>

#include "support/api_fixture.hpp"
#include "support/catch.hpp"

#include <string>
#include <string_view>

using namespace rik;
using namespace rik::test;
namespace json = boost::json;

namespace {

struct node_fixture : api_fixture {
    node_id node = primary.add_node("n1");

    http_reply patch(std::string_view body, std::string_view query = "") {
        return connect().request("PATCH", fmt::format("/rik/v1/nodes/n1{}", query), body);
    }
    http_reply remove() { return connect().request("DELETE", "/rik/v1/nodes/n1"); }
    json::value drain(std::string_view body = "") {
        auto const reply = post("/rik/v1/nodes/n1/drain", body);
        CHECK(reply.status_code == 200);
        return json::parse(reply.body);
    }
    http_reply declare_dead(std::string_view confirmation) {
        return post("/rik/v1/nodes/n1/declare-dead", fmt::format(R"({{"confirm":"{}"}})", confirmation));
    }
};

std::string field_of(http_reply const& reply) {
    return std::string(json::parse(reply.body).at("error").at("field").as_string());
}
std::string message_of(http_reply const& reply) {
    return std::string(json::parse(reply.body).at("error").at("message").as_string());
}

}  // namespace

TEST_CASE("v1: a node is cordoned, labelled and tainted, and shows it") {
    node_fixture on;
    auto const before = on.json_at("/rik/v1/nodes/n1");
    CHECK(before.at("unschedulable") == false);
    CHECK(before.at("declaredDead") == false);
    CHECK(before.at("taints").as_array().empty());
    auto const reply = on.patch(
        R"({"unschedulable":true,"labels":{"zone":"north"},"taints":["gpu=yes:NoSchedule","old:PreferNoSchedule"]})");
    REQUIRE(reply.status_code == 200);
    auto const shown = json::parse(reply.body);
    CHECK(shown == on.json_at("/rik/v1/nodes/n1"));
    CHECK(shown.at("unschedulable") == true);
    CHECK(shown.at("labels").at("zone") == "north");
    CHECK(shown.at("taints") == json::parse(R"([{"key":"gpu","value":"yes","effect":"NoSchedule"},
                                               {"key":"old","value":"","effect":"PreferNoSchedule"}])"));
    CHECK(shown.at("generation") == 2);
    REQUIRE(
        on.patch(R"({"unschedulable":false,"labels":{"zone":null},"taints":["gpu:NoSchedule-","old-"]})").status_code ==
        200);
    auto const after = on.json_at("/rik/v1/nodes/n1");
    CHECK(after.at("unschedulable") == false);
    CHECK(after.at("labels") == before.at("labels"));
    CHECK(after.at("taints").as_array().empty());
}

TEST_CASE("v1: a change of a node that is not understood changes nothing, and says where it is wrong") {
    node_fixture on;
    auto const refusal = [&](std::string_view body, std::string_view field) {
        INFO(body);
        auto const reply = on.patch(body);
        CHECK(reply.status_code == 400);
        CHECK(field_of(reply) == field);
    };
    refusal(R"({"unschedulable":"yes"})", "unschedulable");
    refusal(R"({"labels":["a"]})", "labels");
    refusal(R"({"labels":{"a":1}})", "labels.a");
    refusal(R"({"labels":{"bad key":"x"}})", "labels");
    refusal(R"({"taints":"gpu"})", "taints");
    refusal(R"({"taints":[1]})", "taints");
    refusal(R"({"taints":["gpu:Never"],"unschedulable":true})", "taints");
    refusal(R"({"colour":"red"})", "colour");
    refusal("[]", "");
    refusal("{", "");
    CHECK(on.patch(R"({"taints":["gpu-"]})").status_code == 404);
    CHECK(on.patch(R"({"unschedulable":true})", "?revision=1").status_code == 409);
    CHECK(on.connect().request("PATCH", "/rik/v1/nodes/n2", "{}").status_code == 404);
    CHECK(on.connect()
              .request("PATCH", "/rik/v1/nodes/n1", R"({"unschedulable":true})", "X-Role: editor\r\n")
              .status_code == 403);
    CHECK(on.json_at("/rik/v1/nodes/n1").at("unschedulable") == false);
}

TEST_CASE("v1: a drain says what leaves, and what stays and why") {
    node_fixture on;
    auto const workload = on.add_workload("web");
    auto const runs = on.add_instance_on(on.node, workload, instance_state::running);
    auto const ended = on.add_instance_on(on.node, workload, instance_state::succeeded);
    auto const first = on.drain();
    REQUIRE(first.at("leaving").as_array().size() == 1);
    CHECK(std::string(first.at("leaving").at(0).at("name").as_string()) == ended->name());
    REQUIRE(first.at("kept").as_array().size() == 1);
    CHECK(std::string(first.at("kept").at(0).at("id").as_string()) == runs->id().text());
    CHECK_FALSE(first.at("kept").at(0).at("why").as_string().empty());
    CHECK(on.json_at("/rik/v1/nodes/n1").at("unschedulable") == true);
    auto const forced = on.drain(R"({"force":true})");
    CHECK(forced.at("leaving").as_array().size() == 2);
    CHECK(forced.at("kept").as_array().empty());
    CHECK(on.post("/rik/v1/nodes/n1/drain", R"({"force":1})").status_code == 400);
    CHECK(on.post("/rik/v1/nodes/n2/drain", "").status_code == 404);
}

TEST_CASE("v1: a node is removed when nothing is on it and it takes nothing more") {
    node_fixture on;
    auto const runs = on.add_instance_on(on.node, on.add_workload("web"), instance_state::running);
    auto const held = on.remove();
    CHECK(held.status_code == 409);
    CHECK(message_of(held).find(runs->name()) != std::string::npos);
    on.primary.remove_instance(runs->id());
    CHECK(on.remove().status_code == 409);
    REQUIRE(on.patch(R"({"unschedulable":true})").status_code == 200);
    CHECK(on.remove().status_code == 202);
    CHECK(on.get("/rik/v1/nodes/n1").status_code == 404);
}

TEST_CASE("v1: a node is declared dead by its name only, when it is not heard") {
    node_fixture on;
    auto const runs = on.add_instance_on(on.node, on.add_workload("web"), instance_state::running);
    CHECK(on.declare_dead("n1").status_code == 409);
    on.primary.lose_node(on.node);
    auto const seen = on.json_at("/rik/v1/replacement");
    CHECK(seen.at("stopped") == false);
    CHECK(seen.at("unheardNodes") == 1);
    CHECK(seen.at("nodes") == 1);
    auto const unconfirmed = on.declare_dead("");
    CHECK(unconfirmed.status_code == 400);
    CHECK(field_of(unconfirmed) == "confirm");
    CHECK(message_of(unconfirmed).find("1 instance (" + runs->name() + ")") != std::string::npos);
    CHECK(on.post("/rik/v1/nodes/n1/declare-dead", "").status_code == 400);
    CHECK(on.json_at("/rik/v1/nodes/n1").at("declaredDead") == false);
    auto const done = on.declare_dead("n1");
    REQUIRE(done.status_code == 200);
    CHECK(std::string(json::parse(done.body).at("givenUp").at(0).at("name").as_string()) == runs->name());
    CHECK(on.get("/rik/v1/instances/" + runs->name()).status_code == 404);
    CHECK(on.json_at("/rik/v1/nodes/n1").at("declaredDead") == true);
    CHECK(on.remove().status_code == 202);
}
