// The Pod network of the node, and what its instances have of it.
#pragma once

#include "records_detail.hpp"

#include <rik/async/notifier.hpp>
#include <rik/network/address_pool.hpp>
#include <rik/network/network.hpp>
#include <rik/runtime/runtime.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// Opens the network as soon as it is known which it is, repairs it, and tells of both. Use it from one strand only.
class pod_network {
public:
    pod_network(asio::any_io_executor strand, clock& time, network& under, node_records& records, log out,
                std::function<void()> tell)
        : time_(time),
          under_(under),
          records_(records),
          out_(std::move(out)),
          tell_(std::move(tell)),
          changed_(std::move(strand)) {}

    /// Errors: invalid, `pod_subnet` is none.
    result<void> set(std::string pod_subnet, std::string cluster_cidr);
    std::string const& pod_subnet() const { return pod_subnet_; }
    /// Why it cannot be had; empty: it can, or nobody knows yet.
    std::string const& problem() const { return problem_; }

    /// Lives as long as the agent.
    awaitable<> run();

    /// Waits until the network is there; meanwhile the status of `mine` says why it is not.
    awaitable<> wait_until_ready(node_instance_ptr mine);
    /// Waits for a change of the network as a whole.
    awaitable<result<void>> change();

    bool can_allocate() const { return addresses_.has_value(); }
    /// Gives `mine` an address of the Pod network if it has none. Errors: unavailable, the subnet is not known;
    /// exhausted.
    result<void> allocate(node_instance& mine);
    /// Of an earlier agent's instance: its addresses are its own again; those that cannot be are dropped.
    void reserve(node_instance& mine);
    void give_back(node_instance& mine);

    awaitable<result<void>> attach(node_instance_ptr mine, sandbox in);
    std::optional<guest_network> describe(instance_id instance) const { return under_.describe(instance); }
    awaitable<result<void>> detach(instance_id instance) { return under_.detach(instance); }

private:
    awaitable<> open();
    void tell_of(std::optional<error> const& why);
    awaitable<> tell_cut_off(error why);
    void lose(lost_pod const& which);
    std::vector<pod_attachment> present_pods() const;

    clock& time_;
    network& under_;
    node_records& records_;
    log out_;
    std::function<void()> tell_;  ///< of a change of `problem`
    std::string pod_subnet_;
    std::string cluster_cidr_;
    std::optional<address_pool> addresses_;
    bool is_open_ = false;
    std::string problem_;  ///< of the last try to open or repair it
    notifier changed_;
};

}  // namespace rik::detail
