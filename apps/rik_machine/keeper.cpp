#include "keeper.hpp"

#include "runtime/microvm/machine_template_detail.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

constexpr int signal_base = 128;
constexpr int look_period_ms = 250;  // at a machine that boots
constexpr std::int64_t qemu_start_ms_max = 30'000;
constexpr std::int64_t end_ms_max = 10'000;  // between its last word and the end of QEMU
constexpr std::size_t output_bytes_max = 64u << 10;
constexpr std::size_t line_bytes_max = 4096;
constexpr int line_patience_ms = 50;
constexpr std::size_t complaints_bytes_max = 2048;

std::int64_t now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

/// At least 1, since 0 is what is not known.
std::int64_t ms_since(std::int64_t began) { return std::max<std::int64_t>(now_ms() - began, 1); }

/// The time of a processor that a process has used, in seconds.   Source: proc_pid_stat(5), fields 14 and 15
std::uint64_t cpu_seconds_of(pid_t process) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/stat", process);
    std::array<char, 2048> text{};
    auto const file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
    auto const size = file >= 0 ? ::read(file, text.data(), text.size() - 1) : -1;
    ::close(file);
    if (size <= 0) return 0;
    auto const* const behind_name = std::strrchr(text.data(), ')');
    unsigned long long user = 0;
    unsigned long long system = 0;
    if (behind_name == nullptr ||
        std::sscanf(behind_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2)
        return 0;
    return (user + system) / static_cast<unsigned long long>(::sysconf(_SC_CLK_TCK));
}

/// The last bytes that have come.
void keep_last(std::string& kept, std::string_view bytes, std::size_t bytes_max) {
    kept += bytes;
    if (kept.size() > bytes_max) kept.erase(0, kept.size() - bytes_max);
}

/// What is there; empty at the end or if there is nothing now.
std::string_view read_some(int from, std::array<char, 4096>& buffer, bool& is_over) {
    auto const size = ::read(from, buffer.data(), buffer.size());
    is_over = size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
    return size > 0 ? std::string_view(buffer.data(), static_cast<std::size_t>(size)) : std::string_view();
}

void close_if(bool is_over, int& descriptor) {
    if (!is_over) return;
    ::close(descriptor);
    descriptor = -1;
}

}  // namespace

keeper::keeper(detail::machine_plan const& plan, machine_ends const& ends, pid_t qemu, std::string settings)
    : plan_(plan), ends_(ends), qemu_(qemu), began_at_ms_(now_ms()), settings_(std::move(settings)) {
    sigset_t heard;
    ::sigemptyset(&heard);
    for (auto const each : {SIGCHLD, SIGTERM, SIGINT}) ::sigaddset(&heard, each);
    ::sigprocmask(SIG_BLOCK, &heard, nullptr);
    signals_ = ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
    ::signal(SIGPIPE, SIG_IGN);
    ::fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    ::fcntl(ends_.complaints, F_SETFL, O_NONBLOCK);
    start_ms_ = plan_.began_ms == 0 ? began_at_ms_ : static_cast<std::int64_t>(plan_.began_ms);
    times_.prepared_ms = ms_since(start_ms_);
    reap();  // it may have ended before its end could be heard
}

std::string keeper::wait_for_qemu() {
    while (!is_ready_ && !has_ended_ && now_ms() - began_at_ms_ < qemu_start_ms_max) poll_once(look_period_ms);
    if (is_ready_ && !has_ended_) return {};
    if (!has_ended_) ::kill(qemu_, SIGKILL);
    poll_once(0);  // what it wrote last
    return complaints_.empty() ? "QEMU does not answer" : "QEMU: " + complaints_;
}

int keeper::run() {
    while (!has_ended_) {
        auto const is_watched = !story_.is_up() || story_.is_over();
        poll_once(is_watched ? look_period_ms : -1);
        if (is_watched) watch_boot();
    }
    return finish();
}

void keeper::prepare(pollfd* sources) const {
    auto const has_room = waiting_output_.size() < output_bytes_max;
    sources[signals] = {signals_, POLLIN, 0};
    auto const has_input = !waiting_input_.empty();
    auto const wanted = static_cast<short>((has_room ? POLLIN : 0) | (has_input ? POLLOUT : 0));
    sources[console] = {wanted != 0 ? ends_.console : -1, wanted, 0};
    sources[control] = {guest_.is_full() ? -1 : ends_.control, POLLIN, 0};  // it talks too much to be heard
    sources[monitor] = {ends_.monitor, POLLIN, 0};
    sources[complaints] = {ends_.complaints, POLLIN, 0};
    sources[output] = {ready_output() == 0 ? -1 : STDOUT_FILENO, POLLOUT, 0};
}

void keeper::poll_once(int timeout_ms) {
    std::array<pollfd, source_count> sources{};
    prepare(sources.data());
    if (!waiting_output_.empty() && (timeout_ms < 0 || timeout_ms > line_patience_ms)) timeout_ms = line_patience_ms;
    if (::poll(sources.data(), sources.size(), timeout_ms) < 0) return;
    if (sources[output].revents != 0) write_output();
    if ((sources[console].revents & POLLOUT) != 0) tell_machine();
    if ((sources[console].revents & ~POLLOUT) != 0) pass_console();
    if (sources[control].revents != 0) hear_guest();
    if (sources[monitor].revents != 0) hear_qemu();
    if (sources[complaints].revents != 0) {
        std::array<char, 4096> buffer;
        bool is_over = false;
        keep_last(complaints_, read_some(ends_.complaints, buffer, is_over), complaints_bytes_max);
        close_if(is_over, ends_.complaints);
    }
    if (sources[signals].revents != 0) take_signals();
}

void keeper::take_signals() {
    signalfd_siginfo about{};
    while (::read(signals_, &about, sizeof about) == sizeof about) {
        if (about.ssi_signo == SIGCHLD) {
            reap();
            continue;
        }
        constexpr std::string_view stop = "stop\n";
        if (story_.is_up()) [[maybe_unused]]
            auto const written = ::write(ends_.control, stop.data(), stop.size());
        else
            ::kill(qemu_, SIGKILL);  // nobody is there to hear it
    }
}

void keeper::reap() {
    int status = 0;
    if (::waitpid(qemu_, &status, WNOHANG) != qemu_) return;
    has_ended_ = true;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status);
}

/// What is to be written now: whole lines, since each write is an entry of the log, and a line comes in pieces from a
/// serial console. What is not ended for a while is written as it is.
std::size_t keeper::ready_output() const {
    auto const is_late = waiting_output_.size() > line_bytes_max || now_ms() - partial_since_ms_ > line_patience_ms;
    return is_late || has_ended_ ? waiting_output_.size() : waiting_output_.rfind('\n') + 1;  // npos + 1 is 0
}

void keeper::pass_console() {
    std::array<char, 4096> buffer;
    bool is_over = false;
    auto const bytes = read_some(ends_.console, buffer, is_over);
    keep_last(last_console_, bytes, detail::note_console_bytes_max);
    if (waiting_output_.empty() || waiting_output_.back() == '\n') partial_since_ms_ = now_ms();
    waiting_output_ += bytes;
    close_if(is_over, ends_.console);
    write_output();
}

void keeper::write_output() {
    auto const ready = ready_output();
    if (ready == 0) return;
    auto const written = ::write(STDOUT_FILENO, waiting_output_.data(), ready);
    if (written > 0) waiting_output_.erase(0, static_cast<std::size_t>(written));
    if (written < 0 && errno == EPIPE) waiting_output_.clear();
}

void keeper::hear_guest() {
    std::array<char, 4096> buffer;
    bool is_over = false;
    guest_.feed(read_some(ends_.control, buffer, is_over));
    close_if(is_over, ends_.control);
    while (auto word = guest_.next()) {
        if (word->kind == detail::guest_word::what::up) note_up(*word);
        story_.hear(std::move(*word));
    }
}

void keeper::note_up(detail::guest_word const& said) {
    times_.up_ms = ms_since(start_ms_);
    if (said.times) detail::add_guest_times(times_, *said.times);
    auto const text = detail::note_text({.was_up = true, .times = times_});
    [[maybe_unused]] auto const written = ::pwrite(ends_.note, text.data(), text.size(), 0);
}

/// The settings of a machine that goes on, once it does.
void keeper::tell_machine() {
    auto const written = ::write(ends_.console, waiting_input_.data(), waiting_input_.size());
    if (written > 0) waiting_input_.erase(0, static_cast<std::size_t>(written));
}

/// True if that is all there is to it.
bool keeper::hear_of_restore(detail::qmp_word word) {
    if (plan_.warm_from.empty() || is_ready_) return false;
    if (word == detail::qmp_word::greeting) {
        times_.qemu_ms = ms_since(start_ms_);
        auto const words = std::string(detail::qmp_begin) + std::string(detail::qmp_ignore_shared) +
                           std::string(detail::qmp_no_announcements) + detail::qmp_restore(detail::state_descriptor);
        [[maybe_unused]] auto const written = ::write(ends_.monitor, words.data(), words.size());
        return true;
    }
    if (word == detail::qmp_word::saved) {
        auto const words = detail::qmp_go_on;
        [[maybe_unused]] auto const written = ::write(ends_.monitor, words.data(), words.size());
        return true;
    }
    if (word == detail::qmp_word::refused) {
        keep_last(complaints_, "it cannot be restored from its template", complaints_bytes_max);
        ::kill(qemu_, SIGKILL);
    }
    if (word != detail::qmp_word::resumed) return false;
    times_.kernel_ms = ms_since(start_ms_);
    std::array<unsigned char, detail::seed_bytes> seed{};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size())) {
        ::kill(qemu_, SIGKILL);  // never without
        return true;
    }
    waiting_input_ = detail::order_text(settings_.size(), now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec, seed);
    waiting_input_ += std::exchange(settings_, {});
    is_ready_ = true;
    tell_machine();
    return true;
}

void keeper::hear_qemu() {
    std::array<char, 4096> buffer;
    bool is_over = false;
    qmp_.feed(read_some(ends_.monitor, buffer, is_over));
    close_if(is_over || qmp_.is_full(), ends_.monitor);
    while (auto const word = qmp_.next()) {
        if (hear_of_restore(*word)) continue;
        if (*word == detail::qmp_word::greeting && !is_ready_) {
            is_ready_ = true;
            times_.qemu_ms = ms_since(start_ms_);
            auto const begin = detail::qmp_begin;
            [[maybe_unused]] auto const written = ::write(ends_.monitor, begin.data(), begin.size());
            continue;
        }
        story_.hear(*word);
    }
}

/// One that neither comes up nor ends when it should.
void keeper::watch_boot() {
    auto const now = now_ms();
    if (story_.is_over()) {
        if (over_since_ms_ == 0) over_since_ms_ = now;
        if (now - over_since_ms_ > end_ms_max) ::kill(qemu_, SIGKILL);
        return;
    }
    if (story_.is_up()) return;
    auto const used = cpu_seconds_of(qemu_);
    auto const took = static_cast<std::uint64_t>(now - began_at_ms_) / 1000;
    if (used < plan_.boot_cpu_seconds && took < plan_.boot_seconds) return;
    story_.kill_as_stuck("it has not said that it is up, after " + std::to_string(used) +
                         " s of its processor's time and " + std::to_string(took) + " s in all");
    ::kill(qemu_, SIGKILL);
}

/// What is still on its way is taken before the note is written.
int keeper::finish() {
    for (auto const until = now_ms() + end_ms_max; now_ms() < until;) {
        if (ends_.control >= 0) hear_guest();
        if (ends_.monitor >= 0) hear_qemu();
        if (ends_.console < 0 && waiting_output_.empty()) break;
        poll_once(look_period_ms);
    }
    auto const end = story_.end(code_, complaints_);
    auto const text =
        detail::note_text({.was_up = story_.is_up(), .times = times_, .end = end, .console = last_console_});
    [[maybe_unused]] auto const written = ::pwrite(ends_.note, text.data(), text.size(), 0);
    return end.code;
}

}  // namespace rik::machine_program
