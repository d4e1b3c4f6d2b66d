// Links over gRPC, on loopback.
#include "contract/link_contract.hpp"
#include "contract/stream_contract.hpp"

#include "support/catch.hpp"

#include <rik/link/grpc_link.hpp>

#include <memory>

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

}  // namespace rik::testing
