#include "clean_text_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/base/shortage.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace rik {

namespace {

constexpr std::size_t drain_bytes_max = 1u << 20;  // the kernel's largest pipe (man 7 pipe, pipe-max-size)
constexpr std::size_t stderr_shown_bytes_max = 600;
constexpr duration killed_end_time_max = std::chrono::seconds(2);

/// Keeps the first `bytes_max` bytes of what a child writes; the rest is read and dropped, so the child never blocks.
class collector {
public:
    collector(asio::any_io_executor executor, std::size_t bytes_max)
        : readable_(std::move(executor)), bytes_max_(bytes_max) {}

    /// The write end for the child (close it after the start), or -1 with errno.
    int open() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        boost::system::error_code failure;
        readable_.assign(ends[0], failure);
        if (!failure) return ends[1];
        ::close(ends[0]);
        ::close(ends[1]);
        errno = failure.value();
        return -1;
    }

    /// Reads until the end. Cancel: loses nothing; what is left is `drain`'s.
    awaitable<> read_all() {
        while (!at_end_) {
            auto const [failure] = co_await readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                                 asio::as_tuple(asio::use_awaitable));
            if (failure) co_return;
            drain();
        }
    }

    /// Takes what is in the pipe now. The bound is for a grandchild that keeps writing.
    void drain() {
        std::array<char, 16384> buffer;
        for (std::size_t total = 0; !at_end_ && total < drain_bytes_max;) {
            auto const got = ::read(readable_.native_handle(), buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno == EAGAIN) return;
            at_end_ = got <= 0;
            if (at_end_) return;
            auto const count = static_cast<std::size_t>(got);
            is_cut_ = is_cut_ || count > bytes_max_ - text_.size();
            text_.append(buffer.data(), std::min(count, bytes_max_ - text_.size()));
            total += count;
        }
    }

    std::string take() { return std::move(text_); }
    bool is_cut() const { return is_cut_; }

private:
    asio::posix::stream_descriptor readable_;
    std::size_t bytes_max_;
    std::string text_;
    bool at_end_ = false;
    bool is_cut_ = false;
};

constexpr process_exit not_known{.code = 128 + SIGKILL, .known = false};

/// One run of one child. Everything happens on the strand that is the executor.
class process_run {
public:
    process_run(asio::any_io_executor executor, command what, time_point deadline)
        : executor_(executor),
          what_(std::move(what)),
          deadline_(deadline),
          timer_(executor, deadline),
          end_timer_(executor),
          out_(executor, what_.output_bytes_max),
          err_(executor, what_.output_bytes_max),
          tasks_(executor) {}

    awaitable<result<process_output>> run();

private:
    result<void> start();
    awaitable<> kill_at_deadline();
    /// False when the child has ended by itself.
    bool kill_group();
    awaitable<> give_up();
    awaitable<result<process_exit>> wait_or_kill();

    asio::any_io_executor executor_;
    command what_;
    time_point deadline_;
    asio::steady_timer timer_;
    asio::steady_timer end_timer_;  ///< of a child that was killed
    collector out_;
    collector err_;
    std::optional<child_process> child_;
    bool is_late_ = false;
    bool is_cancelled_ = false;
    bool is_given_up_ = false;
    task_group tasks_;
};

result<void> process_run::start() {
    auto const out = out_.open();
    auto const err = out < 0 || what_.has_one_output ? out : err_.open();
    if (err < 0) {
        auto const number = errno;
        if (out >= 0) ::close(out);
        return system_failure(fmt::format("program {}: pipe", what_.program.string()), number);
    }
    what_.descriptors.emplace_back(out, STDOUT_FILENO);
    what_.descriptors.emplace_back(err, STDERR_FILENO);
    auto started = child_process::start(executor_, what_);
    ::close(out);
    if (err != out) ::close(err);
    if (!started) return started.error();
    child_.emplace(std::move(*started));
    return {};
}

awaitable<> process_run::kill_at_deadline() {
    auto const [failure] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) co_return;
    is_late_ = kill_group();
    if (is_late_) co_await give_up();
}

/// It is frozen, or hangs in the kernel, or has used up the time of its group: whoever waits for it has waited enough.
awaitable<> process_run::give_up() {
    end_timer_.expires_after(killed_end_time_max);
    auto const [failure] = co_await end_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (failure) co_return;
    is_given_up_ = true;
    child_->stop_waiting();
}

bool process_run::kill_group() {
    // A child that is not reaped keeps its number, which is its group's, so no stranger is hit.
    if (!child_->signal(0)) return false;
    if (what_.when_killed) what_.when_killed();
    return ::kill(-child_->pid(), SIGKILL) == 0;
}

awaitable<result<process_exit>> process_run::wait_or_kill() {
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) {
        try {
            co_return co_await child_->wait();
        } catch (cancelled const&) {  // cleaned up below: nothing can be awaited here
        }
    }
    if (is_given_up_) co_return not_known;
    is_cancelled_ = true;
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    kill_group();
    tasks_.spawn(give_up());
    try {
        co_return co_await child_->wait();  // a killed child ends by itself, mostly; the wait reaps it
    } catch (cancelled const&) {
        co_return not_known;
    }
}

awaitable<result<process_output>> process_run::run() {
    // A cancelled run still awaits the end of its child: only so nothing is left behind.
    co_await asio::this_coro::throw_if_cancelled(false);
    if (auto const started = start(); !started) co_return started.error();
    tasks_.spawn(out_.read_all());
    if (!what_.has_one_output) tasks_.spawn(err_.read_all());
    tasks_.spawn(kill_at_deadline());
    auto const exit = co_await wait_or_kill();
    co_await tasks_.stop();
    if (is_cancelled_) throw cancelled{};
    if (!exit) co_return exit.error();
    // All that the child wrote is in the pipes. Its children may hold them open for ever: nobody waits for these.
    out_.drain();
    if (!what_.has_one_output) err_.drain();
    co_return process_output{.exit = *exit,
                             .out = out_.take(),
                             .err = err_.take(),
                             .is_cut = out_.is_cut() || err_.is_cut(),
                             .is_late = is_late_};
}

awaitable<result<process_output>> run_on_strand(asio::any_io_executor strand, command what, time_point deadline) {
    process_run one(std::move(strand), std::move(what), deadline);
    co_return co_await one.run();
}

/// The end of `text` without blank space around it, from the start of a line if that is near.
std::string last_lines(std::string_view text) {
    auto const blank = " \t\r\n";
    auto const last = text.find_last_not_of(blank);
    text = last == text.npos ? std::string_view{} : text.substr(0, last + 1);
    if (text.size() > stderr_shown_bytes_max) {
        text.remove_prefix(text.size() - stderr_shown_bytes_max);
        if (auto const line = text.find('\n'); line != text.npos) text.remove_prefix(line + 1);
    }
    return std::string(text.substr(std::min(text.find_first_not_of(blank), text.size())));
}

}  // namespace

awaitable<result<process_output>> run_process_until(command what, time_point deadline) {
    asio::any_io_executor const strand = asio::make_strand(co_await asio::this_coro::executor);
    co_return co_await on_strand(strand, run_on_strand(strand, std::move(what), deadline));
}

awaitable<result<process_output>> run_process(command what, time_point deadline) {
    auto const program = what.program.string();
    auto output = co_await run_process_until(std::move(what), deadline);
    if (output && output->is_late) {
        co_return error{errc::timed_out, fmt::format("program {}: not done in time, killed", program)};
    }
    co_return std::move(output);
}

awaitable<result<process_output>> run_process_ok(command what, time_point deadline) {
    auto const name = what.program.filename().string();
    auto output = co_await run_process(std::move(what), deadline);
    if (!output) co_return output.error();
    if (!output->exit.known) co_return error{errc::internal, fmt::format("{}: somebody else took its exit code", name)};
    if (output->exit.code != 0) {
        auto const code = detail::says_shortage(output->err) ? errc::exhausted : errc::internal;
        co_return error{code, fmt::format("{}: exit code {}: {}", name, output->exit.code,
                                          detail::clean_text(last_lines(output->err), stderr_shown_bytes_max))};
    }
    co_return output;
}

}  // namespace rik
