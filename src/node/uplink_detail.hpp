// The node's link to the scheduler: says what it holds, and obeys orders.
#pragma once

#include "network_detail.hpp"
#include "orphans_detail.hpp"
#include "records_detail.hpp"

#include <rik/async/task_group.hpp>
#include <rik/base/limits.hpp>
#include <rik/link/batch.hpp>
#include <rik/link/link.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

struct uplink_context {
    clock& time;
    entropy& random;
    connector<uplink_session>& scheduler;
    node_disk& disk;
    node_records& records;
    pod_network& pods;
    orphans& strays;
    node_facts const& facts;
    notifier& news;  ///< something is due to the scheduler
    log out;
    batch_limits batch = {};
    std::function<void(node_instance_ptr)> begin;  ///< a record was made
    std::function<void(stream_request)> answer;
};

/// Use it from one strand only.
class uplink {
public:
    uplink(asio::any_io_executor strand, uplink_context on)
        : on_(std::move(on)), beat_changed_(strand), tasks_(std::move(strand)) {}

    /// Reads who this node is, and whom it has obeyed. Errors: corrupt.
    result<void> read(journal_contents const& contents);
    void start();
    awaitable<> stop();

    cluster_id const& cluster() const { return cluster_; }
    bool is_connected() const { return connection_ != nullptr && connection_->is_accepted; }

    void tell_gone(instance_id const& id, revision fence);
    void tell_troubles();
    void tell_load(std::optional<node_metrics> now);
    /// Nothing is left of it: that is told, and its record ends.
    void forget(node_instance& mine);

private:
    struct connection {
        std::unique_ptr<uplink_session> link;
        time_point began_at = {};
        bool is_closed = false;
        bool is_accepted = false;  ///< orders were taken
    };

    result<void> read_row(std::string const& key, std::string const& value);

    awaitable<> connect();
    void tell_of_connecting(std::string problem);
    hello greet();
    awaitable<> hear(std::shared_ptr<connection> from);
    /// Returns false if the session must end: the scheduler refuses this node, or is behind.
    bool may_obey(orders const& said);
    std::vector<held> list_held();
    held list_news();
    /// Counts it in the digest as it is now, or not at all.
    void count(node_instance& mine);
    void uncount(node_instance& mine);
    void count_condemned(node_instance& mine);
    awaitable<> send_held(std::shared_ptr<connection> to);
    awaitable<result<void>> send_part(std::shared_ptr<connection> to, held part);
    awaitable<> announce_flushes();
    awaitable<> beat();
    void obey(orders said);
    void obey_run(order const& what);
    void obey_restart(node_instance& mine, std::uint32_t restarts);
    void obey_destroy(order const& what, revision at);
    void join_cluster(orders const& said);

    uplink_context on_;
    node_id id_;
    cluster_id cluster_;
    revision floor_ = 0;
    revision floor_kept_at_ = 0;            ///< the change of it that is on its way to the disk
    std::map<instance_id, revision> gone_;  ///< confirmed gone and not yet said
    held_digest digest_;                    ///< of what the scheduler was told of, in this session or before
    std::string last_connect_error_;        ///< likewise
    std::string last_refusal_;              ///< by a scheduler, so that it is logged once
    std::shared_ptr<connection> connection_;
    std::optional<node_metrics> load_;
    std::optional<time_point> quiet_until_;  ///< then somebody's first word is due
    bool inventory_is_due_ = false;
    bool beat_is_due_ = false;
    bool troubles_are_due_ = false;
    bool load_is_due_ = false;
    duration beat_period_ = limits::heartbeat_period;
    notifier beat_changed_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::detail
