// The server and clients that are wrong, slow or hostile.
#include "support/catch.hpp"
#include "support/http_test_handler.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <sys/resource.h>

#include <thread>

using namespace rik;
using namespace rik::test;

TEST_CASE("a chunked body arrives whole, a badly chunked one is refused") {
    fixture on;
    std::string const head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    auto client = on.connect();
    client.send(head + "3\r\nabc\r\n");
    std::this_thread::sleep_for(20ms);
    client.send("2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n");
    CHECK(client.read_reply().body == "POST#abcde");
    for (auto const* wrong :
         {"zz\r\nabc\r\n", "-1\r\nabc\r\n", "3\r\nabcd\r\n0\r\n\r\n", "ffffffffffffffffff\r\nabc"}) {
        auto other = on.connect();
        other.send(head + wrong);
        CHECK(other.read_reply().status_code == 400);
        CHECK(other.is_closed_within(5s));
    }
}

TEST_CASE("what could smuggle a request is refused") {
    fixture on;
    for (auto const* headers :
         {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 3\r\nContent-Length: 4\r\n",
          "Content-Length: -1\r\n", "Content-Length: 3x\r\n", "Host: other\r\n", "Bad Name: x\r\n"}) {
        auto client = on.connect();
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n0\r\n\r\n");
        CHECK(client.read_reply().status_code == 400);
        CHECK(client.is_closed_within(5s));
    }
    auto encoded = on.connect();
    encoded.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    CHECK(encoded.read_reply().status_code == 501);
    auto nameless = on.connect();
    nameless.send("GET / HTTP/1.1\r\n\r\n");
    CHECK(nameless.read_reply().status_code == 400);
    CHECK(on.handler.count == 0);
}

TEST_CASE("a header or a body that is too large is refused, and the client learns it") {
    auto options = on_loopback();
    options.limits.header_bytes_max = 4096;
    options.limits.body_bytes_max = 100'000;
    fixture on(options);
    CHECK(on.connect().request("GET", "/", "", "X: " + std::string(5000, 'x') + "\r\n").status_code == 431);
    CHECK(on.connect().request("GET", "/?" + std::string(100'000, 'q')).status_code == 431);
    std::string many;
    for (int i = 0; i < 200; ++i) many += "X: y\r\n";
    CHECK(on.connect().request("GET", "/", "", many).status_code == 431);
    CHECK(on.connect().request("POST", "/", std::string(100'000, 'b')).body.size() == 100'005);
    CHECK(on.connect().request("POST", "/", std::string(3u << 20, 'b')).status_code == 413);

    auto chunked = on.connect();
    chunked.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1e8480\r\n" +
                 std::string(200'000, 'c'));
    CHECK(chunked.read_reply().status_code == 413);
    auto endless_line = on.connect();
    endless_line.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;" +
                      std::string(50'000, 'e'));
    CHECK(endless_line.read_reply().status_code == 400);
}

TEST_CASE("junk is refused and harms nobody else") {
    fixture on;
    for (int seed = 0; seed < 100; ++seed) {
        auto client = on.connect();
        std::string junk;
        for (int i = 0; i < 300; ++i) junk += static_cast<char>((seed * 7919 + i * 104729 + i * i * 31) >> 3);
        client.send(junk + "\r\n\r\n");
        auto const status = client.read_reply().status_code;
        CHECK((status == 400 || status == 505));
    }
    CHECK(on.connect().request("GET", "/x").status_code == 200);
}

TEST_CASE("a client that sends slowly is told so and cut off") {
    fixture on(impatient());
    auto begun = on.connect();
    begun.send("GET /x HT");
    CHECK(begun.read_reply().status_code == 408);
    CHECK(begun.is_closed_within(5s));

    auto drop_by_drop = on.connect();
    for (int i = 0; i < 100; ++i) {
        if (!drop_by_drop.send("G")) break;
        std::this_thread::sleep_for(10ms);
    }
    CHECK(drop_by_drop.read_reply().status_code == 408);

    auto bodiless = on.connect();
    bodiless.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(bodiless.read_reply().status_code == 408);

    auto silent = on.connect();
    CHECK(silent.is_closed_within(5s));
    CHECK(silent.received().empty());

    auto idle = on.connect();
    CHECK(idle.request("GET", "/x").status_code == 200);
    CHECK(idle.is_closed_within(5s));
    CHECK(idle.received().empty());
    CHECK(eventually([&] { return on.server.server().connection_count() == 0; }));
}

TEST_CASE("a client that does not read is cut off") {
    fixture on(impatient());
    auto client = on.connect();
    client.send("GET /flood HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.read_until("HTTP/1.1 200"));
    CHECK(eventually([&] { return on.server.server().connection_count() == 0; }));
}

TEST_CASE("100 Continue is sent to who waits for it, and not before a refusal") {
    auto options = on_loopback();
    options.limits.body_bytes_max = 10;
    fixture on(options);
    auto client = on.connect();
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    CHECK(client.read_reply().status_code == 100);
    client.send("body");
    CHECK(client.read_reply().body == "POST#body");
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 40\r\n\r\n");
    CHECK(client.read_reply().status_code == 413);
}

TEST_CASE("names that are not ours and pages of others are refused over TCP") {
    auto options = on_loopback();
    options.local = unix_address{fresh_path("guard.sock")};
    options.host_names = {"rik.example"};
    options.origins = {"https://console.example"};
    fixture on(options);
    auto const status = [&](std::string const& headers) {
        auto client = on.connect();
        client.send("GET /x HTTP/1.1\r\n" + headers + "\r\n");
        return client.read_reply().status_code;
    };
    for (auto const* fine : {"127.0.0.1:5000", "[::1]:5000", "LOCALHOST", "rik.example:80", "10.1.2.3"})
        CHECK(status("Host: " + std::string(fine) + "\r\n") == 200);
    for (auto const* wrong :
         {"evil.example", "localhost.evil.example:5000", "127.0.0.1.evil.example", "[::1", "localhost:x"})
        CHECK(status("Host: " + std::string(wrong) + "\r\n") == 403);
    CHECK(status("Host: localhost:5000\r\nOrigin: http://localhost:5000\r\n") == 200);
    CHECK(status("Host: localhost\r\nOrigin: https://console.example\r\n") == 200);
    CHECK(status("Host: localhost:5000\r\nOrigin: http://localhost:6000\r\n") == 403);
    CHECK(status("Host: localhost\r\nOrigin: http://evil.example\r\n") == 403);
    CHECK(status("Host: localhost\r\nOrigin: null\r\n") == 403);

    http_client local(options.local->path);
    local.send("GET /x HTTP/1.1\r\nHost: anything.example\r\n\r\n");
    CHECK(local.read_reply().status_code == 200);
}

TEST_CASE("an exception of a handler or a stream ends one request only") {
    fixture on;
    auto client = on.connect();
    CHECK(client.request("GET", "/throw").status_code == 500);
    CHECK(client.request("GET", "/x").status_code == 200);
    auto const broken = client.request("GET", "/broken");
    CHECK(broken.status_code == 200);
    CHECK(broken.body == "xxxxxxxxxx");
    CHECK_FALSE(broken.is_whole);
    CHECK(on.connect().request("GET", "/x").status_code == 200);
}

TEST_CASE("a field's value cannot become another field") {
    fixture on;
    auto const reply = on.connect().request("GET", "/injected?value=a%0D%0ASet-Cookie:%20b");
    CHECK(reply.status_code == 200);
    CHECK_FALSE(reply.has_header("\r\nSet-Cookie"));
}

TEST_CASE("what a client sends while it is streamed to is answered afterwards, and bounded") {
    fixture on;
    auto patient = on.connect();
    patient.send("GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\nGET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(patient.read_reply().is_whole);
    CHECK(patient.read_reply().body == "GET|x#");
    auto flooding = on.connect();
    flooding.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(flooding.read_until("begin"));
    flooding.send(std::string(100'000, 'x'));
    CHECK(eventually([&] { return on.handler.open_streams == 0; }));
}

TEST_CASE("over the limit of connections the client is told so") {
    auto options = on_loopback();
    options.limits.connections_max = 4;
    fixture on(options);
    std::vector<std::unique_ptr<http_client>> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(std::make_unique<http_client>(on.server.address()));
        CHECK(held.back()->request("GET", "/x").status_code == 200);
    }
    auto refused = on.connect();
    CHECK(refused.read_reply().status_code == 503);
    CHECK(refused.is_closed_within(5s));
    held.clear();
    CHECK(eventually([&] { return on.server.server().connection_count() == 0; }));
    CHECK(on.connect().request("GET", "/x").status_code == 200);
}

TEST_CASE("whoever keeps connections idle makes room for others") {
    auto options = on_loopback();
    options.limits.connections_max = 4;
    options.limits.idle_spared = 100ms;
    fixture on(options);
    std::vector<std::unique_ptr<http_client>> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(std::make_unique<http_client>(on.server.address()));
        CHECK(held.back()->request("GET", "/x").status_code == 200);
        std::this_thread::sleep_for(100ms);  // the server's threads note each in its turn
    }
    std::this_thread::sleep_for(300ms);
    CHECK(held[1]->request("GET", "/x").status_code == 200);  // it is idle for the shortest time
    CHECK(on.connect().request("GET", "/x").status_code == 200);
    CHECK(held[0]->is_closed_within(5s));
    CHECK(held[1]->request("GET", "/x").status_code == 200);
}

TEST_CASE("clients over TCP cannot lock out those of the unix socket") {
    auto options = on_loopback();
    options.local = unix_address{fresh_path("admin.sock")};
    options.limits.connections_max = 4;
    fixture on(options);
    std::vector<std::unique_ptr<http_client>> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(std::make_unique<http_client>(on.server.address()));
        CHECK(held.back()->request("GET", "/x").status_code == 200);
    }
    CHECK(on.connect().read_reply().status_code == 503);
    CHECK(http_client(options.local->path).request("GET", "/x").status_code == 200);
}

TEST_CASE("streams leave room for short requests") {
    auto options = on_loopback();
    options.limits.streams_max = 2;
    fixture on(options);
    std::vector<std::unique_ptr<http_client>> watching;
    for (int i = 0; i < 2; ++i) {
        watching.push_back(std::make_unique<http_client>(on.server.address()));
        watching.back()->send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        CHECK(watching.back()->read_until("begin"));
    }
    auto refused = on.connect();
    CHECK(refused.request("GET", "/stream").status_code == 503);
    auto brief = on.connect();  // the refused one was closed, and holds no place
    CHECK(brief.request("GET", "/x").status_code == 200);
    CHECK(brief.request("GET", "/list").is_whole);  // it ends by itself
    CHECK(on.handler.open_streams == 2);
    on.server.stop();
}

namespace {

class counting_sink final : public log_sink {
public:
    void write(log_level, std::string_view, std::span<log_field const>) override { ++count; }
    std::atomic<int> count = 0;
};

}  // namespace

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at memory through a pipe, for which there is no descriptor here either
TEST_CASE("that no connection can be accepted is said once, until it works again") {
    counting_sink said;
    threads on{2};
    system_clock time;
    test_handler handler(time);
    running_server server(on, time, handler, on_loopback(), rik::log(said));
    http_client first(server.address());
    CHECK(first.request("GET", "/x").status_code == 200);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    asio::io_context io;
    asio::ip::tcp::socket waiting(io, asio::ip::tcp::v4());
    rlimit const none{0, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    waiting.connect({asio::ip::make_address("127.0.0.1"), server.address().port});
    std::this_thread::sleep_for(500ms);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(http_client(server.address()).request("GET", "/x").status_code == 200);
    server.stop();
    CHECK(said.count == 2);
}
#endif
