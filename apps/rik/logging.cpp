#include "logging.hpp"

#include <rik/base/assert.hpp>
#include <rik/base/limits.hpp>

#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace rik::app {

namespace {

spdlog::level::level_enum level_of(log_level level) {
    switch (level) {
        case log_level::debug: return spdlog::level::debug;
        case log_level::info: return spdlog::level::info;
        case log_level::warning: return spdlog::level::warn;
        case log_level::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

std::string escaped(std::string_view text) {
    std::string safe;
    for (auto const c : text) {
        if (c == '"' || c == '\\') {
            safe += '\\';
            safe += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            safe += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
            safe += c;
        }
    }
    return safe;
}

/// Not by stdio: a thread that waits for the reader would hold its lock, and who ends the process in need would wait,
/// too.
class stderr_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
    void sink_it_(spdlog::details::log_msg const& line) override {
        spdlog::memory_buf_t text;
        formatter_->format(line, text);
        for (std::size_t at = 0; at < text.size();) {
            auto const written = ::write(STDERR_FILENO, text.data() + at, text.size() - at);
            if (written < 0 && errno != EINTR) return;  // nobody can be told
            at += static_cast<std::size_t>(std::max<::ssize_t>(written, 0));
        }
    }
    void flush_() override {}
};

/// What the library's own handler does, which writes by stdio.
[[noreturn]] void say_what_was_thrown() noexcept {
    char const* what = "an exception of a type that says nothing";
    auto const thrown = std::current_exception();
    try {
        if (thrown) std::rethrow_exception(thrown);
        what = "no exception";
    } catch (std::exception const& each) {
        what = each.what();
    } catch (...) {
    }
    detail::say_last(fmt::format("rik: terminating: what():  {}\n", what).c_str());
    std::abort();
}

// Signal handlers have no other way to their data.
std::atomic<stderr_log const*> log_at_work = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
static_assert(std::atomic<stderr_log const*>::is_always_lock_free && std::atomic<std::size_t>::is_always_lock_free);

constexpr int crash_waits_max = 1'000;
constexpr int crash_wait_ms = 1;

/// The thread that writes lives on while another one aborts.
extern "C" void wait_for_log(int /*signal*/) {
    auto const* const log = log_at_work.load();
    for (int waits = 0; log != nullptr && log->waiting_count() > 0 && waits < crash_waits_max; ++waits)
        ::poll(nullptr, 0, crash_wait_ms);
    std::raise(SIGABRT);  // it is as it was before by now; kill -ABRT has no abort behind it that would end the process
}

void catch_abort() {
    struct sigaction how {};
    how.sa_handler = wait_for_log;
    how.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGABRT, &how, nullptr);
}

}  // namespace

stderr_log::stderr_log(log_level least, bool is_text)
    : least_(least), is_text_(is_text), out_(std::make_shared<spdlog::logger>("rik", std::make_shared<stderr_sink>())) {
    out_->set_level(spdlog::level::trace);
    out_->set_pattern(is_text ? "%Y-%m-%dT%H:%M:%S.%e%z %L %v" : R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z",%v})");
    thread_ = std::thread([this] { write_lines(); });
    log_at_work = this;
    catch_abort();
    std::set_terminate(say_what_was_thrown);
}

stderr_log::~stderr_log() {
    {
        std::lock_guard const lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
    log_at_work = nullptr;
}

void stderr_log::write(log_level level, std::string_view message, std::span<log_field const> fields) {
    if (level < least_) return;
    auto made = make_line(level, message, fields);
    {
        std::lock_guard const lock(mutex_);
        if (dropped_count_ > 0 || bytes_ + made.bytes() > limits::log_queue_bytes_max) {
            if (dropped_count_++ == 0) ++waiting_count_;  // the line that will tell
            return;
        }
        bytes_ += made.bytes();
        lines_.push_back(std::move(made));
        ++waiting_count_;
    }
    changed_.notify_one();
}

stderr_log::line stderr_log::make_line(log_level level, std::string_view message,
                                       std::span<log_field const> fields) const {
    auto text = is_text_ ? std::string(message)
                         : fmt::format(R"("level":"{}","message":"{}")", to_string(level), escaped(message));
    for (auto const& each : fields)
        text += is_text_ ? fmt::format(" {}=\"{}\"", each.name, escaped(each.value))
                         : fmt::format(R"(,"{}":"{}")", each.name, escaped(each.value));
    return line{.at = time_.wall(), .level = level, .text = std::move(text)};
}

/// Precondition: something waits, or was dropped.
stderr_log::line stderr_log::take_next() {
    if (lines_.empty()) {
        log_field const count{"count", fmt::format("{}", std::exchange(dropped_count_, 0))};
        return make_line(log_level::warning, "lines are missing here: standard error did not take them", {&count, 1});
    }
    auto next = std::move(lines_.front());
    lines_.pop_front();
    bytes_ -= next.bytes();
    return next;
}

void stderr_log::write_lines() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return !lines_.empty() || dropped_count_ > 0 || is_ending_; });
        if (lines_.empty() && dropped_count_ == 0) return;
        auto const next = take_next();
        lock.unlock();
        out_->log(next.at, {}, level_of(next.level), next.text);
        --waiting_count_;
        lock.lock();
    }
}

}  // namespace rik::app
