// The node agent's parts on its strand, and how they are wired.
#pragma once

#include "disk_watch_detail.hpp"
#include "load_watch_detail.hpp"
#include "pod_actor_detail.hpp"
#include "stream_server_detail.hpp"
#include "uplink_detail.hpp"
#include "usage_watch_detail.hpp"

#include <map>
#include <memory>
#include <optional>

namespace rik {

class node_agent::impl {
public:
    impl(asio::any_io_executor strand, node_ports ports, node_options options);
    awaitable<result<void>> start();
    cluster_id cluster() const { return link_.cluster(); }
    awaitable<error> failure();
    role_health health() const;
    awaitable<> stop();

private:
    awaitable<result<void>> begin();
    awaitable<result<void>> describe();
    /// Matches what is on disk with what is on the machine. Everything of ours that no record owns is removed.
    awaitable<result<void>> take_over();
    void match(runtime& of, found_sandbox sandbox);
    void begin_actor(detail::node_instance_ptr mine);
    awaitable<> act_for(std::shared_ptr<detail::pod_actor> actor);
    void settle_troubles();
    std::vector<detail::measured_instance> running_instances() const;
    awaitable<> flush();

    asio::any_io_executor strand_;
    node_ports ports_;
    node_options options_;
    node_facts facts_;
    detail::node_disk disk_;
    notifier news_;  ///< something is due to the scheduler
    detail::node_records records_;
    detail::pod_network pods_;
    detail::node_room room_;
    detail::orphans orphans_;
    limiter starts_;
    detail::removal_turns removals_;
    detail::usage_watch usage_;
    detail::stream_server streams_;
    detail::disk_watch storage_;
    detail::load_watch load_;
    detail::uplink link_;
    detail::pod_context context_;
    std::map<instance_id, std::shared_ptr<detail::pod_actor>> actors_;
    std::optional<error> failed_;
    notifier failure_;
    task_group writing_;  ///< the flushes: what the others have put when they are stopped is written, too
    task_group tasks_;    // last member: the tasks use everything above
};

}  // namespace rik
