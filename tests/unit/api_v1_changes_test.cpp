// RIK's own API: definitions that change, and lists that are selected.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

using namespace rik;
using namespace rik::test;
namespace json = boost::json;

namespace {

json::value parsed(http_reply const& reply) { return json::parse(reply.body); }
std::string text_of(json::value const& value) { return std::string(value.as_string()); }

std::string pod(std::string const& image, std::string const& labels = "{}") {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","labels":)" + labels +
           R"(,"spec":{"containers":[{"name":"main","image":")" + image + R"("}]}})";
}

std::string one_pod(std::string const& name) {
    return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name +
           "\nspec:\n  containers:\n  - name: main\n    image: a:1\n";
}

http_reply put(api_fixture& on, std::string const& target, std::string const& body) {
    return on.connect().request("PUT", target, body);
}
http_reply patch(api_fixture& on, std::string const& target, std::string const& body, std::string const& type) {
    return on.connect().request("PATCH", target, body, "Content-Type: " + type + "\r\n");
}
std::string const merge = "application/merge-patch+json";

std::size_t count(api_fixture& on, std::string const& list) { return on.json_at(list).at("items").as_array().size(); }

}  // namespace

TEST_CASE("v1: a definition is applied: created, unchanged, changed") {
    api_fixture on;
    auto const created = put(on, "/rik/v1/workloads", pod("a:1"));
    REQUIRE(created.status_code == 201);
    CHECK(parsed(created).at("outcome") == "created");
    CHECK(parsed(created).at("workload") == on.json_at("/rik/v1/workloads/web"));
    auto const same = put(on, "/rik/v1/workloads", pod("a:1"));
    CHECK(same.status_code == 200);
    CHECK(parsed(same).at("outcome") == "unchanged");
    CHECK(parsed(same).at("changes") == json::parse("[]"));
    on.add_instance(text_of(parsed(created).at("workload").at("id")));
    auto const changed = put(on, "/rik/v1/workloads", pod("a:2"));
    CHECK(changed.status_code == 200);
    CHECK(parsed(changed).at("outcome") == "changed");
    CHECK(parsed(changed).at("changes") ==
          json::parse(R"([{"path":"spec.containers[0].image","before":"a:1","after":"a:2"}])"));
    REQUIRE(parsed(changed).at("warnings").as_array().size() == 1);
    CHECK(parsed(changed).at("workload") == on.json_at("/rik/v1/workloads/web"));
    auto const events = on.json_at("/rik/v1/events?workload=web&fieldSelector=reason=Changed");
    REQUIRE(events.at("items").as_array().size() == 1);
    CHECK_THAT(text_of(events.at("items").at(0).at("message")), Catch::Contains("spec.containers[0].image"));
}

TEST_CASE("v1: a dry run does nothing") {
    api_fixture on;
    auto const created = put(on, "/rik/v1/workloads?dryRun=true", pod("a:1"));
    CHECK(created.status_code == 200);
    CHECK(parsed(created).at("outcome") == "created");
    CHECK(on.post("/rik/v1/workloads?dryRun=true", pod("a:1")).status_code == 200);
    CHECK(on.get("/rik/v1/workloads/web").status_code == 404);
    REQUIRE(put(on, "/rik/v1/workloads", pod("a:1")).status_code == 201);
    CHECK(on.post("/rik/v1/workloads?dryRun=true", pod("a:1")).status_code == 409);
    auto const patched = patch(on, "/rik/v1/workloads/web?dryRun=true", R"({"labels":{"a":"b"}})", merge);
    CHECK(parsed(patched).at("outcome") == "changed");
    CHECK(parsed(patched).at("workload").at("labels").at("a") == "b");
    CHECK(on.json_at("/rik/v1/workloads/web").at("labels").as_object().empty());
}

TEST_CASE("v1: a merge patch and a replacement change a definition") {
    api_fixture on;
    put(on, "/rik/v1/workloads", pod("a:1", R"({"a":"1","b":"2"})"));
    auto const patched = patch(on, "/rik/v1/workloads/web", R"({"labels":{"a":null,"c":"3"}})", merge);
    REQUIRE(patched.status_code == 200);
    CHECK(parsed(patched).at("workload").at("labels") == json::parse(R"({"b":"2","c":"3"})"));
    CHECK(patch(on, "/rik/v1/workloads/web", "{}", "application/json; charset=utf-8").status_code == 200);
    auto const other = patch(on, "/rik/v1/workloads/web", "[]", "application/json-patch+json");
    CHECK(other.status_code == 415);
    CHECK_THAT(other.body, Catch::Contains("merge-patch"));
    CHECK(patch(on, "/rik/v1/workloads/web", "[]", merge).status_code == 400);
    CHECK(patch(on, "/rik/v1/workloads/web", "{", merge).status_code == 400);
    CHECK(patch(on, "/rik/v1/workloads/api", "{}", merge).status_code == 404);
    auto const wrong = patch(on, "/rik/v1/workloads/web", R"({"spec":{"containers":null}})", merge);
    CHECK(wrong.status_code == 400);
    CHECK_THAT(wrong.body, Catch::Contains("containers"));

    auto const revision = std::to_string(on.json_at("/rik/v1/workloads/web").at("revision").as_int64());
    auto const late = put(on, "/rik/v1/workloads/web?revision=1", pod("a:3"));
    CHECK(late.status_code == 409);
    CHECK(parsed(late).at("error").at("field") == "revision");
    auto const replaced = put(on, "/rik/v1/workloads/web?revision=" + revision, pod("a:3"));
    REQUIRE(replaced.status_code == 200);
    CHECK(parsed(replaced).at("workload").at("labels") == json::parse("{}"));
    auto const renamed = put(on, "/rik/v1/workloads/web", one_pod("web"));
    CHECK(renamed.status_code == 400);
    CHECK(parsed(renamed).at("error").at("field") == "form");
    CHECK(put(on, "/rik/v1/workloads/web", "{}").status_code == 400);
    CHECK(put(on, "/rik/v1/workloads", "").status_code == 400);
    CHECK(put(on, "/rik/v1/workloads?dryRun=perhaps", pod("a:1")).status_code == 400);
    CHECK(put(on, "/rik/v1/workloads?tenant=nowhere", pod("a:1")).status_code == 404);
    auto const reader = on.connect().request("PUT", "/rik/v1/workloads", pod("a:9"), "X-Role: reader\r\n");
    CHECK(reader.status_code == 403);
}

TEST_CASE("v1: a Pod in Kubernetes' form comes and goes with its instance") {
    api_fixture on;
    REQUIRE(put(on, "/rik/v1/workloads", one_pod("pod1")).status_code == 201);
    auto const instance = on.json_at("/rik/v1/instances/pod1");
    CHECK(instance.at("workload").at("name") == "pod1");
    CHECK(on.post("/rik/v1/instances", R"({"workload":"pod1"})").status_code == 409);
    CHECK(on.connect().request("DELETE", "/rik/v1/instances/pod1").status_code == 202);
    CHECK(on.get("/rik/v1/workloads/pod1").status_code == 404);
    REQUIRE(on.post("/rik/v1/workloads", one_pod("pod1")).status_code == 201);
    CHECK(on.get("/rik/v1/instances/pod1").status_code == 200);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/pod1").status_code == 202);
    CHECK(on.get("/rik/v1/instances/pod1").status_code == 404);
    on.add_instance(on.add_workload("other"), "pod1");
    auto const taken = put(on, "/rik/v1/workloads", one_pod("pod1"));
    CHECK(taken.status_code == 409);
    CHECK(parsed(taken).at("error").at("message") == "instance pod1 exists already");
    CHECK(on.get("/rik/v1/workloads/pod1").status_code == 404);
}

TEST_CASE("v1: lists are selected by labels and fields") {
    api_fixture on;
    auto const node = on.primary.add_node("a");
    put(on, "/rik/v1/workloads", pod("a:1", R"({"tier":"front"})"));
    auto const front = text_of(on.json_at("/rik/v1/workloads/web").at("id"));
    auto const other = on.add_workload("other");
    on.primary.bind(on.add_instance(front, "web-1")->id(), node);
    on.add_instance(other, "other-1");
    CHECK(count(on, "/rik/v1/workloads?labelSelector=tier%3Dfront") == 1);
    CHECK(count(on, "/rik/v1/workloads?labelSelector=!tier") == 1);
    CHECK(count(on, "/rik/v1/workloads?fieldSelector=name!=web") == 1);
    CHECK(count(on, "/rik/v1/instances?labelSelector=tier+in+(front,back)") == 1);
    CHECK(count(on, "/rik/v1/instances?fieldSelector=node=a,workload=web") == 1);
    CHECK(count(on, "/rik/v1/instances?fieldSelector=state=pending") == 2);
    CHECK(count(on, "/rik/v1/instances?fieldSelector=node=") == 1);
    CHECK(count(on, "/rik/v1/nodes?fieldSelector=name=a") == 1);
    CHECK(count(on, "/rik/v1/nodes?labelSelector=disk") == 0);
    CHECK(count(on, "/rik/v1/events?fieldSelector=kind=workload") == 2);
    auto const page = on.json_at("/rik/v1/instances?fieldSelector=state=pending&limit=1");
    CHECK(page.at("items").as_array().size() == 1);
    CHECK_FALSE(page.at("continue").as_string().empty());
    auto const unknown = on.get("/rik/v1/instances?fieldSelector=colour=red");
    CHECK(unknown.status_code == 400);
    CHECK_THAT(text_of(parsed(unknown).at("error").at("remedy")), Catch::Contains("node, workload"));
    for (std::string const list : {"workloads", "instances", "nodes", "events"}) {
        CHECK(on.get("/rik/v1/" + list + "?fieldSelector=colour=red&watch=true").status_code == 400);
        CHECK(on.get("/rik/v1/" + list + "?fieldSelector=name").status_code == 400);
    }
    CHECK(on.get("/rik/v1/workloads?labelSelector=a=(").status_code == 400);
    CHECK(on.get("/rik/v1/events?labelSelector=a").status_code == 400);
}
