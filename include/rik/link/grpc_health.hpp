// Asks a program how it is, by gRPC's own service for that.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <memory>
#include <string>

namespace rik {

/// Nothing of gRPC is started before the first question. Use it from its strand only.
class grpc_health_client {
public:
    explicit grpc_health_client(asio::any_io_executor strand);
    /// Ends what is under way.
    ~grpc_health_client();

    /// Returns what `address` ("10.210.0.7:50051") says of `service`; empty is the whole server. It is a sentence for
    /// people. Errors: unavailable, it does not serve; timed_out; corrupt, it does not speak gRPC or has no such
    /// service; all three are answers. Exhausted.
    awaitable<result<std::string>> ask(std::string address, std::string service, duration at_most);

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace rik
