// The log of the program rik, in a child whose standard error is a pipe that is read late.
#include "logging.hpp"

#include "support/catch.hpp"

#include <rik/base/limits.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using rik::app::stderr_log;

constexpr std::size_t burst_count = 20'000;  // more than the queue and the pipe take

void write_burst(rik::log_sink& to) {
    for (std::size_t i = 0; i < burst_count; ++i) {
        rik::log_field const number{"number", std::to_string(i)};
        to.write(rik::log_level::info, "one of many", {&number, 1});
    }
}

/// A process that logs, and says so to `heard` when it has.
class child {
public:
    explicit child(void (*what)(int done)) {
        REQUIRE(::pipe(errors_.data()) == 0);
        REQUIRE(::pipe(done_.data()) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::dup2(errors_[1], STDERR_FILENO);
            for (auto const each : {errors_[0], errors_[1], done_[0]}) ::close(each);
            what(done_[1]);
            ::_exit(0);
        }
        ::close(errors_[1]);
        ::close(done_[1]);
    }
    child(child const&) = delete;
    ~child() {
        ::close(errors_[0]);
        ::close(done_[0]);
        if (pid_ > 0) ::kill(pid_, SIGKILL);
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    }
    /// Whether it has logged everything, while nobody reads.
    bool goes_on() const {
        ::pollfd waiting{.fd = done_[0], .events = POLLIN, .revents = 0};
        return ::poll(&waiting, 1, 20'000) == 1 && (waiting.revents & POLLIN) != 0;
    }
    std::string read_all() const {
        std::string text;
        std::array<char, 65536> part{};
        for (;;) {
            auto const got = ::read(errors_[0], part.data(), part.size());
            if (got <= 0) return text;
            text.append(part.data(), static_cast<std::size_t>(got));
        }
    }
    int wait() {
        int status = 0;
        REQUIRE(::waitpid(pid_, &status, 0) == pid_);
        pid_ = -1;
        return status;
    }

private:
    std::array<int, 2> errors_{};
    std::array<int, 2> done_{};
    ::pid_t pid_ = -1;
};

void log_without_reader(int done) {
    stderr_log log(rik::log_level::info, true);
    write_burst(log);
    (void)!::write(done, "x", 1);
    while (log.waiting_count() > 0) ::poll(nullptr, 0, 1);
    rik::log(log).info("the reader is back");
}

void log_and_abort(int /*done*/) {
    ::rlimit const no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    stderr_log log(rik::log_level::info, true);
    for (int i = 0; i < 100; ++i) rik::log(log).info("before the end");
    std::abort();
}

void log_and_be_killed_by_abort(int done) {
    ::rlimit const no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    stderr_log log(rik::log_level::info, true);
    ::kill(::getpid(), SIGABRT);
    (void)!::write(done, "x", 1);  // it lives on
}

std::size_t count(std::string const& text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("who logs does not wait for the reader, and the log says how many lines are missing", "[unit][log]") {
    child logging(&log_without_reader);
    REQUIRE(logging.goes_on());
    auto const text = logging.read_all();
    CHECK(WIFEXITED(logging.wait()));
    auto const kept = count(text, "one of many");
    CHECK(kept > 1000);
    CHECK(kept < burst_count);
    REQUIRE(count(text, "count=\"") == 1);
    auto const note = text.find("count=\"") + 7;
    CHECK(text.substr(note, text.find('"', note) - note) == std::to_string(burst_count - kept));
    CHECK(count(text, "number=\"" + std::to_string(kept - 1) + '"') == 1);  // the first ones, whole
    auto const back = text.find("the reader is back");
    REQUIRE(back != std::string::npos);
    CHECK(back > note);
    CHECK(text.back() == '\n');
}

TEST_CASE("a SIGABRT from outside ends the process, too", "[unit][log]") {
    child killed(&log_and_be_killed_by_abort);
    auto const status = killed.wait();
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}

TEST_CASE("lines that were logged before an abort come out", "[unit][log]") {
    child aborting(&log_and_abort);
    CHECK(count(aborting.read_all(), "before the end") == 100);
    auto const status = aborting.wait();
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}
