#include "event_backlog_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

bool event_backlog::count(std::string const& group, time_point now) {
    if (now >= period_end_) {
        told_counts_.clear();
        in_burst_.clear();
        period_end_ = now + burst_period;
    }
    if (++told_counts_[group] > limits::events_per_owner_max) in_burst_.insert(group);
    return is_in_burst(group);
}

/// Behind what is held all that follows is held, too: events of a group are written in their order.
bool event_backlog::is_in_burst(std::string const& group) const {
    return held_counts_.contains(group) || in_burst_.contains(group);
}

void event_backlog::hold(event_ledger::entry const& which, row what) {
    held_.emplace(which.sequence, held{which.group, std::move(what)});
    ++held_counts_[which.group];
}

bool event_backlog::drop(std::uint64_t sequence) {
    auto const found = held_.find(sequence);
    if (found == held_.end()) return false;
    auto const of_group = held_counts_.find(found->second.group);
    if (--of_group->second == 0) held_counts_.erase(of_group);
    held_.erase(found);
    return true;
}

event_backlog::row event_backlog::find(std::uint64_t sequence) const {
    auto const found = held_.find(sequence);
    return found == held_.end() ? nullptr : found->second.what;
}

std::vector<std::uint64_t> event_backlog::list_in(std::string_view tenant) const {
    std::vector<std::uint64_t> found;
    for (auto const& [sequence, each] : held_)
        if (each.what->key.tenant == tenant) found.push_back(sequence);
    return found;
}

event_backlog::part event_backlog::next(std::size_t count_max) const {
    part made;
    for (auto const& [sequence, each] : held_) {
        if (made.told.size() == count_max) break;
        made.told.push_back(each.what);
    }
    auto const gone_count = std::min(removals_.size(), count_max);
    made.gone.assign(removals_.begin(), removals_.begin() + static_cast<std::ptrdiff_t>(gone_count));
    return made;
}

void event_backlog::written(part const& what) {
    for (auto const& each : what.told) drop(event_ledger::sequence_of(each->key));
    removals_.erase(removals_.begin(), removals_.begin() + static_cast<std::ptrdiff_t>(what.gone.size()));
}

}  // namespace rik::detail
