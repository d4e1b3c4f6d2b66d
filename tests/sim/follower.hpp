// A user of a simulated cluster who holds a watch of all instances, and goes on where it was when it breaks.
#pragma once

#include <rik/sim/cluster.hpp>

#include <fmt/format.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rik::testing {

class follower {
public:
    follower(sim::cluster& cluster, sim::world& world) : cluster_(cluster), world_(world) {}

    /// Until it is cancelled.
    awaitable<> follow() {
        for (;;) {
            if (cluster_.has_primary()) co_await follow_one();
            co_await world_.time().sleep_for(std::chrono::milliseconds(50));
        }
    }

    /// By what it was told: the revision of each instance's last change.
    std::map<instance_id, revision> const& view() const { return view_; }
    /// The last that it was told of each, also of those that are gone.
    std::map<instance_id, std::shared_ptr<instance const>> const& last() const { return last_; }
    /// Why those were condemned that were.
    std::map<instance_id, std::string> const& condemned_because() const { return condemned_because_; }
    /// What it was told, with the virtual time of each.
    std::vector<std::string> const& trace() const { return trace_; }
    std::size_t resumed_count() const { return resumed_count_; }

private:
    awaitable<> follow_one() {
        auto const watch = co_await cluster_.api().instances().watch(caller(), instance_filter(), seen_);
        if (!watch) co_return;
        for (;;) {
            auto const news = co_await (*watch)->next();
            if (!news && news.error().code == errc::exhausted) seen_.reset();  // too old: from the beginning
            if (!news) co_return;
            if (!news->is_initial && seen_) ++resumed_count_;
            take(*news);
        }
    }

    void take(watch_source::batch const& news) {
        if (news.is_initial) view_.clear();
        for (auto const& each : news.changes) {
            auto const& seen = std::get<row_change<instance>>(each.row);
            auto const& row = seen.after ? *seen.after : *seen.before;
            if (seen.after) {
                view_[row.id()] = each.changed_at;
                last_[row.id()] = seen.after;
                if (row.is_condemned()) condemned_because_.emplace(row.id(), row.status().message);
            } else {
                view_.erase(row.id());
            }
            trace_.push_back(fmt::format("{} {} {} {} {}", world_.time().now().time_since_epoch().count(),
                                         each.changed_at, row.id().text(), to_string(row.state()),
                                         seen.after ? row.status().reason : "gone"));
        }
        seen_ = news.at;
    }

    sim::cluster& cluster_;
    sim::world& world_;
    std::optional<store_position> seen_ = {};
    std::map<instance_id, revision> view_;
    std::map<instance_id, std::shared_ptr<instance const>> last_;
    std::map<instance_id, std::string> condemned_because_;
    std::vector<std::string> trace_;
    std::size_t resumed_count_ = 0;
};

}  // namespace rik::testing
