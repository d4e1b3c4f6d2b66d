#include "container_log_detail.hpp"
#include "container_log_format_detail.hpp"
#include "files_detail.hpp"
#include "readiness_detail.hpp"
#include "record_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/async/shield.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <deque>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

/// So many files a reader that follows holds open, so that it loses nothing when it is slower than who writes: those
/// that were dropped meanwhile take their place on the disk until it has read them.
constexpr std::size_t files_held_max = 12;

class file_log_reader final : public container_log_reader {
public:
    file_log_reader(runtime_context const& on, container_key key, container_log_options const& options)
        : on_(on),
          key_(std::move(key)),
          paths_(on.paths.container(key_)),
          follow_(options.follow),
          decoder_(options, limits::container_log_chunk_bytes_max),
          changed_(on.options.executor) {}

    result<void> open(container_log_options const& options);
    awaitable<result<std::string>> read() override;

private:
    void begin(container_log_beginning found);
    bool is_newest_open() const;
    void open_newer_files();
    void mark();
    void begin_next_file();
    result<void> watch();
    bool has_ended() const;
    bool fill();
    void drain_events();

    runtime_context const& on_;
    container_key key_;
    container_paths paths_;
    bool follow_;
    container_log_decoder decoder_;
    std::deque<container_log_file> files_;  // oldest first; the first is being read
    unique_fd events_;                      // inotify
    unique_fd monitor_;                     // conmon's pidfd
    readiness changed_;                     // either of them
};

void file_log_reader::begin(container_log_beginning found) {
    files_ = std::move(found.files);
    decoder_.go_on_from(found.state);
    if (found.is_behind_gap) decoder_.interrupt();
    mark();
}

/// For what was read so far.
void file_log_reader::mark() {
    auto const& current = files_.front();
    container_log_position here;
    here.instance = key_.instance;
    here.attempt = key_.attempt;
    here.file = current.inode;
    here.file_born = current.born.count();
    here.offset = static_cast<std::uint64_t>(current.offset);
    decoder_.mark(std::move(here));
}

bool file_log_reader::is_newest_open() const {
    struct stat about {};
    return ::stat(paths_.log.c_str(), &about) == 0 && about.st_ino == files_.back().inode;
}

/// Those that were begun after the last one that is open.
void file_log_reader::open_newer_files() {
    auto found = open_log_files(paths_, on_.options.container_log_files_max);
    auto const newer = count_newer(found, files_.back().inode, files_.back().born);
    for (auto at = newer.count; at > 0; --at) {
        auto& each = found[at - 1];
        if (!newer.is_there && at == newer.count) each.is_behind_hole = true;
        files_.push_back(std::move(each));
    }
}

/// A mark at its beginning: what comes is of this file, and a reader that goes on there looks for it.
void file_log_reader::begin_next_file() {
    decoder_.end_file();
    files_.pop_front();
    if (files_.front().is_behind_hole) decoder_.interrupt();
    mark();
}

/// Reads on from the oldest file that has more; false if there is nothing.
bool file_log_reader::fill() {
    while (true) {
        // Before the read: conmon begins a newer file only when no more comes to this one.
        if (follow_ && files_.size() < files_held_max && !is_newest_open()) open_newer_files();
        auto& current = files_.front();
        auto const block = read_log_block(current, current.offset, limits::container_log_chunk_bytes_max);
        if (!block.empty()) {
            current.offset += static_cast<off_t>(block.size());
            decoder_.feed(block);
            mark();
            return true;
        }
        if (files_.size() == 1) return false;
        begin_next_file();
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

result<void> file_log_reader::open(container_log_options const& options) {
    if (options.after && options.after->instance != key_.instance)
        return error{errc::conflict,
                     "this is another instance than the one whose log is to be gone on with",
                     {},
                     "read it anew"};
    if (follow_) {
        if (auto const watched = watch(); !watched) return watched;
    }
    auto files = open_log_files(paths_, on_.options.container_log_files_max);
    if (files.empty()) return error{errc::not_found, fmt::format("container {}: has no log", paths_.id)};
    begin(find_beginning(std::move(files), key_, options));
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
        if (auto bytes = decoder_.take(); !bytes.empty()) co_return std::move(bytes);
        auto const ended = has_ended();  // before the last look into the files
        auto filling = [this] { return fill(); };
        if (co_await offload(on_.options.pool, std::move(filling))) continue;
        if (ended) {
            decoder_.finish();
            co_return decoder_.take();
        }
        co_await changed_.wait();
        drain_events();
    }
}

}  // namespace

result<std::unique_ptr<container_log_reader>> open_log_reader(runtime_context const& on, container_key const& key,
                                                              container_log_options const& options) {
    auto reader = std::make_unique<file_log_reader>(on, key, options);
    if (auto const opened = reader->open(options); !opened) return opened.error();
    return std::unique_ptr<container_log_reader>(std::move(reader));
}

}  // namespace rik::detail
