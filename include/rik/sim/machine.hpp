// A simulated machine: what a node agent works on, and what survives the agent's crash.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/network/network.hpp>
#include <rik/runtime/host.hpp>
#include <rik/runtime/images.hpp>
#include <rik/runtime/prober.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rik::sim {

/// From `after` its start on, a container answers probes so.
struct probe_change {
    duration after = {};
    bool success = false;
};

/// How containers of an image behave here. Durations are virtual.
struct image_behaviour {
    std::optional<error> pull_error = {};
    std::optional<error> start_error = {};
    duration pull_time = std::chrono::milliseconds(40);
    duration start_time = std::chrono::milliseconds(20);
    std::optional<duration> runs_for = {};              ///< nullopt: until it is stopped
    int exit_code = 0;                                  ///< when it ends by itself
    duration stop_time = std::chrono::milliseconds(5);  ///< from the stop signal to its end; killed if it is longer
    duration kill_time = {};                            ///< from the kill to its end, as if it hung in the kernel
    std::string output = "hello\n";
    duration exec_time = std::chrono::milliseconds(5);  ///< of a program that is run beside it
    int exec_exit_code = 0;
    std::string exec_output = {};
    std::map<std::string, int> exec_exit_codes = {};  ///< by the first word of a command; the others end with the above
    std::vector<probe_change> answers = {};           ///< in the order of time; before the first: success
    duration answer_time = std::chrono::milliseconds(1);
    std::optional<std::uint32_t> ends_before_attempt = {};  ///< from that attempt on `runs_for` does not hold
    std::int64_t volume_bytes = 0;                          ///< that its Pod's volumes hold, each
    disk_share layer = {};                                  ///< what it has in its own file system from its start on
    std::int64_t log_bytes = 0;                             ///< and in its logs
};

/// What goes wrong on a machine, as long as it is set.
struct machine_faults {
    std::optional<error> pull_error = {};
    std::optional<error> sandbox_error = {};
    duration start_time = {};  ///< of each container, beside its image's
    std::optional<error> start_error = {};
    duration removal_time = {};   ///< of each container of an instance, and once more of the rest
    duration deletion_time = {};  ///< from the removal of a container until its files have left the disk
    std::optional<error> removal_error = {};
    std::optional<error> wait_error = {};
    duration attach_time = {};
    std::optional<error> attach_error = {};
    std::optional<error> detach_error = {};
    std::optional<error> open_error = {};    ///< of the Pod network
    std::optional<error> repair_error = {};  ///< the same
    duration stop_delay = {};                ///< from the call to the stop signal
    std::optional<error> stop_error = {};
    std::optional<error> kill_error = {};
    std::optional<error> list_error = {};
    std::optional<error> describe_error = {};
    std::optional<error> disk_error = {};  ///< of the journal of the machine's agent: nothing is read or written
};

/// One start of a container, for checkers.
struct container_start {
    container_key key;
    time_point at;
};

/// An observer from outside of the roles. Each function is called as soon as its event has happened.
struct machine_witness {
    std::function<void(container_key const&)> started = [](container_key const&) {};
    /// Something that an instance had here is gone: a container, the sandbox, its network.
    std::function<void(instance_id const&)> ended = [](instance_id const&) {};
    /// The machine was asked for something impossible (see `machine`): the caller has broken a rule.
    std::function<void(instance_id const&, error const&)> refused = [](instance_id const&, error const&) {};
};

/// Runtime, images, network and host of one machine. Containers run on while there is no agent; `power_off` ends them.
/// Like a real machine it has each address and each host port only once, until the Pod that has it is detached
/// (conflict), and no room for more than it offers (exhausted). One that does not say what it offers has room for
/// everything.
class machine final : public runtime, public images, public network, public host, public prober {
public:
    machine(asio::any_io_executor executor, clock& time, node_facts facts);
    ~machine() override;

    /// Sets the behaviour of every image that has none of its own.
    void set_behaviour(image_behaviour how) { usual_ = std::move(how); }
    void set_behaviour(std::string image, image_behaviour how) { special_[std::move(image)] = std::move(how); }
    /// From now on the registry has another image under this name. (A name that was never pushed stands for an image of
    /// its own.)
    void push(std::string const& image, std::string digest);
    /// The Pod network can be neither opened nor repaired as long as this is set.
    void set_network_error(std::optional<error> why) { faults.open_error = faults.repair_error = std::move(why); }
    /// Takes the Pod off the network, as somebody else on the machine could. `repair` puts it back, or reports it as
    /// lost if `attach_error` is set.
    void cut_off(instance_id instance);
    machine_faults faults;
    /// What `measure` gives; of the disk, what would be free if no container had written anything.
    machine_load measured;

    /// Ends all containers and changes the boot id. What is left on the disk says that they have run, and has the exit
    /// codes of those that had ended before. Call it when no agent uses the machine.
    void power_off();

    /// Replaces the witness before; there is one at a time.
    void set_witness(machine_witness who) { witness_ = std::move(who); }

    std::vector<container_start> const& starts() const { return starts_; }
    /// Returns the containers that run now.
    std::vector<container_key> running() const;
    /// Returns what the sandbox of an instance was made from; nullptr if there is none.
    sandbox_request const* find_sandbox(instance_id const& instance) const;
    /// Returns what a container was started from; nullptr if there is none.
    container_request const* find_request(container_key const& key) const;
    /// Returns how an instance is on the network now; nullptr if it is not.
    pod_attachment const* find_attachment(instance_id const& instance) const;
    /// Returns what these use of the machine together.
    resources in_use() const;
    resources const& capacity() const { return facts_.capacity; }
    /// Somebody takes memory out, or puts it in. What runs goes on. An agent knows of it when it has started again.
    void set_capacity(resources offered) { facts_.capacity = std::move(offered); }
    /// The machine has these addresses from now on. An agent knows of it when it has started again.
    void set_addresses(std::vector<std::string> of_machine) { facts_.addresses = std::move(of_machine); }
    /// Returns the instances that are on the network now.
    std::set<instance_id> attached() const;
    /// Returns the number of log readers that are open now.
    std::size_t open_log_count() const { return static_cast<std::size_t>(log_readers_.use_count()) - 1; }
    /// Returns the instances that have anything here except logs: sandboxes and network attachments.
    std::set<instance_id> occupied() const;
    /// Returns true if `text` is about an error that was made to happen: a fault, or the behaviour of an image.
    bool has_injected(std::string_view text) const;
    /// Returns true if a container of the instance has failed, or lost its power, without being told to end.
    bool has_failed_by_itself(instance_id const& which) const { return failed_by_themselves_.contains(which); }

    /// Returns true if somebody has measured that the instance has written something on the disk.
    bool has_written(instance_id const& which) const { return writers_.contains(which); }

    /// The same machine as the runtime "microvm". Each of the two lists only what was made through it.
    runtime& microvms() { return *microvms_; }
    /// Returns true if what the instance has, or had last, was made through `microvms`.
    bool is_microvm(instance_id const& instance) const { return in_microvms_.contains(instance); }

    std::string_view name() const override { return "oci"; }
    awaitable<result<sandbox>> create_sandbox(sandbox_request request) override;
    awaitable<result<rik::container_start>> start_container(container_request request) override;
    awaitable<result<container_exit>> wait_container(container_key key) override;
    awaitable<result<void>> stop_container(container_key key) override;
    awaitable<result<void>> kill_container(container_key key) override;
    awaitable<result<exec_result>> exec(exec_request what) override;
    awaitable<result<std::vector<instance_usage>>> measure_usage(std::vector<instance_id> of) override;
    awaitable<result<std::vector<written_files>>> measure_written(std::vector<instance_id> of,
                                                                  time_point deadline) override;
    awaitable<result<void>> await_deleted(time_point deadline) override;
    awaitable<result<void>> remove_container(container_key key) override;
    awaitable<result<void>> vacate_sandbox(instance_id instance) override;
    awaitable<result<void>> remove_sandbox(instance_id instance) override;
    awaitable<result<std::vector<found_sandbox>>> list() override;
    awaitable<result<std::unique_ptr<container_log_reader>>> open_container_log(container_key key,
                                                                                container_log_options options) override;

    awaitable<result<image_ptr>> ensure(std::string name, std::optional<image_pull_policy> policy) override;
    awaitable<result<std::vector<node_image>>> list_all_images() override;
    awaitable<result<std::vector<node_image>>> load(load_images what) override;
    awaitable<result<void>> remove(image_removal what) override;

    awaitable<result<std::vector<lost_pod>>> open(node_network what, std::vector<pod_attachment> present) override;
    awaitable<result<std::vector<lost_pod>>> repair() override;
    awaitable<std::vector<instance_id>> list_cut_off(std::vector<instance_id> attached) override;
    awaitable<result<void>> attach(pod_attachment pod) override;
    std::optional<guest_network> describe(instance_id instance) const override;
    awaitable<result<void>> detach(instance_id instance) override;
    awaitable<result<void>> remove_all() override;

    awaitable<result<node_facts>> describe() override;
    /// Asks the container of the Pod with that address which has the port, or its first one that runs.
    awaitable<result<probe_answer>> ask(std::string address, network_probe what, time_point deadline) override;

    /// Gives what `measured` says, without what containers have written in their own file systems.
    awaitable<result<machine_load>> measure() override;
    awaitable<result<disk_room>> measure_room() override;

private:
    struct container;
    class text_log;
    class microvm_runtime;
    awaitable<result<sandbox>> make_sandbox(sandbox_request request);
    awaitable<result<std::vector<found_sandbox>>> list_those(bool in_microvms);
    image_behaviour const& behaviour_of(std::string const& image) const;
    bool answers(container const& which) const;
    std::shared_ptr<container> find_listener(std::string const& address, std::uint16_t port) const;
    std::string digest_of(std::string const& name) const;
    static awaitable<result<void>> change_of(std::shared_ptr<container> which);
    std::shared_ptr<container> find(container_key const& key) const;
    error inject(error why);
    error refuse(instance_id const& told, error why);
    disk_room room_now() const;
    /// Returns why the container cannot run beside what runs; nullopt if it can.
    std::optional<error> lacks_room(container_request const& asked) const;
    /// Returns why the Pod cannot be on the network beside those that are, or were and have not been detached; nullopt
    /// if it can.
    std::optional<error> clashes(pod_attachment const& asked) const;

    asio::any_io_executor executor_;
    clock& time_;
    node_facts facts_;
    std::uint64_t boot_count_ = 1;
    image_behaviour usual_;
    std::map<std::string, image_behaviour> special_;
    std::map<std::string, std::string> registry_;  ///< digests by short name, of what was pushed
    std::map<std::string, std::string> pulled_;    ///< the same, of what is here
    std::unique_ptr<runtime> microvms_;
    std::set<instance_id> in_microvms_;
    std::map<instance_id, sandbox_request> sandboxes_;
    std::map<container_key, std::shared_ptr<container>> containers_;
    std::map<container_key, std::string> logs_;  ///< of those that are gone
    std::shared_ptr<int> log_readers_ = std::make_shared<int>();
    std::map<instance_id, pod_attachment> attached_;
    std::map<instance_id, pod_attachment> cut_off_;  ///< until `repair`
    std::vector<container_start> starts_;
    struct deletion {
        disk_share of;
        time_point ends_at;
    };
    std::vector<deletion> deletions_;  ///< also those that are over
    std::set<std::string> injected_;   ///< messages
    std::set<instance_id> failed_by_themselves_;
    std::set<instance_id> writers_;
    machine_witness witness_;
};

}  // namespace rik::sim
