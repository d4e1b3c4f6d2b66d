// Events that are told already and not written yet: pure bookkeeping, no store.
#pragma once

#include "event_ledger_detail.hpp"

#include <rik/base/time.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

/// A group of events that is as long as it may be within this time is in a burst.
inline constexpr duration burst_period = std::chrono::seconds(1);

/// In a burst, a group tells more than limits::events_per_owner_max events in a burst_period: each pushes out one that
/// is hardly older. What comes beyond that is held back until the period is over, so that of many thousands only those
/// are written that are still kept then. What they push out stays in the store until then, too.
class event_backlog {
public:
    using row = std::shared_ptr<document const>;

    /// Counts one more event of `group`, told at `now`. Returns true if it is to be held back.
    bool count(std::string const& group, time_point now);
    /// Returns true if what `group` tells next is held back, as far as is known.
    bool is_in_burst(std::string const& group) const;

    void hold(event_ledger::entry const& which, row what);
    /// It is held no more. Returns false if it was not held.
    bool drop(std::uint64_t sequence);
    /// Holds back the removal of an event that is in the store.
    void hold_removal(document_key which) { removals_.push_back(std::move(which)); }
    /// The event, if it is held; else nullptr.
    row find(std::uint64_t sequence) const;
    std::vector<std::uint64_t> list_in(std::string_view tenant) const;

    bool empty() const { return held_.empty() && removals_.empty(); }
    std::size_t size() const { return held_.size() + removals_.size(); }

    struct part {
        std::vector<row> told = {};
        std::vector<document_key> gone = {};
    };
    /// The oldest that is held, `count_max` of each sort at most. It stays until `written`.
    part next(std::size_t count_max) const;
    void written(part const& what);

private:
    struct held {
        std::string group;
        row what;
    };

    std::map<std::uint64_t, held> held_;              ///< by sequence
    std::map<std::string, std::size_t> held_counts_;  ///< of groups; none: no entry
    std::deque<document_key> removals_;
    std::map<std::string, std::size_t> told_counts_;  ///< of groups in this period
    std::set<std::string> in_burst_;                  ///< those that have told too many in this period
    time_point period_end_ = {};
};

}  // namespace rik::detail
