#include "directories_detail.hpp"

#include "directory_files_detail.hpp"

#include <rik/base/ipv4.hpp>
#include <rik/primary/primary.hpp>
#include <rik/runtime/oci/image_store.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view lock_name = "lock";
constexpr int lock_attempts_max = 100;  // each but the last met a reset at its end
constexpr std::string_view mark_head = "rik-state 1";
constexpr std::array<std::string_view, 2> databases{"primary", "node"};
constexpr std::array<std::string_view, 3> parts{"primary", "node", "images"};  // the rest the runtime has removed

error in_use(fs::path const& state_dir) {
    return error{errc::conflict,
                 fmt::format("another rik uses the state directory {}", state_dir.string()),
                 {},
                 "stop it, or give this one its own --state-dir"};
}

constexpr char const* usual_cluster_cidr = "10.210.0.0/16";

fs::path usual_run_dir(fs::path const& state_dir) { return fs::path(usual_run_root) / state_tag(state_dir); }

}  // namespace

directories::~directories() {
    if (fd_ >= 0) ::close(fd_);
    if (directory_fd_ >= 0) ::close(directory_fd_);
}

result<void> directories::lock(fs::path const& state_dir) {
    for (int attempt = 0; attempt < lock_attempts_max; ++attempt) {
        std::error_code failure;
        state_dir_ = state_dir;
        if (auto const made = make_directories(state_dir_, "--state-dir", made_directories_); !made) return made;
        state_dir_ = fs::canonical(state_dir_, failure);
        if (failure == std::errc::no_such_file_or_directory) continue;  // a reset has just removed it
        if (failure) return failed(state_dir_, failure.value(), "--state-dir");
        if (auto const owned = check_owner(state_dir_, "--state-dir"); !owned) return owned;
        if (auto const ours = read_mark(); !ours) return ours.error();  // not even a lock is put into a foreign one
        keeps_state_ = only_removes_ && is_read_only(state_dir_);
        auto const file = state_dir_ / lock_name;
        fd_ = open_lock(file);
        if (fd_ < 0 && errno == ENOENT && !keeps_state()) continue;
        if (fd_ < 0 && errno != ENOENT) return failed(file, errno, "--state-dir");
        auto const held = lock_file(file);
        if (held || held.error().code != errc::unavailable) return held;
        ::close(fd_);  // whoever had it has removed the file: what we hold keeps nobody out
        fd_ = -1;
    }
    return error{errc::internal, fmt::format("{}: its lock file cannot be made", state_dir_.string())};
}

/// A descriptor, or -1 with errno.
int directories::open_lock(fs::path const& file) {
    if (keeps_state()) return ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    auto const made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    has_made_lock_ = made >= 0;
    if (made >= 0 || errno != EEXIST) return made;
    return ::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
}

/// Locks the file that is open, if there is one, and the directory. Errors: conflict; unavailable, the file was
/// removed.
result<void> directories::lock_file(fs::path const& file) {
    if (fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed(file, errno, "--state-dir");
        return in_use(state_dir_);
    }
    struct ::stat held {};
    struct ::stat named {};
    auto const is_there =
        fd_ < 0 || (::fstat(fd_, &held) == 0 && ::stat(file.c_str(), &named) == 0 && held.st_ino == named.st_ino);
    if (!is_there) return error{errc::unavailable, file.string()};
    directory_fd_ = lock_directory(state_dir_);
    if (directory_fd_ < 0) return in_use(state_dir_);
    if (has_made_lock_) made_files_.push_back(file);
    return {};
}

result<std::optional<directories::mark>> directories::read_mark() const {
    auto const file = state_dir_ / mark_name;
    auto const text = read_small_file(file, "--state-dir");
    if (!text) return text.error();
    if (!*text) {
        auto const is_foreign = has_other_things(state_dir_, {lock_name, draft_of(mark_name)}, "--state-dir");
        if (!is_foreign) return is_foreign.error();
        if (!*is_foreign) return std::optional<mark>();
        return error{errc::conflict,
                     fmt::format("{}: it is not empty, and rik did not make it", state_dir_.string()),
                     {},
                     fmt::format("choose a directory for rik alone as --state-dir; if rik made it and its file {} is "
                                 "lost, remove what is in it, and rik reset removes the rest from this machine",
                                 mark_name)};
    }
    mark found;
    std::string_view rest(**text);
    auto const next_line = [&rest] {
        auto const end = std::min(rest.find('\n'), rest.size());
        auto const line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return line;
    };
    if (next_line() != mark_head)
        return error{
            errc::corrupt,
            fmt::format("{}: it is damaged, or of another version of rik", file.string()),
            {},
            "start the rik that made it; or put the file back from a backup; or remove what is in the directory, "
            "and rik reset removes the rest from this machine"};
    while (!rest.empty()) {
        auto const line = next_line();
        if (line.starts_with("run-dir ")) found.run_dir = line.substr(line.find(' ') + 1);
        if (line.starts_with("cluster-cidr ")) found.cluster_cidr = line.substr(line.find(' ') + 1);
    }
    return std::optional(std::move(found));
}

result<void> directories::write_mark(mark const& of) const {
    auto const text = fmt::format("{}\nrun-dir {}\ncluster-cidr {}\n", mark_head, of.run_dir.string(), of.cluster_cidr);
    return write_small_file(state_dir_ / mark_name, text, "--state-dir");
}

/// The run directory is gone after a boot, and then made again.
result<void> directories::own_run_dir() {
    auto const file = run_dir_ / owner_name;
    auto const text = read_small_file(file, "--run-dir");
    if (!text) return text.error();
    auto const wanted = state_dir_.string() + "\n";
    auto const is_known = *text && **text == wanted;
    if (!is_known)
        if (auto const made = make_run_dir(); !made) return made;
    if (auto const owned = check_owner(run_dir_, "--run-dir"); !owned || is_known) return owned;
    has_mounted_ = keep_in_memory(run_dir_);
    has_made_owner_ = true;
    return write_small_file(file, wanted, "--run-dir");
}

result<void> directories::make_run_dir() {
    auto const is_foreign = has_other_things(run_dir_, {draft_of(owner_name)}, "--run-dir");
    if (!is_foreign) return is_foreign.error();
    if (*is_foreign)
        return error{
            errc::conflict,
            fmt::format("{}: it is not empty, and not the run directory of {}", run_dir_.string(), state_dir_.string()),
            {},
            "choose a directory for this rik alone as --run-dir"};
    return make_directories(run_dir_, "--run-dir", made_directories_);
}

/// Where `reset --all` looks: a run directory elsewhere is named in the usual place.
result<void> directories::note_place() {
    auto const place = usual_run_dir(state_dir_);
    if (run_dir_ == place) return {};
    if (auto const made = make_directories(place, "--run-dir", made_directories_); !made) return made;
    std::error_code unknown;
    if (!fs::exists(place / owner_name, unknown)) made_files_.push_back(place / owner_name);
    return write_small_file(place / owner_name, state_dir_.string() + "\n", "--run-dir");
}

result<void> directories::claim(local_options const& options) {
    for (auto const& [directory, option] :
         {std::pair(options.state_dir, "--state-dir"), {options.run_dir, "--run-dir"}})
        if (auto const fits = check_form(directory, option); !fits) return fits;
    auto range = options.cluster_cidr;  // a wrong one must not get into the mark
    if (!range.empty()) {
        auto const usable = parse_cluster_cidr(range, primary_options().node_prefix_bits);
        if (!usable) return usable.error();
        range = usable->text();
    }
    if (auto const locked = lock(options.state_dir); !locked) return locked;
    auto const known = read_mark();
    if (!known) return known.error();
    if (auto const same = choose(options, known->value_or(mark{})); !same) return same;
    cluster_cidr_ = *known ? (*known)->cluster_cidr : range.empty() ? usual_cluster_cidr : range;
    if (!range.empty() && range != cluster_cidr_)
        return error{errc::invalid,
                     fmt::format("{} holds a cluster with --cluster-cidr {}, and its nodes have their subnets",
                                 state_dir_.string(), cluster_cidr_),
                     {},
                     "give that one, or none; rik reset removes it all"};
    if (auto const owned = own_run_dir(); !owned) return owned;
    if (auto const noted = note_place(); !noted || *known) return noted;
    is_new_ = true;
    auto const is_usual = run_dir_ == usual_run_dir(state_dir_);
    made_files_.push_back(state_dir_ / mark_name);
    return write_mark({.run_dir = is_usual ? fs::path() : run_dir_, .cluster_cidr = cluster_cidr_});
}

result<void> directories::claim_to_remove(local_options const& options) {
    for (auto const& [directory, option] :
         {std::pair(options.state_dir, "--state-dir"), {options.run_dir, "--run-dir"}})
        if (auto const fits = check_form(directory, option); !fits) return fits;
    only_removes_ = true;
    if (auto const locked = lock(options.state_dir); !locked) return locked;
    auto const known = read_mark();
    if (!known) return known.error();
    if (auto const same = choose(options, known->value_or(mark{})); !same) return same;
    return own_run_dir();
}

/// The run directory that was asked for, if it is the one that was used. Without symbolic links: mounts below it are
/// found by their true paths.
result<void> directories::choose(local_options const& options, mark const& old) {
    auto const used = old.run_dir.empty() ? usual_run_dir(state_dir_) : old.run_dir;
    std::error_code failure;
    run_dir_ = fs::weakly_canonical(options.run_dir.empty() ? used : options.run_dir, failure);
    if (failure) return failed(run_dir_, failure.value(), "--run-dir");
    if (is_in(run_dir_, state_dir_) || is_in(state_dir_, run_dir_))
        return error{errc::invalid,
                     fmt::format("the run directory {} and the state directory {} are not apart", run_dir_.string(),
                                 state_dir_.string()),
                     {},
                     "choose another --run-dir"};
    if (old.cluster_cidr.empty() || run_dir_ == fs::weakly_canonical(used, failure)) return {};
    return error{errc::invalid,
                 fmt::format("{} was used with --run-dir {}", state_dir_.string(), used.string()),
                 {},
                 "give that one, or none; rik reset removes both"};
}

/// If it is ours, and the user has put nothing into it.
result<void> directories::unmount_run_dir() const {
    if (!is_our_mount(run_dir_)) return {};
    auto const is_used = has_other_things(run_dir_, {}, "--run-dir");
    if (!is_used) return is_used.error();
    if (*is_used || ::umount2(run_dir_.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
    return error{errc::internal,
                 fmt::format("{}: cannot be unmounted: {}", run_dir_.string(), std::generic_category().message(errno)),
                 {},
                 "end what uses it, and reset again"};
}

/// Of each only what rik has made: a part may be a disk of its own.
result<void> directories::remove_parts(log out) const {
    for (auto const each : databases)
        if (auto const removed = remove_database(state_dir_ / each); !removed) return removed;
    if (auto const removed = oci_images::remove_all(state_dir_); !removed) return removed;
    for (auto const each : parts) {
        auto const part = state_dir_ / each;
        auto const why = why_it_stays(part);
        if (why.empty()) continue;
        out.warning("a part of the state directory stays, without what rik made in it",
                    {{"directory", part.string()},
                     {"reason", std::string(why)},
                     {"remedy", "unmount or move it before rik is started here again"}});
    }
    return {};
}

result<void> directories::remove(log out) {
    if (auto const removed = remove_run_dir(); !removed) return removed;
    if (!keeps_state()) {
        auto const removed = remove_state_dir(out);
        if (removed && only_removes_) remove_made_directories();  // of a state directory that was not there
        return removed;
    }
    return error{
        errc::denied,
        fmt::format("{}: {}; what is in it stays (databases, images, logs, what containers wrote), all else of "
                    "this rik is removed",
                    state_dir_.string(), std::generic_category().message(EROFS)),
        {},
        "make it writable, and reset again"};
}

result<void> directories::remove_run_dir() {
    if (auto const removed = remove_file(run_dir_ / owner_name); !removed) return removed;
    if (auto const gone = unmount_run_dir(); !gone) return gone;
    std::error_code kept;  // a directory in which the user keeps something stays
    if (only_removes_) fs::remove(run_dir_, kept);
    if (auto const removed = remove_file(usual_run_dir(state_dir_) / owner_name); !removed) return removed;
    if (only_removes_) fs::remove(usual_run_dir(state_dir_), kept);  // else `undo` knows what was there before
    return {};
}

result<void> directories::remove_state_dir(log out) {
    if (auto const removed = remove_parts(out); !removed) return removed;
    if (auto const removed = remove_file(state_dir_ / mark_name); !removed) return removed;
    if (auto const removed = remove_file(draft_of(state_dir_ / mark_name)); !removed) return removed;
    // The lock goes last: until then nobody else can begin here.
    if (auto const removed = remove_file(state_dir_ / lock_name); !removed) return removed;
    std::error_code kept;
    if (only_removes_) fs::remove(state_dir_, kept);
    return {};
}

result<void> directories::remove_half_made() const {
    auto const empty = [](fs::path const& directory, std::vector<std::string_view> const& kept,
                          std::string_view option) -> result<void> {
        std::error_code failure;
        std::vector<fs::path> found;
        for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure))
            found.push_back(each->path());
        for (auto const& each : found) {
            if (std::ranges::find(kept, each.filename().native()) != kept.end()) continue;
            fs::remove_all(each, failure);
            if (failure) return failed(each, failure.value(), option);
        }
        return {};
    };
    if (auto const emptied = empty(run_dir_, {owner_name}, "--run-dir"); !emptied) return emptied;
    return empty(state_dir_, {lock_name, mark_name}, "--state-dir");
}

/// Not what says whose a directory is, as long as there is something else in it: nobody could use it then.
void directories::undo() {
    auto const is_bare = [](fs::path const& directory, std::vector<fs::path> const& known) {
        auto const has_others = has_other_things(directory, known, "");
        return has_others && !*has_others;
    };
    if (has_made_owner_ && is_bare(run_dir_, {owner_name})) {
        (void)remove_file(run_dir_ / owner_name);
        if (has_mounted_) (void)unmount_run_dir();
    }
    if (is_bare(state_dir_, {lock_name, mark_name, draft_of(mark_name)}))
        for (auto const& each : made_files_) (void)remove_file(each);
    remove_made_directories();
}

/// Those that nobody has put anything into.
void directories::remove_made_directories() const {
    std::error_code kept;
    for (auto each = made_directories_.rbegin(); each != made_directories_.rend(); ++each) fs::remove(*each, kept);
}

}  // namespace rik::detail
