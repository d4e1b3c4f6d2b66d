// A set of whole numbers from 0 on, kept as ranges: what is nearly contiguous takes little room however many it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

class index_set {
public:
    /// The first and the last of some that follow each other.
    struct range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        friend bool operator==(range const&, range const&) = default;
    };

    /// Returns true if it was not there.
    bool insert(std::uint32_t index);
    /// Precondition: all that is there is less than its first, which is not greater than its last.
    void append(range next);
    /// Returns true if it was there.
    bool erase(std::uint32_t index);
    bool contains(std::uint32_t index) const;
    bool empty() const { return ranges_.empty(); }
    std::uint64_t size() const;
    /// How many are less than `end`.
    std::uint64_t count_below(std::uint64_t end) const;
    /// How many of them `other` has, too.
    std::uint64_t count_shared(index_set const& other) const;
    /// In their order; no two touch.
    std::vector<range> const& ranges() const { return ranges_; }
    friend bool operator==(index_set const&, index_set const&) = default;

private:
    std::vector<range> ranges_;
};

/// "1,3-5,7"; of none "".   Source: Kubernetes, status.completedIndexes of a Job.
std::string to_string(index_set const& of);
/// Reads that. Returns nullopt if it is something else: an order that is not ascending, ranges that overlap.
std::optional<index_set> parse_index_set(std::string_view text);

}  // namespace rik
