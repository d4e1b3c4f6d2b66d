// The primary's parts on its strand: the store and its ledger, the dispatcher, what operations do.
#pragma once

#include "event_ledger_detail.hpp"

#include <rik/async/notifier.hpp>
#include <rik/async/task_group.hpp>
#include <rik/placement/placement.hpp>
#include <rik/primary/primary.hpp>
#include <rik/store/store.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik {

/// For answers.
error no_such_object(std::string_view kind, std::string_view name);

class primary::impl {
public:
    impl(asio::any_io_executor strand, primary_ports ports, primary_options options);

    awaitable<result<void>> start();
    cluster_id cluster() const { return cluster_; }
    awaitable<error> failure();
    awaitable<> stop();

    // creation.cpp
    awaitable<result<std::vector<stored<instance>>>> create_instances(create_instances_request what);

    // operations.cpp
    awaitable<result<stored<workload>>> create_workload(workload_definition definition);
    awaitable<result<void>> delete_workload(workload_id which);
    awaitable<result<void>> delete_instance(instance_id which);
    result<stored<workload>> get_workload(caller const& who, object_ref const& which) const;
    result<stored<instance>> get_instance(caller const& who, object_ref const& which) const;
    result<stored<node>> get_node(object_ref const& which) const;
    awaitable<result<void>> put_document(caller who, document what);
    awaitable<result<void>> delete_document(caller who, document_key which);
    result<void> ready() const;
    /// Why no operation is taken now.
    std::optional<error> closed_because() const;

    // streams.cpp
    awaitable<result<std::unique_ptr<byte_stream>>> open_log(log_request what);
    // images.cpp
    awaitable<result<std::vector<held_image>>> call_images(node_id on, image_call what);

    store& data() { return store_; }
    view const& durable() const { return store_.durable(); }

    /// Counts the calls of users that are under way: `stop` waits for them, so that they never outlive the store.
    class visit {
    public:
        explicit visit(impl& host) : host_(host) { ++host_.visitors_; }
        visit(visit const&) = delete;
        visit& operator=(visit const&) = delete;
        ~visit() {
            --host_.visitors_;
            host_.visitor_left_.notify();
        }

    private:
        impl& host_;
    };

private:
    /// A session with the scheduler.
    struct connection {
        std::unique_ptr<scheduler_session> link;
        bool is_closed = false;
        bool is_refused = false;  ///< closed because a report could not be taken
    };
    using connection_ptr = std::shared_ptr<connection>;
    struct unplaced_instance {
        instance_id instance;
        std::string_view reason;
    };
    template <class Report>
    using taker = result<void> (impl::*)(std::span<Report const>);

    // primary.cpp
    result<void> read_state();
    awaitable<> flush();
    result<void> apply(transaction changes);
    awaitable<result<void>> commit(transaction changes);
    awaitable<result<void>> wait_for_room();
    void track(instance const* before, instance const* now);
    void note(transaction& into, event happened);
    event about(workload const& subject) const;
    event about(instance const& subject) const;
    event about(node const& subject) const;
    awaitable<> wait_for_visitors();
    awaitable<> wait_for_stop();
    awaitable<> finish_deletions();
    awaitable<> trim_events();

    // creation.cpp
    class promise;
    awaitable<result<std::vector<instance_id>>> make_instances(create_instances_request what);
    awaitable<result<void>> make_slices(create_instances_request what, promise& held, std::vector<instance_id>& made);
    result<transaction> plan_instances(create_instances_request const& what, workload const& owner,
                                       std::vector<instance_id>& made);
    result<std::string> free_name(std::string const& tenant, std::set<std::string> const& promised);

    // operations.cpp
    awaitable<error> when_durable(error why);
    void condemn(transaction& into, stored<instance> const& which, std::string message);
    awaitable<result<void>> remove_instances(workload_id which);
    awaitable<result<void>> remove_all(std::vector<instance_id> left, std::optional<workload_id> of,
                                       std::string message);
    void remove_if_empty(transaction& into, workload_id const& which, std::size_t leaving_count);

    // dispatch.cpp: primary -> scheduler
    awaitable<> dispatch();
    awaitable<> send_facts(connection_ptr to);
    template <class Row>
    awaitable<> mark_due(std::set<typename table<Row>::key>& due);
    awaitable<> mark_due_instances();
    awaitable<> mark_due_nodes();
    facts all_facts() const;
    facts due_facts();
    item item_of(instance const& row) const;

    // streams.cpp
    awaitable<result<std::unique_ptr<byte_stream>>> open_stream(stored<node> from, stream_call what);

    // reports.cpp: scheduler -> primary
    awaitable<> read_reports(connection_ptr from);
    awaitable<result<void>> take(connection_ptr from, reports news);
    template <class Report>
    awaitable<result<void>> take_slices(connection_ptr from, std::vector<Report> all, taker<Report> take_some);
    result<void> take_nodes(std::span<node_report const> news);
    result<void> take_node(node_report const& news);
    event change_of(node const& now, node_state before) const;
    result<void> register_node(node_id const& id, node_facts const& said);
    result<std::string> free_subnet() const;
    result<void> take_proposals(std::span<proposal const> proposals);
    result<void> take_unplaced(std::span<unplaced_instance const> news);
    result<void> take_states(std::span<status_report const> news);
    result<void> take_state(status_report const& news);
    result<void> take_gone(std::span<gone_report const> news);
    awaitable<result<void>> limit_finished();

    asio::any_io_executor strand_;
    primary_ports ports_;
    primary_options options_;
    store store_;
    cluster_view ledger_;  ///< what every node holds, by the head: the commit check
    cluster_id cluster_;
    std::uint64_t event_sequence_ = 0;
    detail::event_ledger events_;                           ///< those of the head
    std::set<std::pair<wall_time, instance_id>> finished_;  ///< by the time they finished

    connection_ptr connection_;
    bool everything_is_due_ = false;
    std::set<instance_id> due_instances_;
    std::set<node_id> due_nodes_;
    std::vector<instance_id> due_refusals_;
    std::vector<stream_request> due_streams_;
    notifier due_;

    bool is_open_ = false;
    std::optional<error> failed_;
    notifier failure_;
    std::size_t promised_changes_ = 0;  ///< of creations that are under way
    std::size_t visitors_ = 0;
    notifier visitor_left_;
    notifier stopping_;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik
