// The client against a server of the test: requests, errors, time-outs, logs, and watches that break.
#include <rik/client/client.hpp>
#include <rik/client/log_follower.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>

#include "support/catch.hpp"
#include "support/fake_server.hpp"

namespace {

using namespace std::chrono_literals;
using test::fake_reply;
using test::fake_request;
using test::fake_server;
using type = rik::watch_event_type;

rik::client client_of(fake_server const& server, rik::client_options options = {}) {
    return rik::client(*rik::parse_server_address(server.address()), options);
}

rik::time_point in(rik::duration length) { return rik::system_clock().now() + length; }

fake_server::handler always(fake_reply reply) {
    return [reply](fake_request const&) { return reply; };
}

std::string event_text(std::string const& id, std::string const& name, std::string const& data) {
    return (id.empty() ? "" : "id: " + id + "\n") + "event: " + name + "\ndata: " + data + "\n\n";
}

/// A server whose n-th connection gets the n-th reply, and every later one the last.
fake_server::handler in_turn(std::vector<fake_reply> replies) {
    auto const count = std::make_shared<std::atomic<std::size_t>>(0);
    return [replies, count](fake_request const&) { return replies[std::min((*count)++, replies.size() - 1)]; };
}

fake_reply events(std::vector<std::string> const& texts, bool stays_open = false) {
    auto reply = test::stream_of("text/event-stream", texts, false);
    reply.stays_open = stays_open;
    return reply;
}

}  // namespace

TEST_CASE("calls go to the right place with the right words") {
    fake_server server([](fake_request const& request) {
        auto const is_deletion = request.line.starts_with("DELETE");
        return test::reply_with(is_deletion ? 202 : 200, R"({"name":"x","version":"0.1.0","items":[]})");
    });
    auto client = client_of(server);
    REQUIRE(client.list(rik::resource_kind::instance, {.workload = "a b", .node = "n&1"}).has_value());
    REQUIRE(client.get(rik::resource_kind::workload, "web/1", "Pod").has_value());
    REQUIRE(client.remove(rik::resource_kind::instance, "x").has_value());
    REQUIRE(client.create_workload(" {\"a\":1}").has_value());
    REQUIRE(client.create_workload("a: 1").has_value());
    REQUIRE(client.create_instances({.workload = "web", .replicas = 3}).has_value());
    CHECK(*client.version() == "0.1.0");
    auto const seen = server.requests();
    REQUIRE(seen.size() == 7);
    CHECK(seen[0].line == "GET /rik/v1/instances?workload=a%20b&node=n%261 HTTP/1.1");
    CHECK(seen[1].line == "GET /rik/v1/workloads/web%2F1?kind=Pod HTTP/1.1");
    CHECK(seen[2].line == "DELETE /rik/v1/instances/x HTTP/1.1");
    CHECK(seen[3].line == "POST /rik/v1/workloads HTTP/1.1");
    CHECK(seen[3].header("Content-Type") == "application/json");
    CHECK(seen[3].body == " {\"a\":1}");
    CHECK(seen[4].header("Content-Type") == "application/yaml");
    CHECK(seen[5].body == R"({"workload":"web","replicas":3})");
    CHECK("http://" + seen[6].header("Host") == server.address());
}

TEST_CASE("an error body becomes an error with all its problems") {
    fake_server server(always(test::reply_with(400, R"({"error":{"code":"invalid","message":"m"},"problems":[
        {"code":"invalid","message":"is missing","field":"name","remedy":"write one"},
        {"code":"invalid","message":"is empty","field":"spec.containers"}]})")));
    auto const made = client_of(server).create_workload("{}");
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == rik::errc::invalid);
    CHECK(made.error().message == "name: is missing (write one)\nspec.containers: is empty");
}

TEST_CASE("a server that is not there is named, with what to do") {
    auto const none = rik::client(*rik::parse_server_address("unix:///nonexistent/rik.sock")).version();
    REQUIRE_FALSE(none.has_value());
    CHECK(none.error().code == rik::errc::unavailable);
    CHECK(to_string(none.error()) ==
          "cannot reach rik at unix:///nonexistent/rik.sock: no such file (is rik running? start it with: rik "
          "--role=all)");
    std::string address;
    { address = fake_server(always({})).address(); }
    auto const refused = rik::client(*rik::parse_server_address(address)).version();
    REQUIRE_FALSE(refused.has_value());
    CHECK_THAT(refused.error().message, Catch::Contains("connection refused"));
}

TEST_CASE("a server that says nothing is not waited for without end") {
    fake_server server(always({{}, true}));
    auto const said = client_of(server, {.reply_timeout = 50ms}).version();
    REQUIRE_FALSE(said.has_value());
    CHECK(said.error().code == rik::errc::timed_out);
}

TEST_CASE("a server that dies, or is none of HTTP, is an error") {
    fake_server dies(always({{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"}}));
    CHECK(client_of(dies).version().error().code == rik::errc::unavailable);
    fake_server silent(always({}));
    CHECK(client_of(silent).version().error().code == rik::errc::unavailable);
    fake_server foreign(always({{"220 mail.example ESMTP\r\n\r\n"}}));
    CHECK(client_of(foreign).version().error().code == rik::errc::corrupt);
    fake_server wrong(always(test::reply_with(200, "[1]")));
    CHECK(client_of(wrong).version().error().code == rik::errc::corrupt);
}

TEST_CASE("a long body comes whole, in chunks or not") {
    std::string const body = "{\"items\":[\"" + std::string(300'000, 'x') + "\"]}";
    fake_server plain(always(test::reply_with(200, body)));
    CHECK(*client_of(plain).list(rik::resource_kind::node) == body);
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < body.size(); at += 50'000) parts.push_back(body.substr(at, 50'000));
    fake_server chunked(always(test::stream_of("application/json", parts, true)));
    CHECK(*client_of(chunked).list(rik::resource_kind::node) == body);
}

TEST_CASE("a log is read as it comes, and a wait that ends loses nothing") {
    auto reply = test::stream_of("text/plain", {"one\n", "two\n"}, false);
    reply.stays_open = true;
    fake_server server(always(reply));
    auto log = client_of(server).open_container_log(
        {.instance = "a", .container = "c", .how = {.follow = true, .timestamps = true, .tail_lines = 5}});
    REQUIRE(log.has_value());
    CHECK(server.requests().at(0).line ==
          "GET /rik/v1/instances/a/logs?container=c&follow=true&timestamps=true&tail=5 HTTP/1.1");
    std::string text;
    while (text.size() < 8) {
        auto const part = log->read(in(1ms));
        if (part) text += part->bytes;
        if (!part.has_value()) REQUIRE(part.error().code == rik::errc::timed_out);
    }
    CHECK(text == "one\ntwo\n");
    CHECK(log->read(in(20ms)).error().code == rik::errc::timed_out);
}

TEST_CASE("a log has an end, and a broken one does not look like it") {
    fake_server whole(always(test::stream_of("text/plain", {"a\n"}, true)));
    auto log = client_of(whole).open_container_log({.instance = "a"});
    REQUIRE(log.has_value());
    CHECK(log->read(in(5s))->bytes == "a\n");
    CHECK(log->read(in(5s))->bytes.empty());
    CHECK(log->read(in(5s))->bytes.empty());
    fake_server broken(always(test::stream_of("text/plain", {"a\n"}, false)));
    auto cut = client_of(broken).open_container_log({.instance = "a"});
    REQUIRE(cut.has_value());
    CHECK(cut->read(in(5s))->bytes == "a\n");
    CHECK(cut->read(in(5s)).error().code == rik::errc::unavailable);
    fake_server refuses(
        always(test::reply_with(409, R"({"error":{"code":"conflict","message":"it has not started"}})")));
    CHECK(client_of(refuses).open_container_log({.instance = "a"}).error().code == rik::errc::conflict);
}

TEST_CASE("a watch that breaks goes on after the last event") {
    fake_server server(
        in_turn({events({event_text("", "added", "1"), event_text("7", "added", "2"), event_text("7", "synced", "{}")}),
                 test::reply_with(503, R"({"error":{"code":"unavailable","message":"starting"}})"),
                 events({event_text("8", "modified", "3")}, true)}));
    auto watch = client_of(server).watch(rik::resource_kind::instance);
    REQUIRE(watch.has_value());
    std::vector<type> types;
    std::string objects;
    while (types.size() < 6) {
        auto const event = watch->next(in(5s));
        REQUIRE(event.has_value());
        types.push_back(event->type);
        if (event->type != type::disconnected) objects += event->object;
    }
    CHECK(types ==
          std::vector{type::added, type::added, type::synced, type::disconnected, type::reconnected, type::modified});
    CHECK(objects == "12{}3");
    CHECK(watch->next(in(10ms)).error().code == rik::errc::timed_out);
    auto const seen = server.requests();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].line == "GET /rik/v1/instances?watch=true HTTP/1.1");
    CHECK(seen[0].header("Last-Event-ID").empty());
    CHECK(seen[1].header("Last-Event-ID") == "7");
    CHECK(seen[2].header("Last-Event-ID") == "7");
}

TEST_CASE("a watch that cannot go on where it was begins anew and says so") {
    auto const gone = test::reply_with(429, R"({"error":{"code":"exhausted","message":"too old"}})");
    fake_server server(
        in_turn({events({event_text("7", "synced", "{}")}), gone, events({event_text("9", "synced", "{}")}, true)}));
    auto watch = client_of(server).watch(rik::resource_kind::node);
    REQUIRE(watch.has_value());
    CHECK(watch->next(in(5s))->type == type::synced);
    CHECK(watch->next(in(5s))->type == type::disconnected);
    CHECK(watch->next(in(5s))->type == type::restarted);
    CHECK(watch->next(in(5s))->type == type::synced);
    CHECK(server.requests().at(2).header("Last-Event-ID").empty());
}

TEST_CASE("an error event of a slow watch begins anew, others end it") {
    auto const slow = event_text("", "error", R"({"error":{"code":"exhausted","message":"too slow"}})");
    fake_server server(in_turn(
        {events({event_text("7", "synced", "{}"), slow}, true), events({event_text("9", "added", "{}")}, true)}));
    auto watch = client_of(server).watch(rik::resource_kind::node);
    REQUIRE(watch.has_value());
    CHECK(watch->next(in(5s))->type == type::synced);
    CHECK(watch->next(in(5s))->type == type::restarted);
    CHECK(watch->next(in(5s))->type == type::added);
    fake_server denies(
        always(events({event_text("", "error", R"({"error":{"code":"denied","message":"no"}})")}, true)));
    auto denied = client_of(denies).watch(rik::resource_kind::node);
    REQUIRE(denied.has_value());
    CHECK(denied->next(in(5s)).error() == rik::error{rik::errc::denied, "no"});
}

TEST_CASE("a watch gives up when the server stays away") {
    std::optional<fake_server> server;
    server.emplace(always(events({event_text("7", "synced", "{}")})));
    auto watch = client_of(*server, {.reconnect_for = 150ms}).watch(rik::resource_kind::node);
    REQUIRE(watch.has_value());
    CHECK(watch->next(in(5s))->type == type::synced);
    server.reset();
    CHECK(watch->next(in(5s))->type == type::disconnected);
    auto const last = watch->next(in(10s));
    REQUIRE_FALSE(last.has_value());
    CHECK(last.error().code == rik::errc::unavailable);
}

TEST_CASE("a watch that hears nothing connects anew") {
    fake_server server(
        in_turn({events({event_text("7", "synced", "{}")}, true), events({event_text("8", "added", "{}")}, true)}));
    auto watch = client_of(server, {.silence_max = 200ms}).watch(rik::resource_kind::node);
    REQUIRE(watch.has_value());
    // A slow machine may take the server's slowness for silence, so what comes before is left open.
    std::vector<type> types;
    while (types.empty() || types.back() != type::added) {
        auto const event = watch->next(in(10s));
        REQUIRE(event.has_value());
        types.push_back(event->type);
    }
    CHECK(std::ranges::count(types, type::disconnected) >= 1);
}

TEST_CASE("a watch of something that is not there fails at once") {
    fake_server server(always(test::reply_with(404, R"({"error":{"code":"not_found","message":"workload x: none"}})")));
    CHECK(client_of(server).watch(rik::resource_kind::instance, {.workload = "x"}).error().code ==
          rik::errc::not_found);
}

namespace {

std::string frame(rik::container_log_origin from, std::string_view bytes) {
    std::string text;
    rik::append_container_log_frame(text, from, bytes);
    return text;
}

std::string mark(std::string after) {
    return frame(rik::container_log_origin::mark, rik::to_text({.after = std::move(after)}));
}

constexpr auto out = rik::container_log_origin::standard_output;
constexpr auto err = rik::container_log_origin::standard_error;
constexpr auto framed_type = "application/vnd.docker.multiplexed-stream";
constexpr auto marked_type = "application/vnd.rik.log-stream";

/// All of a log, with what was said of it where it was said: "(lost)".
struct followed {
    explicit followed(fake_server const& server,
                      rik::container_log_wanted const& wanted = {.instance = "a", .how = {.follow = true}}) {
        auto client = client_of(server);
        rik::container_log_follower log(
            client, wanted, {.reconnect_for = 5s}, [this](rik::container_log_notice const& notice) {
                using what = rik::container_log_notice::what;
                output += notice.kind == what::lost ? "(lost)" : notice.kind == what::back ? "(back)" : "(missing)";
                said = notice.text;
            });
        auto done = log.open();
        while (done) {
            auto const part = log.read(in(10s));
            if (!part) done = part.error();
            if (part && part->bytes.empty()) break;
            if (part) (part->from == err ? errors : output) += part->bytes;
        }
        if (!done) problem = done.error();
    }
    std::string output;
    std::string errors;
    std::string said;
    rik::error problem{rik::errc::internal, "none"};
};

auto const starting = test::reply_with(503, R"({"error":{"code":"unavailable","message":"starting"}})");

}  // namespace

TEST_CASE("a followed log goes on at the last mark, with nothing doubled") {
    fake_server server(in_turn(
        {test::stream_of(marked_type, {mark("A"), frame(out, "one\n") + mark("B"), frame(out, "tw")}, false), starting,
         test::stream_of(marked_type, {mark("B"), frame(out, "t"), frame(out, "wo\nth") + mark("C")}, false),
         test::stream_of(marked_type, {frame(out, "ree")}, true)}));
    followed const log(server);
    CHECK(log.output == "one\ntw(lost)(back)o\nth(lost)(back)ree");
    auto const seen = server.requests();
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].line == "GET /rik/v1/instances/a/logs?follow=true HTTP/1.1");
    CHECK(seen[1].line == "GET /rik/v1/instances/a/logs?follow=true&after=B HTTP/1.1");
    CHECK(seen[3].line == "GET /rik/v1/instances/a/logs?follow=true&after=C HTTP/1.1");
}

TEST_CASE("a tail and a time are asked for once: what is gone on with is not cut again") {
    fake_server server(in_turn({test::stream_of(marked_type, {mark("A"), frame(out, "one\n")}, false),
                                test::stream_of(marked_type, {mark("A"), frame(out, "one\ntwo\n")}, true)}));
    followed const log(server, {.instance = "a",
                                .container = "c",
                                .how = {.follow = true, .timestamps = true, .tail_lines = 20, .only = out},
                                .since = "1h30m"});
    CHECK(log.output == "one\n(lost)(back)two\n");
    CHECK(server.requests().at(0).line ==
          "GET /rik/v1/instances/a/logs?container=c&follow=true&timestamps=true&tail=20&stream=stdout&since=1h30m "
          "HTTP/1.1");
    CHECK(server.requests().at(1).line ==
          "GET /rik/v1/instances/a/logs?container=c&follow=true&timestamps=true&stream=stdout&after=A HTTP/1.1");
}

TEST_CASE("each stream of a followed log goes on where it was, however they are mixed the next time") {
    fake_server server(in_turn(
        {test::stream_of(marked_type,
                         {mark("A"), frame(out, "one\n"), frame(err, "bad\n") + frame(out, "tw").substr(0, 9)}, false),
         test::stream_of(marked_type, {mark("A"), frame(err, "bad\nworse\n") + frame(out, "one\ntwo\n")}, true)}));
    followed const log(server);
    CHECK(log.output == "one\n(lost)(back)two\n");
    CHECK(log.errors == "bad\nworse\n");
}

TEST_CASE("marks may stand elsewhere the next time, also in the middle of what was given already") {
    fake_server server(
        in_turn({test::stream_of(marked_type, {mark("A"), frame(out, "123456")}, false),
                 test::stream_of(marked_type, {mark("A"), frame(out, "1234") + mark("B"), frame(out, "5")}, false),
                 test::stream_of(marked_type, {mark("B"), frame(out, "56789")}, true)}));
    followed const log(server);
    CHECK(log.output == "123456(lost)(back)(lost)(back)789");
}

TEST_CASE("what is not kept any more is told, and nothing that follows is taken for known") {
    auto const when = rik::parse_wall_time("2026-11-21T19:19:38Z").value();
    auto const gap = frame(rik::container_log_origin::mark, rik::to_text({.is_gap = true, .gap_begin = when}));
    fake_server server(in_turn({test::stream_of(marked_type, {mark("A"), frame(out, "one\n")}, false),
                                test::stream_of(marked_type, {mark("D"), gap + frame(out, "nine\n")}, true)}));
    followed const log(server);
    CHECK(log.output == "one\n(lost)(back)(missing)nine\n");
    CHECK(log.said == "what was written between 2026-11-21T19:19:38.000000Z and the end is not kept any more");
}

TEST_CASE("a followed log is not gone on with by a server that gives no marks") {
    fake_server server(in_turn({test::stream_of(marked_type, {mark("A"), frame(out, "one\n")}, false),
                                test::stream_of(framed_type, {frame(out, "one\n")}, true)}));
    followed const log(server);
    CHECK(log.output == "one\n(lost)");
    CHECK(log.problem.code == rik::errc::conflict);
}

TEST_CASE("an instance that was deleted while its log was cut off is told as that") {
    fake_server server(
        in_turn({test::stream_of(marked_type, {mark("A"), frame(out, "one\n")}, false),
                 test::reply_with(404, R"({"error":{"code":"not_found","message":"instance a does not exist"}})")}));
    followed const log(server);
    CHECK(log.problem.code == rik::errc::not_found);
    CHECK(log.problem.message == "instance a does not exist: it was deleted while the server could not be reached");
}

TEST_CASE("what a server says of a log that it cannot go on with is told, and so is a log that ends within a frame") {
    auto const problem = frame(rik::container_log_origin::problem,
                               R"({"error":{"code":"internal","message":"the disk cannot be read"}})");
    fake_server failing(always(test::stream_of(framed_type, {frame(out, "one\n") + problem}, true)));
    auto log = client_of(failing).open_container_log({.instance = "a"});
    REQUIRE(log.has_value());
    CHECK(log->read(in(5s))->bytes == "one\n");
    auto const said = log->read(in(5s));
    CHECK(said.error().code == rik::errc::internal);
    CHECK(said.error().message == "the disk cannot be read");

    fake_server cut(always(test::stream_of(framed_type, {frame(out, "one\n").substr(0, 10)}, true)));
    auto half = client_of(cut).open_container_log({.instance = "a"});
    REQUIRE(half.has_value());
    CHECK(half->read(in(5s)).error().code == rik::errc::corrupt);
}

TEST_CASE("a log that is not followed, and one without marks, end with the connection") {
    fake_server plain(always(test::stream_of("text/plain", {"x"}, false)));
    fake_server marked(always(test::stream_of(marked_type, {mark("A"), frame(out, "x")}, false)));
    CHECK(followed(plain).problem.code == rik::errc::unavailable);
    followed const whole(marked, {.instance = "a"});
    CHECK(whole.output == "x");
    CHECK(whole.problem.code == rik::errc::unavailable);
}

TEST_CASE("a followed log gives up when the server stays away") {
    std::optional<fake_server> server;
    server.emplace(always(test::stream_of(marked_type, {mark("A"), frame(out, "x")}, false)));
    auto client = client_of(*server);
    rik::container_log_follower log(client, {.instance = "a", .how = {.follow = true}}, {.reconnect_for = 300ms});
    REQUIRE(log.open().has_value());
    CHECK(log.read(in(5s))->bytes == "x");
    server.reset();
    CHECK(log.read(in(10s)).error().code == rik::errc::unavailable);
}
