// The original RIK's API, shape by shape, as its clients expect it.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

#include <map>

using namespace rik;
using namespace rik::test;
namespace json = boost::json;

namespace {

json::value parsed(http_reply const& reply) { return json::parse(reply.body); }

}  // namespace

TEST_CASE("v0: creating a workload answers with its id and nothing else") {
    api_fixture on;
    auto const reply = on.post("/api/v0/workloads.create", on.definition("web"));
    CHECK(reply.status_code == 200);
    CHECK(reply.has_header("Content-Type: application/json"));
    auto const id = std::string(parsed(reply).at("id").as_string());
    CHECK(workload_id::parse(id).has_value());
    CHECK(reply.body == R"({"id":")" + id + R"("})");
}

TEST_CASE("v0: a definition may lack replicas, come without a content type, and be a Function") {
    api_fixture on;
    CHECK(
        on.post("/api/v0/workloads.create",
                R"({"apiVersion":"v1","kind":"Pod","name":"a","spec":{"containers":[{"name":"m","image":"alpine"}]}})")
            .status_code == 200);
    CHECK(
        on.post(
              "/api/v0/workloads.create",
              R"({"apiVersion":"v1","kind":"Function","name":"f","replicas":1,"spec":{"function":{"execution":{"rootfs":"https://x/y.ext4"}}}})")
            .status_code == 200);
    auto const list = parsed(on.get("/api/v0/workloads.list")).as_array();
    REQUIRE(list.size() == 2);
    for (auto const& each : list) {
        auto const& value = each.at("value");
        CHECK(each.as_object().size() == 3);
        CHECK(value.at("apiVersion") == "v1");
        CHECK(value.at("replicas") == 1);
        CHECK(value.at("name") == each.at("name"));
        CHECK(value.at("spec").at("containers").is_array());
        CHECK((value.at("kind") == "Pod" || value.at("kind") == "Function"));
    }
}

TEST_CASE("v0: a name that is taken is 404, by exact match only") {
    api_fixture on;
    on.add_workload("web-server");
    CHECK(on.post("/api/v0/workloads.create", on.definition("web")).status_code == 200);
    auto const taken = on.post("/api/v0/workloads.create", on.definition("web"));
    CHECK(taken.status_code == 404);
    CHECK(taken.body == "Name already used");
    CHECK(taken.has_header("Content-Type: text/plain; charset=UTF-8\r\n"));
}

TEST_CASE("v0: what is no definition is 400 with the reason in plain text") {
    api_fixture on;
    for (auto const* wrong : {"null", "", " null\n", "{", "[]", "{}", R"({"apiVersion":"v1","kind":"Pod"})",
                              R"({"apiVersion":"v1","kind":"Pot","name":"x","spec":{}})"}) {
        auto const reply = on.post("/api/v0/workloads.create", wrong);
        CHECK(reply.status_code == 400);
        CHECK(reply.has_header("Content-Type: text/plain; charset=UTF-8\r\n"));
        CHECK_FALSE(reply.body.empty());
    }
}

TEST_CASE("v0: a workload is deleted by its id") {
    api_fixture on;
    auto const id = on.add_workload("web");
    auto const deleted = on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"(","name":"web"})");
    CHECK(deleted.status_code == 204);
    CHECK(deleted.body.empty());
    auto const gone = on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    CHECK(gone.status_code == 404);
    CHECK(gone.body == "Workload id " + id + " not found");
    CHECK(on.post("/api/v0/workloads.delete", R"({"id":"web"})").body == "Workload id web not found");
    CHECK(on.post("/api/v0/workloads.delete", R"({"name":"web"})").status_code == 400);
    CHECK(on.post("/api/v0/workloads.delete", "null").status_code == 400);
    CHECK(on.get("/api/v0/workloads.list").body == "[]");
}

TEST_CASE("v0: instances are created with 201 and named by their names") {
    api_fixture on;
    auto const id = on.add_workload("web");
    auto const body = [&](std::string const& more) { return R"({"workload_id":")" + id + R"(")" + more + "}"; };
    auto const two = on.post("/api/v0/instances.create", body(R"(,"replicas":2)"));
    CHECK(two.status_code == 201);
    REQUIRE(parsed(two).is_array());
    auto const made = parsed(two);
    CHECK(made.as_array().size() == 2);
    for (auto const& each : made.as_array())
        CHECK(on.get("/rik/v1/instances/" + std::string(each.as_string())).status_code == 200);
    CHECK(on.post("/api/v0/instances.create", body(R"(,"name":"mine")")).body == R"(["mine"])");
    CHECK(on.post("/api/v0/instances.create", body(R"(,"name":null,"replicas":null)")).status_code == 201);
    CHECK(on.post("/api/v0/instances.create", body(R"(,"name":"mine")")).status_code == 404);
    CHECK(on.post("/api/v0/instances.create", body(R"(,"name":"many","replicas":2)")).status_code == 400);
    for (auto const* wrong : {"0", "-1", "1.5", "\"2\"", "10001", "99999999999"})
        CHECK(on.post("/api/v0/instances.create", body(R"(,"replicas":)" + std::string(wrong))).status_code == 400);
    CHECK(on.post("/api/v0/instances.create", R"({"workload_id":"nothing"})").status_code == 404);
    CHECK(
        on.post("/api/v0/instances.create", R"({"workload_id":"6b29fc40-ca47-4067-b31d-00dd010662da"})").status_code ==
        404);
    CHECK(on.post("/api/v0/instances.create", "{}").status_code == 400);
}

TEST_CASE("v0: a taken name of an instance is told apart from a workload that takes none, by the text alone") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const body = R"({"workload_id":")" + workload + R"(","name":"mine"})";
    REQUIRE(on.post("/api/v0/instances.create", body).status_code == 201);
    auto const taken = on.post("/api/v0/instances.create", body);
    CHECK(taken.status_code == 404);
    CHECK(taken.body == "Name already used");
    on.add_instance_on(on.primary.add_node("n1"), workload, instance_state::running);  // it goes with its node's word
    REQUIRE(on.post("/api/v0/workloads.delete", R"({"id":")" + workload + R"("})").status_code == 204);
    auto const leaving = on.post("/api/v0/instances.create", body);
    CHECK(leaving.status_code == 404);
    CHECK(leaving.body.find("workload web is being deleted") == 0);
}

TEST_CASE("v0: the list of instances has one shape for the Go client and one for others") {
    api_fixture on;
    auto const id = on.add_workload("web");
    on.add_instance(id, "jolly-cat-1001");
    auto const plain = parsed(on.get("/api/v0/instances.list"));
    REQUIRE(plain.is_array());
    auto const nested_reply = on.get("/api/v0/instances.list?x=y", "Accept: text/plain\r\n");
    CHECK(nested_reply.has_header("Content-Type: application/json"));
    auto const nested = parsed(nested_reply);
    CHECK(nested.as_object().size() == 1);
    CHECK(nested.at("instances").at(0) == plain);
    CHECK(parsed(on.get("/api/v0/instances.list", "Accept: application/json, text/plain\r\n")).is_array());

    auto const& each = plain.at(0);
    CHECK(each.at("id") == "jolly-cat-1001");
    CHECK(each.at("name") == "jolly-cat-1001");
    auto const& value = each.at("value");
    CHECK(value.at("workload_id") == json::string(id));
    CHECK(value.at("namespace") == "default");
    CHECK(value.at("id") == "jolly-cat-1001");
    CHECK(value.at("kind") == "Pod");
    CHECK(value.at("status") == "Pending");
    CHECK(value.at("spec").at("containers").at(0).at("image") == "alpine:latest");
    CHECK(value.at("spec").at("function").is_null());
    CHECK(value.as_object().size() == 6);
    CHECK(on.get("/api/v0/instances.list", "Accept: text/plain\r\n").status_code == 200);
}

TEST_CASE("v0: the instances of a workload, and 204 where there are none") {
    api_fixture on;
    auto const id = on.add_workload("web");
    CHECK(on.get("/api/v0/workloads.instances/" + id).status_code == 204);
    CHECK(on.get("/api/v0/workloads.instances/unknown").status_code == 204);
    CHECK(on.get("/api/v0/workloads.instances/").status_code == 400);
    on.add_instance(id, "jolly-cat-1001");
    auto escaped = id;
    escaped.replace(escaped.find('-'), 1, "%2D");
    auto const reply = on.get("/api/v0/workloads.instances/" + escaped + "?trace=1");
    CHECK(reply.status_code == 200);
    CHECK(parsed(reply).at("instances").at(0).at("id") == "jolly-cat-1001");
}

TEST_CASE("v0: only the six states that its clients know are shown") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const node = on.primary.add_node("n1");
    using enum instance_state;
    struct shown_as {
        instance_state state;
        std::string heard;
        std::string unheard;
    };
    std::map<std::string, shown_as> wanted;
    for (auto const& each : {shown_as{pending, "Pending", "Pending"},
                             {creating, "Creating", "Pending"},
                             {running, "Running", "Pending"},
                             {succeeded, "Terminated", "Terminated"},
                             {failed, "Failed", "Failed"},
                             {destroying, "Destroying", "Destroying"}})
        wanted.emplace(on.add_instance_on(node, workload, each.state)->name(), each);
    auto const check = [&](std::string shown_as::*word) {
        auto const list = on.json_at("/api/v0/instances.list").as_array();
        CHECK(list.size() == wanted.size());
        for (auto const& each : list)
            CHECK(each.at("value").at("status") ==
                  json::string(wanted.at(std::string(each.at("id").as_string())).*word));
    };
    check(&shown_as::heard);
    on.primary.lose_node(node);
    check(&shown_as::unheard);
}

TEST_CASE("v0: the instances of a workload that is being deleted still have its spec") {
    api_fixture on;
    auto const reply = on.post(
        "/api/v0/workloads.create",
        R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001}}}})");
    auto const id = std::string(parsed(reply).at("id").as_string());
    on.add_instance_on(on.primary.add_node("n1"), id, instance_state::running);
    on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    auto const value = on.json_at("/api/v0/instances.list").at(0).at("value");
    CHECK(value.at("status") == "Destroying");
    CHECK(value.at("spec").at("containers").as_array().empty());
    CHECK(value.at("spec").at("function").at("exposure").at("port") == 45001);
}

TEST_CASE("v0: an instance is deleted by its name") {
    api_fixture on;
    on.add_instance(on.add_workload("web"), "jolly-cat-1001");
    CHECK(on.post("/api/v0/instances.delete", R"({"id":"jolly-cat-1001"})").status_code == 204);
    auto const gone = on.post("/api/v0/instances.delete", R"({"id":"jolly-cat-1001"})");
    CHECK(gone.status_code == 404);
    CHECK(gone.body == "Instance id jolly-cat-1001 not found");
    CHECK(gone.has_header("Content-Type: text/plain; charset=UTF-8\r\n"));
}

TEST_CASE("v0: tenants are made, listed and deleted") {
    api_fixture on;
    auto const first = on.json_at("/api/v0/tenants.list").at("tenants").as_array();
    REQUIRE(first.size() == 1);
    CHECK(first[0].at("name") == "default");
    std::string const body = R"({"name":"me",  "verb":"create","resource":"workload"})";
    auto const created = on.post("/api/v0/tenants.create", body);
    CHECK(created.status_code == 200);
    CHECK(created.body == body);
    CHECK(on.post("/api/v0/tenants.create", body).status_code == 200);
    CHECK(on.post("/api/v0/tenants.create", R"({"name":"me"})").status_code == 409);
    on.post("/api/v0/tenants.create", R"({"name":"you"})");
    auto const listed = on.json_at("/api/v0/tenants.list").at("tenants").as_array();
    REQUIRE(listed.size() == 3);
    CHECK(listed[1].at("name") == "me");
    CHECK(listed[1].at("verb") == "create");
    CHECK(listed[1].at("resource") == "workload");
    CHECK(on.json_at("/api/v0/tenants.list?limit=1").at("tenants").as_array().size() == 1);
    CHECK(on.get("/api/v0/tenants.list?limit=0").status_code == 400);
    CHECK(on.get("/api/v0/tenants.list?limit=x").status_code == 400);
    auto const id = std::string(listed[1].at("id").as_string());
    CHECK(on.json_at("/rik/v1/tenants/me").at("id").as_string() == id);
    CHECK(on.post("/api/v0/tenants.delete", R"({"id":")" + id + R"("})").status_code == 200);
    CHECK(on.is_gone("/rik/v1/tenants/me"));
    CHECK(on.post("/api/v0/tenants.delete", R"({"id":")" + id + R"("})").body == "Tenant id " + id + " not found");
    auto const kept = std::string(listed[0].at("id").as_string());
    CHECK(on.post("/api/v0/tenants.delete", R"({"id":")" + kept + R"("})").status_code == 403);
    CHECK(on.post("/api/v0/tenants.create", R"({"verb":"create"})").status_code == 400);
    CHECK(on.post("/api/v0/tenants.create", R"({"name":3})").status_code == 400);
    CHECK(on.post("/api/v0/tenants.create", R"({"name":"My Team"})").status_code == 400);
}

TEST_CASE("v0: what is in another tenant is shown with its namespace, and known by its uid") {
    api_fixture on;
    REQUIRE(on.post("/api/v0/tenants.create", R"({"name":"team-a"})").status_code == 200);
    auto const made = on.post("/api/v0/workloads.create",
                              R"({"apiVersion":"v0","kind":"Pod","name":"web","tenant":"team-a",
                                  "spec":{"containers":[{"name":"a","image":"x"}]}})");
    REQUIRE(made.status_code == 200);
    auto const id = std::string(boost::json::parse(made.body).at("id").as_string());
    auto const created = on.post("/api/v0/instances.create", R"({"workload_id":")" + id + R"(","name":"web-1"})");
    REQUIRE(created.status_code == 201);
    auto const listed = on.json_at("/api/v0/instances.list").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("name") == "web-1");
    CHECK(listed[0].at("value").at("namespace") == "team-a");
    auto const uid = std::string(listed[0].at("id").as_string());
    CHECK(created.body == R"([")" + uid + R"("])");
    CHECK(on.post("/api/v0/instances.delete", R"({"id":"web-1"})").status_code == 404);
    CHECK(on.post("/api/v0/instances.delete", R"({"id":")" + uid + R"("})").status_code == 204);
    auto const nowhere = on.post("/api/v0/workloads.create",
                                 R"({"apiVersion":"v0","kind":"Pod","name":"web","tenant":"nowhere",
                                     "spec":{"containers":[{"name":"a","image":"x"}]}})");
    CHECK(nowhere.status_code == 404);
    CHECK(nowhere.body.find("tenant nowhere does not exist") != std::string::npos);
}

TEST_CASE("v0: other paths are 404 and other methods 405, in plain text") {
    api_fixture on;
    CHECK(on.get("/api/v0/nothing").status_code == 404);
    CHECK(on.get("/api/v0/nothing").has_header("text/plain"));
    auto const wrong = on.get("/api/v0/workloads.create");
    CHECK(wrong.status_code == 405);
    CHECK(wrong.has_header("Allow: POST, OPTIONS\r\n"));
    CHECK(on.connect().request("DELETE", "/api/v0/workloads.list").has_header("Allow: GET, HEAD, OPTIONS\r\n"));
    CHECK(on.connect().request("HEAD", "/api/v0/workloads.list").status_code == 200);
    auto const options = on.connect().request("OPTIONS", "/api/v0/workloads.list");
    CHECK(options.status_code == 204);
    CHECK(options.has_header("Allow: GET, HEAD, OPTIONS\r\n"));
}

TEST_CASE("v0: errors of the primary keep their status") {
    api_fixture on;
    on.primary.stop();
    auto const reply = on.get("/api/v0/workloads.list");
    CHECK(reply.status_code == 503);
    CHECK(reply.body.find("the primary is starting or stopping") == 0);
}
