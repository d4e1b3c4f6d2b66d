// The two directories of a rik: what lasts, and what dies with the boot.
#pragma once

#include <rik/all.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

inline constexpr std::string_view mark_name = "rik-state";  ///< in the state directory
inline constexpr std::string_view owner_name = "rik-run";   ///< in the run directory: names its state directory
inline constexpr char const* usual_run_root = "/run/rik";

/// Both directories carry a mark, so that nothing is ever removed from a directory that rik did not make its own, and
/// so that a later start and `reset` find the one by the other.
class directories {
public:
    directories() = default;
    directories(directories const&) = delete;
    directories& operator=(directories const&) = delete;
    ~directories();

    /// Makes what is missing and keeps others out: one rik per state directory, until this is destroyed or the process
    /// dies, however it dies.   Source: man 2 flock
    /// Errors: conflict, another process has it, or a directory belongs to something else; invalid, its path cannot be
    /// used, or cluster_cidr, or it was used with another --run-dir or --cluster-cidr; denied, also when others than
    /// root may write into one of them; internal. After an error about the path or the range nothing was made.
    result<void> claim(local_options const& options);
    /// The same for an end: takes over what the mark says. A state directory that is missing is made, as the lock is
    /// in it. One that cannot be written is taken as it is.
    result<void> claim_to_remove(local_options const& options);
    /// Removes again what this object has made. For a start, or an end, that was refused. If `is_new`, `remove` first.
    void undo();

    /// Nobody has ever used this state directory before.
    bool is_new() const { return is_new_; }
    /// Taken to be removed, and its file system is mounted read-only.
    bool keeps_state() const { return keeps_state_; }

    /// Without symbolic links, both.
    std::filesystem::path const& state_dir() const { return state_dir_; }
    std::filesystem::path const& run_dir() const { return run_dir_; }
    std::string const& cluster_cidr() const { return cluster_cidr_; }

    /// Removes both, but for what the user keeps in them. The runtime and the network have removed what is theirs.
    /// `out` is told which parts of the state directory stay, and why. Errors: conflict, something is mounted inside of
    /// what is rik's; denied, the state directory cannot be written, and only the run directory is removed; internal.
    result<void> remove(log out);
    /// Removes what a start that was cut short has left in directories that hold nothing else. Precondition: `is_new`,
    /// and nothing runs by them.
    result<void> remove_half_made() const;

private:
    struct mark {
        std::filesystem::path run_dir = {};  ///< empty: the usual one
        std::string cluster_cidr = {};       ///< empty: there was no mark
    };
    result<void> lock(std::filesystem::path const& state_dir);
    int open_lock(std::filesystem::path const& file);
    result<void> lock_file(std::filesystem::path const& file);
    result<void> remove_run_dir();
    result<void> remove_state_dir(log out);
    void remove_made_directories() const;
    result<std::optional<mark>> read_mark() const;
    result<void> write_mark(mark const& of) const;
    result<void> choose(local_options const& options, mark const& old);
    result<void> own_run_dir();
    result<void> make_run_dir();
    result<void> note_place();
    result<void> unmount_run_dir() const;
    result<void> remove_parts(log out) const;

    int fd_ = -1;            ///< of the lock file
    int directory_fd_ = -1;  ///< of the state directory, locked too
    bool keeps_state_ = false;
    bool only_removes_ = false;
    bool is_new_ = false;
    bool has_made_lock_ = false;
    bool has_made_owner_ = false;                          ///< the file that says whose the run directory is
    bool has_mounted_ = false;                             ///< the run directory
    std::vector<std::filesystem::path> made_directories_;  ///< outer ones first
    std::vector<std::filesystem::path> made_files_;
    std::filesystem::path state_dir_;
    std::filesystem::path run_dir_;
    std::string cluster_cidr_;
};

}  // namespace rik::detail
