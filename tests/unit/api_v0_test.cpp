// The original RIK's API, shape by shape, as its clients expect it.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

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
    CHECK(parsed(two).as_array().size() == 2);
    CHECK(parsed(two).at(0) == "jolly-cat-1001");
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
    std::string const body = R"({"workload_id":")" + on.add_workload("web") + R"(","name":"mine"})";
    on.primary.failure = error{errc::conflict, "instance mine exists already", "name", "choose another name"};
    auto const taken = on.post("/api/v0/instances.create", body);
    CHECK(taken.status_code == 404);
    CHECK(taken.body == "Name already used");
    on.primary.failure = error{errc::conflict, "workload web is being deleted"};
    auto const leaving = on.post("/api/v0/instances.create", body);
    CHECK(leaving.status_code == 404);
    CHECK(leaving.body == "workload web is being deleted");
}

TEST_CASE("v0: the list of instances has one shape for the Go client and one for others") {
    api_fixture on;
    auto const id = on.add_workload("web");
    on.add_instance(id);
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
    on.add_instance(id);
    auto escaped = id;
    escaped.replace(escaped.find('-'), 1, "%2D");
    auto const reply = on.get("/api/v0/workloads.instances/" + escaped + "?trace=1");
    CHECK(reply.status_code == 200);
    CHECK(parsed(reply).at("instances").at(0).at("id") == "jolly-cat-1001");
}

TEST_CASE("v0: only the six states that its clients know are shown") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    auto const shown = [&] {
        return std::string(on.json_at("/api/v0/instances.list").at(0).at("value").at("status").as_string());
    };
    auto const node = on.on.run(on.primary.add_node("n1"));
    on.on.run(on.primary.bind(made->id(), node));
    using enum instance_state;
    for (auto const& [state, word] : std::vector<std::pair<instance_state, std::string>>{{pending, "Pending"},
                                                                                         {creating, "Creating"},
                                                                                         {running, "Running"},
                                                                                         {succeeded, "Terminated"},
                                                                                         {failed, "Failed"},
                                                                                         {destroying, "Destroying"},
                                                                                         {terminated, "Terminated"}}) {
        on.report(made->id(), state);
        CHECK(shown() == word);
    }
    on.on.run(on.primary.set_node_state(node, node_state::unheard));
    for (auto const& [state, word] : std::vector<std::pair<instance_state, std::string>>{
             {creating, "Pending"}, {running, "Pending"}, {succeeded, "Terminated"}, {destroying, "Destroying"}}) {
        on.report(made->id(), state);
        CHECK(shown() == word);
    }
}

TEST_CASE("v0: an instance whose workload is gone still has a spec") {
    api_fixture on;
    auto const id = on.add_workload("web");
    on.add_instance(id);
    on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    auto const spec = on.json_at("/api/v0/instances.list").at(0).at("value").at("spec");
    CHECK(spec.at("containers").at(0).at("name") == "main");
    CHECK(spec.at("function").is_null());
}

TEST_CASE("v0: an instance of a Function whose workload is gone still says what it runs") {
    api_fixture on;
    auto const reply = on.post(
        "/api/v0/workloads.create",
        R"({"apiVersion":"v1","kind":"Function","name":"f","spec":{"function":{"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001}}}})");
    auto const id = std::string(parsed(reply).at("id").as_string());
    on.add_instance(id);
    on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    auto const spec = on.json_at("/api/v0/instances.list").at(0).at("value").at("spec");
    CHECK(spec.at("containers").as_array().empty());
    auto const expected = json::parse(
        R"({"execution":{"rootfs":"https://x/y.ext4"},"exposure":{"port":45001,"targetPort":8080,"type":"NodePort"}})");
    CHECK(spec.at("function") == expected);
}

TEST_CASE("v0: an instance is deleted by its name") {
    api_fixture on;
    on.add_instance(on.add_workload("web"));
    CHECK(on.post("/api/v0/instances.delete", R"({"id":"jolly-cat-1001"})").status_code == 204);
    auto const gone = on.post("/api/v0/instances.delete", R"({"id":"jolly-cat-1001"})");
    CHECK(gone.status_code == 404);
    CHECK(gone.body == "Instance id jolly-cat-1001 not found");
    CHECK(gone.has_header("Content-Type: text/plain; charset=UTF-8\r\n"));
}

TEST_CASE("v0: tenants are kept, listed and deleted") {
    api_fixture on;
    CHECK(on.get("/api/v0/tenants.list").body == R"({"tenants":[]})");
    std::string const body = R"({"name":"me",  "verb":"create","resource":"workload"})";
    auto const created = on.post("/api/v0/tenants.create", body);
    CHECK(created.status_code == 200);
    CHECK(created.body == body);
    on.post("/api/v0/tenants.create", body);
    on.post("/api/v0/tenants.create", R"({"name":"you"})");
    auto const listed = on.json_at("/api/v0/tenants.list").at("tenants").as_array();
    REQUIRE(listed.size() == 2);
    CHECK(on.json_at("/api/v0/tenants.list?limit=1").at("tenants").as_array().size() == 1);
    CHECK(on.get("/api/v0/tenants.list?limit=0").status_code == 400);
    CHECK(on.get("/api/v0/tenants.list?limit=x").status_code == 400);
    auto const id = std::string(listed[0].at("id").as_string());
    CHECK(on.post("/api/v0/tenants.delete", R"({"id":")" + id + R"("})").status_code == 200);
    CHECK(on.post("/api/v0/tenants.delete", R"({"id":")" + id + R"("})").body == "Tenant id " + id + " not found");
    CHECK(on.post("/api/v0/tenants.create", R"({"verb":"create"})").status_code == 400);
    CHECK(on.post("/api/v0/tenants.create", R"({"name":3})").status_code == 400);
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
    on.primary.failure = error{errc::unavailable, "the primary is starting"};
    auto const reply = on.get("/api/v0/workloads.list");
    CHECK(reply.status_code == 503);
    CHECK(reply.body == "the primary is starting");
}
