// The server over loopback and unix sockets: what it answers and how it ends.
#include "support/catch.hpp"
#include "support/http_test_handler.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

using namespace rik;
using namespace rik::test;

TEST_CASE("a request is answered, and the next one on the same connection") {
    fixture on;
    auto client = on.connect();
    auto const first = client.request("GET", "/a%2Fb/c%20d/?x=1+2&y&z=%26");
    CHECK(first.status_code == 200);
    CHECK(first.body == "GET|a/b|c d?x=1 2?y=?z=&#");
    CHECK(first.has_header("Content-Type: text/plain\r\n"));
    CHECK(first.has_header("Date: "));
    CHECK(client.request("POST", "/", "body").body == "POST#body");
    CHECK(client.request("GET", "/none").status_code == 204);
    CHECK_FALSE(client.request("GET", "/none").has_header("Content-Length"));
}

TEST_CASE("HEAD gets the head that GET has, and no body") {
    fixture on;
    auto client = on.connect();
    CHECK(client.request("HEAD", "/x").has_header("Content-Length: 7\r\n"));
    CHECK(client.request("HEAD", "/pieces").has_header("chunked"));
    CHECK(client.request("GET", "/x").body == "GET|x#");
}

TEST_CASE("a target may be absolute, a wrong one is refused") {
    fixture on;
    CHECK(on.connect().request("GET", "http://localhost/x?y=z").body == "GET|x?y=z#");
    CHECK(on.connect().request("GET", "http://localhost").body == "GET#");
    CHECK(on.connect().request("GET", "/gr%C3%B6%C3%9Fe?%E2%82%AC=%F0%9F%98%80").status_code == 200);
    for (auto const* wrong : {"/%", "/%2", "/%zz", "/%00", "/?a=%g1", "x", "/%ff", "/?%ff=1", "/?a=%c3", "/%c0%af",
                              "/%ed%a0%80", "/%f4%90%80%80", "/%e0%80%80"})
        CHECK(on.connect().request("GET", wrong).status_code == 400);
}

TEST_CASE("HTTP/1.0 is served and its connection is closed, unless it asks otherwise") {
    fixture on;
    auto client = on.connect();
    client.send("GET /x HTTP/1.0\r\n\r\n");
    auto const reply = client.read_reply();
    CHECK(reply.body == "GET|x#");
    CHECK(reply.has_header("Connection: close"));
    CHECK(client.is_closed_within(5s));

    auto kept = on.connect();
    kept.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(kept.read_reply().has_header("Connection: keep-alive"));
    CHECK(kept.request("GET", "/y").status_code == 200);

    auto streamed = on.connect();
    streamed.send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(streamed.is_closed_within(5s));
    CHECK(streamed.received().ends_with("\r\n\r\nxxxxxxxxxxxxxxx"));
}

TEST_CASE("requests in one packet are answered in order") {
    fixture on;
    auto client = on.connect();
    std::string all;
    for (int i = 0; i < 50; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(all);
    for (int i = 0; i < 50; ++i) CHECK(client.read_reply().body == "GET|" + std::to_string(i) + "#");
}

TEST_CASE("a large body and a stream arrive whole, and the connection goes on") {
    fixture on;
    auto client = on.connect();
    CHECK(client.request("GET", "/big").body.size() == 3u << 20);
    auto const streamed = client.request("GET", "/pieces");
    CHECK(streamed.body == std::string(15, 'x'));
    CHECK(streamed.is_whole);
    CHECK(client.request("GET", "/x").status_code == 200);
}

namespace {

http_options on_both() {
    auto options = on_loopback();
    options.local = unix_address{fresh_path("both.sock")};
    return options;
}

}  // namespace

TEST_CASE("a stream ends as soon as its client has gone") {
    auto const options = on_both();
    fixture on(options);
    for (int i = 0; i < 20; ++i) {
        http_client client(options.local->path);
        client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        CHECK(client.read_until("begin"));
        CHECK(on.handler.open_streams == 1);
        client.close();
        CHECK(eventually([&] { return on.handler.open_streams == 0; }, 1s));
    }
}

TEST_CASE("over TCP a quiet stream ends when the system of a client that has gone says so") {
    fixture on;
    auto client = on.connect();
    int const seconds = 1;  // for the client's system to forget a connection that it closed
    REQUIRE(::setsockopt(client.fd(), IPPROTO_TCP, TCP_LINGER2, &seconds, sizeof seconds) == 0);
    client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.read_until("begin"));
    client.close();
    CHECK(eventually([&] { return on.handler.open_streams == 0; }, 15s));

    auto reset = on.connect();
    linger const at_once{1, 0};
    REQUIRE(::setsockopt(reset.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    reset.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(reset.read_until("begin"));
    reset.close();
    CHECK(eventually([&] { return on.handler.open_streams == 0; }, 1s));
}

TEST_CASE("a client that sends no more still gets the whole stream") {
    auto const options = on_both();
    fixture on(options);
    for (int i = 0; i < 100; ++i) {
        auto client = i % 2 == 0 ? http_client(on.server.address()) : http_client(options.local->path);
        client.send("GET /pieces HTTP/1.1\r\nHost: localhost\r\n\r\n");
        ::shutdown(client.fd(), SHUT_WR);
        auto const reply = client.read_reply();
        CHECK(reply.is_whole);
        CHECK(reply.body == std::string(15, 'x'));
        CHECK(client.is_closed_within(5s));
    }
    http_client follower(options.local->path);
    follower.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    ::shutdown(follower.fd(), SHUT_WR);
    CHECK(follower.read_until("begin"));
    CHECK_FALSE(follower.is_closed_within(300ms));
    CHECK(on.handler.open_streams == 1);
    follower.close();
    CHECK(eventually([&] { return on.handler.open_streams == 0; }, 1s));
}

TEST_CASE("stopping lets open requests end, and ends idle connections and streams at once") {
    fixture on;
    auto idle = on.connect();
    CHECK(idle.request("GET", "/x").status_code == 200);
    auto stream = on.connect();
    stream.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(stream.read_until("begin"));
    auto slow = on.connect();
    slow.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(eventually([&] { return on.handler.count == 3; }));
    auto const begin = std::chrono::steady_clock::now();
    on.server.stop();
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
    auto const reply = slow.read_reply();
    CHECK(reply.body == "GET|slow#");
    CHECK(reply.has_header("Connection: close"));
    CHECK(idle.is_closed_within(1s));
    CHECK(stream.is_closed_within(1s));
    CHECK(on.handler.open_streams == 0);
    CHECK_THROWS(on.connect());
}

TEST_CASE("stopping lets a list that is being sent end") {
    fixture on;
    auto reader = on.connect();
    reader.send("GET /list HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(reader.read_until("xxxx"));
    std::thread stopper([&] { on.server.stop(); });
    auto const reply = reader.read_reply();
    stopper.join();
    CHECK(reply.is_whole);
    CHECK(reply.body.size() == 300 * (64u << 10));
}

TEST_CASE("a request that does not end is cut off when the grace is over") {
    fixture on(impatient());
    auto stuck = on.connect();
    stuck.send("GET /stuck HTTP/1.1\r\nHost: localhost\r\n\r\n");
    auto partial = on.connect();
    partial.send("GET /x HTT");
    CHECK(eventually([&] { return on.handler.count == 1; }));
    auto const begin = std::chrono::steady_clock::now();
    on.server.stop();
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    CHECK(stuck.is_closed_within(1s));
    CHECK(partial.is_closed_within(1s));
}

TEST_CASE("a socket file has its mode, is replaced when nobody answers, and is removed at the end") {
    threads on;
    system_clock time;
    test_handler handler(time);
    http_options options;
    options.local = unix_address{fresh_path("http.sock"), "root"};
    auto const path = options.local->path;
    {
        running_server server(on, time, handler, options);
        struct stat found {};
        REQUIRE(::stat(path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777) == 0660);
        CHECK(http_client(path).request("GET", "/x").status_code == 200);
        auto const second = http_server::open(on.io.get_executor(), time, handler, options, rik::log());
        REQUIRE_FALSE(second.has_value());
        CHECK(second.error().code == errc::conflict);
        CHECK(http_client(path).request("GET", "/x").status_code == 200);
    }
    CHECK(::access(path.c_str(), F_OK) != 0);

    asio::io_context io;
    asio::local::stream_protocol::acceptor dead(io, asio::local::stream_protocol::endpoint(path));
    dead.close();
    REQUIRE(::access(path.c_str(), F_OK) == 0);
    running_server again(on, time, handler, options);
    CHECK(http_client(path).request("GET", "/x").status_code == 200);
}

TEST_CASE("addresses that cannot be listened on are errors") {
    threads on;
    system_clock time;
    test_handler handler(time);
    auto const code = [&](http_options const& options) {
        auto const opened = http_server::open(on.io.get_executor(), time, handler, options, rik::log());
        return opened ? errc::internal : opened.error().code;
    };
    http_options options;
    options.local = unix_address{fresh_path("file")};
    std::ofstream(options.local->path) << "precious";
    CHECK(code(options) == errc::conflict);
    CHECK(::access(options.local->path.c_str(), F_OK) == 0);
    ::unlink(options.local->path.c_str());
    options.local->path = fresh_path("missing") + "/rik.sock";
    auto const missing = http_server::open(on.io.get_executor(), time, handler, options, rik::log());
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().code == errc::invalid);
    CHECK_FALSE(missing.error().remedy.empty());
    options.local->path = "/tmp/" + std::string(200, 'x');
    CHECK(code(options) == errc::invalid);

    fixture first;
    auto taken = on_loopback();
    taken.tcp[0].port = first.server.address().port;
    CHECK(code(taken) == errc::conflict);
    CHECK_FALSE(http_server::open(on.io.get_executor(), time, handler, taken, rik::log()).error().remedy.empty());
    taken.tcp[0].host = "not.an.address";
    CHECK(code(taken) == errc::invalid);
}

TEST_CASE("addresses are read as people write them") {
    auto const read = [](std::string_view text) { return parse_tcp_address(text); };
    CHECK(read("127.0.0.1:5000")->port == 5000);
    CHECK(read("[::1]:80")->host == "::1");
    CHECK(read("localhost:0")->host == "localhost");
    CHECK(read("5000")->host == "127.0.0.1");
    CHECK(read(":5000")->host.empty());
    for (auto const* wrong : {"", "x", "1.2.3.4", "1.2.3.4:99999", "1.2.3.4:5x", "::1:80", "host.example:80"})
        CHECK_FALSE(read(wrong).has_value());
}

TEST_CASE("many clients at once all get their own replies") {
    fixture on;
    std::atomic<int> right = 0;
    std::vector<std::thread> clients;
    for (int client = 0; client < 32; ++client)
        clients.emplace_back([&, client] {
            auto connection = on.connect();
            for (int i = 0; i < 100; ++i) {
                auto const name = std::to_string(client) + "-" + std::to_string(i);
                if (connection.request("POST", "/" + name, "body of " + name).body ==
                    "POST|" + name + "#body of " + name)
                    ++right;
            }
        });
    for (auto& each : clients) each.join();
    CHECK(right == 3200);
}
