// Acts for one instance: asks its pod_machine what is due, does it, and tells how it ended.
#pragma once

#include "network_detail.hpp"
#include "orphans_detail.hpp"
#include "pod_machine_detail.hpp"
#include "pod_plan_detail.hpp"
#include "records_detail.hpp"
#include "room_detail.hpp"

#include <rik/async/limiter.hpp>
#include <rik/async/task_group.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/runtime/prober.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

/// What all actors of a node share. It outlives them.
struct pod_context {
    asio::any_io_executor strand;
    clock& time;
    node_disk& disk;
    node_records& records;
    pod_network& pods;
    node_room& room;
    orphans& strays;
    limiter& starts;
    prober& probes;
    std::vector<node_runtime> const& runtimes;
    node_facts const& facts;
    log out;
    duration restart_delay_max;
    /// Nothing is left of an instance, and its rows are removed.
    std::function<void(node_instance&)> tell_gone;
};

/// What the runtime says of a container that has ended, or was never there.
inline bool is_not_running(error const& why) { return why.code == errc::not_found; }

node_runtime const* find_runtime(std::vector<node_runtime> const& all, std::string_view name);

/// Use it from one strand only.
class pod_actor {
public:
    pod_actor(node_instance_ptr mine, pod_context const& on);

    instance_id const& id() const { return mine_->id(); }
    /// Lives as long as the record: ends when the instance was destroyed. Cancel: nothing is stopped; call `stop` then.
    awaitable<> run();
    /// Ends what `run` has begun. No container is stopped.
    awaitable<> stop();

private:
    /// What is known of a container beside what is said of it.
    struct unit_notes {
        image_ptr image = {};
        int pull_count = 0;            ///< on their way: 0 or 1
        bool has_pull_failed = false;  ///< the newest one
        bool has_run = false;          ///< in any attempt since the Pod was made
        std::optional<start_trouble> trouble = {};
        std::string note = {};                       ///< of its probes
        std::optional<container_key> leftover = {};  ///< half made by an earlier agent
    };
    struct start_failure {
        std::string reason;  ///< of the instance: one word
        error why;
    };
    enum class leaving : std::uint8_t { nothing, logs };

    // pod_actor.cpp: the life of the instance
    awaitable<> live();
    awaitable<> drive();
    awaitable<> wait_for_more();
    awaitable<> cancel_starts();
    awaitable<> stop_acting();
    void act(pod_action const& what);
    void obey_wishes();
    void look_at_network();
    void look_at_end();
    void fail(instance_end how);
    void look_again() { mine_->due.notify(); }
    awaitable<> stay_finished();

    // pod_telling.cpp: what is said of it
    void tell();
    void tell_start();
    void tell_progress();
    void tell_ending();
    void mark_stopping(std::size_t unit, std::string_view cause);
    container_outlook outlook_of(std::size_t unit) const;
    bool is_ready() const;
    bool have_mains_run() const;
    std::string progress_key() const;
    void remember();
    void set_trouble(std::size_t unit, std::string reason, error const& why);

    // pod_resuming.cpp: where an earlier agent, or nobody, left it
    awaitable<> resume();
    void fit_status();
    std::vector<unit_memory> recall() const;
    void take_over();
    awaitable<> take_room();
    void take_over_unit(std::size_t unit, found_container const& newest);
    void lose_vanished();
    void clear_old_attempts();
    void tell_taken_over();
    awaitable<> begin_anew();
    void begin();
    bool has_remains() const;

    // pod_starting.cpp
    awaitable<> prepare();
    awaitable<result<void>> make_pod();
    awaitable<std::optional<start_failure>> make_sandbox();
    std::optional<start_failure> take_address();
    bool are_first_images_settled() const;
    void begin_pull(std::size_t unit);
    awaitable<> pull(std::size_t unit);
    void take_image(std::size_t unit, image_ptr image);
    void take_pull_failure(std::size_t unit, error const& why, bool is_forbidden, unsigned failures);
    awaitable<> start_unit(pod_action what);
    awaitable<result<void>> try_start(pod_action what);
    awaitable<result<void>> start_in_turn(container_request request);
    void take_start(pod_action const& what, result<void> const& started);
    bool is_final(error const& why) const;
    awaitable<> mend_network();
    awaitable<> watch_volumes();

    // pod_acting.cpp
    awaitable<> watch(std::size_t unit, container_key key);
    void take_exit(std::size_t unit, std::uint32_t attempt, container_exit const& how, time_point at);
    awaitable<> remove_attempt(container_key key);
    awaitable<> probe(pod_action what);
    awaitable<result<probe_answer>> ask(container_key key, probe_action what, time_point deadline);
    void take_answer(pod_action const& what, result<probe_answer> const& answer);
    awaitable<> run_hook(pod_action what);
    awaitable<result<probe_answer>> do_hook(container_key key, hook_action what);
    awaitable<> stop_unit(pod_action what);
    awaitable<> kill_unit(pod_action what);

    // pod_ending.cpp
    awaitable<> settle();
    awaitable<> leave();
    awaitable<> remove_pod(instance_state meanwhile, leaving what);
    awaitable<result<void>> try_remove_pod(leaving what);
    awaitable<result<void>> kill_containers();
    void give_back();

    container_status& status_of(std::size_t unit) { return mine_->status().containers[unit]; }
    container_definition const& definition_of(std::size_t unit) const { return mine_->spec().containers[unit]; }
    container_key key_of(std::size_t unit, std::uint32_t attempt) const {
        return {mine_->id(), definition_of(unit).name, attempt};
    }
    bool is_never_restarted() const { return mine_->spec().restart == restart_policy::never; }
    time_point moment_of(wall_time when) const;

    node_instance_ptr mine_;
    pod_context const& on_;
    runtime* containers_ = nullptr;  ///< null: this node has none for it
    images* images_ = nullptr;
    pod_rules rules_;
    std::optional<pod_machine> machine_;  ///< nullopt: nothing of it runs or will
    std::vector<unit_notes> units_;
    bool is_prepared_ = false;   ///< its sandbox is there, and its order on disk
    bool is_lost_ = false;       ///< all of it is made anew when it has ended
    bool is_end_told_ = false;   ///< that it is about to end
    bool is_mending_ = false;    ///< its network
    bool has_place_ = false;     ///< among those that start
    int start_count_ = 0;        ///< of containers that only wait for the sandbox, or for the runtime
    revision starts_after_ = 0;  ///< the change that must be on disk before anything of it runs
    time_point began_at_ = {};
    std::string progress_key_;  ///< of what was said last
    limiter one_by_one_;        ///< starts of its containers
    notifier progressed_;       ///< something that a start waits for
    task_group acts_;
    task_group watching_;
    task_group starting_;
    task_group life_;  // last member: the tasks use everything above
};

/// Completes when it is notified.
awaitable<result<void>> change_of(notifier& changed);

}  // namespace rik::detail
