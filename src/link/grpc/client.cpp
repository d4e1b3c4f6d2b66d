#include "callback_threads_detail.hpp"
#include "carriers_detail.hpp"
#include "session_detail.hpp"
#include "stream_detail.hpp"

#include "rik_link_v1.grpc.pb.h"

#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <utility>

namespace rik {

namespace detail {

namespace {

grpc::ChannelArguments arguments() {
    grpc::ChannelArguments made;
    made.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(limits::link_keepalive_period));
    made.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits::link_keepalive_timeout));
    made.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    made.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    // The roles pause between their tries; what gRPC adds to that must be short.
    made.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, milliseconds(limits::reconnect_pause_min));
    made.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, milliseconds(limits::link_keepalive_timeout));
    made.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, milliseconds(limits::link_channel_pause_max));
    made.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // many nodes of one process are not one connection
    made.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    made.SetMaxReceiveMessageSize(static_cast<int>(limits::link_message_bytes_max));
    made.SetMaxSendMessageSize(-1);
    return made;
}

/// One channel, and the calls over it.
class link_channel {
public:
    link_channel(std::string address, link_identity own) : address_(std::move(address)), own_(std::move(own)) {}
    ~link_channel() { calls_.end_all(); }

    /// Begins `call` of the service, with messages through `over`. On the pipe's strand.
    template <class Out, class In>
    void begin(std::shared_ptr<pipe<Out, In>> over,
               void (wire::Link::Stub::async::*call)(grpc::ClientContext*, grpc::ClientBidiReactor<Out, In>*)) {
        if (stub_ == nullptr) {
            keep_callback_threads();
            stub_ = wire::Link::NewStub(
                grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments()));
        }
        auto const carrier = std::make_shared<client_carrier<Out, In>>(over, calls_);
        if (auto const why = calls_.add(carrier)) return over->close(why);
        (stub_->async()->*call)(&carrier->context(), carrier.get());
        carrier->start();
    }

    template <class Session, class Out, class In>
    awaitable<result<std::unique_ptr<Session>>> connect(
        void (wire::Link::Stub::async::*call)(grpc::ClientContext*, grpc::ClientBidiReactor<Out, In>*)) {
        auto over = std::make_shared<pipe<Out, In>>(co_await asio::this_coro::executor, pipe_limits());
        begin(over, call);
        auto made = std::make_unique<Session>(std::move(over), own_);
        auto const opened = co_await made->wait_open();
        if (!opened) co_return unreachable(opened.error());
        co_return std::move(made);
    }

    awaitable<std::unique_ptr<grpc_stream>> begin_stream(void (wire::Link::Stub::async::*call)(
        grpc::ClientContext*, grpc::ClientBidiReactor<wire::StreamPart, wire::StreamPart>*)) {
        auto over = std::make_shared<part_pipe>(co_await asio::this_coro::executor, stream_pipe_limits);
        begin(over, call);
        co_return std::make_unique<grpc_stream>(std::move(over));
    }

    link_identity const& own() const { return own_; }

private:
    error unreachable(error const& why) const {
        return error{errc::unavailable, fmt::format("the scheduler at {}: {}", address_, why.message)};
    }

    std::string address_;
    link_identity own_;
    open_calls calls_;
    std::unique_ptr<wire::Link::Stub> stub_;
};

}  // namespace

}  // namespace detail

class grpc_primary_link::impl {
public:
    impl(std::string address, link_identity own) : channel_(std::move(address), std::move(own)) {}

    awaitable<result<std::unique_ptr<scheduler_session>>> connect() {
        auto made =
            co_await channel_.connect<detail::grpc_scheduler_session>(&detail::wire::Link::Stub::async::Primary);
        if (!made) co_return made.error();
        co_return std::move(*made);
    }

    awaitable<result<std::unique_ptr<byte_stream>>> expect(stream_id stream) {
        auto made = co_await channel_.begin_stream(&detail::wire::Link::Stub::async::Expect);
        auto const dialled = co_await made->expect(stream, channel_.own());
        if (!dialled) co_return dialled.error();
        co_return std::move(made);
    }

private:
    detail::link_channel channel_;
};

class grpc_node_link::impl {
public:
    impl(std::string address, link_identity own) : channel_(std::move(address), std::move(own)) {}

    awaitable<result<std::unique_ptr<uplink_session>>> connect() {
        auto made = co_await channel_.connect<detail::grpc_uplink_session>(&detail::wire::Link::Stub::async::Node);
        if (!made) co_return made.error();
        co_return std::move(*made);
    }

    awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id stream) {
        auto made = co_await channel_.begin_stream(&detail::wire::Link::Stub::async::Dial);
        auto const joined = co_await made->dial(stream, channel_.own());
        if (!joined) co_return joined.error();
        co_return std::move(made);
    }

private:
    detail::link_channel channel_;
};

grpc_primary_link::grpc_primary_link(std::string address, link_identity own)
    : impl_(std::make_unique<impl>(std::move(address), std::move(own))) {}
grpc_primary_link::~grpc_primary_link() = default;
awaitable<result<std::unique_ptr<scheduler_session>>> grpc_primary_link::connect() { return impl_->connect(); }
awaitable<result<std::unique_ptr<byte_stream>>> grpc_primary_link::expect(stream_id stream) {
    return impl_->expect(stream);
}

grpc_node_link::grpc_node_link(std::string address, link_identity own)
    : impl_(std::make_unique<impl>(std::move(address), std::move(own))) {}
grpc_node_link::~grpc_node_link() = default;
awaitable<result<std::unique_ptr<uplink_session>>> grpc_node_link::connect() { return impl_->connect(); }
awaitable<result<std::unique_ptr<byte_stream>>> grpc_node_link::dial(stream_id stream) { return impl_->dial(stream); }

}  // namespace rik
