// The links inside one process, and those of a simulated cluster.
#include "contract/link_contract.hpp"
#include "contract/stream_contract.hpp"

#include "sim/faulty_edge_detail.hpp"
#include "sim/faulty_streams_detail.hpp"
#include "support/catch.hpp"

#include <rik/link/local_link.hpp>

#include <exception>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

template <class Out, class In>
class local_maker final : public link_maker<Out, In> {
public:
    event_loop& loop() override { return loop_; }
    connector<session<Out, In>>& dialler() override { return edge_; }
    acceptor<session<In, Out>>& listener() override { return edge_; }

private:
    real_loop loop_;
    local_edge<Out, In> edge_{loop_.executor()};
};

/// On a line that takes time and does not fail.
template <class Out, class In>
class simulated_maker final : public link_maker<Out, In> {
public:
    ~simulated_maker() override {
        try {
            loop_.run(edge_.stop());
        } catch (std::exception const&) {  // what the test has thrown before is what counts
        }
    }
    event_loop& loop() override { return loop_; }
    connector<session<Out, In>>& dialler() override { return edge_; }
    acceptor<session<In, Out>>& listener() override { return under_; }

private:
    virtual_loop loop_;
    sim::line const line_;
    local_edge<Out, In> under_{loop_.executor()};
    sim::faulty_edge<Out, In> edge_{loop_.world, under_, line_, 2ms};
};

class local_stream_maker final : public stream_maker {
public:
    event_loop& loop() override { return loop_; }
    stream_dialer& dialler() override { return streams_; }
    stream_listener& listener() override { return streams_; }

private:
    real_loop loop_;
    local_streams streams_{loop_.executor()};
};

class simulated_stream_maker final : public stream_maker {
public:
    event_loop& loop() override { return loop_; }
    stream_dialer& dialler() override { return dialler_; }
    stream_listener& listener() override { return under_; }

private:
    virtual_loop loop_;
    sim::line const line_;
    local_streams under_{loop_.executor()};
    sim::faulty_dialer dialler_{loop_.world, under_, line_, 2ms};
};

}  // namespace

TEST_CASE("a local link between primary and scheduler is a link", "[contract]") {
    local_maker<facts, reports> link;
    check_link(link);
}

TEST_CASE("a local link between node and scheduler is a link", "[contract]") {
    local_maker<from_node, orders> link;
    check_link(link);
}

TEST_CASE("a simulated link between primary and scheduler is a link", "[contract]") {
    simulated_maker<facts, reports> link;
    check_link(link);
}

TEST_CASE("a simulated link between node and scheduler is a link", "[contract]") {
    simulated_maker<from_node, orders> link;
    check_link(link);
}

TEST_CASE("local streams are streams", "[contract]") {
    local_stream_maker streams;
    check_streams(streams);
}

TEST_CASE("simulated streams are streams", "[contract]") {
    simulated_stream_maker streams;
    check_streams(streams);
}

}  // namespace rik::testing
