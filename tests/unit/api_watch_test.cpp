// The streams of RIK's own API: watches and logs.
#include "support/api_fixture.hpp"
#include "support/catch.hpp"

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

/// A client in the middle of a watch.
class watching {
public:
    enum class over { tcp, unix_socket };

    watching(api_fixture& on, std::string const& target, std::string const& headers = "", over way = over::tcp)
        : client_(way == over::tcp ? on.connect() : on.connect_locally()) {
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

revision revision_of(std::string const& id) { return parse_store_position(id).value().reached; }

}  // namespace

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
    CHECK(revision_of(added.id) > revision_of(synced.id));
    on.post("/api/v0/workloads.delete", R"({"id":")" + id + R"("})");
    auto const leaving = watch.next();
    CHECK(leaving.name == "modified");
    CHECK(leaving.data.at("state") == "destroying");
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
        CHECK(revision_of(last.id) > revision_of(seen));
    }
    CHECK(on.get("/rik/v1/instances?watch=true", "Last-Event-ID: x\r\n").status_code == 400);
    (void)id;
}

TEST_CASE("watch: an instance is terminated when it goes") {
    api_fixture on;
    auto const node = on.primary.add_node("n1");
    auto const made = on.add_instance_on(node, on.add_workload("web"), instance_state::destroying);
    watching watch(on, "/rik/v1/instances?watch=true");
    CHECK(watch.next().data.at("state") == "destroying");
    CHECK(watch.next().name == "synced");
    on.primary.lose_node(node);
    CHECK(watch.next().data.at("state") == "unknown");
    on.primary.find_node_again(node);
    CHECK(watch.next().data.at("state") == "destroying");
    on.primary.confirm_gone(made->id());
    auto const gone = watch.next();
    CHECK(gone.name == "deleted");
    CHECK(gone.data.at("state") == "terminated");
}

TEST_CASE("watch: what is not shown moves the id on, too") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    auto const node = on.primary.add_node("n1");
    watching by_both(on, "/rik/v1/instances?watch=true&workload=web&node=n1");
    auto const synced = by_both.next();
    CHECK(synced.name == "synced");
    on.primary.leave_unplaced(made->id(), "no node takes it yet");  // so it is on no node
    auto const passed = by_both.next();
    CHECK(passed.name.empty());
    CHECK(revision_of(passed.id) > revision_of(synced.id));
    on.primary.bind(made->id(), node);
    auto const added = by_both.next();
    CHECK(added.name == "added");
    CHECK(revision_of(added.id) > revision_of(passed.id));
    watching resumed(on, "/rik/v1/instances?watch=true&workload=web&node=n1&after=" + passed.id);
    CHECK(resumed.next().id == added.id);
}

TEST_CASE("watch: what cannot be gone on after ends with an error") {
    api_fixture on;
    watching first(on, "/rik/v1/workloads?watch=true");
    auto const here = parse_store_position(first.next().id).value();
    seeded_entropy random(99);
    store_position const ahead{here.epoch, here.reached + 1'000};
    store_position const elsewhere{epoch_id::generate(random), here.reached};
    for (auto const& after : {to_string(ahead), to_string(elsewhere), std::string("999999"),
                              std::to_string(here.reached)}) {  // a bare revision, as earlier builds gave it
        CAPTURE(after);
        watching watch(on, "/rik/v1/workloads?watch=true&after=" + after);
        auto const ended = watch.next();
        CHECK(ended.name == "error");
        CHECK(ended.data.at("error").at("code") == "exhausted");
        CHECK(watch.is_at_end());
    }
    for (auto const* wrong : {"x", "-1", "6b29fc40-ca47-4067-b31d-00dd010662da"})
        CHECK(on.get(std::string("/rik/v1/workloads?watch=true&after=") + wrong).status_code == 400);
}

TEST_CASE("watch: a list says where a watch of it begins") {
    api_fixture on;
    on.add_workload("web");
    auto const list = json::parse(on.get("/rik/v1/workloads").body).as_object();
    auto const position = std::string(list.at("position").as_string());
    CHECK(revision_of(position) == list.at("revision").to_number<revision>());
    watching watch(on, "/rik/v1/workloads?watch=true&after=" + position);
    on.add_workload("more");
    CHECK(watch.next().data.at("name") == "more");
}

TEST_CASE("watch: filters add and remove") {
    api_fixture on;
    auto const made = on.add_instance(on.add_workload("web"));
    auto const other = on.add_instance(on.add_workload("db"));
    auto const node = on.primary.add_node("n1");
    watching by_node(on, "/rik/v1/instances?watch=true&node=n1");
    watching by_workload(on, "/rik/v1/instances?watch=true&workload=web");
    CHECK(by_node.next().name == "synced");
    CHECK(by_workload.next().name == "added");
    CHECK(by_workload.next().name == "synced");
    on.primary.bind(other->id(), node);
    on.primary.bind(made->id(), node);
    auto const first = by_node.next();
    CHECK(first.name == "added");
    CHECK(first.data.at("workload").at("name") == "db");
    CHECK(by_node.next().name == "added");
    CHECK(by_workload.next().name == "modified");
    on.primary.remove_instance(made->id());
    for (auto* watch : {&by_node, &by_workload}) {
        CHECK(watch->next().data.at("state") == "destroying");
        CHECK(watch->next().name == "deleted");
    }
}

TEST_CASE("watch: instances of a node that is not heard become unknown, and come back") {
    api_fixture on;
    auto const node = on.primary.add_node("n1");
    on.add_instance_on(node, on.add_workload("web"), instance_state::running);
    watching watch(on, "/rik/v1/instances?watch=true");
    CHECK(watch.next().data.at("state") == "running");
    auto const synced = watch.next();
    CHECK(synced.name == "synced");
    on.primary.lose_node(node);
    auto const lost = watch.next();
    CHECK(lost.name == "modified");
    CHECK(lost.data.at("state") == "unknown");
    CHECK(lost.id.empty());

    watching resumed(on, "/rik/v1/instances?watch=true&after=" + synced.id);
    CHECK(resumed.next().data.at("state") == "unknown");
    on.primary.find_node_again(node);
    CHECK(watch.next().data.at("state") == "running");
    CHECK(resumed.next().data.at("state") == "running");
}

TEST_CASE("watch: nodes and events") {
    api_fixture on;
    watching nodes(on, "/rik/v1/nodes?watch=true");
    watching events(on, "/rik/v1/events?watch=true");
    CHECK(nodes.next().name == "synced");
    CHECK(events.next().name == "synced");
    auto const node = on.primary.add_node("n1");
    CHECK(nodes.next().data.at("name") == "n1");
    CHECK(events.next().data.at("reason") == "NodeRegistered");
    on.primary.lose_node(node);
    CHECK(nodes.next().data.at("state") == "unheard");
    CHECK(events.next().data.at("reason") == "NodeUnheard");
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
        watching watch(on, "/rik/v1/instances?watch=true", "", watching::over::unix_socket);
        CHECK(watch.next().name == "synced");
        CHECK(on.watches.open_count() == 2);
        watch.close();
        CHECK(eventually([&] { return on.watches.open_count() == 0; }, 2s));
    }
    watching watch(on, "/rik/v1/instances?watch=true");
    CHECK(watch.next().name == "synced");
    auto const begin = std::chrono::steady_clock::now();
    on.server->stop();
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
    CHECK(eventually([&] { return on.watches.open_count() == 0; }));
}

TEST_CASE("watch: a reader that is too slow is told so, and nobody else waits for it") {
    api_fixture on;
    auto const made = on.add_instance_on(on.primary.add_node("n1"), on.add_workload("web"), instance_state::running);
    watching slow(on, "/rik/v1/instances?watch=true");
    CHECK(slow.next().name == "added");
    int const changes = static_cast<int>(limits::watch_queue_count_max) + 20'000;  // that and the sockets hold less
    for (int i = 0; i < changes / 500; ++i) on.primary.report_often(made->id(), 500);
    CHECK(on.get("/rik/v1/instances").status_code == 200);
    watching::event last;
    int count = 0;
    for (auto next = slow.next(); !next.name.empty(); next = slow.next(), ++count) last = next;
    CHECK(last.name == "error");
    CHECK(last.data.at("error").at("code") == "exhausted");
    CHECK(count < changes);
    CHECK(eventually([&] { return on.watches.open_count() == 0; }));
}

TEST_CASE("logs: whole, followed, and ended with their client") {
    api_fixture on;
    auto const made = on.add_instance_on(on.primary.add_node("n1"), on.add_workload("web"), instance_state::running);
    auto const target = "/rik/v1/instances/" + made->name() + "/logs";
    on.primary.write_log("one\n");
    auto const whole = on.get(target + "?tail=10&timestamps=false");
    CHECK(whole.body == "one\n");
    CHECK(whole.has_header("Content-Type: text/plain"));
    CHECK(on.get(target + "?container=unknown").status_code == 400);
    CHECK(on.get("/rik/v1/instances/nothing/logs").status_code == 404);

    auto client = on.connect_locally();
    client.send("GET " + target + "?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.read_until("one"));
    on.primary.write_log("two\n");
    CHECK(client.read_until("two"));
    CHECK(on.primary.count_open_logs() == 1);
    client.close();
    CHECK(eventually([&] { return on.primary.count_open_logs() == 0; }, 2s));

    CHECK(on.get(target + "?stream=stdout").body == "one\ntwo\n");
    CHECK(on.get(target + "?stream=all").status_code == 400);

    auto patient = on.connect();
    patient.send("GET " + target + "?follow=true HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(patient.read_until("two"));
    on.primary.write_log("three\n");
    on.primary.end_log();
    auto const followed = patient.read_reply();
    CHECK(followed.is_whole);
    CHECK(followed.body == "one\ntwo\nthree\n");
}

TEST_CASE(
    "logs in frames: the type says so, and an error is told in the last frame instead of cutting the connection") {
    api_fixture on;
    auto const made = on.add_instance_on(on.primary.add_node("n1"), on.add_workload("web"), instance_state::running);
    on.primary.write_log("one\n");
    on.primary.end_log(error{errc::unavailable, "the node has gone"});
    auto client = on.connect();
    client.send("GET /rik/v1/instances/" + made->name() +
                "/logs HTTP/1.1\r\nHost: localhost\r\n"
                "Accept: application/vnd.docker.multiplexed-stream, text/plain\r\n\r\n");
    auto const reply = client.read_reply();
    CHECK(reply.is_whole);
    CHECK(reply.has_header("Content-Type: application/vnd.docker.multiplexed-stream"));
    container_log_frame_parser frames;
    frames.feed(reply.body);
    auto const output = frames.next();
    REQUIRE((output && *output));
    CHECK((*output)->from == container_log_origin::standard_output);
    CHECK((*output)->bytes == "one\n");
    auto const problem = frames.next();
    REQUIRE((problem && *problem));
    CHECK((*problem)->from == container_log_origin::problem);
    CHECK((*problem)->bytes.find(R"("code":"unavailable","message":"the node has gone")") != std::string::npos);
    CHECK_FALSE(frames.next()->has_value());
    CHECK_FALSE(frames.is_inside());
}

TEST_CASE("watch: what comes into a selection is added, and what leaves it is deleted") {
    api_fixture on;
    on.add_workload("web");
    auto const label = [&](std::string const& text) {
        return on.connect().request("PATCH", "/rik/v1/workloads/web", R"({"labels":{"tier":)" + text + "}}");
    };
    REQUIRE(label(R"("front")").status_code == 200);
    watching watch(on, "/rik/v1/workloads?watch=true&labelSelector=tier=front");
    CHECK(watch.next().name == "added");
    CHECK(watch.next().name == "synced");
    label(R"("back")");
    CHECK(watch.next().name == "deleted");
    label(R"("front")");
    CHECK(watch.next().name == "added");
}

TEST_CASE("watch: a selection by state follows whether a node is heard") {
    api_fixture on;
    auto const node = on.primary.add_node("a");
    on.add_instance_on(node, on.add_workload("web"), instance_state::running);
    watching watch(on, "/rik/v1/instances?watch=true&fieldSelector=state=running,node=a,workload=web");
    CHECK(watch.next().name == "added");
    CHECK(watch.next().name == "synced");
    on.primary.lose_node(node);
    auto const lost = watch.next();
    CHECK(lost.name == "deleted");
    CHECK(lost.data.at("state") == "unknown");
    on.primary.find_node_again(node);
    CHECK(watch.next().name == "added");
}
