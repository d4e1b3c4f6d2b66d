// How many compare-and-swap commits a second a store makes last, beside a bare SQLite loop on the same disk.
// rik_store_bench [DIRECTORY]: the directory is on the disk to measure (default: the working directory).
#include <rik/async/clock.hpp>
#include <rik/async/task_group.hpp>
#include <rik/store/memory_journal.hpp>
#include <rik/store/sqlite_journal.hpp>
#include <rik/store/store.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>

using namespace rik;
namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
constexpr auto round_length = 2s;
constexpr std::size_t value_bytes = 1'024;

system_clock time_now;

struct measured {
    std::size_t commits = 0;
    std::size_t appends = 0;
    duration took{};
    std::vector<duration> latencies;

    double per_second() const { return static_cast<double>(commits) / std::chrono::duration<double>(took).count(); }
    double group() const {
        return static_cast<double>(commits) / static_cast<double>(std::max<std::size_t>(appends, 1));
    }
    double latency_ms(double share) {
        auto const which = static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1));
        std::nth_element(latencies.begin(), latencies.begin() + static_cast<std::ptrdiff_t>(which), latencies.end());
        return std::chrono::duration<double, std::milli>(latencies[which]).count();
    }
};

class counting_journal final : public journal {
public:
    explicit counting_journal(journal& under) : under_(under) {}
    awaitable<result<journal_contents>> lead() override { return under_.lead(); }
    awaitable<result<void>> append(std::vector<journal_entry> batch) override {
        ++appends;
        return under_.append(std::move(batch));
    }
    std::size_t appends = 0;

private:
    journal& under_;
};

void give_up(error const& why) {
    fmt::print(stderr, "rik_store_bench: {}\n", to_string(why));
    std::exit(1);
}

/// Changes one row of its own, again and again.
awaitable<> client(store& rows, std::string name, time_point until, measured& into) {
    document row{.key = {"bench", "default", std::move(name)}, .json = std::string(value_bytes, 'x')};
    revision at = 0;
    for (auto begun = time_now.now(); begun < until;) {
        transaction changes;
        changes.put(row, at);
        auto const committed = co_await rows.commit(std::move(changes));
        if (!committed) give_up(committed.error());
        at = *committed;
        auto const ended = time_now.now();
        into.latencies.push_back(ended - begun);
        ++into.commits;
        begun = ended;
    }
}

awaitable<> flush(store& rows) { co_await rows.run(); }

awaitable<> run_round(journal& log, int client_count, measured& into) {
    counting_journal counted(log);
    auto const executor = co_await asio::this_coro::executor;
    system_entropy random;
    store rows(executor, counted, random);
    auto const opened = co_await rows.open();
    if (!opened) give_up(opened.error());
    counted.appends = 0;
    task_group flusher(executor);
    task_group clients(executor);
    flusher.spawn(flush(rows));
    auto const begun = time_now.now();
    for (int i = 0; i < client_count; ++i) {
        clients.spawn(client(rows, std::to_string(i), begun + round_length, into));
    }
    co_await clients.join();
    into.took = time_now.now() - begun;
    into.appends = counted.appends;
    co_await flusher.stop();
}

measured measure(asio::io_context& io, journal& log, int client_count) {
    measured round;
    std::exception_ptr thrown;
    asio::co_spawn(io, run_round(log, client_count, round), [&thrown](std::exception_ptr why) { thrown = why; });
    io.restart();
    io.run();
    if (thrown) std::rethrow_exception(thrown);
    return round;
}

void check(sqlite3* database, int code) {
    if (code != SQLITE_OK && code != SQLITE_DONE) give_up(error{errc::internal, sqlite3_errmsg(database)});
}

/// The yardstick: the same rows in transactions of `group`, and nothing else. Rows a second.
double measure_bare(fs::path const& file, std::size_t group, int row_count) {
    sqlite3* database = nullptr;
    check(database, sqlite3_open(file.c_str(), &database));
    check(database, sqlite3_exec(database,
                                 "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
                                 "CREATE TABLE rows(tbl TEXT, key TEXT, rev INTEGER, value TEXT, "
                                 "PRIMARY KEY(tbl, key)) WITHOUT ROWID",
                                 nullptr, nullptr, nullptr));
    sqlite3_stmt* put = nullptr;
    check(database, sqlite3_prepare_v2(database,
                                       "INSERT INTO rows VALUES('document', ?, ?, ?) ON CONFLICT(tbl, key) DO UPDATE "
                                       "SET rev = excluded.rev, value = excluded.value",
                                       -1, &put, nullptr));
    std::string const value(value_bytes, 'x');
    std::int64_t written = 0;
    auto const begun = time_now.now();
    while (time_now.now() < begun + round_length) {
        check(database, sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr));
        for (std::size_t i = 0; i < group; ++i, ++written) {
            auto const key = "bench/default/" + std::to_string(written % row_count);
            check(database, sqlite3_bind_text(put, 1, key.data(), static_cast<int>(key.size()), SQLITE_STATIC));
            check(database, sqlite3_bind_int64(put, 2, written));
            check(database, sqlite3_bind_text(put, 3, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
            check(database, sqlite3_step(put));
            check(database, sqlite3_reset(put));
        }
        check(database, sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr));
    }
    auto const took = std::chrono::duration<double>(time_now.now() - begun).count();
    sqlite3_finalize(put);
    sqlite3_close(database);
    return static_cast<double>(written) / took;
}

void compare(fs::path const& directory, int client_count) {
    asio::io_context io(1);
    asio::thread_pool pool(1);
    measured durable;
    {
        sqlite_journal log(directory / fmt::format("store-{}.db", client_count), pool.get_executor());
        durable = measure(io, log, client_count);
    }
    pool.join();
    auto const group = static_cast<std::size_t>(durable.group() + 0.5);
    auto const bare = measure_bare(directory / fmt::format("bare-{}.db", client_count), group, client_count);
    fmt::print("{:>7} {:>11.0f} {:>7.1f} {:>9.2f} {:>8.2f} {:>12.0f} {:>6.2f}\n", client_count, durable.per_second(),
               durable.group(), durable.latency_ms(0.5), durable.latency_ms(0.99), bare, durable.per_second() / bare);
}

/// The work of the strand, in processor time: a busy machine does not change it.
void measure_strand() {
    asio::io_context io(1);
    memory_journal log;
    auto const begun = std::clock();
    auto const round = measure(io, log, 1'000);
    auto const took_us = 1e6 * static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
    fmt::print("in memory, 1000 clients: {:.1f} us of processor for each commit, its wait and its publication\n",
               took_us / static_cast<double>(round.commits));
}

}  // namespace

int main(int argc, char* argv[]) {
    auto const where = fs::path(argc > 1 ? argv[1] : ".") / fmt::format("rik-store-bench-{}", ::getpid());
    fs::create_directories(where);
    fmt::print("clients   commits/s   group median/ms   p99/ms  bare rows/s  ratio\n");
    for (int const client_count : {1, 16, 100, 1'000}) compare(where, client_count);
    measure_strand();
    fs::remove_all(where);
}
