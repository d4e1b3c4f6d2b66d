// Forgets what the kernel remembers of connections that lead astray.
#pragma once

#include "network/linux/flows_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <boost/asio/strand.hpp>

#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace rik::detail {

/// What is to be forgotten of.
struct flow_targets {
    std::vector<port_mapping> ports = {};    ///< connections to them that do not lead to their Pod
    std::set<std::uint32_t> addresses = {};  ///< all connections of them
};

/// For a look at the whole table.
struct flow_survey {
    firewall_rules rules;
    std::vector<port_mapping> ports;
    /// Every other address of the Pod subnet is nobody's, and its connections are forgotten; nullopt: not known.
    std::optional<std::set<std::uint32_t>> present;
};

/// Works on its own strand of a pool. Targets that arrive while it works are looked for together: a walk over the
/// kernel's table takes 2 ms when that is empty, and 12 ms with 50,000 entries. Must outlive its calls; callers that
/// are cancelled wait for their end. Errors of all: those of delete_flows.
class flow_sweeper {
public:
    explicit flow_sweeper(asio::any_io_executor pool);
    /// Call it when the rules for `targets` have been changed: what comes in between would be remembered again.
    awaitable<result<void>> forget(flow_targets targets);
    /// All that does not fit what the node has now.
    awaitable<result<void>> forget_strays(flow_survey survey);

private:
    struct batch {
        flow_targets targets;
        bool has_run = false;
        result<void> outcome;
    };
    awaitable<result<void>> run_in_batch(flow_targets targets);
    awaitable<result<void>> look_at_all(flow_survey survey);
    void run_waiting();

    asio::strand<asio::any_io_executor> strand_;
    std::shared_ptr<batch> waiting_;  ///< on the strand only
};

}  // namespace rik::detail
