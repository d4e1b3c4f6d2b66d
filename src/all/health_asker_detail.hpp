// Asks by gRPC, if this build has it.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <memory>
#include <string>

namespace rik::detail {

class health_asker {
public:
    virtual ~health_asker() = default;
    /// See grpc_health_client.
    virtual awaitable<result<std::string>> ask(std::string address, std::string service, duration at_most) = 0;
};

/// Null: this build has no gRPC.
std::unique_ptr<health_asker> make_health_asker(asio::any_io_executor strand);

}  // namespace rik::detail
