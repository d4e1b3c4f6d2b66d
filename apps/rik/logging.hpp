// The log of rik: spdlog on standard error, behind a queue and a thread of its own.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace spdlog {
class logger;
}

namespace rik::app {

/// One line per entry: text for people, or JSON. Safe from any thread. There is one at a time.
///
/// Whoever reads standard error may stop reading (a pager); RIK goes on. Up to limits::log_queue_bytes_max of lines
/// wait for the reader. What comes after that is dropped until all of them are written; then a line says how many are
/// missing.
///
/// What was logged and not dropped is written in its order: before the destructor returns, which waits for the reader
/// however long that takes; and before the process ends by abort or std::terminate, if standard error takes it within a
/// second. Whoever ends the process in another way, as by kill -9, may lose what was logged in the last moment.
class stderr_log final : public log_sink {
public:
    stderr_log(log_level least, bool is_text);
    ~stderr_log() override;
    stderr_log(stderr_log const&) = delete;
    void write(log_level level, std::string_view message, std::span<log_field const> fields) override;

    /// Of lines that have not been written yet. May be asked by a signal handler.
    std::size_t waiting_count() const { return waiting_count_; }

private:
    struct line {
        wall_time at;
        log_level level;
        std::string text;
        std::size_t bytes() const { return sizeof(line) + text.size(); }
    };
    line make_line(log_level level, std::string_view message, std::span<log_field const> fields) const;
    line take_next();
    void write_lines();

    system_clock time_;
    log_level least_;
    bool is_text_;
    std::shared_ptr<spdlog::logger> out_;  // of the thread alone

    std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::deque<line> lines_;
    std::size_t bytes_ = 0;  ///< of `lines_`
    std::uint64_t dropped_count_ = 0;
    bool is_ending_ = false;

    std::atomic<std::size_t> waiting_count_ = 0;
    std::thread thread_;  // last: it uses the rest
};

}  // namespace rik::app
