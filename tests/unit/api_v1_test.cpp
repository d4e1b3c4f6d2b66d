// RIK's own API: routes, objects and errors.
#include <fmt/format.h>

#include "support/api_fixture.hpp"
#include "support/catch.hpp"

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

json::value parsed(http_reply const& reply) { return json::parse(reply.body); }
std::string text_of(json::value const& value) { return std::string(value.as_string()); }

}  // namespace

TEST_CASE("every code of an error has one status") {
    CHECK(status_code_of(errc::invalid) == 400);
    CHECK(status_code_of(errc::denied) == 403);
    CHECK(status_code_of(errc::not_found) == 404);
    CHECK(status_code_of(errc::conflict) == 409);
    CHECK(status_code_of(errc::exhausted) == 429);
    CHECK(status_code_of(errc::internal) == 500);
    CHECK(status_code_of(errc::corrupt) == 500);
    CHECK(status_code_of(errc::unsupported) == 501);
    CHECK(status_code_of(errc::unavailable) == 503);
    CHECK(status_code_of(errc::timed_out) == 504);
}

TEST_CASE("v1: a workload is made from JSON or YAML and shown") {
    api_fixture on;
    auto const made = on.post("/rik/v1/workloads", on.definition("web"));
    CHECK(made.status_code == 201);
    auto const shown = parsed(made);
    CHECK(shown.at("name") == "web");
    CHECK(shown.at("kind") == "Pod");
    CHECK(shown.at("state") == "active");
    CHECK(shown.at("replicas") == 2);
    CHECK(shown.at("tenant") == "default");
    CHECK(shown.at("definition").at("spec").at("containers").at(0).at("name") == "main");
    CHECK(shown.at("deletingSince").is_null());
    auto const yaml =
        "apiVersion: v1\nkind: Pod\nname: other\nreplicas: 1\nspec:\n  containers:\n  - name: main\n    image: "
        "alpine\n";
    CHECK(on.post("/rik/v1/workloads", yaml, "Content-Type: application/yaml\r\n").status_code == 201);
    auto const list = on.json_at("/rik/v1/workloads");
    CHECK(list.at("items").as_array().size() == 2);
    CHECK(list.at("revision").to_number<std::uint64_t>() >= shown.at("revision").to_number<std::uint64_t>());
    CHECK(shown.at("warnings").as_array().size() == 1);
    auto const again = on.json_at("/rik/v1/workloads/web");
    CHECK(again.at("definition") == shown.at("definition"));
    CHECK_FALSE(again.as_object().contains("warnings"));
    CHECK(on.json_at("/rik/v1/workloads/" + text_of(shown.at("id")) + "?kind=Pod") == again);
    CHECK(on.get("/rik/v1/workloads/web?kind=Function").status_code == 404);
    CHECK(on.post("/rik/v1/workloads", on.definition("web")).status_code == 409);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web").status_code == 202);
    CHECK(on.get("/rik/v1/workloads/web").status_code == 404);
}

TEST_CASE("v1: all that is wrong with a definition is told at once") {
    api_fixture on;
    auto const reply =
        on.post("/rik/v1/workloads",
                R"({"apiVersion":"v2","kind":"Pod","name":"UPPER","spec":{"containers":[{"name":"x"}],"wrong":1}})");
    CHECK(reply.status_code == 400);
    auto const body = parsed(reply);
    CHECK(body.at("error").at("code") == "invalid");
    CHECK(body.at("problems").as_array().size() >= 3);
    for (auto const& problem : body.at("problems").as_array()) CHECK_FALSE(text_of(problem.at("field")).empty());
    for (auto const* wrong : {"", "{", "\x01\x02\xff", "[1,2"})
        CHECK(on.post("/rik/v1/workloads", wrong).status_code == 400);
    CHECK(on.post("/rik/v1/workloads", on.definition("x"), "Content-Encoding: gzip\r\n").status_code == 415);
}

TEST_CASE("v1: instances are made, joined with names, and removed") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const made = on.post("/rik/v1/instances", R"({"workload":"web","replicas":2})");
    CHECK(made.status_code == 201);
    REQUIRE(parsed(made).at("items").as_array().size() == 2);
    auto const node = on.primary.add_node("n1");
    auto const name = text_of(parsed(made).at("items").at(0).at("name"));
    auto const id = *instance_id::parse(text_of(parsed(made).at("items").at(0).at("id")));
    on.primary.bind(id, node);
    on.primary.report(id, instance_state::running);
    auto const shown = on.json_at("/rik/v1/instances/" + name);
    CHECK(shown.at("workload").at("name") == "web");
    CHECK(shown.at("workload").at("id") == json::string(workload));
    CHECK(shown.at("node").at("name") == "n1");
    CHECK(shown.at("state") == "running");
    CHECK(shown.at("containers").at(0).at("image") == "alpine:latest");
    CHECK(shown.at("containers").at(0).at("exitCode").is_null());
    CHECK(on.json_at("/rik/v1/instances").at("items").as_array().size() == 2);
    CHECK(on.json_at("/rik/v1/instances?workload=web").at("items").as_array().size() == 2);
    CHECK(on.json_at("/rik/v1/instances?workload=web&node=n1").at("items").as_array().size() == 1);
    CHECK(on.get("/rik/v1/instances?workload=nothing").status_code == 404);
    CHECK(on.json_at("/rik/v1/nodes/n1").at("instances") == 1);
    CHECK(on.json_at("/rik/v1/nodes").at("items").at(0).at("capacity").at("cpu") == "2");
    CHECK(on.json_at("/rik/v1/nodes").at("items").at(0).at("requested").at("pods") == "1");

    on.primary.lose_node(node);
    CHECK(on.json_at("/rik/v1/instances/" + name).at("state") == "unknown");
    on.primary.report(id, instance_state::succeeded);
    CHECK(on.json_at("/rik/v1/instances/" + name).at("state") == "succeeded");
    on.primary.find_node_again(node);
    CHECK(on.connect().request("DELETE", "/rik/v1/instances/" + name).status_code == 202);
    CHECK(on.json_at("/rik/v1/instances/" + name).at("state") == "destroying");
    on.primary.confirm_gone(id);
    CHECK(on.get("/rik/v1/instances/" + name).status_code == 404);
}

TEST_CASE("v1: a body that a deletion cannot follow is refused, and nothing is deleted") {
    api_fixture on;
    (void)on.add_instance(on.add_workload("web"), "mine");
    (void)on.primary.add_node("n1");
    for (std::string const target : {"workloads/web", "instances/mine", "nodes/n1", "tenants/none"})
        for (std::string const body :
             {R"({"propagationPolicy":"Orphan"})", "{oh", "[]", R"({"preconditions":{"uid":"x"}})"}) {
            INFO(target << " " << body);
            auto const refused = on.connect().request("DELETE", "/rik/v1/" + target, body);
            CHECK(refused.status_code == 400);
            auto const remedy = text_of(parsed(refused).at("error").at("remedy"));
            auto const names_cascade = remedy.find("cascade=background") != std::string::npos;
            CHECK(names_cascade == (target == "workloads/web" && body.find("Orphan") != std::string::npos));
        }
    CHECK(on.get("/rik/v1/workloads/web").status_code == 200);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web", "{}").status_code == 202);
}

TEST_CASE("v1: what has changed meanwhile is not deleted by whoever says its revision") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"), "mine");
    auto const remove = [&](std::string const& target) {
        auto const reply = on.connect().request("DELETE", target);
        if (reply.status_code == 409) CHECK(parsed(reply).at("error").at("field") == "revision");
        return reply.status_code;
    };
    std::string const instance = "/rik/v1/instances/mine?revision=";
    on.primary.bind(made->id(), on.primary.add_node("n1"));
    CHECK(remove(instance + std::to_string(made.changed_at)) == 409);
    CHECK(remove(instance + "0") == 409);
    for (auto const* wrong : {"", "x", "-1", "1.5"}) CHECK(remove(instance + wrong) == 400);
    auto const before = on.json_at("/rik/v1/instances/mine");
    CHECK(before.at("deletingSince").is_null());
    CHECK(remove(instance + std::to_string(before.at("revision").to_number<revision>())) == 202);
    CHECK_FALSE(on.json_at("/rik/v1/instances/mine").at("deletingSince").is_null());

    std::string const workload = "/rik/v1/workloads/web?kind=Pod&revision=";
    auto const at = on.json_at("/rik/v1/workloads/web").at("revision").to_number<revision>();
    CHECK(remove(workload + std::to_string(at + 1)) == 409);
    CHECK(on.json_at("/rik/v1/workloads/web").at("state") == "active");
    CHECK(remove(workload + std::to_string(at)) == 202);
    CHECK(remove(workload + std::to_string(at)) == 409);  // it is being deleted since
    on.primary.confirm_gone(made->id());
    CHECK(remove(workload + std::to_string(at)) == 404);
}

TEST_CASE("v1: callers see and change what is of their tenant") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const made = on.add_instance(workload, "mine");
    on.primary.bind(made->id(), on.primary.add_node("n1"));
    REQUIRE(on.post("/rik/v1/tenants", R"({"name":"other"})").status_code == 201);
    auto const count = [&](std::string const& list, std::string const& who) {
        auto const all = list == "nodes" ? list : list + "?allTenants=true";
        return parsed(on.get("/rik/v1/" + all, who)).at("items").as_array().size();
    };
    auto const status_of = [&](std::string_view method, std::string const& target, std::string const& who) {
        return on.connect().request(method, target, "", who).status_code;
    };
    std::string const stranger = "X-Tenant: other\r\nX-Role: editor\r\n";
    std::string const reader = "X-Role: reader\r\n";
    for (auto const* list : {"workloads", "instances", "nodes"})
        CHECK(count(list, reader) == count(list, "X-Tenant: other\r\n"));  // the admin of any tenant
    for (auto const* list : {"workloads", "instances"}) CHECK(count(list, stranger) == 0);
    CHECK(count("events", stranger) == 2);  // of the node, and of its tenant
    CHECK(count("nodes", stranger) == 1);

    std::string const theirs[] = {"/rik/v1/workloads/web", "/rik/v1/workloads/" + workload, "/rik/v1/instances/mine",
                                  "/rik/v1/instances/" + made->id().text()};
    for (auto const& each : theirs) {
        CAPTURE(each);
        for (auto const* method : {"GET", "DELETE"}) CHECK(status_of(method, each, stranger) == 404);
        CHECK(status_of("GET", each, reader) == 200);
        CHECK(status_of("DELETE", each, reader) == 403);
    }
    CHECK(status_of("GET", "/rik/v1/instances?workload=web", stranger) == 404);
    CHECK(status_of("GET", "/rik/v1/instances/mine/logs", stranger) == 404);
    CHECK(on.post("/rik/v1/instances", R"({"workload":"web"})", stranger).status_code == 404);
    CHECK(on.post("/rik/v1/instances", R"({"workload":"web"})", reader).status_code == 403);
    CHECK(on.post("/rik/v1/workloads?tenant=default", on.definition("more"), stranger).status_code == 403);
    CHECK(parsed(on.post("/rik/v1/workloads", on.definition("more"), stranger)).at("tenant") == "other");
    CHECK(status_of("GET", "/rik/v1/nodes/n1/images", reader) == 403);
    CHECK(on.post("/api/v0/tenants.create", R"({"name":"me"})", reader).status_code == 403);
    CHECK(on.get("/api/v0/instances.list", stranger).body == "[]");
}

TEST_CASE("v1: a container has its role, its last state and its readiness, and an instance its conditions") {
    api_fixture on;
    auto const made = on.add_instance_on(on.primary.add_node("n1"), on.add_workload("web"), instance_state::creating);
    instance_status seen{.state = instance_state::running, .ready = false};
    seen.addresses = {"10.210.0.5"};
    container_status one{.name = made->spec().containers.front().name, .reason = "CrashLoopBackOff"};
    one.restart_count = 2;
    one.starts_at = wall_time(std::chrono::seconds(10));
    one.last = container_end{.reason = "OOMKilled", .message = "it used too much", .exit_code = 137};
    one.last->finished_at = wall_time(std::chrono::seconds(5));
    one.machine = machine_boot{.acceleration = "tcg", .steps = {{"running", 1900}}};
    seen.containers = {one};
    on.primary.report(made->id(), {seen});
    auto const target = "/rik/v1/instances/" + made->name();
    auto const shown = on.json_at(target);
    auto const& container = shown.at("containers").at(0);
    CHECK(container.at("role") == "main");
    CHECK(container.at("ready") == false);
    CHECK(container.at("started") == false);
    CHECK(container.at("restartCount") == 1);  // the second is the one that it waits for
    CHECK(container.at("startsAt") == "1970-01-01T00:00:10.000000Z");
    CHECK(container.at("lastState").at("state") == "exited");
    CHECK(container.at("lastState").at("reason") == "OOMKilled");
    CHECK(container.at("lastState").at("exitCode") == 137);
    CHECK(container.at("lastState").at("startedAt").is_null());
    CHECK(container.at("machine").at("acceleration") == "tcg");
    CHECK(container.at("machine").at("boot").at(0).at("step") == "running");
    CHECK(container.at("machine").at("boot").at(0).at("afterMs") == 1900);
    CHECK(shown.at("initializedAt").is_null());
    auto const& conditions = shown.at("conditions").as_array();
    REQUIRE(conditions.size() == 5);
    CHECK(conditions[0].at("type") == "PodScheduled");
    CHECK(conditions[0].at("status") == "True");
    CHECK(conditions[4].at("type") == "Ready");
    CHECK(conditions[4].at("status") == "False");
    CHECK(conditions[4].at("reason") == "ContainersNotReady");

    one.state = container_state::running;
    seen.ready = true;
    seen.containers = {one};  // as a node of an earlier version says it: only the whole is ready
    on.primary.report(made->id(), {seen});
    CHECK(on.json_at(target).at("containers").at(0).at("ready") == true);
    CHECK(on.json_at(target).at("containers").at(0).at("restartCount") == 2);
}

TEST_CASE("v1: a container that waits for its first start was not restarted") {
    api_fixture on;
    auto const made = on.add_instance_on(on.primary.add_node("n1"), on.add_workload("web"), instance_state::creating);
    instance_status seen{.state = instance_state::creating};
    seen.containers = {{.name = made->spec().containers.front().name, .reason = "ContainerCreating"}};
    on.primary.report(made->id(), {seen});
    auto const shown = on.json_at("/rik/v1/instances/" + made->name());
    CHECK(shown.at("containers").at(0).at("restartCount") == 0);
}

TEST_CASE("v1: an instance is started again in place") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const node = on.primary.add_node("n1");
    auto const made = on.add_instance_on(node, workload, instance_state::running);
    auto const target = "/rik/v1/instances/" + made->name() + "/restart";
    auto const asked = on.post(target, "{}");
    CHECK(asked.status_code == 202);
    CHECK(parsed(asked).at("restarts") == 1);
    CHECK(parsed(asked).at("restartsDone") == 0);
    CHECK(parsed(asked).at("node").at("name") == "n1");
    CHECK(on.post(target, "").status_code == 202);
    CHECK(on.post(target + "?revision=1", "{}").status_code == 409);
    CHECK(on.post(target, R"({"force":true})").status_code == 400);
    CHECK(on.post(target, "{}", "X-Tenant: other\r\nX-Role: editor\r\n").status_code == 404);
    CHECK(on.post(target, "{}", "X-Role: reader\r\n").status_code == 403);
    auto const over = on.add_instance_on(node, workload, instance_state::failed);
    CHECK(on.post("/rik/v1/instances/" + over->name() + "/restart", "{}").status_code == 409);
    CHECK(on.get("/rik/v1/instances/" + made->name() + "/logs?previous=true").status_code == 404);
    CHECK(on.get("/rik/v1/instances/" + made->name() + "/logs?previous=maybe").status_code == 400);
}

TEST_CASE("v1: containers that will never start say so, also where their node has said nothing of them") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const node = on.primary.add_node("n1");
    auto const container_of = [&](instance_state state) {
        auto const made = on.add_instance_on(node, workload, state);
        return on.json_at("/rik/v1/instances/" + made->name()).at("containers").at(0);
    };
    auto const failed = container_of(instance_state::failed);
    CHECK(failed.at("state") == "waiting");
    CHECK(failed.at("reason") == "PodFailed");
    CHECK(failed.at("message") == "did not start: its Pod has failed");
    CHECK(container_of(instance_state::destroying).at("reason") == "PodDeleted");
}

TEST_CASE("v1: what is wrong with a request for instances is told with its field") {
    api_fixture on;
    on.add_workload("web");
    auto const field = [&](std::string_view body) {
        auto const reply = on.post("/rik/v1/instances", body);
        CHECK(reply.status_code == 400);
        return text_of(parsed(reply).at("error").at("field"));
    };
    CHECK(field("{}") == "workload");
    CHECK(field(R"({"workload":3})") == "workload");
    CHECK(field(R"({"workload":"web","replicas":0})") == "replicas");
    CHECK(field(R"({"workload":"web","replicas":"2"})") == "replicas");
    CHECK(field(R"({"workload":"web","kind":"Pot"})") == "kind");
    CHECK(field(R"({"workload":"web","replica":2})") == "replica");
    CHECK(field(R"({"workload":"web","name":"x","replicas":2})") == "name");
    CHECK(field("[]").empty());
    CHECK(on.post("/rik/v1/instances", R"({"workload":"nothing"})").status_code == 404);
    CHECK(on.get("/rik/v1/workloads?wach=true").status_code == 400);
    CHECK(on.get("/rik/v1/workloads?watch=maybe").status_code == 400);
    for (auto const* wrong : {"tail=-1", "since=yesterday", "since=", "after=here", "stream=both"})
        CHECK(on.get(std::string("/rik/v1/instances/x/logs?") + wrong).status_code == 400);
    constexpr auto mark = "after=1_0f8fad5b-d9cb-469f-a165-70867728950e_0_7_8_9_0_0_0_0_-_-";
    CHECK(on.get(std::string("/rik/v1/instances/x/logs?") + mark).status_code == 404);
    for (auto const* beside : {"tail=1", "since=1h", "whole=true"})
        CHECK(on.get(fmt::format("/rik/v1/instances/x/logs?{}&{}", mark, beside)).status_code == 400);
    for (auto const* since : {"90s", "1h30m", "2026-11-21T19:19:38Z", "2026-11-21T19:19:38.5%2B02:00"})
        CHECK(on.get(std::string("/rik/v1/instances/x/logs?since=") + since).status_code == 404);
}

TEST_CASE("v1: a query parameter that is not known, says nothing or is there twice is refused") {
    api_fixture on;
    on.add_workload("web");
    for (auto const* target :
         {"/rik/v1/version?foo", "/rik/v1/nodes?x=1", "/rik/v1/nodes/a?kind=Pod", "/rik/v1/instances/a?kind=Pod",
          "/rik/v1/instances?kind=garbage", "/rik/v1/instances?kind=Pod", "/rik/v1/events?kind=Pod",
          "/rik/v1/instances?workload=web&kind=garbage", "/rik/v1/instances?after=3", "/rik/v1/workloads?after=x",
          "/rik/v1/workloads?watch=false&after=3", "/rik/v1/instances?workload=web&workload=web",
          "/rik/v1/workloads/web?kind=Pod&kind=Pod", "/rik/v1/instances/x/logs?tail=1&tail=2", "/healthz?x"})
        CHECK(on.get(target).status_code == 400);
    CHECK(on.post("/rik/v1/instances?dry_run=true", R"({"workload":"web"})").status_code == 400);
    CHECK(on.post("/rik/v1/workloads?dry_run=true", on.definition("other")).status_code == 400);
    CHECK(on.connect().request("DELETE", "/rik/v1/workloads/web?force=true").status_code == 400);
    CHECK(on.json_at("/rik/v1/instances").at("items").as_array().empty());
    CHECK(on.get("/rik/v1/instances?workload=web&kind=Pod").status_code == 200);
    CHECK(on.get("/api/v0/workloads.list?anything").status_code == 200);
}

TEST_CASE("errors are JSON whatever bytes are sent") {
    api_fixture on;
    auto const is_json = [](http_reply const& reply) {
        boost::system::error_code wrong;
        json::parse(reply.body, wrong);
        return reply.status_code >= 400 && !wrong;
    };
    CHECK(is_json(on.get("/rik/v1/nodes?%ff=1")));
    CHECK(is_json(on.get("/rik/v1/nodes/%ff")));
    CHECK(is_json(on.get("/rik/v1/nodes?watch=true", "Last-Event-ID: \xff\r\n")));
    CHECK(is_json(on.get("/rik/v1/nodes", "Origin: http://\xff\r\n")));
    auto client = on.connect();
    client.send("GET /rik/v1/nodes HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n");
    CHECK(is_json(client.read_reply()));
}

TEST_CASE("v1: unknown paths, wrong methods and refusals of HTTP are JSON") {
    api_fixture on;
    CHECK(parsed(on.get("/rik/v1/nothing")).at("error").at("code") == "not_found");
    auto const wrong = on.connect().request("PATCH", "/rik/v1/workloads");
    CHECK(wrong.status_code == 405);
    CHECK(wrong.has_header("Allow: GET, HEAD, POST, PUT, OPTIONS\r\n"));
    CHECK(parsed(wrong).at("error").at("remedy") == "use GET, HEAD, POST, PUT, OPTIONS");
    auto const large = on.post("/rik/v1/workloads", std::string(2u << 20, 'x'));
    CHECK(large.status_code == 413);
    CHECK(parsed(large).at("error").at("code") == "invalid");
    CHECK(on.get("/").status_code == 404);
    CHECK(on.get("/api/v1/pods").status_code == 404);
    CHECK(on.connect().request("OPTIONS", "*").status_code == 204);
}

TEST_CASE("health, readiness and version") {
    api_fixture on;
    CHECK(on.get("/healthz").body == "ok");
    CHECK(on.get("/readyz").body == "ok");
    CHECK(on.json_at("/rik/v1/version").at("version") == "1.2.3");
    on.primary.send_scheduler_away();
    CHECK(on.get("/healthz").status_code == 200);
    CHECK(on.get("/readyz").status_code == 503);
    CHECK(on.get("/readyz").body == "no scheduler is connected");
    on.primary.bring_scheduler_back();
    CHECK(on.get("/readyz").status_code == 200);
    on.primary.stop();
    CHECK(on.get("/healthz").status_code == 200);
    CHECK(on.get("/readyz").status_code == 503);
}

TEST_CASE("an operation that takes too long is 504") {
    api_fixture on(200);  // a minute is 300 ms
    on.primary.hold_disk();
    CHECK(on.post("/rik/v1/workloads", on.definition("web")).status_code == 504);
}

TEST_CASE("v1: events are listed, also of what is gone") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const made = on.add_instance(workload, "old");
    on.add_instance(workload, "other");
    on.primary.bind(made->id(), on.primary.add_node("n1"));
    on.primary.report(made->id(), {{.state = instance_state::failed, .reason = "Error", .message = "it failed"}});
    on.primary.remove_instance(made->id());
    auto const story = on.json_at("/rik/v1/events?instance=old");
    std::vector<std::string> told;
    for (auto const& each : story.at("items").as_array()) {
        CHECK(each.at("type") == (each.at("reason") == "Error" ? "warning" : "normal"));
        told.push_back(text_of(each.at("reason")));
    }
    CHECK(told == std::vector<std::string>{"Created", "Scheduled", "Error", "Deleting", "Terminated"});
    CHECK(on.json_at("/rik/v1/events?workload=web").at("items").as_array().size() == 1);
    CHECK(on.json_at("/rik/v1/events?node=n1").at("items").at(0).at("reason") == "NodeRegistered");
    CHECK(on.json_at("/rik/v1/events").at("items").as_array().size() == 8);
    CHECK(on.json_at("/rik/v1/events?instance=never").at("items").as_array().empty());
    CHECK(on.get("/rik/v1/events?instance=a&node=b").status_code == 400);
}

TEST_CASE("a long list is sent while it is made, and whole, and a short one says its length") {
    api_fixture on;
    on.add_workload("web");
    REQUIRE(on.post("/rik/v1/instances", R"({"workload":"web","replicas":700})").status_code == 201);
    for (auto const* target : {"/rik/v1/instances", "/api/v0/instances.list"}) {
        auto const reply = on.get(target);
        CHECK(reply.is_whole);
        CHECK(reply.body.size() > 2 * (64u << 10));
        CHECK(reply.has_header("Transfer-Encoding: chunked"));
        auto const parsed = boost::json::parse(reply.body);
        CHECK((parsed.is_array() ? parsed.as_array() : parsed.at("items").as_array()).size() == 700);
    }
    auto const nested = boost::json::parse(on.get("/api/v0/instances.list", "Accept: text/plain\r\n").body);
    CHECK(nested.at("instances").as_array().at(0).as_array().size() == 700);
    CHECK_FALSE(on.get("/rik/v1/workloads").has_header("Transfer-Encoding: chunked"));
    CHECK(on.json_at("/rik/v1/nodes").at("items").as_array().empty());
    auto keeping = on.connect();
    keeping.send("GET /rik/v1/instances HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(keeping.read_reply().is_whole);
    CHECK(keeping.request("GET", "/healthz").body == "ok");
}

TEST_CASE("junk, huge queries and many clients harm nobody") {
    api_fixture on;
    CHECK(on.get("/rik/v1/workloads?" + std::string(20'000, 'q') + "=1").status_code == 400);
    CHECK(on.get("/rik/v1/workloads/" + std::string(20'000, 'n')).status_code == 404);
    CHECK(on.get("/rik/v1/instances/%2e%2e%2f%2e%2e").status_code == 404);
    CHECK(on.post("/rik/v1/instances", std::string(100'000, '[')).status_code == 400);
    CHECK(on.post("/api/v0/instances.create", std::string(100'000, '{')).status_code == 400);
    std::atomic<int> right = 0;
    std::vector<std::thread> clients;
    for (int client = 0; client < 32; ++client)
        clients.emplace_back([&, client] {
            auto connection = on.connect();
            for (int i = 0; i < 5; ++i) {
                auto const name = "w" + std::to_string(client) + "-" + std::to_string(i);
                if (connection.request("POST", "/rik/v1/workloads", on.definition(name)).status_code == 201 &&
                    connection.request("GET", "/rik/v1/workloads/" + name).status_code == 200)
                    ++right;
            }
        });
    for (auto& each : clients) each.join();
    CHECK(right == 160);
    CHECK(on.json_at("/rik/v1/workloads").at("items").as_array().size() == 160);
}

TEST_CASE("v1: the images of a node are listed, brought and removed through the node") {
    api_fixture on;
    on.primary.add_node("n1");
    node_image image{
        .digest = "sha256:" + std::string(64, 'a'), .names = {"app:1"}, .size_bytes = 5, .used_by = {"web"}};
    on.primary.hold_images({image});
    auto const path = std::string("/rik/v1/nodes/n1/images");
    auto const list = on.json_at(path);
    CHECK(list.at("items").at(0).at("digest").as_string() == image.digest);
    CHECK(list.at("items").at(0).at("names").at(0) == "app:1");
    CHECK(list.at("items").at(0).at("sizeBytes") == 5);
    CHECK(list.at("items").at(0).at("pulledAt").is_null());
    CHECK(list.at("items").at(0).at("usedBy").at(0) == "web");
    CHECK(on.post(path, R"({"pull":"app:1"})").status_code == 200);
    CHECK(on.post(path, R"({"load":"/x.tar","name":"app:2"})").status_code == 200);
    CHECK(on.connect().request("DELETE", path + "?image=r.io%2Fapp%3A1").status_code == 200);
    auto const calls = on.primary.image_calls();
    REQUIRE(calls.size() == 4);
    CHECK(std::holds_alternative<list_images>(calls[0]));
    CHECK(std::get<pull_image>(calls[1]).name == "app:1");
    CHECK(std::get<load_images>(calls[2]).path == "/x.tar");
    CHECK(std::get<load_images>(calls[2]).name == "app:2");
    CHECK(std::get<remove_image>(calls[3]).name_or_digest == "r.io/app:1");
    for (auto const* body : {"", "[]", "{}", R"({"pull":""})", R"({"pull":"a","load":"/b"})",
                             R"({"pull":"a","name":"b"})", R"({"pull":7})", R"({"fetch":"a"})"}) {
        CAPTURE(body);
        CHECK(on.post(path, body).status_code == 400);
    }
    CHECK(on.connect().request("DELETE", path).status_code == 400);
    CHECK(on.get("/rik/v1/nodes/none/images").status_code == 404);
    CHECK(on.primary.image_calls().size() == 4);
}

TEST_CASE("v1: what instances use is asked of their nodes, and who does not answer is named") {
    api_fixture on;
    auto const workload = on.add_workload("web");
    auto const node = on.primary.add_node("n1");
    auto const path = std::string("/rik/v1/usage");
    CHECK(on.json_at(path).at("items").as_array().empty());
    auto const one = on.add_instance_on(node, workload, instance_state::running);
    auto const done = on.add_instance_on(node, workload, instance_state::succeeded);
    usage_row used{.instance = one->id(), .at = wall_time(std::chrono::seconds(7))};
    used.containers.push_back({"main", 4'000'000, 250, 5 << 20, 2, 10});
    used.volumes.push_back({"data", 3});
    used.received_bytes = 8;
    auto of_ended = used;
    of_ended.instance = done->id();
    on.primary.hold_usage({of_ended, used});
    auto const answer = on.json_at(path);
    CHECK(answer.at("missingNodes").as_array().empty());
    REQUIRE(answer.at("items").as_array().size() == 1);
    auto const& item = answer.at("items").at(0);
    CHECK(item.at("id") == json::string(one->id().text()));
    CHECK(item.at("name") == json::string(one->name()));
    CHECK(item.at("tenant") == "default");
    CHECK(item.at("node") == "n1");
    CHECK(item.at("measuredAt") == "1970-01-01T00:00:07.000000Z");
    CHECK(item.at("receivedBytes") == 8);
    CHECK(item.at("volumes").at(0).at("bytes") == 3);
    auto const& container = item.at("containers").at(0);
    CHECK(container.at("name") == "main");
    CHECK(container.at("cpuMilli") == 250);
    CHECK(container.at("memoryBytes") == (5 << 20));
    CHECK(container.at("processes") == 2);
    CHECK(on.json_at(path + "?node=n1&workload=web").at("items").as_array().size() == 1);
    CHECK(on.json_at(path + "?labelSelector=app%3Dnone").at("items").as_array().empty());
    CHECK(on.get(path + "?node=none").status_code == 404);
    CHECK(on.get(path + "?tenant=none").status_code == 404);
    on.primary.hold_usage({used}, error{errc::unavailable, "broken"});
    auto const broken = on.json_at(path);
    CHECK(broken.at("items").as_array().empty());
    CHECK(broken.at("missingNodes").at(0).at("node") == "n1");
    on.primary.lose_node(node);
    auto const unheard = on.json_at(path);
    REQUIRE(unheard.at("missingNodes").as_array().size() == 1);
    CHECK(unheard.at("missingNodes").at(0).at("reason") == "it is not heard");
}
