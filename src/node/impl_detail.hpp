// The node agent's parts on its strand: records of what it holds, their supervisors, the uplink.
#pragma once

#include "disk_detail.hpp"
#include "status_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/task_group.hpp>
#include <rik/network/address_pool.hpp>
#include <rik/node/node_agent.hpp>

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik {

class node_agent::impl {
public:
    impl(asio::any_io_executor strand, node_ports ports, node_options options);
    awaitable<result<void>> start();
    cluster_id cluster() const { return cluster_; }
    awaitable<error> failure();
    awaitable<> stop();

private:
    /// An instance that this node holds: bound to it, or condemned and not yet gone.
    struct record {
        record(asio::any_io_executor strand, instance_fields held)
            : fields(std::move(held)), changed(strand), work(strand) {}

        instance_fields fields;
        bool is_dirty = false;                         ///< its status is due to the scheduler
        bool is_forgotten = false;                     ///< its rows are removed
        revision kept_at = 0;                          ///< its newest change that is on its way to the disk
        std::optional<found_sandbox> found = {};       ///< what an earlier agent left; of what was taken over it stays
        std::string boot_id = {};                      ///< of the boot in which it was started last
        std::optional<detail::instance_end> end = {};  ///< on disk; told when everything is released
        std::string warnings = {};                     ///< about its images, for its user
        std::optional<error> network_lost = {};        ///< why it runs without a network
        notifier changed;
        task_group work;  ///< starting and watching; ended before its instance is torn down

        instance_id const& id() const { return fields.id; }
        instance_template const& spec() const { return fields.made_from->spec(); }
        instance_status& status() { return fields.status; }
        bool is_condemned() const { return fields.binding->condemned; }
        container_status* find(std::string_view container) {
            for (auto& each : fields.status.containers)
                if (each.name == container) return &each;
            return nullptr;
        }
    };
    using record_ptr = std::shared_ptr<record>;

    /// Why an instance was not started.
    struct start_failure {
        std::string reason;  ///< of the instance: one word
        error why;
    };
    template <class T>
    using start_result = boost::system::result<T, start_failure>;

    /// Somebody reads a log, or waits for the answer about images.
    struct log_stream {
        log_stream(asio::any_io_executor strand, stream_request what, std::unique_ptr<byte_stream> reader)
            : asked(std::move(what)), to(std::move(reader)), done(strand), work(strand) {}
        void end() {
            is_done = true;
            done.notify();
        }
        stream_request asked;
        std::unique_ptr<byte_stream> to;
        bool is_done = false;  ///< one of the two ends is, and so the other is ended
        notifier done;
        task_group work;
    };
    using log_stream_ptr = std::shared_ptr<log_stream>;

    struct connection {
        std::unique_ptr<uplink_session> link;
        bool is_closed = false;
    };

    // take_over.cpp: what an earlier agent left
    result<void> read_rows(journal_contents const& contents);
    result<void> read_node_row(std::string const& key, std::string const& value);
    result<void> read_instance_row(journal_entry const& row);
    void drop_unused_releases();
    awaitable<result<void>> take_over();
    awaitable<> remove_orphan(instance_id instance);

    // network.cpp: the node's Pod network, and what its instances have of it
    result<void> set_network(std::string pod_subnet, std::string cluster_cidr);
    awaitable<> keep_network();
    awaitable<> open_network();
    /// Says that the network cannot be had, and why; nullopt: it is there. Nothing is said twice.
    void tell_of_network(std::optional<error> const& why);
    awaitable<> tell_cut_off(error why);
    void lose_network(lost_pod const& which);
    awaitable<> network_ready(record_ptr held);
    std::vector<pod_attachment> present_pods();
    awaitable<> put_back_on_network(record_ptr held);
    start_result<void> take_address(record& held);
    void give_back_address(record& held);
    pod_attachment attachment_of(record const& held, std::filesystem::path network_namespace) const;

    // supervise.cpp: one coroutine per instance
    awaitable<> supervise(record_ptr held);
    awaitable<> resume(record_ptr held);
    awaitable<> watch_container(record_ptr held, std::string container);
    awaitable<> watch_containers(record_ptr held);
    container_key key_of(record const& held, std::string_view container) const {
        return {held.fields.id, std::string(container), 0};
    }
    /// Changes the instance's state, and makes it due on disk and at the scheduler.
    void report(record& held, instance_state state, std::string reason, std::string message);
    void report_again(record& held);
    /// Says that it is about to end, and to which containers that happens because of it. Precondition: held.end.
    void report_ending(record& held);
    /// The same, and logs it, unless it was said before.
    void complain(record& held, instance_state state, std::string reason, error const& why);
    void keep(record& held);

    // starting.cpp
    awaitable<> bring_up(record_ptr held);
    awaitable<start_result<void>> start_when_possible(record_ptr held);
    awaitable<start_result<void>> start_containers(record_ptr held);
    awaitable<start_result<void>> start_with(record_ptr held, std::vector<image_ptr> images);
    awaitable<start_result<void>> start_container(record_ptr held, container_definition definition, image_ptr from);
    awaitable<start_result<std::vector<image_ptr>>> pull_images(record_ptr held);
    awaitable<start_result<void>> make_sandbox(record_ptr held);

    // ending.cpp
    enum class leaving : std::uint8_t { nothing, logs };
    awaitable<> finish(record_ptr held, detail::instance_end how);
    awaitable<> settle(record_ptr held);
    awaitable<> stop_containers(record_ptr held);
    awaitable<std::vector<std::string>> tell_to_stop(record_ptr held);
    awaitable<result<void>> kill_containers(record_ptr held);
    awaitable<> remove_pod(record_ptr held, instance_state meanwhile, leaving what);
    awaitable<result<void>> try_remove_pod(record_ptr held, leaving what);
    awaitable<> tear_down(record_ptr held);
    void forget(record& held);

    // uplink.cpp
    awaitable<> connect();
    held list_held();
    held list_news();
    awaitable<> send_held(std::shared_ptr<connection> to);
    awaitable<> announce_flushes();
    awaitable<> beat();
    void obey(orders said);
    void obey_run(order const& what);
    void obey_destroy(order const& what, revision at);
    void join_cluster(orders const& said);

    // logs.cpp
    void answer(stream_request asked);
    awaitable<> serve_log(stream_request asked);
    awaitable<> pump_log(log_stream_ptr stream);
    awaitable<> watch_reader(log_stream_ptr stream);
    awaitable<std::optional<error>> send_answer(log_stream_ptr stream);
    awaitable<std::optional<error>> send_log(log_stream_ptr stream, log_call asked);

    // images.cpp
    awaitable<std::optional<error>> send_images(log_stream_ptr stream, image_call asked);
    awaitable<result<std::vector<held_image>>> answer_call(image_call asked);
    awaitable<result<std::vector<held_image>>> held_images();
    awaitable<result<std::vector<held_image>>> pull_image(std::string name);
    awaitable<result<std::vector<held_image>>> remove_image(std::string name_or_digest);
    void note_users(std::vector<held_image>& all) const;

    awaitable<result<void>> begin();
    awaitable<> flush();

    asio::any_io_executor strand_;
    node_ports ports_;
    node_options options_;
    detail::node_disk disk_;
    node_id id_;
    cluster_id cluster_;
    revision floor_ = 0;
    revision floor_kept_at_ = 0;  ///< the change of it that is on its way to the disk
    node_facts facts_;
    std::string pod_subnet_;
    std::string cluster_cidr_;
    std::optional<address_pool> addresses_;
    bool is_network_open_ = false;
    std::string network_problem_;  ///< of the last try to open or repair it
    std::map<release_id, release_ptr> releases_;
    std::map<instance_id, record_ptr> records_;
    std::map<instance_id, revision> gone_;  ///< confirmed gone and not yet said
    /// Found on the machine, owned by no record and not removed yet; with the fence of those that were ordered to go.
    std::map<instance_id, std::optional<revision>> orphans_;
    notifier orphan_gone_;
    std::list<log_stream_ptr> log_streams_;
    std::size_t log_request_count_ = 0;  ///< of all that are being answered, also by a refusal
    limiter starts_;

    std::shared_ptr<connection> connection_;
    bool inventory_is_due_ = false;
    bool beat_is_due_ = false;
    bool troubles_are_due_ = false;
    notifier due_;
    notifier network_changed_;
    std::optional<error> failed_;
    notifier failure_;
    task_group writing_;  ///< the flushes: what the others have put when they are stopped is written, too
    task_group tasks_;    // last member: the tasks use everything above
};

}  // namespace rik
