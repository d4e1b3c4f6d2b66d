// The real primary on threads: the test plays its scheduler and its nodes, and has its disk in its hands.
#pragma once

#include "gated_journal.hpp"
#include "http_fixture.hpp"
#include "played_node.hpp"
#include "played_scheduler.hpp"

#include <rik/async/task_group.hpp>
#include <rik/primary/primary.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace rik::test {

/// Use it from the test's thread. Each verb returns when the primary shows what was said to it, and fails the test if
/// that does not happen.
class played_primary {
    // What `role` works with.
    asio::any_io_executor strand_;
    system_clock time_;
    seeded_entropy random_{1};
    testing::gated_journal disk_;
    testing::played_scheduler scheduler_;
    local_streams streams_;

public:
    explicit played_primary(threads& on);
    ~played_primary();

    /// Afterwards its operations answer that it stops.
    void stop();

    // --- the scheduler

    void bind(instance_id id, node_id to);
    void leave_unplaced(instance_id id, std::string why);
    /// Until it comes back the primary has none.
    void send_scheduler_away();
    void bring_scheduler_back();

    // --- the nodes

    /// It takes Pods and Functions.
    node_id add_node(std::string name);
    void lose_node(node_id id);
    void find_node_again(node_id id);
    /// What its node has seen of a bound instance, one after the other.
    void report(instance_id id, std::vector<instance_status> seen);
    void report(instance_id id, instance_state state);
    /// `count` changes of one instance, each with a message of 2 kB.
    void report_often(instance_id id, int count);
    /// Nothing is left of a bound instance that was deleted.
    void confirm_gone(instance_id id);
    /// A user deletes it, and its node obeys.
    void remove_instance(instance_id id);

    // --- what they are asked for

    void write_log(std::string const& text);
    void end_log(std::optional<error> why = std::nullopt);
    int count_open_logs();
    void hold_images(std::vector<node_image> held);
    /// What every node says of usage; with `end` it breaks off after that.
    void hold_usage(std::vector<usage_row> held, std::optional<error> end = std::nullopt);
    std::vector<image_call> image_calls();

    // --- the disk

    void hold_disk();

    stored<instance> get(instance_id id);

    primary role;

private:
    /// Calls it on the strand.
    template <class Function>
    std::invoke_result_t<Function> here(Function function);
    void tell(reports news);
    void hear(facts const& news);
    bool is_ready();
    result<stored<node>> find_node(node_id id);

    threads& on_;
    seeded_entropy node_ids_{2};
    testing::played_node node_;
    bool is_stopped_ = false;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::test
