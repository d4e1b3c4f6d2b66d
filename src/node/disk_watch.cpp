#include "disk_watch_detail.hpp"

#include "load_watch_detail.hpp"
#include "pod_core_detail.hpp"

#include <rik/async/deadline.hpp>
#include <rik/base/quantity.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr duration scarce_period = 250ms;   // between two looks while little is free: each costs microseconds
constexpr duration measure_time_max = 10s;  // then somebody with millions of files has been found out
constexpr duration deletion_time_max = 1min;
constexpr duration end_time_max = 30s;  // of an instance that was evicted: its processes may hang in the kernel
constexpr duration end_look_period = 50ms;
constexpr duration flush_time_max = 5s;
constexpr duration cleaning_time_max = 10s;  // of what a pull that was cancelled has left
constexpr duration search_pause_max = 1min;
constexpr duration hold_time = 10s;

std::string free_text(disk_room const& room) {
    auto text = bytes_text(room.free_bytes);
    if (room.total_files > 0) text += fmt::format(", {} files", room.free_files);
    return text;
}

/// By so much that somebody may be worth his eviction who was not before.
bool has_shrunk(disk_room const& before, disk_room const& now) {
    return now.free_bytes + eviction_bytes_min <= before.free_bytes ||
           now.free_files + eviction_files_min(now.total_files) <= before.free_files;
}

/// Counts while it lives.
class presence {
public:
    explicit presence(std::size_t& count) : count_(count) { ++count_; }
    presence(presence const&) = delete;
    presence& operator=(presence const&) = delete;
    ~presence() { --count_; }

private:
    std::size_t& count_;
};

/// It is asked to end, or has ended: nothing more can be won by an eviction.
bool is_leaving(node_instance const& of) { return of.is_evicted || is_finished(of.fields.status.state); }

awaitable<std::vector<written_files>> measure_written(disk_watch_context const& on) {
    std::vector<written_files> all;
    for (std::size_t i = 0; i < on.runtimes.size(); ++i) {
        auto& by = on.runtimes[i].containers;
        std::vector<instance_id> ids;
        for (auto const& [id, each] : on.records.all())
            if (!is_leaving(*each) && runtime_name(each->spec().form) == by.name()) ids.push_back(id);
        if (ids.empty()) continue;
        auto found = co_await by.measure_written(std::move(ids), on.time.now() + measure_time_max);
        if (!found)
            on.out.error("what instances have written cannot be measured", {{"error", to_string(found.error())}});
        else
            for (auto& each : *found) all.push_back(std::move(each));
    }
    co_return all;
}

std::vector<disk_user> users_of(node_records const& records, std::vector<written_files> const& written) {
    std::vector<disk_user> all;
    for (auto const& each : written) {
        auto const mine = records.find(each.instance);
        if (mine == nullptr || is_leaving(*mine)) continue;
        auto const request = mine->fields.made_from->requests.get(resource::storage);
        all.push_back(user_of(mine->spec(), request, each));
    }
    return all;
}

}  // namespace

awaitable<> disk_watch::run() {
    for (;;) {
        while (!is_scarce(room_)) co_await scarce_.wait();
        co_await look();
        co_await on_.time.sleep_for(scarce_period);
    }
}

void disk_watch::take(disk_room now) {
    auto const was_short = is_short();
    room_ = std::move(now);
    if (is_short() && !was_short) {
        if (writer_count_ > 0) writers_end_by_ = on_.time.now() + cleaning_time_max;
        became_short_.notify();
    }
    if (!is_short()) {
        next_search_ = {};
        pause_ = pause_min;
    }
    auto pressure = find_disk_pressure(room_);
    auto const is_held = pressure.empty() && on_.time.now() < held_until_;
    if (is_held)
        pressure.push_back({"DiskPressure", fmt::format("{} are free again on {}, after an eviction; instances are "
                                                        "taken again in a moment",
                                                        free_text(room_), room_.name)});
    auto const was_held = std::exchange(is_held_, is_held);
    if (!have_same_reasons(pressure, pressure_) || is_held != was_held) {
        auto const is_new = pressure_.empty();
        pressure_ = std::move(pressure);
        if (is_new) on_.out.warning("no new instances: the disk is nearly full", {{"why", pressure_.front().message}});
        if (pressure_.empty()) {
            on_.out.info("the disk has room again", {{"free", free_text(room_)}});
            on_.disk.flush_soon();
        }
        on_.pressure_changed();
    }
    if (is_scarce(room_)) scarce_.notify();
}

awaitable<> disk_watch::shortage() {
    presence const here(writer_count_);
    while (!is_short()) co_await became_short_.wait();
}

awaitable<> disk_watch::measure_room() {
    auto now = co_await on_.machine.measure_room();
    if (now) take(std::move(*now));
}

awaitable<> disk_watch::look() {
    co_await measure_room();
    auto const may_search = on_.time.now() >= next_search_ || has_shrunk(searched_, room_);
    if (is_short() && may_search) co_await relieve();
}

/// What comes by itself is waited for, and what nobody uses goes, before anything that runs is ended.
awaitable<> disk_watch::relieve() {
    co_await let_deletions_end();
    co_await measure_room();
    while (is_short() && on_.time.now() < writers_end_by_) {
        co_await on_.time.sleep_for(scarce_period);
        co_await measure_room();
    }
    if (!is_short()) co_return;
    auto const written = co_await measure_written(on_);
    auto const has_freed = co_await free_ended(written);
    if (has_freed) co_await let_deletions_end();
    co_await measure_room();
    auto chosen = find_eviction(room_, users_of(on_.records, written));
    if (chosen) co_return co_await evict(std::move(*chosen));
    if (is_short() && !has_freed) find_nobody();
}

awaitable<> disk_watch::let_deletions_end() {
    for (std::size_t i = 0; i < on_.runtimes.size(); ++i) {
        auto const done = co_await on_.runtimes[i].containers.await_deleted(on_.time.now() + deletion_time_max);
        if (!done)
            on_.out.warning("what was removed is still being deleted",
                            {{"runtime", std::string(on_.runtimes[i].containers.name())}});
    }
}

/// Returns true if something was removed. That they have ended must be on disk first: else the next agent would not
/// know.
awaitable<bool> disk_watch::free_ended(std::vector<written_files> const& written) {
    std::vector<container_key> ended;
    for (auto const& each : written) {
        auto const mine = on_.records.find(each.instance);
        if (mine == nullptr || is_leaving(*mine)) continue;
        for (auto& key : find_ended(room_, mine->status().containers, each)) ended.push_back(std::move(key));
    }
    if (ended.empty()) co_return false;
    auto flushing = on_.disk.wait_durable();
    auto const flushed = co_await with_deadline(on_.time, on_.time.now() + flush_time_max, std::move(flushing));
    if (!flushed) co_return false;
    auto has_removed = false;
    for (std::size_t i = 0; i < ended.size(); ++i) {
        auto const mine = on_.records.find(ended[i].instance);
        if (mine == nullptr || is_leaving(*mine)) continue;
        auto const* const by = find_runtime(on_.runtimes, runtime_name(mine->spec().form));
        if (by == nullptr) continue;
        auto const removed = co_await by->containers.remove_container(ended[i]);
        has_removed = has_removed || removed;
        if (removed)
            on_.out.info("the files of a container that has ended are removed: the disk is nearly full",
                         {{"instance", mine->fields.name}, {"container", ended[i].name}});
        else
            on_.out.warning("a container that has ended keeps room on a disk that is nearly full",
                            {{"instance", mine->fields.name}, {"error", to_string(removed.error())}});
    }
    co_return has_removed;
}

/// Whoever fills the disk is not of this node. Millions of files are not counted each second for that.
void disk_watch::find_nobody() {
    if (pause_ == pause_min)
        on_.out.warning("the disk is nearly full, and evictions would not give back enough: nobody is evicted",
                        {{"disk", room_.name}, {"free", free_text(room_)}});
    searched_ = room_;
    next_search_ = on_.time.now() + pause_;
    pause_ = std::min(pause_ * 2, search_pause_max);
}

awaitable<> disk_watch::evict(disk_eviction what) {
    auto const mine = on_.records.find(what.id);
    if (mine == nullptr || is_leaving(*mine)) co_return;
    pause_ = pause_min;
    auto const name = mine->fields.name;
    on_.out.warning("instance is evicted, without grace", {{"instance", name}, {"why", what.how.message}});
    mine->evict(std::move(what.how));
    auto const began_at = on_.time.now();
    auto const is_gone = co_await wait_until_gone(what.id);
    if (!is_gone) on_.out.warning("an evicted instance does not end", {{"instance", name}});
    co_await let_deletions_end();
    held_until_ = on_.time.now() + hold_time;
    co_await measure_room();
    auto const took = to_short_string(on_.time.now() - began_at);
    if (is_gone)
        on_.out.info("evicted instance is gone", {{"instance", name}, {"took", took}, {"free", free_text(room_)}});
}

awaitable<bool> disk_watch::wait_until_gone(instance_id id) {
    auto const patience = on_.time.now() + end_time_max;
    while (on_.time.now() < patience) {
        auto const mine = on_.records.find(id);
        if (mine == nullptr || mine->is_forgotten || is_finished(mine->fields.status.state)) co_return true;
        co_await on_.time.sleep_for(end_look_period);
    }
    co_return false;
}

}  // namespace rik::detail
