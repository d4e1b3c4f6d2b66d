// Sessions over pipes.
#pragma once

#include "pipe_detail.hpp"
#include "wire_detail.hpp"

#include <rik/link/grpc_link.hpp>

#include <memory>
#include <string>
#include <utility>

namespace rik::detail {

/// Why a peer that opens so is refused; nullopt if it is not.
std::optional<error> refusal_of(wire::Version const& peer, link_identity const& own);

template <class Message>
void open_with(Message& first, link_identity const& own) {
    first.mutable_opening()->set_protocol(own.protocol);
    first.mutable_opening()->set_program(own.version);
}

/// How the messages of one kind of session travel, with what each direction remembers.
struct primary_wire {
    using out = wire::PrimaryMessage;
    using in = wire::SchedulerMessage;
    out write(facts const& from) { return to_wire(from, told); }
    result<reports> read(in const& from) { return from_wire(from); }
    told_releases told = {};
};
struct scheduler_wire {
    using out = wire::SchedulerMessage;
    using in = wire::PrimaryMessage;
    out write(reports const& from) { return to_wire(from); }
    result<facts> read(in const& from) { return from_wire(from, known); }
    known_releases known = {};
};
struct node_wire {
    using out = wire::NodeMessage;
    using in = wire::OrdersMessage;
    out write(from_node const& from) { return to_wire(from); }
    result<orders> read(in const& from) { return from_wire(from, known); }
    known_releases known = {};
};
struct orders_wire {
    using out = wire::OrdersMessage;
    using in = wire::NodeMessage;
    out write(orders const& from) { return to_wire(from, told); }
    result<from_node> read(in const& from) { return from_wire(from); }
    told_releases told = {};
};

/// It outlives its session while somebody waits in it.
template <class Out, class In, class Wire>
class session_core : public std::enable_shared_from_this<session_core<Out, In, Wire>> {
public:
    using pipe_type = pipe<typename Wire::out, typename Wire::in>;

    session_core(std::shared_ptr<pipe_type> over, link_identity own) : pipe_(std::move(over)), own_(std::move(own)) {}

    awaitable<result<void>> send(Out message) {
        auto made = wire_.write(message);
        if (!std::exchange(has_opened_, true)) open_with(made, own_);
        return pipe_->send(std::move(made));
    }
    awaitable<result<In>> receive() {
        auto const self = this->shared_from_this();
        auto const got = co_await pipe_->receive();
        if (!got) pipe_->close();  // a session has no half that goes on
        if (!got) co_return got.error();
        auto read = take(*got);
        if (!read) pipe_->close(read.error());
        co_return read;
    }
    awaitable<result<void>> wait_open() { return pipe_->wait_open(); }
    void close() { pipe_->close(); }

private:
    result<In> take(typename Wire::in const& got) {
        if (!std::exchange(is_known_, true))
            if (auto why = refusal_of(got.opening(), own_)) return std::move(*why);
        auto read = wire_.read(got);
        if (!read) return error{errc::unavailable, "the peer is refused: " + read.error().message};
        return read;
    }

    std::shared_ptr<pipe_type> pipe_;
    link_identity own_;
    Wire wire_;
    bool has_opened_ = false;
    bool is_known_ = false;
};

template <class Out, class In, class Wire>
class grpc_session final : public session<Out, In> {
public:
    using base = session<Out, In>;
    using core = session_core<Out, In, Wire>;

    grpc_session(std::shared_ptr<typename core::pipe_type> over, link_identity own)
        : core_(std::make_shared<core>(std::move(over), std::move(own))) {}
    ~grpc_session() override { core_->close(); }
    awaitable<result<void>> send(Out message) override { return core_->send(std::move(message)); }
    awaitable<result<In>> receive() override { return core_->receive(); }
    awaitable<result<void>> wait_open() { return core_->wait_open(); }
    void close() override { core_->close(); }

private:
    std::shared_ptr<core> core_;
};

using grpc_scheduler_session = grpc_session<facts, reports, primary_wire>;
using grpc_primary_session = grpc_session<reports, facts, scheduler_wire>;
using grpc_node_session = grpc_session<orders, from_node, orders_wire>;
using grpc_uplink_session = grpc_session<from_node, orders, node_wire>;

}  // namespace rik::detail
