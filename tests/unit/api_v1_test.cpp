// RIK's own API: routes, objects, errors, watches and logs.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

json::value parsed(http_reply const& reply) { return json::parse(reply.body); }
std::string text_of(json::value const& value) { return std::string(value.as_string()); }

/// A client in the middle of a watch.
class watching {
public:
    watching(api_fixture& on, std::string const& target, std::string const& headers = "") : client_(on.connect()) {
        client_.send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
        if (client_.read_until("\r\n\r\n")) head = client_.take(client_.received().find("\r\n\r\n") + 4);
    }

    struct event {
        std::string name = {};
        std::string id = {};
        json::value data = {};
        bool is_comment = false;
    };

    /// The next event; its name is empty when none comes.
    event next() {
        while (text_.find("\n\n") == text_.npos)
            if (!read_chunk()) return {};
        auto const block = text_.substr(0, text_.find("\n\n") + 1);
        text_.erase(0, block.size() + 1);
        event found;
        found.is_comment = block.starts_with(":");
        found.name = field(block, "event: ");
        found.id = field(block, "id: ");
        if (auto const data = field(block, "data: "); !data.empty()) found.data = json::parse(data);
        return found;
    }
    /// Whether the server has ended the body.
    bool is_at_end() { return !read_chunk() && ended_; }
    void close() { client_.close(); }

    std::string head;

private:
    static std::string field(std::string const& block, std::string_view name) {
        auto const at = block.find(name);
        if (at == block.npos) return {};
        return block.substr(at + name.size(), block.find('\n', at) - at - name.size());
    }
    bool read_chunk() {
        if (ended_ || !client_.read_until("\r\n")) return false;
        auto const size = std::stoul(client_.take(client_.received().find("\r\n") + 2), nullptr, 16);
        ended_ = size == 0;
        if (!client_.read_at_least(size + 2)) return false;
        text_ += client_.take(size);
        client_.take(2);
        return !ended_;
    }

    http_client client_;
    std::string text_;
    bool ended_ = false;
};

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
    auto const node = on.on.run(on.primary.add_node("n1"));
    auto const name = text_of(parsed(made).at("items").at(0).at("name"));
    auto const id = *instance_id::parse(text_of(parsed(made).at("items").at(0).at("id")));
    on.on.run(on.primary.bind(id, node));
    on.report(id, instance_state::running);
    auto const shown = on.json_at("/rik/v1/instances/" + name);
    CHECK(shown.at("workload").at("name") == "web");
    CHECK(shown.at("workload").at("id") == json::string(workload));
    CHECK(shown.at("node").at("name") == "n1");
    CHECK(shown.at("state") == "running");
    CHECK(shown.at("containers").at(0).at("image") == "alpine:latest");
    CHECK(shown.at("containers").at(0).at("exitCode").is_null());
    CHECK(on.json_at("/rik/v1/instances").at("items").as_array().size() == 2);
    CHECK(on.json_at("/rik/v1/instances?workload=web&node=n1").at("items").as_array().size() ==
          2);  // the fake takes one filter
    CHECK(on.get("/rik/v1/instances?workload=nothing").status_code == 404);
    CHECK(on.json_at("/rik/v1/nodes/n1").at("instances") == 1);
    CHECK(on.json_at("/rik/v1/nodes").at("items").at(0).at("capacity").at("cpu") == "2");
    CHECK(on.json_at("/rik/v1/nodes").at("items").at(0).at("requested").at("pods") == "1");

    on.on.run(on.primary.set_node_state(node, node_state::unheard));
    CHECK(on.json_at("/rik/v1/instances/" + name).at("state") == "unknown");
    on.report(id, instance_state::succeeded);
    CHECK(on.json_at("/rik/v1/instances/" + name).at("state") == "succeeded");
    CHECK(on.connect().request("DELETE", "/rik/v1/instances/" + name).status_code == 202);
    CHECK(on.get("/rik/v1/instances/" + name).status_code == 404);
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
    CHECK(on.get("/rik/v1/instances/x/logs?tail=-1").status_code == 400);
}

TEST_CASE("v1: unknown paths, wrong methods and refusals of HTTP are JSON") {
    api_fixture on;
    CHECK(parsed(on.get("/rik/v1/nothing")).at("error").at("code") == "not_found");
    auto const wrong = on.connect().request("PUT", "/rik/v1/workloads");
    CHECK(wrong.status_code == 405);
    CHECK(wrong.has_header("Allow: GET, HEAD, POST, OPTIONS\r\n"));
    CHECK(parsed(wrong).at("error").at("remedy") == "use GET, HEAD, POST, OPTIONS");
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
    on.primary.failure = error{errc::unavailable, "no scheduler is connected"};
    CHECK(on.get("/healthz").status_code == 200);
    CHECK(on.get("/readyz").status_code == 503);
    CHECK(on.get("/readyz").body == "no scheduler is connected");
}

TEST_CASE("an operation that takes too long is 504") {
    api_fixture on(200);  // a minute is 300 ms
    on.primary.delay = 5s;
    CHECK(on.get("/rik/v1/workloads").status_code == 504);
}

TEST_CASE("v1: events are listed, also of what is gone") {
    api_fixture on;
    event happened;
    happened.object_kind = "instance";
    happened.object_id = "6b29fc40-ca47-4067-b31d-00dd010662da";
    happened.object_name = "old";
    happened.reason = "Failed";
    happened.message = "it failed";
    happened.type = event_type::warning;
    on.on.run(on.primary.note(happened));
    happened.object_name = "other";
    happened.object_id = "";
    on.on.run(on.primary.note(happened));
    CHECK(on.json_at("/rik/v1/events").at("items").as_array().size() == 2);
    auto const some = on.json_at("/rik/v1/events?instance=old").at("items").as_array();
    REQUIRE(some.size() == 1);
    CHECK(some[0].at("reason") == "Failed");
    CHECK(some[0].at("type") == "warning");
    CHECK(on.json_at("/rik/v1/events?instance=never").at("items").as_array().empty());
    CHECK(on.get("/rik/v1/events?instance=a&node=b").status_code == 400);
}

TEST_CASE("watch: rows, synced, then changes") {
    api_fixture on;
    auto const id = on.add_workload("web");
    watching watch(on, "/rik/v1/workloads?watch=true");
    CHECK(watch.head.find("text/event-stream") != std::string::npos);
    auto const first = watch.next();
    CHECK(first.name == "added");
    CHECK(first.id.empty());
    CHECK(first.data.at("name") == "web");
    auto const synced = watch.next();
    CHECK(synced.name == "synced");
    CHECK_FALSE(synced.id.empty());
    on.add_workload("more");
    auto const added = watch.next();
    CHECK(added.name == "added");
    CHECK(added.data.at("name") == "more");
    CHECK(std::stoull(added.id) > std::stoull(synced.id));
    on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    CHECK(watch.next().name == "deleted");
}

TEST_CASE("watch: a client goes on where it was, and misses nothing of a revision") {
    api_fixture on;
    auto const id = on.add_workload("web");
    std::string seen;
    {
        watching watch(on, "/rik/v1/instances?watch=true");
        seen = watch.next().id;  // synced
    }
    on.post("/rik/v1/instances", R"({"workload":"web","replicas":3})");
    for (auto const& [target, header] :
         {std::pair{"/rik/v1/instances?watch=1&after=" + seen, std::string()},
          std::pair{std::string("/rik/v1/instances?watch&after=1"), "Last-Event-ID: " + seen + "\r\n"}}) {
        watching again(on, target, header);
        CHECK(again.next().id.empty());
        CHECK(again.next().id.empty());
        auto const last = again.next();
        CHECK(last.name == "added");
        CHECK(last.data.at("workload").at("name") == "web");
        CHECK(std::stoull(last.id) > std::stoull(seen));
    }
    CHECK(on.get("/rik/v1/instances?watch=true", "Last-Event-ID: x\r\n").status_code == 400);
    (void)id;
}

TEST_CASE("watch: a revision that is not kept any more ends with an error") {
    api_fixture on;
    watching watch(on, "/rik/v1/workloads?watch=true&after=999999");
    auto const ended = watch.next();
    CHECK(ended.name == "error");
    CHECK(ended.data.at("code") == "exhausted");
    CHECK(watch.is_at_end());
}

TEST_CASE("watch: filters add and remove") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    auto const other = on.add_instance(on.add_workload("db"));
    auto const node = on.on.run(on.primary.add_node("n1"));
    watching by_node(on, "/rik/v1/instances?watch=true&node=n1");
    watching by_workload(on, "/rik/v1/instances?watch=true&workload=web");
    CHECK(by_node.next().name == "synced");
    CHECK(by_workload.next().name == "added");
    CHECK(by_workload.next().name == "synced");
    on.on.run(on.primary.bind(other->id(), node));
    on.on.run(on.primary.bind(made->id(), node));
    auto const first = by_node.next();
    CHECK(first.name == "added");
    CHECK(first.data.at("workload").at("name") == "db");
    CHECK(by_node.next().name == "added");
    CHECK(by_workload.next().name == "modified");
    on.on.run(on.primary.remove_instance(made->id()));
    CHECK(by_node.next().name == "deleted");
    CHECK(by_workload.next().name == "deleted");
}

TEST_CASE("watch: instances of a node that is not heard become unknown, and come back") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    auto const node = on.on.run(on.primary.add_node("n1"));
    on.on.run(on.primary.bind(made->id(), node));
    on.report(made->id(), instance_state::running);
    watching watch(on, "/rik/v1/instances?watch=true");
    CHECK(watch.next().data.at("state") == "running");
    auto const synced = watch.next();
    CHECK(synced.name == "synced");
    on.on.run(on.primary.set_node_state(node, node_state::unheard));
    auto const lost = watch.next();
    CHECK(lost.name == "modified");
    CHECK(lost.data.at("state") == "unknown");
    CHECK(lost.id.empty());

    watching resumed(on, "/rik/v1/instances?watch=true&after=" + synced.id);
    CHECK(resumed.next().data.at("state") == "unknown");
    on.on.run(on.primary.set_node_state(node, node_state::ready));
    CHECK(watch.next().data.at("state") == "running");
    CHECK(resumed.next().data.at("state") == "running");
}

TEST_CASE("watch: nodes and events") {
    api_fixture on;
    watching nodes(on, "/rik/v1/nodes?watch=true");
    watching events(on, "/rik/v1/events?watch=true");
    CHECK(nodes.next().name == "synced");
    CHECK(events.next().name == "synced");
    on.on.run(on.primary.add_node("n1"));
    CHECK(nodes.next().data.at("name") == "n1");
    event happened;
    happened.object_kind = "node";
    happened.object_id = "6b29fc40-ca47-4067-b31d-00dd010662da";
    happened.reason = "Joined";
    on.on.run(on.primary.note(happened));
    CHECK(events.next().data.at("reason") == "Joined");
}

TEST_CASE("watch: a silent one says that it is still there") {
    api_fixture on(100);  // 15 s are 150 ms
    watching watch(on, "/rik/v1/workloads?watch=true");
    CHECK(watch.next().name == "synced");
    for (int i = 0; i < 3; ++i) CHECK(watch.next().is_comment);
    on.add_workload("web");
    auto next = watch.next();
    while (next.is_comment) next = watch.next();
    CHECK(next.name == "added");
}

TEST_CASE("watch: nothing is left of one whose client has gone, or when the server stops") {
    api_fixture on;
    for (int i = 0; i < 10; ++i) {
        watching watch(on, "/rik/v1/instances?watch=true");
        CHECK(watch.next().name == "synced");
        CHECK(on.primary.open_watch_count == 2);
        watch.close();
        CHECK(eventually([&] { return on.primary.open_watch_count == 0; }, 2s));
    }
    watching watch(on, "/rik/v1/instances?watch=true");
    CHECK(watch.next().name == "synced");
    auto const begin = std::chrono::steady_clock::now();
    on.server->stop();
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
    CHECK(eventually([&] { return on.primary.open_watch_count == 0; }));
}

TEST_CASE("watch: a reader that is too slow is told so, and nobody else waits for it") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    watching slow(on, "/rik/v1/instances?watch=true");
    CHECK(slow.next().name == "added");
    int const changes = 16'000;  // more than the sockets and limits::watch_queue_count_max hold
    for (int i = 0; i < changes / 500; ++i) on.on.run(on.primary.report_often(made->id(), 500));
    CHECK(on.get("/rik/v1/instances").status_code == 200);
    watching::event last;
    int count = 0;
    for (auto next = slow.next(); !next.name.empty(); next = slow.next(), ++count) last = next;
    CHECK(last.name == "error");
    CHECK(last.data.at("code") == "exhausted");
    CHECK(count < changes);
    CHECK(eventually([&] { return on.primary.open_watch_count == 0; }));
}

TEST_CASE("logs: whole, followed, and ended with their client") {
    api_fixture on;
    on.add_instance(on.add_workload("web"));
    std::string const target = "/rik/v1/instances/jolly-cat-1001/logs";
    on.on.run(on.primary.write_log("one\n", false));
    auto const whole = on.get(target + "?tail=10&timestamps=false");
    CHECK(whole.body == "one\n");
    CHECK(whole.has_header("Content-Type: text/plain"));
    CHECK(on.get(target + "?container=unknown").status_code == 400);
    CHECK(on.get("/rik/v1/instances/nothing/logs").status_code == 404);

    auto client = on.connect();
    client.send("GET " + target + "?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.read_until("one"));
    on.on.run(on.primary.write_log("two\n", false));
    CHECK(client.read_until("two"));
    CHECK(on.primary.open_log_count == 1);
    client.close();
    CHECK(eventually([&] { return on.primary.open_log_count == 0; }, 2s));

    auto patient = on.connect();
    patient.send("GET " + target + "?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(patient.read_until("two"));
    on.on.run(on.primary.write_log("three\n", true));
    auto const followed = patient.read_reply();
    CHECK(followed.is_whole);
    CHECK(followed.body == "one\ntwo\nthree\n");
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
            for (int i = 0; i < 20; ++i) {
                auto const name = "w" + std::to_string(client) + "-" + std::to_string(i);
                if (connection.request("POST", "/rik/v1/workloads", on.definition(name)).status_code == 201 &&
                    connection.request("GET", "/rik/v1/workloads/" + name).status_code == 200)
                    ++right;
            }
        });
    for (auto& each : clients) each.join();
    CHECK(right == 640);
    CHECK(on.json_at("/rik/v1/workloads").at("items").as_array().size() == 640);
}
