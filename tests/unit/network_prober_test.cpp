// Probes against servers of every kind of ill will.
#include "support/catch.hpp"
#include "support/prober_fixture.hpp"

#include <chrono>
#include <ctime>
#include <string>
#include <vector>

#include <sys/socket.h>

using namespace rik;
using namespace rik::detail;
using namespace rik::testing;

namespace {

using socket_type = asio::ip::tcp::socket;

awaitable<> sleep(duration length) {
    system_clock time;
    co_await time.sleep_for(length);
}

/// Answers every request with `text`.
probed_server::behaviour answering(std::string text) {
    return [text = std::move(text)](socket_type& over) -> awaitable<> {
        co_await read_head(over);
        co_await send(over, text);
    };
}

std::string with_status(int status) {
    return "HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Length: 2\r\n\r\nok";
}

std::string redirect_to(std::string const& location) {
    return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
}

/// Keeps every request.
probed_server::behaviour recording(std::vector<std::string>& into, std::string text) {
    return [&into, text = std::move(text)](socket_type& over) -> awaitable<> {
        into.push_back(co_await read_head(over));
        co_await send(over, text);
    };
}

awaitable<> never_answer(socket_type& over) {
    co_await read_head(over);
    co_await sleep(long_time);
}

awaitable<> answer_without_end(socket_type& over) {
    co_await read_head(over);
    co_await send(over, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 10'000; ++i) {
        co_await send(over, std::string(1'000, 'x'));
        co_await sleep(1ms);
    }
}

awaitable<> answer_and_hang(socket_type& over) {
    co_await read_head(over);
    co_await send(over, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    co_await sleep(long_time);
}

awaitable<> answer_slowly(socket_type& over) {
    co_await read_head(over);
    for (auto const c : with_status(200)) {
        co_await send(over, std::string(1, c));
        co_await sleep(1ms);
    }
}

awaitable<> answer_slowly_without_reason(socket_type& over) {
    co_await read_head(over);
    for (auto const c : std::string("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok")) {
        co_await send(over, std::string(1, c));
        co_await sleep(1ms);
    }
}

awaitable<> close_at_once(socket_type&) { co_return; }

awaitable<> long_head(socket_type& over) {
    co_await read_head(over);
    co_await send(over, "HTTP/1.1 200 OK\r\nX-Long: " + std::string(100'000, 'x') + "\r\n\r\n");
}

duration processor_time() {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::uint16_t unused_port(asio::io_context& context) {
    asio::ip::tcp::acceptor taken(context, {asio::ip::make_address("127.0.0.1"), 0});
    return taken.local_endpoint().port();
}

/// Accepts nothing, and its queue is full: what comes after that hears nothing at all.
class black_hole {
public:
    explicit black_hole(asio::io_context& context) : listening_(context, asio::ip::tcp::v4()) {
        listening_.bind({asio::ip::make_address("127.0.0.1"), 0});
        listening_.listen(0);
        for (int i = 0; i < 4; ++i) {
            auto& one = waiting_.emplace_back(context, asio::ip::tcp::v4());
            one.native_non_blocking(true);
            auto const to = listening_.local_endpoint();
            auto const begun = ::connect(one.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
            (void)begun;  // it is under way; Asio would wait for it
        }
    }
    std::uint16_t port() const { return listening_.local_endpoint().port(); }

private:
    asio::ip::tcp::acceptor listening_;
    std::vector<asio::ip::tcp::socket> waiting_;
};

}  // namespace

TEST_CASE_METHOD(prober_fixture, "a probe by TCP tells whether the port is open", "[prober]") {
    probed_server server(context, never_answer);
    auto const open = ask(tcp_action{.port = server.port()});
    REQUIRE(open.has_value());
    CHECK(open->success);
    auto const closed = ask(tcp_action{.port = unused_port(context)});
    REQUIRE(closed.has_value());
    CHECK(*closed == probe_answer{false, "the connection was refused"});
    auto const named = ask(tcp_action{.port = server.port(), .host = "localhost"});
    REQUIRE(named.has_value());
    CHECK(named->success);
    testing::run(context, server.stop());
}

TEST_CASE_METHOD(prober_fixture, "an answer need not have a reason phrase, nor a blank before it", "[prober]") {
    for (auto const* const line : {"HTTP/1.1 200\r\n", "HTTP/1.0 200\r\n", "HTTP/1.1 200 \r\n"}) {
        for (auto const* const early : {"", "HTTP/1.1 103\r\n\r\n"}) {
            INFO(line << early);
            auto const answer = http_answer_of(answering(std::string(early) + line + "Content-Length: 2\r\n\r\nok"));
            REQUIRE(answer.has_value());
            CHECK(*answer == probe_answer{true, "HTTP 200"});
        }
    }
    CHECK(http_answer_of(answer_slowly_without_reason)->success);
    auto const refused = http_answer_of(answering("HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n"));
    CHECK(*refused == probe_answer{false, "HTTP 503"});
    CHECK_FALSE(http_answer_of(answering("HTTP/1.1 20\r\nContent-Length: 0\r\n\r\n"))->success);
}

TEST_CASE_METHOD(prober_fixture, "200 to 399 is success by HTTP and the rest is not", "[prober]") {
    for (auto const status : {200, 204, 299, 300, 304, 399}) {
        INFO(status);
        auto const answer = http_answer_of(answering(with_status(status)));
        REQUIRE(answer.has_value());
        CHECK(*answer == probe_answer{true, "HTTP " + std::to_string(status)});
    }
    for (auto const status : {101, 400, 404, 500, 503, 999}) {
        INFO(status);
        auto const answer = http_answer_of(answering(with_status(status)));
        REQUIRE(answer.has_value());
        CHECK(*answer == probe_answer{false, "HTTP " + std::to_string(status)});
    }
}

TEST_CASE_METHOD(prober_fixture, "an answer before the real one does not count", "[prober]") {
    auto const alone = http_answer_of(answering("HTTP/1.1 199 Early\r\n\r\n"));
    REQUIRE(alone.has_value());
    CHECK_FALSE(alone->success);
    auto const both = http_answer_of(answering("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + with_status(404)));
    REQUIRE(both.has_value());
    CHECK(*both == probe_answer{false, "HTTP 404"});
    std::string many;
    for (int i = 0; i < 10; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
    auto const endless = http_answer_of(answering(many));
    REQUIRE(endless.has_value());
    CHECK(*endless == probe_answer{false, "it answers with 1xx again and again"});
}

TEST_CASE_METHOD(prober_fixture, "what does not answer in time has failed", "[prober]") {
    black_hole hole(context);
    auto const nowhere = ask(tcp_action{.port = hole.port()}, 50ms);
    REQUIRE(nowhere.has_value());
    CHECK(*nowhere == probe_answer{false, "there was no answer in time"});
    auto const slow = http_answer_of(never_answer, 50ms);
    REQUIRE(slow.has_value());
    CHECK(*slow == probe_answer{false, "there was no answer in time"});
    auto const slow_head = http_answer_of(answer_slowly, 20ms);
    REQUIRE(slow_head.has_value());
    CHECK_FALSE(slow_head->success);
    auto const in_time = http_answer_of(answer_slowly);
    REQUIRE(in_time.has_value());
    CHECK(in_time->success);
}

TEST_CASE_METHOD(prober_fixture, "a body is not waited for longer than it is worth", "[prober]") {
    auto const begun = time.now();
    auto const endless = http_answer_of(answer_without_end);
    REQUIRE(endless.has_value());
    CHECK(endless->success);
    auto const hanging = http_answer_of(answer_and_hang, 200ms);
    REQUIRE(hanging.has_value());
    CHECK(hanging->success);
    auto const huge = http_answer_of(answering("HTTP/1.1 500 No\r\nContent-Length: 1000000000\r\n\r\n"));
    REQUIRE(huge.has_value());
    CHECK(*huge == probe_answer{false, "HTTP 500"});
    auto const no_chunks = http_answer_of(answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz"));
    REQUIRE(no_chunks.has_value());
    CHECK(no_chunks->success);
    CHECK(time.now() - begun < 1s);
}

TEST_CASE_METHOD(prober_fixture, "what is no HTTP has failed", "[prober]") {
    for (auto const* const text : {"SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0garbage\r\n\r\n", "HTTP/9 yes\r\n\r\n"}) {
        auto const answer = http_answer_of(answering(text));
        REQUIRE(answer.has_value());
        CHECK_FALSE(answer->success);
        CHECK_FALSE(answer->message.empty());
    }
    auto const closing = http_answer_of(close_at_once);
    REQUIRE(closing.has_value());
    CHECK_FALSE(closing->success);
    auto const too_long = http_answer_of(long_head);
    REQUIRE(too_long.has_value());
    CHECK(*too_long == probe_answer{false, "the head of its answer is too long"});
    auto const half = http_answer_of(answering("HTTP/1.1 200 OK\r\nContent-"));
    REQUIRE(half.has_value());
    CHECK_FALSE(half->success);
}

TEST_CASE_METHOD(prober_fixture, "headers are sent as they are given", "[prober]") {
    std::vector<std::string> requests;
    probed_server server(context, recording(requests, with_status(200)));
    http_action const plain{.port = server.port(), .path = "healthz?full=1 2#part"};
    REQUIRE(ask(plain)->success);
    CHECK(requests[0] == "GET /healthz?full=1%202 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                             "\r\nUser-Agent: rik-probe/0.1\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    http_action const own{
        .port = server.port(),
        .path = "/",
        .headers = {{"Host", "example.org"}, {"X-A", "1"}, {"X-A", "2"}, {"accept", ""}, {"User-Agent", "me"}}};
    REQUIRE(ask(own)->success);
    CHECK(requests[1] ==
          "GET / HTTP/1.1\r\nHost: example.org\r\nX-A: 1\r\nX-A: 2\r\nUser-Agent: me\r\nConnection: close\r\n\r\n");
    http_action const smuggled{.port = server.port(), .headers = {{"X-A", "1\r\nX-B: 2"}}};
    auto const refused = ask(smuggled);
    REQUIRE(refused.has_value());
    CHECK_FALSE(refused->success);
    CHECK(requests.size() == 2);
    testing::run(context, server.stop());
}

TEST_CASE_METHOD(prober_fixture, "a redirect to the same host is followed and no other", "[prober]") {
    std::vector<std::string> requests;
    probed_server last(context, recording(requests, with_status(503)));
    auto const there = "http://127.0.0.1:" + std::to_string(last.port()) + "/there";
    auto const followed = http_answer_of(answering(redirect_to(there)));
    REQUIRE(followed.has_value());
    CHECK(*followed == probe_answer{false, "HTTP 503"});
    CHECK(requests.size() == 1);
    auto const foreign = http_answer_of(answering(redirect_to("http://127.0.0.2/there")));
    REQUIRE(foreign.has_value());
    CHECK(foreign->success);
    CHECK(foreign->message.find("127.0.0.2") != std::string::npos);
    auto const nowhere = http_answer_of(answering("HTTP/1.1 302 Found\r\n\r\n"));
    REQUIRE(nowhere.has_value());
    CHECK(nowhere->success);
    auto const round = http_answer_of(answering(redirect_to("/again")));
    REQUIRE(round.has_value());
    CHECK(*round == probe_answer{false, "it redirected more than 10 times"});
    testing::run(context, last.stop());
}

TEST_CASE("a location is resolved as RFC 3986 says", "[prober]") {
    http_place const from{false, "10.0.0.7", 8080, "/a/b?c"};
    auto const target = [&](std::string_view location) { return resolve_location(from, location).value().target; };
    CHECK(target("/x") == "/x");
    CHECK(target("x") == "/a/x");
    CHECK(target("../x/./y/") == "/x/y/");
    CHECK(target("../../../x?y=..") == "/x?y=..");
    CHECK(target("?q") == "/a/b?q");
    CHECK(target(".") == "/a/");
    CHECK(target("") == "/a/b?c");
    CHECK(resolve_location(from, "//h/p") == http_place{false, "h", 80, "/p"});
    CHECK(resolve_location(from, "https://user:word@h") == http_place{true, "h", 443, "/"});
    CHECK(resolve_location(from, "HTTP://[::1]:81?x") == http_place{false, "::1", 81, "/?x"});
    CHECK_FALSE(resolve_location(from, "http://h:99999/").has_value());
    CHECK_FALSE(resolve_location(from, "http://h:0/").has_value());
    CHECK_FALSE(resolve_location(from, "http:///p").has_value());
    CHECK_FALSE(resolve_location(from, "mailto:x").has_value());
}

TEST_CASE_METHOD(prober_fixture, "nothing is left open after an answer, a deadline or a cancellation", "[prober]") {
    probed_server quick(context, answering(with_status(200)));
    probed_server slow(context, never_answer);
    REQUIRE(ask_http(quick)->success);
    auto const before = descriptor_count();
    for (int i = 0; i < 10; ++i) CHECK(ask_http(quick)->success);
    std::vector<result<probe_answer>> answers;
    {
        task_group asking(context.get_executor());
        for (int i = 0; i < 10; ++i) asking.spawn(ask_into(http_action{.port = slow.port()}, 20ms, answers));
        testing::run(context, asking.join());
        CHECK(answers.size() == 10);
        for (int i = 0; i < 10; ++i) asking.spawn(ask_into(http_action{.port = slow.port()}, long_time, answers));
        testing::run(context, sleep(20ms));
        CHECK(descriptor_count() >= before + 20);
        testing::run(context, asking.stop());
        CHECK(answers.size() == 10);
    }
    CHECK(slow.connection_count() == 20);
    testing::run(context, sleep(20ms));
    testing::run(context, slow.stop());
    CHECK(descriptor_count() == before);
    testing::run(context, quick.stop());
}

TEST_CASE_METHOD(prober_fixture, "slow servers do not hold up others, and the count of all is bounded", "[prober]") {
    probed_server slow(context, never_answer);
    probed_server quick(context, answering(with_status(200)));
    std::vector<result<probe_answer>> slow_answers;
    std::vector<result<probe_answer>> quick_answers;
    task_group asking(context.get_executor());
    for (int i = 0; i < 150; ++i) asking.spawn(ask_into(http_action{.port = slow.port()}, 3s, slow_answers));
    auto const begun = time.now();
    for (int i = 0; i < 100; ++i) asking.spawn(ask_into(http_action{.port = quick.port()}, 2s, quick_answers));
    while (quick_answers.size() < 100) testing::run(context, sleep(5ms));
    CHECK(time.now() - begun < 1s);
    for (auto const& each : quick_answers) CHECK((each && each->success));
    for (std::size_t i = 150; i < probes_open_max; ++i)
        asking.spawn(ask_into(http_action{.port = slow.port()}, 3s, slow_answers));
    auto const one_too_many = ask_http(quick);
    REQUIRE_FALSE(one_too_many.has_value());
    CHECK(one_too_many.error().code == errc::exhausted);
    testing::run(context, asking.stop());
    testing::run(context, slow.stop());
    testing::run(context, quick.stop());
}

TEST_CASE_METHOD(prober_fixture, "a probe costs little processor time", "[prober][.bench]") {
    probed_server quick(context, answering(with_status(200)));
    constexpr int count = 2'000;
    auto const report = [&](char const* name, network_probe what) {
        auto const begun = processor_time();
        for (int i = 0; i < count; ++i) REQUIRE(ask(what)->success);
        auto const used = std::chrono::duration<double, std::micro>(processor_time() - begun).count() / count;
        WARN(name << ": " << used << " us with the server's part");
    };
    report("http", http_action{.port = quick.port()});
    report("tcp", tcp_action{.port = quick.port()});
    testing::run(context, quick.stop());
}
