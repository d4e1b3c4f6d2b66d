// RIK's own API: tenants, and how every route keeps to one.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

using namespace rik;
using namespace rik::test;
namespace json = boost::json;

namespace {

json::value parsed(http_reply const& reply) { return json::parse(reply.body); }
std::string text_of(json::value const& value) { return std::string(value.as_string()); }

std::string definition_in(std::string const& tenant) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","tenant":")" + tenant +
           R"(","spec":{"containers":[{"name":"main","image":"alpine"}]}})";
}

/// Tenants a and b; a has the workload web with the instance web-1, and so has b; default has nothing.
struct two_tenants {
    two_tenants() {
        for (std::string const tenant : {"a", "b"}) {
            REQUIRE(on.post("/rik/v1/tenants", R"({"name":")" + tenant + R"("})").status_code == 201);
            REQUIRE(on.post("/rik/v1/workloads?tenant=" + tenant, on.definition("web")).status_code == 201);
            REQUIRE(on.post("/rik/v1/instances?tenant=" + tenant, R"({"workload":"web","name":"web-1"})").status_code ==
                    201);
        }
    }
    std::size_t count(std::string const& list) { return on.json_at(list).at("items").as_array().size(); }

    api_fixture on;
};

void begin_watch(http_client& with, std::string const& target) {
    with.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

}  // namespace

TEST_CASE("v1: a tenant is made, shown, changed and removed") {
    api_fixture on;
    auto const made = on.post("/rik/v1/tenants", R"({"name":"a","labels":{"zone":"x"},"annotations":{"note":"n"}})");
    REQUIRE(made.status_code == 201);
    auto const shown = parsed(made);
    CHECK(shown.at("name") == "a");
    CHECK(shown.at("state") == "active");
    CHECK(shown.at("labels").at("zone") == "x");
    CHECK(shown.at("annotations").at("note") == "n");
    CHECK(shown.at("deletingSince").is_null());
    CHECK_FALSE(shown.as_object().contains("tenant"));
    CHECK(on.json_at("/rik/v1/tenants/a") == shown);
    CHECK(on.json_at("/rik/v1/tenants/" + text_of(shown.at("id"))) == shown);
    auto const list = on.json_at("/rik/v1/tenants");
    REQUIRE(list.at("items").as_array().size() == 2);
    CHECK(list.at("items").at(0) == shown);
    auto const part = on.json_at("/rik/v1/tenants?limit=1");
    CHECK(part.at("continue") == "a");
    CHECK(on.json_at("/rik/v1/tenants?limit=1&continue=a").at("items").at(0).at("name") == "default");
    auto const changed = on.connect().request("PATCH", "/rik/v1/tenants/a", R"({"labels":{"zone":null,"disk":"ssd"}})");
    REQUIRE(changed.status_code == 200);
    CHECK(parsed(changed).at("labels") == json::parse(R"({"disk":"ssd"})"));
    CHECK(on.connect().request("DELETE", "/rik/v1/tenants/a?revision=1").status_code == 409);
    auto const removed = on.connect().request("DELETE", "/rik/v1/tenants/a");
    CHECK(removed.status_code == 202);
    CHECK(parsed(removed) == json::parse(R"({"workloads":0,"instances":0})"));
    CHECK(on.is_gone("/rik/v1/tenants/a"));
}

TEST_CASE("v1: what is wrong with a tenant is told") {
    api_fixture on;
    CHECK(on.post("/rik/v1/tenants", R"({})").status_code == 400);
    CHECK(on.post("/rik/v1/tenants", R"({"name":"A B"})").status_code == 400);
    CHECK(on.post("/rik/v1/tenants", R"({"name":"a","labels":{"x":1}})").status_code == 400);
    CHECK(on.post("/rik/v1/tenants", R"({"name":"a","labels":{"no key":"1"}})").status_code == 400);
    CHECK(on.post("/rik/v1/tenants", R"({"name":"a","more":1})").status_code == 400);
    CHECK(on.post("/rik/v1/tenants", R"({"name":"default"})").status_code == 409);
    CHECK(on.get("/rik/v1/tenants/nowhere").status_code == 404);
    CHECK(on.connect().request("PATCH", "/rik/v1/tenants/nowhere", "{}").status_code == 404);
    CHECK(on.connect().request("DELETE", "/rik/v1/tenants/nowhere").status_code == 404);
    auto const kept = on.connect().request("DELETE", "/rik/v1/tenants/default");
    CHECK(kept.status_code == 403);
    CHECK(text_of(parsed(kept).at("error").at("message")).find("default") != std::string::npos);
}

TEST_CASE("v1: every list and lookup keeps to a tenant") {
    two_tenants of;
    auto& on = of.on;
    for (std::string const list : {"/rik/v1/workloads", "/rik/v1/instances"}) {
        CHECK(of.count(list) == 0);
        CHECK(of.count(list + "?tenant=a") == 1);
        CHECK(of.count(list + "?allTenants=true") == 2);
        CHECK(of.count(list + "?allTenants=true&limit=1") == 1);
        CHECK(on.get(list + "?allTenants=true&tenant=a").status_code == 400);
        CHECK(on.get(list + "?tenant=").status_code == 400);
        auto const nowhere = on.get(list + "?tenant=nowhere");
        CHECK(nowhere.status_code == 404);
        CHECK(parsed(nowhere).at("error").at("message") == "tenant nowhere does not exist");
        CHECK(parsed(nowhere).at("error").at("field") == "tenant");
        CHECK(on.get(list + "?watch=true&tenant=nowhere").status_code == 404);
    }
    CHECK(of.count("/rik/v1/events?tenant=a") == 3);
    CHECK(of.count("/rik/v1/events") == 0);
    CHECK(of.count("/rik/v1/events?allTenants=true") == 6);
    CHECK(on.get("/rik/v1/events?tenant=nowhere").status_code == 404);
    CHECK(of.count("/rik/v1/events?instance=web-1&tenant=a") == 1);
    CHECK(of.count("/rik/v1/events?instance=web-1") == 0);
    CHECK(on.get("/rik/v1/workloads/web").status_code == 404);
    CHECK(on.get("/rik/v1/instances/web-1").status_code == 404);
    CHECK(on.json_at("/rik/v1/workloads/web?tenant=b").at("tenant") == "b");
    auto const instance = on.json_at("/rik/v1/instances/web-1?tenant=b");
    CHECK(instance.at("tenant") == "b");
    CHECK(instance.at("workload").at("name") == "web");
    CHECK(on.json_at("/rik/v1/instances/" + text_of(instance.at("id"))) == instance);
    auto const owner = text_of(instance.at("workload").at("id"));
    CHECK(of.count("/rik/v1/instances?workload=" + owner) == 1);
    CHECK(of.count("/rik/v1/instances?workload=web&tenant=a") == 1);
    CHECK(on.get("/rik/v1/instances?workload=web").status_code == 404);
    CHECK(on.get("/rik/v1/instances/web-1/logs").status_code == 404);
    CHECK(on.get("/rik/v1/instances/web-1/logs?tenant=a").status_code == 409);
    CHECK(on.connect().request("DELETE", "/rik/v1/instances/web-1").status_code == 404);
    CHECK(on.connect().request("DELETE", "/rik/v1/instances/web-1?tenant=a").status_code == 202);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web?tenant=a").status_code == 202);
    CHECK(of.count("/rik/v1/workloads?allTenants=true") == 1);
}

TEST_CASE("v1: a definition names its tenant, or takes that of the call") {
    two_tenants of;
    auto& on = of.on;
    on.connect().request("DELETE", "/rik/v1/workloads/web?tenant=a");
    auto const differs = on.post("/rik/v1/workloads?tenant=b", definition_in("a"));
    CHECK(differs.status_code == 400);
    auto const message = text_of(parsed(differs).at("error").at("message"));
    CHECK(message == "the call names the tenant b, the definition a");
    auto const made = on.post("/rik/v1/workloads", definition_in("a"));
    CHECK(made.status_code == 201);
    CHECK(parsed(made).at("tenant") == "a");
    CHECK(on.post("/rik/v1/workloads?tenant=a", definition_in("a")).status_code == 409);
    CHECK(parsed(on.post("/rik/v1/workloads", on.definition("web"))).at("tenant") == "default");
    auto const nowhere = on.post("/rik/v1/workloads", definition_in("nowhere"));
    CHECK(nowhere.status_code == 404);
    CHECK(text_of(parsed(nowhere).at("error").at("remedy")).find("rikctl create tenant nowhere") != std::string::npos);
}

TEST_CASE("v1: what is in a tenant goes with it") {
    two_tenants of;
    auto const removed = of.on.connect().request("DELETE", "/rik/v1/tenants/a");
    CHECK(parsed(removed) == json::parse(R"({"workloads":1,"instances":1})"));
    CHECK(of.on.is_gone("/rik/v1/tenants/a"));
    CHECK(of.count("/rik/v1/instances?allTenants=true") == 1);
    CHECK(of.count("/rik/v1/events?allTenants=true") == 3);
}

TEST_CASE("v1: tenants are watched, and a watch keeps to its tenant") {
    two_tenants of;
    auto tenants = of.on.connect();
    begin_watch(tenants, "/rik/v1/tenants?watch=true");
    REQUIRE(tenants.read_until("event: synced"));
    CHECK(tenants.received().find(R"("name":"a")") != std::string::npos);
    CHECK(tenants.received().find(R"("name":"default")") != std::string::npos);
    auto workloads = of.on.connect();
    begin_watch(workloads, "/rik/v1/workloads?watch=true&tenant=a");
    REQUIRE(workloads.read_until("event: synced"));
    CHECK(workloads.received().find(R"("tenant":"a")") != std::string::npos);
    CHECK(workloads.received().find(R"("tenant":"b")") == std::string::npos);
    of.on.connect().request("DELETE", "/rik/v1/tenants/b");
    REQUIRE(tenants.read_until("event: deleted"));
    CHECK(tenants.received().find(R"("state":"destroying")") != std::string::npos);
}

TEST_CASE("v1: tenants are the admin's, and others see their own") {
    two_tenants of;
    std::string const editor = "X-Role: editor\r\nX-Tenant: a\r\n";
    auto const list = parsed(of.on.get("/rik/v1/tenants", editor)).at("items").as_array();
    REQUIRE(list.size() == 1);
    CHECK(list[0].at("name") == "a");
    CHECK(of.on.get("/rik/v1/tenants/b", editor).status_code == 404);
    CHECK(of.on.post("/rik/v1/tenants", R"({"name":"c"})", editor).status_code == 403);
    CHECK(of.on.connect().request("DELETE", "/rik/v1/tenants/a", "", editor).status_code == 403);
    CHECK(of.on.get("/rik/v1/workloads?tenant=b", editor).status_code == 403);
    CHECK(parsed(of.on.get("/rik/v1/workloads", editor)).at("items").as_array().size() == 1);
    CHECK(parsed(of.on.get("/rik/v1/workloads?allTenants=true", editor)).at("items").as_array().size() == 1);
}
