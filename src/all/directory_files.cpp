#include "directory_files_detail.hpp"

#include <rik/base/shortage.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view mount_source = "rik";  // of a run directory that is a file system of ours
constexpr std::size_t small_file_bytes_max = 16u << 10;
constexpr std::size_t path_bytes_max = 512;  // three of them fit into the page that mount options may take
/// SQLite puts these behind a database's name, and we the first two.
constexpr std::array<std::string_view, 9> database_files{
    "state.db.lock",    "state.db.new",     "state.db",         "state.db-wal",        "state.db-shm",
    "state.db-journal", "state.db.new-wal", "state.db.new-shm", "state.db.new-journal"};

error failed_removal(fs::path const& what, int number) {
    return error{errc::internal,
                 fmt::format("{}: cannot be removed: {}", what.string(), std::generic_category().message(number))};
}

std::string_view remedy_for(int number) {
    if (number == EROFS) return "make it writable";
    if ((number == EACCES || number == EPERM) && ::geteuid() != 0) return "run rik as root";
    return "see what is wrong with it";
}

}  // namespace

error failed(fs::path const& where, int number, std::string_view option) {
    auto const is_denied = number == EACCES || number == EPERM || number == EROFS;
    auto problem = system_failure(where.string(), number);
    if (is_denied) problem.code = errc::denied;
    problem.remedy = fmt::format("{}, or choose another {}", remedy_for(number), option);
    return problem;
}

result<void> make_directories(fs::path const& directory, std::string_view option, std::vector<fs::path>& made) {
    std::error_code failure;
    if (fs::is_directory(directory, failure)) return {};
    auto const above = directory.parent_path();
    if (!above.empty() && above != directory)
        if (auto const there = make_directories(above, option, made); !there) return there;
    if (::mkdir(directory.c_str(), 0755) == 0) {
        made.push_back(directory);
        return ::chmod(directory.c_str(), 0755) == 0 ? result<void>()
                                                     : failed(directory, errno, option);  // not the umask's
    }
    auto const number = errno;
    if (number == EEXIST && fs::is_directory(directory, failure)) return {};
    return failed(directory, number == EEXIST ? ENOTDIR : number, option);
}

bool is_read_only(fs::path const& directory) { return ::access(directory.c_str(), W_OK) != 0 && errno == EROFS; }

fs::path draft_of(fs::path const& file) { return fs::path(file.string() + ".new"); }

result<bool> has_other_things(fs::path const& directory, std::vector<fs::path> const& known, std::string_view option) {
    std::error_code failure;
    for (auto each = fs::directory_iterator(directory, failure); !failure && each != fs::directory_iterator();
         each.increment(failure))
        if (std::find(known.begin(), known.end(), each->path().filename()) == known.end()) return true;
    if (failure && failure != std::errc::no_such_file_or_directory) return failed(directory, failure.value(), option);
    return false;
}

result<std::optional<std::string>> read_small_file(fs::path const& file, std::string_view option) {
    auto const fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return std::optional<std::string>();
    std::string text(small_file_bytes_max, '\0');
    auto const count = fd < 0 ? -1 : ::read(fd, text.data(), text.size());
    auto const number = errno;
    if (fd >= 0) ::close(fd);
    if (count < 0) return failed(file, number, option);
    text.resize(static_cast<std::size_t>(count));
    return std::optional(std::move(text));
}

result<void> write_small_file(fs::path const& file, std::string_view text, std::string_view option) {
    auto const draft = draft_of(file);
    auto const fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    auto const wrote =
        fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<::ssize_t>(text.size()) && ::fsync(fd) == 0;
    auto const number = errno;
    if (fd >= 0) ::close(fd);
    if (!wrote) return failed(draft, number, option);
    if (::rename(draft.c_str(), file.c_str()) != 0) return failed(file, errno, option);
    auto const directory = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto const is_synced = directory >= 0 && ::fsync(directory) == 0;
    auto const failure = errno;
    if (directory >= 0) ::close(directory);
    if (!is_synced) return failed(file.parent_path(), failure, option);
    return {};
}

/// The mount options of overlays are separated by these, and conmon's log option by the colon.
result<void> check_form(fs::path const& directory, std::string_view option) {
    auto const& text = directory.native();
    auto const at = text.find_first_of(",:\\ \n\"");
    if (at == std::string::npos && text.size() <= path_bytes_max) return {};
    return error{errc::invalid,
                 at == std::string::npos
                     ? fmt::format("{}: its path has more than {} bytes", directory.string(), path_bytes_max)
                     : fmt::format("{}: there is {} in its path, which mount options cannot have", directory.string(),
                                   text[at] == ' ' ? "a space" : fmt::format("'{}'", text[at])),
                 {},
                 fmt::format("choose another {}", option)};
}

result<void> check_owner(fs::path const& directory, std::string_view option) {
    struct ::stat about {};
    if (::stat(directory.c_str(), &about) != 0) return failed(directory, errno, option);
    auto const is_open = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (about.st_uid == ::geteuid() && !is_open) return {};
    return error{errc::denied,
                 is_open ? fmt::format("{}: others than its owner may write into it", directory.string())
                         : fmt::format("{}: it belongs to user {}", directory.string(), about.st_uid),
                 {},
                 fmt::format("make it root's alone (chown root, chmod go-w), or choose another {}", option)};
}

int lock_directory(fs::path const& directory) {
    auto const opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return -1;
    struct ::stat about {};
    if (::fstat(opened, &about) == 0) (void)::fchmod(opened, about.st_mode & 07777 & ~(S_IRGRP | S_IROTH));
    if (::flock(opened, LOCK_EX | LOCK_NB) == 0) return opened;
    ::close(opened);
    return -1;
}

result<void> remove_file(fs::path const& file) {
    if (::unlink(file.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
    return failed_removal(file, errno);
}

result<void> remove_database(fs::path const& directory) {
    for (auto const name : database_files)
        if (auto const removed = remove_file(directory / name); !removed) return removed;
    std::error_code kept;  // why_it_stays tells
    fs::remove(directory, kept);
    return {};
}

std::string_view why_it_stays(fs::path const& directory) {
    struct ::statx about {};
    if (::statx(AT_FDCWD, directory.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &about) != 0) return {};
    if (S_ISLNK(about.stx_mode)) return "it is a symbolic link";
    if ((about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) return "something is mounted on it";
    return "files that rik did not make are in it";
}

bool keep_in_memory(fs::path const& directory) {
    struct ::statfs below {};
    if (::statfs(directory.c_str(), &below) == 0 && below.f_type == TMPFS_MAGIC) return false;
    return ::mount(mount_source.data(), directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                   "mode=0755,size=256m") == 0;
}

/// Source: man 5 proc, mountinfo: the mount point is the fifth field, the source the second after " - ".
bool is_our_mount(fs::path const& directory) {
    auto const wanted = " " + directory.string() + " ";
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);)
        if (line.find(wanted) != line.npos && line.find(fmt::format(" - tmpfs {} ", mount_source)) != line.npos)
            return true;
    return false;
}

bool is_in(fs::path const& one, fs::path const& other) {
    return std::mismatch(other.begin(), other.end(), one.begin(), one.end()).first == other.end();
}

}  // namespace rik::detail
