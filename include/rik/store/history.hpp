// The newest durable changes, so that a watcher which was away for a while need not read everything anew.
#pragma once

#include <rik/store/change.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>

namespace rik {

/// Bounded by limits::history_count_max and history_bytes_max; past them the oldest go. Use it from one strand only.
class change_history {
public:
    /// Forgets everything. From now on, the changes after `floor` are those that are added.
    void restart(revision floor);
    /// `bytes` is the footprint of `done`. Precondition: no change of a later revision was added before.
    void add(change done, std::size_t bytes);

    /// Returns the revision after which every change is here.
    revision floor() const { return floor_; }

    std::size_t bytes() const { return bytes_; }

    /// Calls `visit(change const&, bytes)` for each change after `after`, oldest first, as long as it returns true.
    /// Precondition: after >= floor().
    template <class Visit>
    void for_each_after(revision after, Visit visit) const {
        auto const is_later = [](revision than, kept_change const& each) { return than < each.done.changed_at; };
        auto each = std::upper_bound(changes_.begin(), changes_.end(), after, is_later);
        for (; each != changes_.end() && visit(each->done, each->bytes); ++each) {
        }
    }

private:
    struct kept_change {
        change done;
        std::size_t bytes;
    };
    void drop_oldest();

    std::deque<kept_change> changes_;
    std::size_t bytes_ = 0;
    revision floor_ = 0;
};

}  // namespace rik
