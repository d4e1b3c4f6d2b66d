// What is in use on the machine: told when it has changed, and so that nothing is placed on a machine that is full.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/model/node.hpp>
#include <rik/model/node_metrics.hpp>
#include <rik/runtime/host.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

/// Whatever their messages say.
bool have_same_reasons(std::vector<node_trouble> const& one, std::vector<node_trouble> const& other);

/// Use it from one strand only.
class load_watch {
public:
    struct listeners {
        std::function<void()> pressure_changed;
        std::function<void(disk_room)> room_measured;
        std::function<void()> is_due;  ///< `told` is to be told
    };
    load_watch(clock& time, host& machine, log out, listeners who)
        : time_(time), machine_(machine), out_(std::move(out)), listeners_(std::move(who)) {}

    /// Lives as long as the agent.
    awaitable<> run();
    /// What keeps new instances away, but for the disk.
    std::vector<node_trouble> const& pressure() const { return pressure_; }
    /// As it was told, or is due to be told.
    std::optional<node_metrics> const& told() const { return told_; }

private:
    void take(machine_load now);

    clock& time_;
    host& machine_;
    log out_;
    listeners listeners_;
    std::vector<node_trouble> pressure_;
    std::optional<node_metrics> told_;
    time_point told_at_ = {};
};

}  // namespace rik::detail
