// Questions over the network to what runs on this node: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/definition.hpp>

#include <string>
#include <variant>

namespace rik {

using network_probe = std::variant<http_action, tcp_action, grpc_action>;

struct probe_answer {
    bool success = false;
    std::string message = {};  ///< for people: "HTTP 503", "the connection was refused"
    friend bool operator==(probe_answer const&, probe_answer const&) = default;
};

class prober {
public:
    virtual ~prober() = default;
    /// Asks at `address` (IPv4), unless `what` names another host. No answer until the deadline is a failure. Nothing
    /// is left open afterwards, also if the caller is cancelled. Errors: exhausted or internal, it could not be asked,
    /// which says nothing of what runs there.
    virtual awaitable<result<probe_answer>> ask(std::string address, network_probe what, time_point deadline) = 0;
};

}  // namespace rik
