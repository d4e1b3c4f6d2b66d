// Links over gRPC, on loopback.
#include "contract/link_contract.hpp"
#include "contract/stream_contract.hpp"

#include "support/catch.hpp"

#include <rik/link/grpc_link.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

struct scheduler_end {
    explicit scheduler_end(real_loop& on, link_identity own = {})
        : loop(on), server(on.executor(), on.time(), "127.0.0.1:0", std::move(own)) {
        auto const started = server.start();
        if (!started) throw std::runtime_error(to_string(started.error()));
    }
    ~scheduler_end() { loop.run(server.stop()); }

    real_loop& loop;
    grpc_link_server server;
};

class primary_maker final : public link_maker<facts, reports> {
public:
    event_loop& loop() override { return loop_; }
    connector<scheduler_session>& dialler() override { return link_; }
    acceptor<primary_session>& listener() override { return end_.server.primaries(); }

private:
    real_loop loop_;
    scheduler_end end_{loop_};
    grpc_primary_link link_{end_.server.address(), {}};
};

class node_maker final : public link_maker<from_node, orders> {
public:
    event_loop& loop() override { return loop_; }
    connector<uplink_session>& dialler() override { return link_; }
    acceptor<node_session>& listener() override { return end_.server.nodes(); }

private:
    real_loop loop_;
    scheduler_end end_{loop_};
    grpc_node_link link_{end_.server.address(), {}};
};

class grpc_stream_maker final : public stream_maker {
public:
    event_loop& loop() override { return loop_; }
    stream_dialer& dialler() override { return node_; }
    stream_listener& listener() override { return primary_; }

private:
    real_loop loop_;
    scheduler_end end_{loop_};
    grpc_primary_link primary_{end_.server.address(), {}};
    grpc_node_link node_{end_.server.address(), {}};
};

}  // namespace

TEST_CASE("a link over gRPC between primary and scheduler is a link", "[contract]") {
    primary_maker link;
    check_link(link);
}

TEST_CASE("a link over gRPC between node and scheduler is a link", "[contract]") {
    node_maker link;
    check_link(link);
}

TEST_CASE("streams over gRPC are streams", "[contract]") {
    grpc_stream_maker streams;
    check_streams(streams);
}

TEST_CASE("a scheduler cannot listen where another one does", "[contract]") {
    real_loop loop;
    scheduler_end const first(loop);
    grpc_link_server second(loop.executor(), loop.time(), first.server.address(), {});
    auto const started = second.start();
    REQUIRE_FALSE(started.has_value());
    CHECK(started.error().message.find(first.server.address()) != std::string::npos);
    loop.run(second.stop());
}

TEST_CASE("a node hears at once that no scheduler is there", "[contract]") {
    real_loop loop;
    grpc_node_link link("127.0.0.1:1", {});
    auto const connected = loop.run(link.connect());
    REQUIRE_FALSE(connected.has_value());
    CHECK(connected.error().code == errc::unavailable);
    CHECK(connected.error().message.find("the scheduler at 127.0.0.1:1: ") == 0);
}

namespace {

awaitable<result<orders>> greet_and_hear(connector<uplink_session>& link) {
    auto connected = co_await link.connect();
    if (!connected) co_return connected.error();
    from_node first = hello();
    auto const said = co_await (*connected)->send(std::move(first));
    if (!said) co_return said.error();
    co_return co_await (*connected)->receive();
}

awaitable<> serve_one(acceptor<node_session>& nodes, result<from_node>& heard) {
    auto const accepted = co_await nodes.accept();
    REQUIRE(accepted.has_value());
    heard = co_await (*accepted)->receive();
    if (!heard) co_return;
    orders first{.at = 5};
    auto const sent = co_await (*accepted)->send(std::move(first));
    CHECK(sent.has_value());
    (void)co_await (*accepted)->receive();  // until the node goes
}

awaitable<> keep_answer(awaitable<result<orders>> work, result<orders>& into) { into = co_await std::move(work); }

/// What each of two ends of these protocols hears.
std::pair<result<from_node>, result<orders>> meet(std::uint32_t of_scheduler, std::uint32_t of_node) {
    real_loop loop;
    scheduler_end end(loop, {.version = "9.0", .protocol = of_scheduler});
    grpc_node_link link(end.server.address(), {.version = "7.0", .protocol = of_node});
    std::pair<result<from_node>, result<orders>> heard{error{errc::internal, "nothing"},
                                                       error{errc::internal, "nothing"}};
    auto answered = keep_answer(greet_and_hear(link), heard.second);
    loop.run(together(serve_one(end.server.nodes(), heard.first), std::move(answered)));
    return heard;
}

}  // namespace

namespace {

awaitable<> expect_until_the_end(stream_listener& streams, stream_id which) {
    auto const expected = co_await streams.expect(which);
    CHECK_FALSE(expected.has_value());
}

awaitable<> end_soon(event_loop& loop, grpc_link_server& server, duration after) {
    co_await loop.time().sleep_for(after);
    co_await server.stop();
}

}  // namespace

/// Its end comes at any moment of their beginning.
TEST_CASE("a server ends while streams are asked for", "[contract]") {
    seeded_entropy random(3);
    for (auto const after : {0us, 200us, 500us, 1000us, 2000us, 5000us}) {
        real_loop loop;
        grpc_link_server server(loop.executor(), loop.time(), "127.0.0.1:0", {});
        REQUIRE(server.start().has_value());
        grpc_primary_link link(server.address(), {});
        auto all = end_soon(loop, server, after);
        for (int i = 0; i < 20; ++i)
            all = together(expect_until_the_end(link, stream_id::generate(random)), std::move(all));
        loop.run(std::move(all));
    }
}

namespace {

awaitable<bool> connects(connector<uplink_session>& link) {
    auto const connected = co_await link.connect();
    co_return connected.has_value();
}

}  // namespace

#ifndef __SANITIZE_ADDRESS__  // UBSan looks at memory through a pipe, for which there is no descriptor then
namespace {

/// The process has no descriptor left, as long as it lives.
class no_descriptors {
public:
    no_descriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit const none{0, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    }
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

class counting_sink final : public log_sink {
public:
    void write(log_level, std::string_view, std::span<log_field const>) override { ++count; }
    std::atomic<int> count = 0;
};

}  // namespace

TEST_CASE("a server that had no descriptors left accepts again when there are some") {
    real_loop loop;
    counting_sink said;
    grpc_link_server server(loop.executor(), loop.time(), "127.0.0.1:0", {}, rik::log(said));
    REQUIRE(server.start().has_value());
    grpc_node_link node(server.address(), {});
    REQUIRE(loop.run(connects(node)));
    auto const port = static_cast<std::uint16_t>(std::stoi(server.address().substr(server.address().rfind(':') + 1)));
    asio::ip::tcp::socket waiting(loop.executor(), asio::ip::tcp::v4());
    auto none = std::make_optional<no_descriptors>();
    waiting.connect({asio::ip::address_v4::loopback(), port});
    loop.run(loop.time().sleep_for(500ms));
    CHECK(waiting.available() == 0);
    CHECK(said.count == 1);
    none.reset();
    loop.run(loop.time().sleep_for(500ms));
    CHECK(waiting.available() > 0);  // the first frame of HTTP/2
    CHECK(said.count == 2);
    grpc_node_link other(server.address(), {});
    CHECK(loop.run(connects(other)));
    loop.run(server.stop());
}
#endif

TEST_CASE("a server listens at a name, at the addresses of both families, and not where it has no address") {
    real_loop loop;
    for (auto const* const address : {"localhost:0", "[::1]:0", "0.0.0.0:0"}) {
        CAPTURE(address);
        grpc_link_server server(loop.executor(), loop.time(), address, {});
        REQUIRE(server.start().has_value());
        auto const port = server.address().substr(server.address().rfind(':'));
        grpc_node_link link(address[0] == '[' ? "[::1]" + port : "127.0.0.1" + port, {});
        CHECK(loop.run(connects(link)));
        loop.run(server.stop());
    }
    for (auto const* const address : {"192.0.2.1:0", "no.such.host.invalid:0", "nothing"}) {
        CAPTURE(address);
        grpc_link_server server(loop.executor(), loop.time(), address, {});
        auto const started = server.start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().message.find(address) != std::string::npos);
        loop.run(server.stop());
    }
}

TEST_CASE("ends of neighbouring protocols work together", "[contract]") {
    for (auto const& [one, other] : {std::pair(1u, 1u), {1u, 2u}, {2u, 1u}}) {
        auto const [at_scheduler, at_node] = meet(one, other);
        CHECK(at_scheduler.has_value());
        REQUIRE(at_node.has_value());
        CHECK(at_node->at == 5);
    }
}

TEST_CASE("ends of other protocols refuse each other, and both name both", "[contract]") {
    auto const [at_scheduler, at_node] = meet(5, 3);
    REQUIRE_FALSE(at_scheduler.has_value());
    REQUIRE_FALSE(at_node.has_value());
    for (auto const& why : {at_scheduler.error(), at_node.error()}) {
        CAPTURE(why.message);
        CHECK(why.code == errc::unavailable);
        CHECK(why.message.find("rik 9.0 speaks protocol 5") != std::string::npos);
        CHECK(why.message.find("rik 7.0) protocol 3") != std::string::npos);
    }
}

}  // namespace rik::testing
