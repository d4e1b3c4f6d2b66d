#include "hearing_detail.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>

namespace rik::detail {

void hearing::note(node_id const& node, time_point now) {
    auto const [known, is_new] = places_.try_emplace(node);
    if (is_new)
        known->second = order_.insert(order_.end(), {node, now});
    else
        order_.splice(order_.end(), order_, known->second);
    known->second->second = now;
}

void hearing::forget(node_id const& node) {
    auto const known = places_.find(node);
    if (known == places_.end()) return;
    order_.erase(known->second);
    places_.erase(known);
}

std::optional<time_point> hearing::last(node_id const& node) const {
    auto const known = places_.find(node);
    return known == places_.end() ? std::nullopt : std::optional(known->second->second);
}

std::vector<node_id> hearing::take_silent(time_point since) {
    std::vector<node_id> silent;
    for (; !order_.empty() && order_.front().second <= since; order_.pop_front()) {
        silent.push_back(order_.front().first);
        places_.erase(silent.back());
    }
    return silent;
}

std::optional<time_point> hearing::oldest() const {
    return order_.empty() ? std::nullopt : std::optional(order_.front().second);
}

bool inventory_need::note_beat(bool is_equal, bool is_same_as_before) {
    if (is_equal) {
        *this = {};
        return false;
    }
    ++unequal_beats_;
    quiet_beats_ = is_same_as_before ? quiet_beats_ + 1 : 1;
    auto const wanted = std::max(wanted_, limits::unequal_beats_min);
    if (quiet_beats_ < wanted && unequal_beats_ < limits::unequal_beats_max) return false;
    *this = {};
    wanted_ = std::min(wanted * 2, limits::unequal_beats_max);
    return true;
}

}  // namespace rik::detail
