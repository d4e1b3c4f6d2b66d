// The node agent's parts on its strand: records of what it holds, their supervisors, the uplink.
#pragma once

#include "disk_detail.hpp"
#include "status_detail.hpp"
#include "usage_watch_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/task_group.hpp>
#include <rik/network/address_pool.hpp>
#include <rik/node/node_agent.hpp>

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
    role_health health() const;
    awaitable<> stop();

private:
    /// An instance that this node holds: bound to it, or condemned and not yet gone.
    struct node_instance {
        node_instance(asio::any_io_executor strand, instance_fields mine)
            : fields(std::move(mine)), changed(strand), work(strand) {}

        instance_fields fields;
        bool is_dirty = false;                         ///< its status is due to the scheduler
        std::optional<held_state> told = {};           ///< as it is counted in the digest
        bool is_forgotten = false;                     ///< its rows are removed
        revision kept_at = 0;                          ///< its newest change that is on its way to the disk
        std::optional<found_sandbox> found = {};       ///< what an earlier agent left; of what was taken over it stays
        std::string boot_id = {};                      ///< of the boot in which it was started last
        std::optional<detail::instance_end> end = {};  ///< on disk; told when everything is released
        std::string warnings = {};                     ///< about its images, for its user
        std::optional<error> network_lost = {};        ///< why it runs without a network
        bool has_room = false;                         ///< what it asks for counts as taken
        notifier changed;
        task_group work;  ///< starting and watching; ended before its instance is torn down

        instance_id const& id() const { return fields.id; }
        instance_template const& spec() const { return fields.made_from->spec(); }
        instance_status& status() { return fields.status; }
        held_state state_now() const {
            auto const& seen = fields.status;
            return {fields.binding->fence, is_condemned() ? instance_state::destroying : seen.state, seen.seq};
        }
        bool is_condemned() const { return fields.binding->condemned; }
        container_status* find(std::string_view container) {
            for (auto& each : fields.status.containers)
                if (each.name == container) return &each;
            return nullptr;
        }
    };
    using node_instance_ptr = std::shared_ptr<node_instance>;

    /// Why an instance was not started.
    struct start_failure {
        std::string reason;  ///< of the instance: one word
        error why;
    };
    template <class T>
    using start_result = boost::system::result<T, start_failure>;

    /// Somebody reads a log, or waits for the answer about images.
    struct dialled_stream {
        dialled_stream(asio::any_io_executor strand, stream_request what, std::unique_ptr<byte_stream> reader)
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
    using dialled_stream_ptr = std::shared_ptr<dialled_stream>;

    struct connection {
        std::unique_ptr<uplink_session> link;
        time_point began_at = {};
        bool is_closed = false;
        bool is_accepted = false;  ///< orders were taken
    };

    // take_over.cpp: what an earlier agent left
    result<void> read_rows(journal_contents const& contents);
    result<void> read_node_row(std::string const& key, std::string const& value);
    result<void> read_instance_row(journal_entry const& row);
    void drop_unused_releases();
    awaitable<result<void>> take_over();
    awaitable<> remove_orphan(instance_id instance);

    // load.cpp: what is in use on the machine
    awaitable<> watch_load();
    void take_load(machine_load now);
    /// All troubles that the node has now are told.
    void settle_troubles();

    // network.cpp: the node's Pod network, and what its instances have of it
    result<void> set_network(std::string pod_subnet, std::string cluster_cidr);
    awaitable<> keep_network();
    awaitable<> open_network();
    /// Says that the network cannot be had, and why; nullopt: it is there. Nothing is said twice.
    void tell_of_network(std::optional<error> const& why);
    awaitable<> tell_cut_off(error why);
    void lose_network(lost_pod const& which);
    awaitable<> network_ready(node_instance_ptr mine);
    std::vector<pod_attachment> present_pods();
    awaitable<> put_back_on_network(node_instance_ptr mine);
    start_result<void> allocate_address(node_instance& mine);
    void give_back_address(node_instance& mine);
    pod_attachment attachment_of(node_instance const& mine, std::filesystem::path network_namespace) const;

    // supervise.cpp: one coroutine per instance
    awaitable<> supervise(node_instance_ptr mine);
    awaitable<> resume(node_instance_ptr mine);
    awaitable<> watch_container(node_instance_ptr mine, std::string container);
    awaitable<> watch_containers(node_instance_ptr mine);
    container_key key_of(node_instance const& mine, std::string_view container) const {
        return {mine.fields.id, std::string(container), 0};
    }
    /// Changes the instance's state, and makes it due on disk and at the scheduler.
    void report(node_instance& mine, instance_state state, std::string reason, std::string message);
    void report_again(node_instance& mine);
    /// Says that it is about to end, and to which containers that happens because of it. Precondition: mine.end.
    void report_ending(node_instance& mine);
    /// The same, and logs it, unless it was said before.
    void complain(node_instance& mine, instance_state state, std::string reason, error const& why);
    void keep(node_instance& mine);

    // starting.cpp
    awaitable<> bring_up(node_instance_ptr mine);
    awaitable<start_result<void>> start_when_possible(node_instance_ptr mine);
    awaitable<start_result<void>> start_containers(node_instance_ptr mine);
    awaitable<> wait_for_room(node_instance_ptr mine);
    void give_back_room(node_instance& mine);
    std::optional<std::string> lacks_room(node_instance const& mine) const;
    awaitable<start_result<void>> start_with(node_instance_ptr mine, std::vector<image_ptr> images);
    awaitable<start_result<void>> start_container(node_instance_ptr mine, container_definition definition,
                                                  image_ptr from);
    awaitable<start_result<std::vector<image_ptr>>> pull_images(node_instance_ptr mine);
    awaitable<start_result<void>> make_sandbox(node_instance_ptr mine);

    // ending.cpp
    enum class leaving : std::uint8_t { nothing, logs };
    awaitable<> finish(node_instance_ptr mine, detail::instance_end how);
    awaitable<> settle(node_instance_ptr mine);
    awaitable<> stop_containers(node_instance_ptr mine);
    awaitable<std::vector<std::string>> tell_to_stop(node_instance_ptr mine);
    awaitable<result<void>> kill_containers(node_instance_ptr mine);
    awaitable<> remove_pod(node_instance_ptr mine, instance_state meanwhile, leaving what);
    awaitable<result<void>> try_remove_pod(node_instance_ptr mine, leaving what);
    awaitable<> tear_down(node_instance_ptr mine);
    void forget(node_instance& mine);

    // uplink.cpp
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
    void obey_destroy(order const& what, revision at);
    void join_cluster(orders const& said);

    // logs.cpp
    void answer(stream_request asked);
    awaitable<> serve_stream(stream_request asked);
    awaitable<> pump_stream(dialled_stream_ptr stream);
    awaitable<> watch_reader(dialled_stream_ptr stream);
    awaitable<std::optional<error>> send_answer(dialled_stream_ptr stream);
    awaitable<std::optional<error>> send_log(dialled_stream_ptr stream, container_log_call asked);

    // usage.cpp
    std::vector<detail::measured_instance> running_instances() const;
    awaitable<std::optional<error>> send_usage(dialled_stream_ptr stream);

    // images.cpp
    awaitable<std::optional<error>> send_images(dialled_stream_ptr stream, image_call asked);
    awaitable<result<std::vector<node_image>>> answer_call(image_call asked);
    awaitable<result<std::vector<node_image>>> node_images();
    awaitable<result<std::vector<node_image>>> pull_image(std::string name);
    awaitable<result<std::vector<node_image>>> remove_image(std::string name_or_digest);
    void note_users(std::vector<node_image>& all) const;

    static awaitable<result<void>> change_of(notifier& changed);
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
    std::map<instance_id, node_instance_ptr> instances_;
    std::map<instance_id, revision> gone_;  ///< confirmed gone and not yet said
    held_digest digest_;                    ///< of what the scheduler was told of, in this session or before
    std::string last_connect_error_;        ///< likewise
    std::string last_refusal_;              ///< by a scheduler, so that it is logged once
    /// Found on the machine, owned by no record and not removed yet; with the fence of those that were ordered to go.
    std::map<instance_id, std::optional<revision>> orphans_;
    /// Of these: what had containers that ran. Nobody knows what they take.
    std::set<instance_id> running_orphans_;
    notifier orphan_gone_;
    std::list<dialled_stream_ptr> dialled_streams_;
    std::size_t stream_request_count_ = 0;  ///< of all that are being answered, also by a refusal
    limiter starts_;
    detail::usage_watch usage_;

    std::shared_ptr<connection> connection_;
    bool inventory_is_due_ = false;
    bool beat_is_due_ = false;
    duration beat_period_ = limits::heartbeat_period;
    bool troubles_are_due_ = false;
    std::vector<node_trouble> pressure_;
    std::optional<node_metrics> load_;  ///< as it was told, or is due to be told
    time_point load_told_at_ = {};
    bool load_is_due_ = false;
    notifier due_;
    notifier beat_changed_;
    notifier room_changed_;
    notifier network_changed_;
    std::optional<error> failed_;
    notifier failure_;
    task_group writing_;  ///< the flushes: what the others have put when they are stopped is written, too
    task_group tasks_;    // last member: the tasks use everything above
};

}  // namespace rik
