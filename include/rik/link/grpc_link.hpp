// Links between roles of different processes, over gRPC: the scheduler listens, the primary and the nodes dial. Target
// rik::grpc.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/link/link.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace rik {

/// What both ends of a link tell each other first. Ends whose protocols are not neighbours refuse each other, and name
/// both.
struct link_identity {
    std::string version = "0";  ///< of rik, for people
    std::uint32_t protocol = link_protocol;
};

/// The scheduler's end. It joins the streams of bytes that nodes dial with the primary that expects them. All of it
/// belongs to `strand`. It goes on when the process has run out of descriptors, as soon as there are some again. gRPC
/// has threads of its own; what happens on them is posted to the strand.
class grpc_link_server {
public:
    /// `address` is "HOST:PORT"; port 0: any that is free. `time` must outlive it.
    grpc_link_server(asio::any_io_executor strand, clock& time, std::string address, link_identity own, log to = {});
    /// Precondition: it was never started, `start` gave an error, or `stop` has returned.
    ~grpc_link_server();

    /// Errors: unavailable, nothing can listen at this address.
    result<void> start();
    /// Returns where it listens, with the port that was picked. Precondition: `start` has succeeded.
    std::string const& address() const;
    /// Ends all sessions and streams; nobody is accepted any more. Holds the thread until gRPC has let go of them.
    awaitable<> stop();

    acceptor<primary_session>& primaries();
    acceptor<node_session>& nodes();

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

/// The primary's end. Nothing of gRPC is started before the first `connect`. Sessions and streams belong to the strand
/// of whoever asks for them. The destructor ends those that are left, and waits until gRPC has let go of them.
class grpc_primary_link final : public connector<scheduler_session>, public stream_listener {
public:
    /// `address` is that of a scheduler, "HOST:PORT".
    grpc_primary_link(std::string address, link_identity own);
    ~grpc_primary_link() override;
    awaitable<result<std::unique_ptr<scheduler_session>>> connect() override;
    awaitable<result<std::unique_ptr<byte_stream>>> expect(stream_id stream) override;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

/// A node's end, likewise.
class grpc_node_link final : public connector<uplink_session>, public stream_dialer {
public:
    grpc_node_link(std::string address, link_identity own);
    ~grpc_node_link() override;
    awaitable<result<std::unique_ptr<uplink_session>>> connect() override;
    awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id stream) override;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
