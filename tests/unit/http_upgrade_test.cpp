// Connections that are handed over: how that begins, what the new owner can do with one, and how it ends.
#include "support/catch.hpp"
#include "support/http_upgrade_handler.hpp"

#include <sys/socket.h>

#include <thread>

using namespace rik;
using namespace rik::test;

namespace {

std::string asking(std::string_view path, std::string_view more = "") {
    std::string text = "GET ";
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: test/1\r\n");
    return text.append(more).append("\r\n");
}

/// Reads up to the end of the head of the 101.
http_reply switched(http_client& client) {
    http_reply reply;
    if (!client.read_until("\r\n\r\n")) return reply;
    reply.head = client.take(client.received().find("\r\n\r\n") + 4);
    reply.status_code = std::stoi(reply.head.substr(9, 3));
    return reply;
}

}  // namespace

TEST_CASE("a connection is handed over after 101, and bytes go both ways") {
    upgrading on;
    for (bool const is_local : {false, true}) {
        auto client = is_local ? on.connect_locally() : on.connect();
        client.send(asking("/echo"));
        auto const reply = switched(client);
        CHECK(reply.status_code == 101);
        CHECK(reply.head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
        CHECK(reply.has_header("\r\nConnection: Upgrade\r\n"));
        CHECK(reply.has_header("\r\nUpgrade: test/1\r\n"));
        CHECK(reply.has_header("\r\nX-Version: v4\r\n"));
        CHECK_FALSE(reply.has_header("Content-"));
        CHECK_FALSE(reply.has_header("close"));
        client.send("hello");
        CHECK(client.read_until("hello"));
        client.send(std::string(1, '\0') + "\r\n\r\nGET / HTTP/1.1\r\n");
        CHECK(client.read_until(std::string(1, '\0') + "\r\n\r\nGET / HTTP/1.1\r\n"));
        ::shutdown(client.fd(), SHUT_WR);
        CHECK(client.is_closed_within(5s));
        CHECK(client.received().ends_with("end"));
    }
    CHECK(on.is_over());
    CHECK(on.handler.seen.cancelled_runs == 0);
}

TEST_CASE("what a client sends right behind its request is not lost") {
    upgrading on;
    std::string const early = "\r\n" + std::string(50'000, 'e');
    auto client = on.connect();
    client.send(asking("/echo") + early);
    CHECK(switched(client).status_code == 101);
    CHECK(client.read_at_least(early.size()));
    CHECK(client.received() == early);

    auto posting = on.connect();
    posting.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: test/1\r\n"
        "Content-Length: 4\r\n\r\nbodyrest");
    CHECK(switched(posting).status_code == 101);
    CHECK(posting.read_until("rest"));
    CHECK(posting.received() == "rest");
    CHECK(on.handler.body == "body");

    auto ended = on.connect();  // all that it sends is there before it is told 101
    ended.send(asking("/echo") + "all");
    ::shutdown(ended.fd(), SHUT_WR);
    CHECK(switched(ended).status_code == 101);
    CHECK(ended.is_closed_within(5s));
    CHECK(ended.received() == "allend");
}

TEST_CASE("who does not ask for the upgrade is told 426, and nothing runs") {
    upgrading on;
    auto const answer = [&](std::string const& request, bool is_head = false) {
        auto client = on.connect();
        client.send(request);
        return client.read_reply(is_head);
    };
    std::string const get = "GET /echo HTTP/1.1\r\nHost: localhost\r\n";
    for (auto const* headers :
         {"", "Upgrade: test/1\r\n", "Connection: Upgrade\r\n", "Connection: Upgrade\r\nUpgrade: test/2, h2c\r\n",
          "Connection: keep-alive\r\nUpgrade: test/1\r\n", "Connection: Upgrades\r\nUpgrade: test/1\r\n"}) {
        auto const reply = answer(get + headers + "\r\n");
        CHECK(reply.status_code == 426);
        CHECK(reply.has_header("\r\nUpgrade: test/1\r\n"));
        CHECK(reply.has_header("\r\nConnection: Upgrade\r\n"));
        CHECK_FALSE(reply.body.empty());
        CHECK_FALSE(on.handler.asked);
    }
    auto const head = answer(asking("/echo").replace(0, 3, "HEAD"), true);
    CHECK(head.status_code == 426);
    auto const old = answer("GET /echo HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: test/1\r\n\r\n");
    CHECK(old.status_code == 426);
    CHECK(old.has_header("\r\nConnection: close\r\n"));
    CHECK(on.handler.seen.run == 0);
    CHECK(on.handler.seen.made == 0);

    auto kept = on.connect();
    CHECK(kept.request("GET", "/echo").status_code == 426);
    CHECK(kept.request("GET", "/x").body == "plain");
}

TEST_CASE("a protocol is found in any list of the request, whatever its case") {
    upgrading on;
    for (auto const* headers :
         {"Connection: upgrade\r\nUpgrade: TEST/1\r\n", "Connection: close ,\tUPGRADE\r\nUpgrade: h2c,test/1\r\n",
          "Connection: close\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: test/1\r\n"}) {
        auto client = on.connect();
        client.send("GET /say HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n");
        CHECK(switched(client).status_code == 101);
        CHECK(on.handler.asked);
        CHECK(client.is_closed_within(5s));
        CHECK(client.received().size() == 200'000);
    }
}

TEST_CASE("no time-out of requests ends a connection that was handed over") {
    upgrading on;
    auto client = on.connect();
    client.send(asking("/echo"));
    CHECK(switched(client).status_code == 101);
    CHECK_FALSE(client.is_closed_within(600ms));
    CHECK(on.server.server().connection_count() == 1);
    client.send("still");
    CHECK(client.read_until("still"));
}

TEST_CASE("a client that does not read holds up only itself, for as long as it likes") {
    upgrading on;
    auto lazy = on.connect_locally();
    lazy.send(asking("/flood"));
    CHECK(switched(lazy).status_code == 101);
    auto& written = on.handler.seen.bytes_written;
    std::size_t before = 0;
    CHECK(eventually([&] {  // it is stuck when nothing more is written for a while
        before = written;
        std::this_thread::sleep_for(100ms);
        return before > 0 && before == written;
    }));
    CHECK(written < 4u << 20);
    std::this_thread::sleep_for(500ms);  // longer than the time-out for a piece of a reply
    auto other = on.connect();
    CHECK(other.request("GET", "/x").body == "plain");
    CHECK(on.handler.seen.running == 1);
    CHECK(lazy.read_at_least(before + 1));
    CHECK(eventually([&] { return written > before; }));
    lazy.close();
    CHECK(on.is_over());
    CHECK(on.handler.seen.failed_writes == 1);
}

TEST_CASE("of clients that do not read the slowest is cut off when too much is unsent") {
    auto options = quick();
    options.limits.replies_bytes_max = 100'000;
    upgrading on(options);
    auto first = on.connect_locally();
    first.send(asking("/flood"));
    CHECK(switched(first).status_code == 101);
    std::this_thread::sleep_for(200ms);
    auto second = on.connect_locally();
    second.send(asking("/flood"));
    CHECK(switched(second).status_code == 101);
    CHECK(eventually([&] { return on.handler.seen.failed_writes == 1; }));
    CHECK(eventually([&] { return on.server.server().connection_count() == 1; }));
    CHECK(on.handler.seen.running == 1);
}

TEST_CASE("an upgrade ends when its client has gone, whatever it does") {
    upgrading on;
    linger const at_once{1, 0};
    for (auto const* what : {"/echo", "/flood", "/deaf"}) {
        auto local = on.connect_locally();
        local.send(asking(what));
        CHECK(switched(local).status_code == 101);
        local.close();
        CHECK(on.is_over(5s));
        auto reset = on.connect();
        REQUIRE(::setsockopt(reset.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
        reset.send(asking(what));
        CHECK(switched(reset).status_code == 101);
        reset.close();
        CHECK(on.is_over(5s));
    }
    CHECK(on.handler.seen.running == 0);
    CHECK(on.handler.seen.cancelled_runs == 2);  // the deaf ones
}

TEST_CASE("what a client had sent before it went is read to its end") {
    upgrading on;
    std::string const all(100'000, 'a');
    for (int i = 0; i < 20; ++i) {
        on.handler.seen.bytes_written = 0;
        auto client = i % 2 == 0 ? on.connect() : on.connect_locally();
        client.send(asking("/half"));
        CHECK(switched(client).status_code == 101);
        CHECK(client.read_until("first"));
        client.send(all);
        client.close();
        CHECK(on.is_over(5s));
        CHECK(on.handler.seen.bytes_written == all.size());
    }
    CHECK(on.handler.seen.cancelled_runs == 0);
}

TEST_CASE("clients that go at any moment leave nothing") {
    upgrading on;
    for (int i = 0; i < 100; ++i) {
        auto client = i % 2 == 0 ? on.connect() : on.connect_locally();
        auto const request = asking(i % 3 == 0 ? "/flood" : "/echo") + std::string(1000, 'x');
        client.send(request.substr(0, request.size() * (i % 10 + 1) / 10));
        if (i % 4 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(i % 7));
        client.close();
    }
    CHECK(on.is_over());
    CHECK(on.connect().request("GET", "/x").body == "plain");
}

TEST_CASE("a server that stops lets upgrades read that, and cancels what goes on") {
    auto options = quick();
    options.limits.stop_grace = 2s;
    upgrading on(options);
    auto polite = on.connect();
    polite.send(asking("/echo"));
    CHECK(switched(polite).status_code == 101);
    auto local = on.connect_locally();
    local.send(asking("/echo"));
    CHECK(switched(local).status_code == 101);
    SECTION("all notice") {
        auto const begin = std::chrono::steady_clock::now();
        on.server.stop();
        CHECK(std::chrono::steady_clock::now() - begin < 1s);
        CHECK(on.handler.seen.cancelled_runs == 0);
    }
    SECTION("one is deaf, and one writes to a client that does not read") {
        auto deaf = on.connect();
        deaf.send(asking("/deaf"));
        CHECK(switched(deaf).status_code == 101);
        auto flooded = on.connect_locally();
        flooded.send(asking("/flood"));
        CHECK(switched(flooded).status_code == 101);
        auto const begin = std::chrono::steady_clock::now();
        on.server.stop();
        CHECK(std::chrono::steady_clock::now() - begin < 6s);
        CHECK(on.handler.seen.cancelled_runs == 2);
        CHECK(deaf.is_closed_within(1s));
    }
    CHECK(on.handler.seen.stops_read == 2);
    CHECK(on.handler.seen.made == 0);
    CHECK(polite.is_closed_within(1s));
    CHECK(polite.received() == "why: the server stops");
    CHECK(local.is_closed_within(1s));
    CHECK(local.received() == "why: the server stops");
}

TEST_CASE("an upgrade that throws, or closes, ends its own connection only") {
    upgrading on;
    for (auto const* what : {"/throw", "/close"}) {
        auto client = on.connect();
        client.send(asking(what));
        CHECK(switched(client).status_code == 101);
        CHECK(client.is_closed_within(5s));
    }
    CHECK(on.is_over());
    CHECK(on.connect().request("GET", "/x").body == "plain");
}

TEST_CASE("all that an upgrade wrote arrives, also if the client still sends when it ends") {
    upgrading on;
    for (int i = 0; i < 20; ++i) {
        auto client = on.connect();
        client.send(asking("/say") + std::string(100'000, 'u'));
        CHECK(switched(client).status_code == 101);
        client.send(std::string(100'000, 'v'));
        CHECK(client.is_closed_within(5s));
        CHECK(client.received() == std::string(200'000, 's'));
    }
}

TEST_CASE("upgraded connections count as connections and as streams") {
    auto options = quick();
    options.limits.connections_max = 3;
    options.limits.streams_max = 2;
    options.limits.idle_spared = 10ms;
    upgrading on(options);
    auto first = on.connect();
    first.send(asking("/echo"));
    CHECK(switched(first).status_code == 101);
    auto second = on.connect();
    second.send(asking("/echo"));
    CHECK(switched(second).status_code == 101);
    auto third = on.connect();
    third.send(asking("/echo"));
    CHECK(third.read_reply().status_code == 503);
    CHECK(third.is_closed_within(5s));
    CHECK(on.handler.seen.run == 2);
    CHECK(eventually([&] { return on.server.server().connection_count() == 2; }));
    CHECK(on.connect().request("GET", "/x").body == "plain");
    CHECK(eventually([&] { return on.server.server().connection_count() == 2; }));
    std::this_thread::sleep_for(50ms);
    auto idle = on.connect();
    CHECK(idle.request("GET", "/x").body == "plain");
    std::this_thread::sleep_for(50ms);
    CHECK(on.connect().request("GET", "/x").body == "plain");  // the idle one makes room, not those handed over
    first.send("first");
    CHECK(first.read_until("first"));
    second.send("second");
    CHECK(second.read_until("second"));
}
