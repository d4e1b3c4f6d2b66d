// Which events are there, and which go when more come: pure bookkeeping, no store.
#pragma once

#include <rik/model/document.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

/// Every object keeps its newest events, at most limits::events_per_object_max. The instances of a workload are a
/// group, any other object is one by itself: a group keeps at most limits::events_per_owner_max. Of all together there
/// are at most limits::events_count_max; past it the largest group loses its oldest. So none that tells a lot takes the
/// story of the others.
class event_ledger {
public:
    /// What is known of one event.
    struct entry {
        document_key key;
        std::uint64_t sequence = 0;
        std::string object;
        std::string group;
        std::uint64_t content = 0;  ///< alike for events that are the same but for their time
        /// The sequence of an earlier one that says the same: this one counts it, and takes its place. 0: there is none
        std::uint64_t replaces = 0;
    };
    /// A damaged one counts for what it is about.
    static entry read(document const& from);
    /// The same, of a document that was made from `happened`.
    static entry read(document const& from, event const& happened);
    /// Events are named by their numbers.
    static std::uint64_t sequence_of(document_key const& which);

    void add(entry what);
    void remove(std::uint64_t sequence);

    std::size_t size() const { return all_.size(); }
    /// The event of this number; nullptr if there is none.
    entry const* find(std::uint64_t sequence) const;
    /// Of all that were ever added.
    std::uint64_t last_sequence() const { return last_sequence_; }
    /// The newest event of an object that may be the same as one with this content; nullptr if there is none.
    entry const* find_same(std::string_view object, std::uint64_t content) const;
    static std::uint64_t content_of(event const& happened);

    /// The numbers of what goes when `added` come and `removed` go, the oldest first, `count_max` at most.
    std::vector<std::uint64_t> find_excess(std::span<entry const> added, std::vector<std::uint64_t> removed,
                                           std::size_t count_max) const;

private:
    /// In their order. What comes is nearly always the last, what goes the first.
    using sequences = std::vector<std::uint64_t>;
    using holders = std::map<std::string, sequences, std::less<>>;
    struct filed {
        entry what;
        holders::iterator object;
        holders::iterator group;
    };
    /// Of a group: its size and its oldest event.
    using rank = std::pair<std::size_t, std::uint64_t>;
    struct by_size {
        bool operator()(rank const& one, rank const& other) const {
            return one.first != other.first ? one.first > other.first : one.second < other.second;
        }
    };
    static rank rank_of(sequences const& group) { return {group.size(), group.front()}; }
    static bool insert(sequences& into, std::uint64_t sequence);
    static void erase(sequences& from, std::uint64_t sequence);

    /// Adds to `going` what is too much in `known` once `added` are there, of which `key` says where they belong.
    static void find_old(holders const& known, std::span<entry const> added, std::string entry::*key,
                         std::size_t count_max, sequences& going);
    void find_old_of_groups(std::size_t count, sequences& going) const;

    std::map<std::uint64_t, filed> all_;
    holders objects_;
    holders groups_;
    std::set<rank, by_size> ranks_;  ///< of the groups, the largest first
    std::uint64_t last_sequence_ = 0;
};

}  // namespace rik::detail
