// The server over loopback and unix sockets: what it answers, what it refuses, how it ends.
#include "support/catch.hpp"
#include "support/http_client.hpp"
#include "support/http_fixture.hpp"

#include <rik/async/notifier.hpp>

#include <boost/asio/this_coro.hpp>

#include <sys/stat.h>

#include <fstream>
#include <thread>

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;

namespace {

/// Sends one piece, then nothing until it is destroyed.
class endless_source final : public body_source {
public:
    endless_source(asio::any_io_executor strand, std::atomic<int>& open) : open_(open), never_(std::move(strand)) {
        ++open_;
    }
    ~endless_source() override { --open_; }
    awaitable<result<std::string>> next() override {
        if (std::exchange(has_begun_, true)) co_await never_.wait();
        co_return std::string("begin\n");
    }

private:
    std::atomic<int>& open_;
    bool has_begun_ = false;
    notifier never_;
};

/// `count` pieces of `size` bytes; throws after them if told to.
class counted_source final : public body_source {
public:
    counted_source(int count, std::size_t size, bool throws) : count_(count), size_(size), throws_(throws) {}
    awaitable<result<std::string>> next() override {
        if (count_-- > 0) co_return std::string(size_, 'x');
        if (throws_) throw std::runtime_error("a defect of the source");
        co_return std::string();
    }

private:
    int count_;
    std::size_t size_;
    bool throws_;
};

class test_handler final : public http_handler {
public:
    explicit test_handler(rik::clock& time) : time_(time) {}

    awaitable<http_response> handle(http_request request) override {
        ++count;
        auto const what = request.path.empty() ? std::string() : request.path.front();
        if (what == "throw") throw std::runtime_error("a defect of the handler");
        if (what == "slow") co_await time_.sleep_for(300ms);
        if (what == "stuck") co_await time_.sleep_for(1h);
        if (what == "none") co_return make_response(204, "", "");
        if (what == "big") co_return make_response(200, "text/plain", std::string(3u << 20, 'b'));
        if (what == "injected") co_return injected(request);
        if (what == "stream") co_return co_await endless();
        if (what == "pieces") co_return pieces(3, 5, false);
        if (what == "flood") co_return pieces(1'000'000, 64u << 10, false);
        if (what == "broken") co_return pieces(2, 5, true);
        co_return make_response(200, "text/plain", describe(request));
    }

    std::atomic<int> count = 0;
    std::atomic<int> open_streams = 0;

private:
    static std::string describe(http_request const& request) {
        auto text = request.method;
        for (auto const& each : request.path) text += "|" + each;
        for (auto const& each : request.query) text += "?" + each.name + "=" + each.value;
        return text + "#" + request.body;
    }
    static http_response injected(http_request const& request) {
        auto response = make_response(200, "text/plain", "");
        response.headers.push_back({"X-Echo", std::string(request.parameter("value").value_or(""))});
        return response;
    }
    awaitable<http_response> endless() {
        auto const strand = co_await asio::this_coro::executor;
        auto response = make_response(200, "text/plain", "");
        response.stream = std::make_unique<endless_source>(strand, open_streams);
        co_return response;
    }
    static http_response pieces(int number, std::size_t size, bool throws) {
        auto response = make_response(200, "text/plain", "");
        response.stream = std::make_unique<counted_source>(number, size, throws);
        return response;
    }

    rik::clock& time_;
};

struct fixture {
    explicit fixture(http_options options = on_loopback()) : handler(time), server(on, time, handler, options) {}

    http_client connect() { return http_client(server.address()); }

    threads on{2};
    system_clock time;
    test_handler handler;
    running_server server;
};

http_options impatient() {
    auto options = on_loopback();
    options.limits.header_timeout = 200ms;
    options.limits.body_timeout = 200ms;
    options.limits.write_timeout = 200ms;
    options.limits.idle_timeout = 200ms;
    options.limits.stop_grace = 500ms;
    options.limits.check_period = 20ms;
    return options;
}

}  // namespace

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
    for (auto const* wrong : {"/%", "/%2", "/%zz", "/%00", "/?a=%g1", "x"})
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

TEST_CASE("a large body and a stream arrive whole, and the connection goes on") {
    fixture on;
    auto client = on.connect();
    CHECK(client.request("GET", "/big").body.size() == 3u << 20);
    auto const streamed = client.request("GET", "/pieces");
    CHECK(streamed.body == std::string(15, 'x'));
    CHECK(streamed.is_whole);
    CHECK(client.request("GET", "/x").status_code == 200);
}

TEST_CASE("a stream ends as soon as its client has gone") {
    fixture on;
    for (int i = 0; i < 20; ++i) {
        auto client = on.connect();
        client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        CHECK(client.read_until("begin"));
        CHECK(on.handler.open_streams == 1);
        client.close();
        CHECK(eventually([&] { return on.handler.open_streams == 0; }, 1s));
    }
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
    options.local->path = "/tmp/" + std::string(200, 'x');
    CHECK(code(options) == errc::invalid);

    fixture first;
    auto taken = on_loopback();
    taken.tcp[0].port = first.server.address().port;
    CHECK(code(taken) == errc::conflict);
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
