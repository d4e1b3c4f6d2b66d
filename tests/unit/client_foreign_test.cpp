// The client against what is not rik's API: web pages, other JSON, no HTTP at all.
#include <rik/client/client.hpp>

#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/fake_server.hpp"

namespace {

using namespace std::chrono_literals;
using test::fake_reply;
using test::fake_request;
using test::fake_server;

rik::client client_of(fake_server const& server) { return rik::client(*rik::parse_server_address(server.address())); }

rik::time_point in(rik::duration length) { return rik::system_clock().now() + length; }

fake_server::handler always(fake_reply reply) {
    return [reply](fake_request const&) { return reply; };
}

}  // namespace

TEST_CASE("what answers and is not rik's API is said to be that, by every call") {
    auto const page = std::string("<html>it works</html>");
    auto const plain = [](std::string const& text) { return fake_reply{{text}}; };
    for (auto const& [reply, why] : std::vector<std::pair<fake_reply, std::string>>{
             {test::reply_with(200, page, "text/html; charset=utf-8"), "it answers with text/html"},
             {test::reply_with(200, "", "text/html"), "it answers with text/html"},
             {plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), "it answers without saying of what type"},
             {test::reply_with(301, page, "text/html"), "it answers 301 with text/html"},
             {test::reply_with(401, page, "text/html"), "it answers 401 with text/html"},
             {test::reply_with(404, page, "text/html"), "it answers 404 with text/html"},
             {test::reply_with(404, R"({"detail":"none"})"), "it answers 404 with application/json"},
             {test::reply_with(429, "[]"), "it answers 429 with application/json"},
             {test::reply_with(200, R"({"hello":1})"), ""},
             {test::reply_with(200, ""), ""},
             {test::reply_with(200, "[1]"), ""},
             {test::reply_with(200, "hello", "text/plain"), ""},
             {plain("SSH-2.0-OpenSSH_9.2\r\n"), "it does not speak HTTP: "},
             {plain(std::string("\x15\x03\x03\0\x02\x02\x46", 7)), "it does not speak HTTP: "},
             {plain("<html>HTTP/0.9 has no head</html>\n"), "it does not speak HTTP: "},
             {plain("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')), "it does not speak HTTP: "},
             {test::stream_of("text/html", {std::string(1u << 20, 'x'), "more"}, false),
              "it answers with text/html"}}) {
        fake_server server(always(reply));
        auto client = client_of(server);
        auto const check = [&, &why = why](auto const& said) {
            CAPTURE(reply.pieces.front().substr(0, 80), why);
            REQUIRE_FALSE(said.has_value());
            CHECK(said.error().code == rik::errc::corrupt);
            auto const name = server.address().substr(std::string("http://").size());
            CHECK_THAT(said.error().message, Catch::StartsWith(name + " is not rik's API: " + why));
        };
        check(client.list(rik::resource_kind::instance));
        check(client.get(rik::resource_kind::node, "a"));
        check(client.remove(rik::resource_kind::instance, "a"));
        check(client.create_workload("{}"));
        check(client.create_instances({.workload = "w"}));
        check(client.open_container_log({.instance = "a"}));
        check(client.watch(rik::resource_kind::workload));
        check(client.version());
    }
}

TEST_CASE("a proxy whose rik is away is no reason to give up") {
    fake_server server(always(test::reply_with(502, "<html>bad gateway", "text/html")));
    auto const said = client_of(server).version();
    CHECK(said.error().code == rik::errc::unavailable);
    CHECK_THAT(said.error().message, Catch::Contains("it answers 502"));
}

TEST_CASE("a stream of events that are not rik's ends the watch") {
    fake_server server(always(test::stream_of("text/event-stream", {"data: hello\n\n"}, false)));
    auto watch = client_of(server).watch(rik::resource_kind::node);
    REQUIRE(watch.has_value());
    auto const said = watch->next(in(5s));
    REQUIRE_FALSE(said.has_value());
    CHECK_THAT(said.error().message, Catch::Contains("is not rik's API: its stream has an event 'message'"));
}
