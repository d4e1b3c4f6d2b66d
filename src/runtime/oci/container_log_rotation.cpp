#include "conmon_detail.hpp"
#include "container_log_detail.hpp"
#include "inventory_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/limits.hpp>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr duration busy_period = 200ms;
constexpr std::uint64_t busy_part = 4;  // one that grew by this part of its maximum is looked at again soon
constexpr int reopen_wait_ms = 20;      // it takes less than 1

/// From `newest` on; the oldest goes, as renaming replaces.
void make_older(std::filesystem::path const& log, std::size_t newest, std::size_t files_max) {
    if (::access(rotated_log(log, files_max - 1).c_str(), F_OK) == 0) mark_as_cut(log);
    for (auto rotation = files_max - 1; rotation > newest; --rotation) {
        ::rename(rotated_log(log, rotation - 1).c_str(), rotated_log(log, rotation).c_str());
    }
}

/// True if conmon has replaced the file that was written; its lines are LOG.1's then.
bool adopt_replaced(std::filesystem::path const& log, std::size_t files_max) {
    struct stat about {};
    if (::stat(kept_log(log).c_str(), &about) != 0 || about.st_nlink != 1) return false;
    mark_as_cut(log);  // it may have replaced another one since, of which there is no second name
    auto const replaced = open_log_file(kept_log(log));
    auto const written = open_log_file(log);
    if (replaced && written && is_hole_between(*replaced, *written)) mark_hole(log, *replaced);
    make_older(log, 1, files_max);
    ::rename(kept_log(log).c_str(), rotated_log(log, 1).c_str());
    return true;
}

std::optional<std::uint64_t> size_of(std::filesystem::path const& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(about.st_size);
}

enum class writer { there, gone, not_known };

/// A fifo that nobody reads cannot be opened for writing only.
writer look_for_conmon(container_paths const& paths) {
    unique_fd const control(::open(paths.control_fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (control) return writer::there;
    return errno == ENXIO || errno == ENOENT ? writer::gone : writer::not_known;
}

/// conmon ends if it cannot make the file with which it begins anew, and its container with it. So that is made for it,
/// by the name that conmon gives it until it is open. False: the disk is full.
bool make_next(std::filesystem::path const& log) {
    unique_fd const made(::open(next_log(log).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    return static_cast<bool>(made);
}

void begin_anew(container_paths const& paths) {
    if (!reopen_log(paths)) return;
    for (int waited_ms = 0; waited_ms < reopen_wait_ms && !size_of(paths.log); ++waited_ms) ::poll(nullptr, 0, 1);
    keep_log(paths);
}

/// What one look at a log needs to know.
struct log_view {
    writer conmon;
    std::uint64_t size_before;
};

struct look_result {
    std::uint64_t size = 0;
    bool is_busy = false;  ///< it grows so fast that the next look should come soon
};

/// With less the node takes no new instances, and evicts.
bool is_short_of_room(runtime_context const& on) {
    struct statvfs about {};
    if (::statvfs(on.options.state_dir.c_str(), &about) != 0) return false;
    return static_cast<std::int64_t>(about.f_bavail * about.f_frsize) < limits::pressure_disk_bytes;
}

/// All but the file that is written.
void drop_rotated(std::filesystem::path const& log, std::size_t files_max) {
    for (std::size_t rotation = 1; rotation < files_max; ++rotation)
        if (::unlink(rotated_log(log, rotation).c_str()) == 0) mark_as_cut(log);
}

look_result look_at(runtime_context const& on, container_paths const& paths, log_view const& before) {
    auto const bytes_max = on.options.container_log_file_bytes_max;
    auto const files_max = on.options.container_log_files_max;
    auto const was_replaced = adopt_replaced(paths.log, files_max);
    auto const size = size_of(paths.log);
    auto const is_full = size && *size >= bytes_max;
    if (size && !is_full) {
        keep_log(paths);
        return {.size = *size, .is_busy = was_replaced || *size > before.size_before + bytes_max / busy_part};
    }
    // Without conmon it does not grow. Not there: it was renamed, but conmon has not heard of it.
    if (before.conmon != writer::there) return {.size = size.value_or(0)};
    if (!make_next(paths.log)) return {.size = size.value_or(0)};
    if (is_full) {
        make_older(paths.log, 0, files_max);
        ::unlink(kept_log(paths.log).c_str());  // of what is LOG.1 now
    }
    begin_anew(paths);
    return {.is_busy = is_full};
}

}  // namespace

result<void> container_log_rotation::add_present(log_sizes& logs) const {
    auto const instances = find_instances(on_);
    if (!instances) return instances.error();
    for (auto const& instance : *instances) {
        auto keys = find_containers(on_, instance);
        if (!keys) return keys.error();
        for (auto& key : *keys) logs.try_emplace(std::move(key));
    }
    return {};
}

/// Blocks; everything else of the rotation goes on meanwhile. Leaves those that are to be looked at again.
bool container_log_rotation::look(log_sizes& logs) {
    if (!knows_present_) knows_present_ = add_present(logs).has_value();  // else the next time
    auto const is_short = is_short_of_room(on_);
    bool is_busy = is_short;
    for (auto each = logs.begin(); each != logs.end();) {
        auto const paths = on_.paths.container(each->first);
        // Before its log: what conmon has done last is seen then.
        auto const conmon = look_for_conmon(paths);
        auto const seen = look_at(on_, paths, {.conmon = conmon, .size_before = each->second});
        if (is_short) drop_rotated(paths.log, on_.options.container_log_files_max);
        is_busy = seen.is_busy || is_busy;
        each->second = seen.size;
        each = conmon == writer::gone ? logs.erase(each) : std::next(each);
    }
    return is_busy;
}

awaitable<> container_log_rotation::run() {
    auto pause = on_.options.container_log_check_period;
    while (true) {
        co_await on_.time.sleep_for(pause);
        auto logs = std::exchange(written_, {});
        auto looking = [&] { return look(logs); };
        auto const is_busy = co_await offload(on_.options.pool, std::move(looking));
        written_.merge(logs);
        pause = is_busy ? std::min(busy_period, on_.options.container_log_check_period)
                        : on_.options.container_log_check_period;
    }
}

}  // namespace rik::detail
