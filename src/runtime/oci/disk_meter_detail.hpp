// How much is written in directories that others write to. That has to be looked for file by file, so it is done
// seldom, in small slices, and what was found is kept.
#pragma once

#include "context_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/async/notifier.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

struct __dirstream;

namespace rik::detail {

/// Adds up what the files below a directory take on the disk, a slice at a time. Links are not followed, other file
/// systems not entered. Of a file with several names each counts as its part. What changes meanwhile may count or not.
/// Blocks.
class disk_walk {
public:
    explicit disk_walk(std::filesystem::path const& root);
    ~disk_walk();
    disk_walk(disk_walk const&) = delete;

    /// Looks at so many files; true when there are no more.
    bool advance(std::size_t files_max);
    std::int64_t bytes() const { return found().bytes; }
    disk_share found() const;

private:
    bool open_next();
    void count(char const* name);

    unique_fd root_;
    std::uint64_t device_ = 0;
    std::string here_;                  // the open directory, from the root
    __dirstream* open_ = nullptr;       // DIR
    std::vector<std::string> pending_;  // bounded
    double bytes_ = 0;
    double files_ = 0;
};

/// Use it from the strand only.
class disk_meter {
public:
    explicit disk_meter(runtime_context const& on);

    /// What was found last; nullopt if that is yet to come. Has it measured again if it was long ago.
    std::optional<std::int64_t> bytes(std::string const& directory);
    /// Completes when there is something new.
    awaitable<> changed();
    /// Measures what is asked for, for ever.
    awaitable<> run();

private:
    struct reading {
        std::optional<std::int64_t> bytes;
        time_point due_at = {};    ///< measured again from then on
        time_point asked_at = {};  ///< nobody asks any more: forgotten
        bool is_wanted = false;
    };
    awaitable<> measure(std::string directory);
    std::optional<std::string> next_wanted() const;
    void forget_old();

    runtime_context const& on_;
    std::map<std::string, reading> readings_;
    notifier wanted_;
    notifier measured_;
};

}  // namespace rik::detail
