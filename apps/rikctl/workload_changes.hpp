// What changes of workloads from one answer of the server to the next.
#pragma once

#include <rik/client/client.hpp>

#include <map>
#include <string>
#include <vector>

#include "watch_table.hpp"

namespace rikctl {

/// How far a workload is follows from its instances, and no watch tells it: so what is there is asked for again and
/// again, and this tells as a watch would what has changed of it.
class workload_changes {
public:
    /// Only what `view` shows counts, at a time that stands still: that somebody grows older is no change. `view` must
    /// outlive this.
    workload_changes(watch_view const& view, rik::wall_time begin) : view_(view), begin_(begin) {}

    /// `answers` are lists of workloads, or single ones, and together all that are there. The first time each is
    /// `added`, and `synced` follows. Errors: corrupt.
    rik::result<std::vector<rik::watch_event>> take(std::vector<std::string> const& answers);

private:
    struct known_workload {
        std::string text;
        std::string shown;
    };
    rik::result<std::string> shown_of(std::string const& text) const;

    watch_view const& view_;
    rik::wall_time begin_;
    bool is_first_ = true;
    std::map<std::string, known_workload> known_ = {};  ///< by id
};

}  // namespace rikctl
