#include "carriers_detail.hpp"
#include "listener_detail.hpp"
#include "relay_detail.hpp"
#include "session_detail.hpp"

#include "rik_link_v1.grpc.pb.h"

#include <rik/async/channel.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <utility>

namespace rik {

namespace {

constexpr int streams_per_connection_max = 1'024;  ///< logs and calls at once of one peer

/// Those that have called and were not accepted yet.
template <class Session>
class waiting_sessions final : public acceptor<Session> {
public:
    explicit waiting_sessions(asio::any_io_executor strand) : waiting_(strand, limits::link_queue_count_max) {}
    /// Why no further one may wait.
    std::optional<error> refusal() const {
        if (waiting_.size() < limits::link_queue_count_max) return std::nullopt;
        return error{errc::exhausted, "too many sessions begin at the same time"};
    }
    void add(std::unique_ptr<Session> one) { (void)waiting_.try_send(one); }
    void abort() { waiting_.abort(); }
    awaitable<result<std::unique_ptr<Session>>> accept() override { return waiting_.receive(); }

private:
    channel<std::unique_ptr<Session>> waiting_;
};

}  // namespace

class grpc_link_server::impl final : public detail::wire::Link::CallbackService {
public:
    impl(asio::any_io_executor strand, clock& time, std::string address, link_identity own, log to)
        : primaries(strand),
          nodes(strand),
          strand_(strand),
          address_(std::move(address)),
          own_(std::move(own)),
          listener_(strand, time, to),
          inboxes_(std::make_shared<detail::inboxes>(std::move(to), limits::link_inboxes_bytes_max)),
          relay_(strand, time, own_) {}

    result<void> start() {
        if (auto opened = listener_.open(address_); !opened) return opened;
        grpc::ServerBuilder builder;
        using connection_type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
        connections_ = builder.experimental().AddExternalConnectionAcceptor(connection_type::FROM_FD,
                                                                            grpc::InsecureServerCredentials());
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, detail::milliseconds(limits::link_keepalive_period));
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, detail::milliseconds(limits::link_keepalive_timeout));
        builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
        // Less than the period of a peer, or its pings count as an attack.
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                                   detail::milliseconds(limits::link_keepalive_period) / 4);
        builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
        builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, streams_per_connection_max);
        grpc::ResourceQuota buffers("links");
        buffers.Resize(limits::link_transport_bytes_max);
        builder.SetResourceQuota(buffers);
        builder.SetMaxReceiveMessageSize(static_cast<int>(limits::link_message_bytes_max));
        builder.RegisterService(this);
        server_ = builder.BuildAndStart();
        if (server_ == nullptr) return error{errc::internal, fmt::format("gRPC does not serve at {}", address_)};
        listener_.start([this](int connection, int listening) { take(connection, listening); });
        address_ = fmt::format("{}:{}", address_.substr(0, address_.rfind(':')), listener_.port());
        return {};
    }

    awaitable<> stop() {
        is_stopped_ = true;
        primaries.abort();
        nodes.abort();
        co_await listener_.stop();
        if (server_ != nullptr) {
            server_->Shutdown(std::chrono::system_clock::time_point());  // nobody is waited for, reading or not
            calls_.end_all();
            server_.reset();
        }
        co_await asio::post(strand_, asio::use_awaitable);  // what gRPC has told by then uses this object
        co_await relay_.stop();
    }

    std::string const& address() const { return address_; }

    // On threads of gRPC.

    using context = grpc::CallbackServerContext;

    grpc::ServerBidiReactor<detail::wire::PrimaryMessage, detail::wire::SchedulerMessage>* Primary(
        context* of) override {
        return serve<detail::wire::SchedulerMessage, detail::wire::PrimaryMessage>(
            *of, {}, [this](auto const& over) { enqueue<detail::grpc_primary_session>(over, primaries); });
    }
    grpc::ServerBidiReactor<detail::wire::NodeMessage, detail::wire::OrdersMessage>* Node(context* of) override {
        return serve<detail::wire::OrdersMessage, detail::wire::NodeMessage>(
            *of, {}, [this](auto const& over) { enqueue<detail::grpc_node_session>(over, nodes); });
    }
    grpc::ServerBidiReactor<detail::wire::StreamPart, detail::wire::StreamPart>* Dial(context* of) override {
        return serve<detail::wire::StreamPart, detail::wire::StreamPart>(
            *of, detail::stream_pipe_limits, [this](auto const& over) { relay_.take_dialled(over); });
    }
    grpc::ServerBidiReactor<detail::wire::StreamPart, detail::wire::StreamPart>* Expect(context* of) override {
        return serve<detail::wire::StreamPart, detail::wire::StreamPart>(
            *of, detail::stream_pipe_limits, [this](auto const& over) { relay_.take_expected(over); });
    }

    waiting_sessions<primary_session> primaries;
    waiting_sessions<node_session> nodes;

private:
    void take(int connection, int listening) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters made;
        made.listener_fd = listening;
        made.fd = connection;
        connections_->HandleNewConnection(&made);
    }

    template <class Session, class Pipe>
    void enqueue(Pipe const& over, waiting_sessions<typename Session::base>& into) {
        if (auto const why = into.refusal()) return over->close(why);
        into.add(std::make_unique<Session>(over, own_));
    }

    template <class Out, class In, class Take>
    grpc::ServerBidiReactor<In, Out>* serve(context const& of, detail::pipe_limits most, Take take) {
        auto over = std::make_shared<detail::pipe<Out, In>>(strand_, most, inboxes_, of.peer());
        auto const carrier = std::make_shared<detail::server_carrier<Out, In>>(std::move(over), calls_);
        auto const refusal = calls_.add(carrier);
        carrier->start([this, take = std::move(take)](auto const& called) {
            if (is_stopped_) return called->close();
            take(called);
        });
        if (refusal) carrier->end(refusal);
        return carrier.get();
    }

    asio::any_io_executor strand_;
    std::string address_;
    link_identity own_;
    detail::link_listener listener_;
    std::shared_ptr<detail::inboxes> inboxes_;
    detail::stream_relay relay_;
    detail::open_calls calls_;
    std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
    std::unique_ptr<grpc::Server> server_;
    bool is_stopped_ = false;  ///< of the strand
};

grpc_link_server::grpc_link_server(asio::any_io_executor strand, clock& time, std::string address, link_identity own,
                                   log to)
    : impl_(std::make_unique<impl>(std::move(strand), time, std::move(address), std::move(own), std::move(to))) {}
grpc_link_server::~grpc_link_server() = default;
result<void> grpc_link_server::start() { return impl_->start(); }
std::string const& grpc_link_server::address() const { return impl_->address(); }
awaitable<> grpc_link_server::stop() { return impl_->stop(); }
acceptor<primary_session>& grpc_link_server::primaries() { return impl_->primaries; }
acceptor<node_session>& grpc_link_server::nodes() { return impl_->nodes; }

}  // namespace rik
