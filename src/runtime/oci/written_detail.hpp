// What instances have written on the disk, looked at anew: for somebody who needs it now and waits for it.
#pragma once

#include "disk_meter_detail.hpp"
#include "usage_detail.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace rik::detail {

/// Walks through what all of them have written, a bit of each in turn, so that one with millions of files does not keep
/// the others from being looked at. One thread at a time.
class written_meter {
public:
    explicit written_meter(std::vector<instance_reading> const& of);

    /// Goes on for some milliseconds. Returns true when there is nothing more to look at. Blocks.
    bool advance();
    /// As far as it has come.
    std::vector<written_files> found() const;

private:
    struct walk {
        std::size_t instance = 0;  ///< of `found_`
        written_directory what;
        std::unique_ptr<disk_walk> through = {};  ///< null before its first turn, and when it is over
        bool is_over = false;
        disk_share found = {};
    };
    static void advance(walk& one);

    std::vector<written_files> read_;  ///< without what the walks find
    std::vector<walk> walks_;
    std::vector<std::size_t> under_way_;  ///< of `walks_`
    std::size_t begun_count_ = 0;         ///< likewise
    std::size_t next_ = 0;                ///< of `under_way_`: whose turn it is
};

}  // namespace rik::detail
