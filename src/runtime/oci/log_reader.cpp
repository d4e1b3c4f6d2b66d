#include "container_log_detail.hpp"
#include "files_detail.hpp"
#include "log_format_detail.hpp"
#include "readiness_detail.hpp"
#include "record_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <deque>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t block_bytes = limits::log_chunk_bytes_max;
/// So many files a reader that follows holds open, so that it loses nothing when it is slower than who writes: those
/// that were dropped meanwhile take their place on the disk until it has read them.
constexpr std::size_t files_held_max = 12;

std::string read_block(log_file const& from, off_t offset, std::size_t size) {
    std::string block(size, '\0');
    auto const got = ::pread(from.file.get(), block.data(), size, offset);
    block.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return block;
}

/// Sets the offset to where the last `wanted` lines (of one stream) begin, and lowers `wanted` by those that are here.
/// True if there are enough.
bool seek_tail(log_file& in, std::uint64_t& wanted, std::optional<log_origin> only) {
    auto end = ::lseek(in.file.get(), 0, SEEK_END);
    while (end > 0) {
        auto const start = std::max<off_t>(end - static_cast<off_t>(block_bytes), 0);
        auto const block = read_block(in, start, static_cast<std::size_t>(end - start));
        // Lines are far shorter than a block (conmon cuts them at 8 KiB), so one begins in it.
        auto const newline = block.find('\n');
        auto const skipped = start == 0 || newline == std::string::npos ? 0 : newline + 1;
        auto const found = find_tail(std::string_view(block).substr(skipped), wanted, only);
        if (found.is_cut) {
            in.offset = start + static_cast<off_t>(skipped + found.offset);
            return true;
        }
        if (start + static_cast<off_t>(skipped) >= end) break;  // a line longer than a block: not conmon's
        end = start + static_cast<off_t>(skipped);
    }
    in.offset = 0;
    return false;
}

class file_log_reader final : public log_reader {
public:
    file_log_reader(machine const& on, container_paths paths, log_options const& options)
        : on_(on),
          paths_(std::move(paths)),
          follow_(options.follow),
          joiner_(options, block_bytes),
          changed_(on.options.executor) {}

    result<void> open(log_options const& options);
    awaitable<result<std::string>> read() override;

private:
    void open_files(log_options const& options);
    bool is_newest_open() const;
    void open_newer_files();
    result<void> watch();
    bool has_ended() const;
    bool fill();
    void drain_events();

    machine const& on_;
    container_paths paths_;
    bool follow_;
    log_joiner joiner_;
    std::deque<log_file> files_;  // oldest first; the first is being read
    unique_fd events_;            // inotify
    unique_fd monitor_;           // conmon's pidfd
    readiness changed_;           // either of them
};

void file_log_reader::open_files(log_options const& options) {
    auto wanted = options.tail_lines.value_or(0);
    for (auto& each : open_log_files(paths_, on_.options.log_files_max)) {
        auto const is_enough = options.tail_lines && seek_tail(each, wanted, options.only);
        files_.push_front(std::move(each));
        if (is_enough) return;
    }
}

bool file_log_reader::is_newest_open() const {
    struct stat about {};
    return ::stat(paths_.log.c_str(), &about) == 0 && about.st_ino == files_.back().inode;
}

/// Those that were begun after the last one that is open.
void file_log_reader::open_newer_files() {
    auto found = open_log_files(paths_, on_.options.log_files_max);
    if (found.empty()) return;
    auto const inode = files_.back().inode;
    auto const born = files_.back().born;
    auto end = std::ranges::find(found, inode, &log_file::inode);
    auto const is_hole = end == found.end();
    // It was dropped meanwhile, and perhaps others after it. Births are as coarse as the kernel's tick, but LOG is new.
    if (is_hole) end = std::find_if(found.begin() + 1, found.end(), [&](auto const& it) { return it.born <= born; });
    for (auto each = end; each != found.begin();) {
        --each;
        each->is_behind_hole = is_hole && each + 1 == end;
        files_.push_back(std::move(*each));
    }
}

/// Reads on from the oldest file that has more; false if there is nothing.
bool file_log_reader::fill() {
    while (true) {
        // Before the read: conmon begins a newer file only when no more comes to this one.
        if (follow_ && files_.size() < files_held_max && !is_newest_open()) open_newer_files();
        auto& current = files_.front();
        auto const block = read_block(current, current.offset, block_bytes);
        if (!block.empty()) {
            current.offset += static_cast<off_t>(block.size());
            joiner_.feed(block);
            return true;
        }
        if (files_.size() == 1) return false;
        files_.pop_front();
        if (files_.front().is_behind_hole) joiner_.interrupt();
    }
}

result<void> file_log_reader::watch() {
    if (auto const record = read_record(paths_); record && record->boot_id == on_.boot_id) {
        auto monitor = open_process(record->monitor);
        if (!monitor) return monitor.error();
        monitor_ = std::move(*monitor);
    }
    events_.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    constexpr auto wanted = IN_MODIFY | IN_CREATE | IN_MOVED_TO;
    if (!events_ || ::inotify_add_watch(events_.get(), paths_.log.parent_path().c_str(), wanted) < 0) {
        return system_error(paths_.log, "inotify", errno);
    }
    for (auto const* each : {&events_, &monitor_}) {
        if (auto const added = changed_.add(*each); !added) return added;
    }
    return {};
}

result<void> file_log_reader::open(log_options const& options) {
    if (follow_) {
        if (auto const watched = watch(); !watched) return watched;
    }
    open_files(options);
    if (files_.empty()) return error{errc::not_found, fmt::format("container {}: has no log", paths_.id)};
    // Looked at after the files were opened: they are whole if nothing had been dropped until then.
    if (options.must_be_whole && may_be_cut(paths_.log))
        return error{errc::exhausted,
                     fmt::format("container {}: the beginning of its log may not be kept any more", paths_.id)};
    return {};
}

bool file_log_reader::has_ended() const { return !follow_ || !monitor_ || detail::has_ended(monitor_); }

void file_log_reader::drain_events() {
    char events[4096];
    while (::read(events_.get(), events, sizeof events) > 0) {
    }
}

awaitable<result<std::string>> file_log_reader::read() {
    while (true) {
        if (auto lines = joiner_.take(); !lines.empty()) co_return std::move(lines);
        auto const ended = has_ended();  // before the last look into the files
        auto filling = [this] { return fill(); };
        if (co_await offload(on_.options.pool, std::move(filling))) continue;
        if (ended) {
            joiner_.finish();
            co_return joiner_.take();
        }
        co_await changed_.wait();
        drain_events();
    }
}

}  // namespace

result<std::unique_ptr<log_reader>> open_log_reader(machine const& on, container_paths const& paths,
                                                    log_options const& options) {
    auto reader = std::make_unique<file_log_reader>(on, paths, options);
    if (auto const opened = reader->open(options); !opened) return opened.error();
    return std::unique_ptr<log_reader>(std::move(reader));
}

}  // namespace rik::detail
