#include "disk_meter_detail.hpp"

#include <rik/async/shield.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rik::detail {

namespace {

using namespace std::chrono_literals;

constexpr double block_bytes = 512;           // of st_blocks, whatever the file system
constexpr std::size_t slice_files_max = 500;  // about a millisecond of a processor
constexpr std::size_t pending_max = 100'000;  // directories that are known and not yet looked at
constexpr duration measure_period_max = 1min;
constexpr duration measure_period_min = 5s;
constexpr int measure_period_per_cost = 200;  // of one core half a percent at most
constexpr int pause_per_cost = 9;             // while it walks a tenth
constexpr duration forget_after = 5min;

unique_fd open_directory(unique_fd const& root, std::string const& path) {
    open_how how{};
    how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    return unique_fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
}

}  // namespace

disk_walk::disk_walk(std::filesystem::path const& root)
    : root_(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
    struct stat about {};
    if (!root_ || ::fstat(root_.get(), &about) != 0) return;
    device_ = about.st_dev;
    bytes_ = static_cast<double>(about.st_blocks) * block_bytes;
    files_ = 1;
    pending_.emplace_back(".");
}

disk_walk::~disk_walk() {
    if (open_ != nullptr) ::closedir(open_);
}

bool disk_walk::open_next() {
    while (!pending_.empty()) {
        here_ = std::move(pending_.back());
        pending_.pop_back();
        auto directory = open_directory(root_, here_);
        open_ = directory ? ::fdopendir(directory.get()) : nullptr;
        if (open_ == nullptr) continue;  // gone, or deeper than a path can say
        directory.release();
        return true;
    }
    return false;
}

void disk_walk::count(char const* name) {
    struct stat about {};
    if (::fstatat(::dirfd(open_), name, &about, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) return;
    if (about.st_dev != device_) return;
    auto const is_directory = S_ISDIR(about.st_mode);
    auto const names = is_directory || about.st_nlink == 0 ? 1.0 : static_cast<double>(about.st_nlink);
    bytes_ += static_cast<double>(about.st_blocks) * block_bytes / names;
    files_ += 1 / names;
    if (is_directory && pending_.size() < pending_max) pending_.push_back(here_ + '/' + name);
}

disk_share disk_walk::found() const { return {std::llround(bytes_), std::llround(files_)}; }

bool disk_walk::advance(std::size_t files_max) {
    for (std::size_t looked_at = 0; looked_at < files_max;) {
        if (open_ == nullptr && !open_next()) return true;
        auto const* const entry = ::readdir(open_);
        ++looked_at;
        if (entry == nullptr) {
            ::closedir(std::exchange(open_, nullptr));
            continue;
        }
        std::string_view const name = entry->d_name;
        if (name != "." && name != "..") count(entry->d_name);
    }
    return false;
}

disk_meter::disk_meter(runtime_context const& on)
    : on_(on), wanted_(on.options.executor), measured_(on.options.executor) {}

std::optional<std::int64_t> disk_meter::bytes(std::string const& directory) {
    auto& known = readings_[directory];
    known.asked_at = on_.time.now();
    if (!known.is_wanted && known.asked_at >= known.due_at) {
        known.is_wanted = true;
        wanted_.notify();
    }
    return known.bytes;
}

awaitable<> disk_meter::changed() { return measured_.wait(); }

std::optional<std::string> disk_meter::next_wanted() const {
    for (auto const& [directory, known] : readings_)
        if (known.is_wanted) return directory;
    return std::nullopt;
}

void disk_meter::forget_old() {
    auto const now = on_.time.now();
    std::erase_if(readings_, [&](auto const& each) { return now - each.second.asked_at > forget_after; });
}

awaitable<> disk_meter::measure(std::string directory) {
    disk_walk walk(directory);
    duration cost{};
    for (bool is_done = false; !is_done;) {
        auto const began_at = on_.time.now();
        auto walking = [&] { return walk.advance(slice_files_max); };
        is_done = co_await offload(on_.options.pool, std::move(walking));
        auto const took = on_.time.now() - began_at;
        cost += took;
        if (!is_done) co_await on_.time.sleep_for(pause_per_cost * took);
    }
    auto& known = readings_[directory];
    known.bytes = walk.bytes();
    known.is_wanted = false;
    auto const cost_of_all = cost * static_cast<std::int64_t>(readings_.size());  // as if all were like this one
    known.due_at =
        on_.time.now() + std::clamp(measure_period_per_cost * cost_of_all, measure_period_min, measure_period_max);
    measured_.notify();
}

awaitable<> disk_meter::run() {
    while (true) {
        forget_old();
        auto next = next_wanted();
        if (next) {
            co_await measure(std::move(*next));
        } else {
            co_await wanted_.wait();
        }
    }
}

}  // namespace rik::detail
