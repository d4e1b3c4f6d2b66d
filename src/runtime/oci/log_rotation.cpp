#include "conmon_detail.hpp"
#include "container_log_detail.hpp"
#include "inventory_detail.hpp"

#include <rik/async/shield.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr duration busy_period = 200ms;
constexpr std::uint64_t busy_part = 4;  // one that grew by this part of its maximum is looked at again soon
constexpr int reopen_wait_ms = 20;      // it takes less than 1

/// From `newest` on; the oldest goes, as renaming replaces.
void make_older(std::filesystem::path const& log, std::size_t newest, std::size_t files_max) {
    for (auto rotation = files_max - 1; rotation > newest; --rotation) {
        ::rename(rotated_log(log, rotation - 1).c_str(), rotated_log(log, rotation).c_str());
    }
}

/// True if conmon has replaced the file that was written; its lines are LOG.1's then.
bool adopt_replaced(std::filesystem::path const& log, std::size_t files_max) {
    struct stat about {};
    if (::stat(kept_log(log).c_str(), &about) != 0 || about.st_nlink != 1) return false;
    make_older(log, 1, files_max);
    ::rename(kept_log(log).c_str(), rotated_log(log, 1).c_str());
    return true;
}

std::optional<std::uint64_t> size_of(std::filesystem::path const& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(about.st_size);
}

/// A fifo that nobody reads cannot be opened for writing only.
bool has_conmon(container_paths const& paths) {
    unique_fd const control(::open(paths.control_fifo().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return static_cast<bool>(control);
}

void begin_anew(container_paths const& paths) {
    if (!reopen_log(paths)) return;
    for (int waited_ms = 0; waited_ms < reopen_wait_ms && !size_of(paths.log); ++waited_ms) ::poll(nullptr, 0, 1);
    keep_log(paths);
}

/// Rotates the logs of this machine.
class log_rotation {
public:
    explicit log_rotation(machine const& on) : on_(on) {}

    /// Blocks. True if a log grows so fast that the next look should come soon.
    bool look();

private:
    bool look_at(container_paths const& paths);

    machine const& on_;
    std::map<std::string, std::uint64_t> sizes_;  // at the look before
    std::map<std::string, std::uint64_t> sizes_now_;
};

bool log_rotation::look_at(container_paths const& paths) {
    auto const bytes_max = on_.options.log_file_bytes_max;
    auto const files_max = on_.options.log_files_max;
    auto const was_replaced = adopt_replaced(paths.log, files_max);
    auto const size = size_of(paths.log);
    auto const before = sizes_.contains(paths.id) ? sizes_[paths.id] : 0;
    sizes_now_[paths.id] = size.value_or(0);
    auto const is_full = size && *size >= bytes_max;
    if (size && !is_full) {
        keep_log(paths);
        return was_replaced || *size > before + bytes_max / busy_part;
    }
    // Without conmon it does not grow. Not there: it was renamed, but conmon has not heard of it.
    if (!has_conmon(paths)) return false;
    if (is_full) {
        make_older(paths.log, 0, files_max);
        ::unlink(kept_log(paths.log).c_str());  // of what is LOG.1 now
        sizes_now_[paths.id] = 0;
    }
    begin_anew(paths);
    return is_full;
}

bool log_rotation::look() {
    auto const instances = find_instances(on_);
    if (!instances) return false;  // the next time
    bool is_busy = false;
    sizes_now_.clear();
    for (auto const& instance : *instances) {
        auto const keys = find_containers(on_, instance);
        if (!keys) return false;
        for (auto const& key : *keys) is_busy = look_at(on_.paths.container(key)) || is_busy;
    }
    sizes_ = std::move(sizes_now_);
    return is_busy;
}

}  // namespace

awaitable<> rotate_logs(machine const& on) {
    log_rotation logs(on);
    auto pause = on.options.log_check_period;
    while (true) {
        co_await on.time.sleep_for(pause);
        auto looking = [&] { return logs.look(); };
        auto const is_busy = co_await offload(on.options.pool, std::move(looking));
        pause = is_busy ? std::min(busy_period, on.options.log_check_period) : on.options.log_check_period;
    }
}

}  // namespace rik::detail
