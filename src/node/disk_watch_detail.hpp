// Sees that the disk of the node's state does not fill up: whoever writes too much is evicted before nobody can write.
#pragma once

#include "disk_detail.hpp"
#include "disk_eviction_detail.hpp"
#include "records_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/async/notifier.hpp>
#include <rik/base/log.hpp>
#include <rik/node/node_agent.hpp>
#include <rik/runtime/host.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace rik::detail {

struct disk_watch_context {
    clock& time;
    host& machine;
    node_disk& disk;
    node_records const& records;
    std::vector<node_runtime> const& runtimes;
    log out;
    std::function<void()> pressure_changed;
};

/// Use it from one strand only.
class disk_watch {
public:
    disk_watch(asio::any_io_executor strand, disk_watch_context on)
        : on_(std::move(on)), became_short_(strand), scarce_(std::move(strand)), pause_(pause_min) {}

    /// Lives as long as the agent. Sleeps until `take` tells of a disk on which little is free.
    awaitable<> run();
    /// What is free now.
    void take(disk_room now);
    /// What keeps new instances away.
    std::vector<node_trouble> const& pressure() const { return pressure_; }
    /// True if the disk may be too full to write on it.
    bool is_short() const { return !find_disk_pressure(room_).empty(); }
    /// Completes when that is so. For whoever writes much, and gives back the room of what is half done if he is
    /// cancelled: that is waited for before anybody is evicted.
    awaitable<> shortage();

private:
    static constexpr duration pause_min = std::chrono::seconds(5);

    awaitable<> look();
    awaitable<> measure_room();
    awaitable<> relieve();
    awaitable<> let_deletions_end();
    awaitable<bool> free_ended(std::vector<written_files> const& written);
    void find_nobody();
    awaitable<> evict(disk_eviction what);
    awaitable<bool> wait_until_gone(instance_id id);

    disk_watch_context on_;
    disk_room room_;
    std::vector<node_trouble> pressure_;
    time_point held_until_ = {};  ///< of new instances: what was evicted shall not come back at once
    bool is_held_ = false;
    std::size_t writer_count_ = 0;  ///< of those that wait in `shortage`
    time_point writers_end_by_ = {};
    notifier became_short_;
    notifier scarce_;
    time_point next_search_ = {};  ///< of somebody to evict, after one that found nobody, unless the room shrinks
    disk_room searched_;           ///< then
    duration pause_;               ///< between such searches
};

}  // namespace rik::detail
