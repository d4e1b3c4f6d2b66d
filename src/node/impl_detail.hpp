// The node agent's parts on its strand: records of what it holds, their supervisors, the uplink.
#pragma once

#include "disk_detail.hpp"
#include "status_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/limits.hpp>
#include <rik/network/address_pool.hpp>
#include <rik/node/node_agent.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rik {

class node_agent::impl {
public:
    impl(asio::any_io_executor strand, node_ports ports, node_options options);
    awaitable<result<void>> start();
    awaitable<error> failure();
    awaitable<> stop();

private:
    /// An instance that this node holds: bound to it, or condemned and not yet gone.
    struct record {
        record(asio::any_io_executor strand, instance_fields held)
            : fields(std::move(held)), changed(strand), work(strand) {}

        instance_fields fields;
        bool is_dirty = false;                    ///< its status is due to the scheduler
        std::optional<found_sandbox> found = {};  ///< what an earlier agent left, as long as it is used
        notifier changed;
        task_group work;  ///< starting and watching; ended before its instance is torn down

        instance_id const& id() const { return fields.id; }
        instance_template const& pod() const { return fields.pod_release->pod; }
        instance_status& status() { return fields.status; }
        bool is_condemned() const { return fields.binding->condemned; }
        container_status* find(std::string_view container) {
            for (auto& each : fields.status.containers)
                if (each.name == container) return &each;
            return nullptr;
        }
    };
    using record_ptr = std::shared_ptr<record>;

    struct connection {
        std::unique_ptr<uplink_session> link;
        bool is_closed = false;
    };

    // take_over.cpp: what an earlier agent left
    result<void> read_rows(journal_contents const& contents);
    awaitable<result<void>> take_over();
    result<void> set_network(std::string pod_subnet, std::string cluster_cidr);
    std::vector<pod_attachment> present_pods();

    // supervise.cpp: one coroutine per instance
    awaitable<> supervise(record_ptr held);
    awaitable<> bring_up(record_ptr held);
    awaitable<result<void>> start_containers(record_ptr held);
    awaitable<result<std::vector<image_ptr>>> pull_images(record_ptr held);
    awaitable<result<void>> make_sandbox(record_ptr held);
    awaitable<> resume(record_ptr held);
    awaitable<> watch_container(record_ptr held, std::string container);
    awaitable<> watch_containers(record_ptr held);
    awaitable<> finish(record_ptr held, detail::instance_end how);
    awaitable<> stop_containers(record_ptr held);
    awaitable<> release_pod(record_ptr held);
    awaitable<> tear_down(record_ptr held);
    awaitable<> network_ready(record_ptr held);
    awaitable<> open_network();
    result<void> take_address(record& held);
    void give_back_address(record& held);
    container_key key_of(record const& held, std::string_view container) const {
        return {held.fields.id, std::string(container), 0};
    }
    pod_attachment attachment_of(record const& held, std::filesystem::path network_namespace) const;

    /// Changes the instance's state, and makes it due on disk and at the scheduler.
    void report(record& held, instance_state state, std::string reason, std::string message);
    void report_again(record& held);
    void keep(record& held);

    // uplink.cpp
    awaitable<> connect();
    awaitable<> send_held(std::shared_ptr<connection> to);
    awaitable<> beat();
    void obey(orders said);
    void obey_run(order const& what);
    void obey_destroy(order const& what, revision at);
    void join_cluster(orders const& said);
    awaitable<> serve_log(stream_request asked);
    awaitable<std::optional<error>> send_log(stream_request asked, byte_stream& to);

    awaitable<> flush();

    asio::any_io_executor strand_;
    node_ports ports_;
    node_options options_;
    detail::node_disk disk_;
    node_id id_;
    cluster_id cluster_;
    revision floor_ = 0;
    node_facts facts_;
    std::string pod_subnet_;
    std::string cluster_cidr_;
    std::optional<address_pool> addresses_;
    bool is_network_open_ = false;
    std::string network_problem_;  ///< of the last try to open it
    std::map<release_id, release_ptr> releases_;
    std::map<instance_id, record_ptr> records_;
    std::map<instance_id, revision> gone_;  ///< confirmed gone and not yet said
    limiter starts_;

    std::shared_ptr<connection> connection_;
    bool inventory_is_due_ = false;
    bool beat_is_due_ = false;
    notifier due_;
    notifier network_changed_;
    std::optional<error> failed_;
    notifier failure_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik
