// Kills a process that writes to a SQLite journal, again and again, and looks at what is left.
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/scratch_directory.hpp"

#include <rik/store/sqlite_journal.hpp>

#include <boost/asio/thread_pool.hpp>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <map>

using namespace rik;
using namespace rik::testing;
namespace fs = std::filesystem;

extern char** environ;

namespace {

constexpr char const* file_variable = "RIK_TEST_JOURNAL";
constexpr int rows_per_batch = 7;
constexpr int acknowledgement_descriptor = 3;

/// The batch of revision `at`: rows of its own, and one that every batch changes.
std::vector<journal_entry> batch_of(revision at) {
    std::vector<journal_entry> batch;
    for (int i = 0; i < rows_per_batch; ++i) {
        std::string value(static_cast<std::size_t>(100 + 997 * i), static_cast<char>('a' + at % 26));
        batch.push_back(journal_entry{at, "own", std::to_string(at) + "/" + std::to_string(i), std::move(value)});
    }
    batch.push_back(journal_entry{at, "shared", "newest", std::to_string(at)});
    // The file must not grow with the length of the test.
    if (at > 50) batch.push_back(journal_entry{at, "own", std::to_string(at - 50) + "/0", std::nullopt});
    return batch;
}

awaitable<> write_for_ever(journal& log) {
    auto const led = co_await log.lead();
    if (!led) co_return;
    for (auto at = led->last + 1;; ++at) {
        auto batch = batch_of(at);
        auto const appended = co_await log.append(std::move(batch));
        if (!appended) co_return;
        if (::write(acknowledgement_descriptor, &at, sizeof at) != sizeof at) co_return;
    }
}

/// This program once more, writing to `file` and telling each acknowledged revision through a pipe.
class writer_process {
public:
    explicit writer_process(fs::path const& file) {
        std::array<int, 2> pipe{};
        REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
        acknowledged_ = pipe[0];
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, pipe[1], acknowledgement_descriptor);
        std::string program = "/proc/self/exe";
        std::string test = "writer of the crash test";
        std::array<char*, 3> arguments{program.data(), test.data(), nullptr};
        ::setenv(file_variable, file.c_str(), 1);
        int const failure = ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments.data(), environ);
        ::unsetenv(file_variable);
        posix_spawn_file_actions_destroy(&actions);
        ::close(pipe[1]);
        REQUIRE(failure == 0);
    }
    ~writer_process() {
        kill();
        ::close(acknowledged_);
    }

    /// 0: it has ended and everything it told was read.
    revision next_acknowledged() {
        revision at = 0;
        return ::read(acknowledged_, &at, sizeof at) == sizeof at ? at : 0;
    }
    void kill() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }
    pid_t id() const { return process_; }

private:
    pid_t process_ = 0;
    int acknowledged_ = -1;
};

journal_contents read(fs::path const& file) {
    asio::io_context io;
    asio::thread_pool pool(1);
    sqlite_journal log(file, pool.get_executor());
    auto contents = run(io, log.lead());
    pool.join();
    if (!contents) FAIL(contents.error().message);
    return std::move(*contents);
}

void check_whole(journal_contents const& left) {
    std::map<revision, int> own;
    for (auto const& row : left.rows) {
        if (row.table == "shared") CHECK(row.value == std::to_string(left.last));
        if (row.table == "own") ++own[row.changed_at];
    }
    // A batch is there as a whole, but for the row that a later batch removed.
    for (revision at = 1; at <= left.last; ++at) CHECK(own[at] == rows_per_batch - (at + 50 <= left.last ? 1 : 0));
    CHECK((own.empty() || own.rbegin()->first <= left.last));
}

}  // namespace

// Does nothing unless the test below starts it.
TEST_CASE("writer of the crash test", "[.]") {
    auto const* file = std::getenv(file_variable);
    if (file == nullptr) return;
    asio::io_context io;
    asio::thread_pool pool(1);
    sqlite_journal log(file, pool.get_executor());
    run(io, write_for_ever(log));
    pool.join();
}

TEST_CASE("what a SQLite journal acknowledged survives kill -9", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    revision acknowledged = 0;
    for (int round = 0; round < 8; ++round) {
        writer_process writer(file);
        auto const until = acknowledged + 10 + static_cast<revision>(round * 13);
        while (acknowledged < until) {
            auto const at = writer.next_acknowledged();
            REQUIRE(at != 0);
            acknowledged = at;
        }
        if (round == 0) {
            asio::io_context io;
            asio::thread_pool pool(1);
            sqlite_journal second(file, pool.get_executor());
            auto const refused = run(io, second.lead());
            pool.join();
            REQUIRE(!refused.has_value());
            CHECK(refused.error().code == errc::conflict);
            CHECK(refused.error().message.find("process " + std::to_string(writer.id())) != std::string::npos);
        }
        writer.kill();
        while (auto const at = writer.next_acknowledged()) acknowledged = at;
        auto const left = read(file);
        CHECK(left.last >= acknowledged);
        CHECK(left.last <= acknowledged + 1);
        check_whole(left);
        acknowledged = left.last;
    }
}
