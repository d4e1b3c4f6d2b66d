#include "contract/journal_contract.hpp"
#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/scratch_directory.hpp"

#include <rik/store/sqlite_journal.hpp>

#include <boost/asio/thread_pool.hpp>

#include <sqlite3.h>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace rik;
using namespace rik::testing;
namespace fs = std::filesystem;

namespace {

journal_entry entry(revision at, std::string key, std::optional<std::string> value) {
    return journal_entry{at, "document", std::move(key), std::move(value)};
}

/// A journal with what it needs to run.
class open_journal {
public:
    explicit open_journal(fs::path const& file) : log_(file, pool_.get_executor()) {}
    ~open_journal() { pool_.join(); }

    result<journal_contents> lead() { return run(io_, log_.lead()); }
    result<void> append(std::vector<journal_entry> batch) { return run(io_, log_.append(std::move(batch))); }

private:
    asio::io_context io_;
    asio::thread_pool pool_{1};
    sqlite_journal log_;
};

errc lead_failure(fs::path const& file) {
    open_journal log(file);
    auto const led = log.lead();
    REQUIRE(!led.has_value());
    CHECK(!led.error().remedy.empty());
    CHECK(led.error().message.find(file.parent_path().string()) == 0);
    return led.error().code;
}

void fill(fs::path const& file, int count, std::size_t bytes) {
    open_journal log(file);
    REQUIRE(log.lead().has_value());
    std::vector<journal_entry> batch;
    for (int i = 0; i < count; ++i) batch.push_back(entry(1, std::to_string(i), std::string(bytes, 'x')));
    REQUIRE(log.append(std::move(batch)));
}

void run_sql(fs::path const& file, char const* sql) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    CHECK(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(database);
}

unsigned mode_of(fs::path const& path) {
    struct stat found {};
    REQUIRE(::stat(path.c_str(), &found) == 0);
    return found.st_mode & 07777u;
}

class sqlite_maker final : public journal_maker {
public:
    ~sqlite_maker() override {
        pool_.join();
        if (is_mounted_) ::umount2(place_.path().c_str(), MNT_DETACH);
    }
    event_loop& loop() override { return loop_; }
    std::unique_ptr<journal> open() override {
        auto file = place_.path() / "made" / "here" / "state.db";
        return std::make_unique<sqlite_journal>(std::move(file), pool_.get_executor());
    }
    bool limit_room() override {
        is_mounted_ = ::mount("tmpfs", place_.path().c_str(), "tmpfs", 0, "size=1m") == 0;
        if (!is_mounted_) WARN("skipped: this process may not mount a small tmpfs");
        return is_mounted_;
    }
    void free_room() override { REQUIRE(::mount("tmpfs", place_.path().c_str(), nullptr, MS_REMOUNT, "size=8m") == 0); }

private:
    scratch_directory const place_;
    bool is_mounted_ = false;
    real_loop loop_;
    asio::thread_pool pool_{1};
};

}  // namespace

TEST_CASE("a SQLite journal is a journal", "[sqlite][contract]") {
    sqlite_maker disk;
    check_journal(disk);
}

TEST_CASE("a SQLite journal is for its owner's eyes only", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "new" / "state.db";
    open_journal log(file);
    REQUIRE(log.lead().has_value());
    REQUIRE(log.append({entry(1, "a", "secret")}));
    CHECK(mode_of(file.parent_path()) == 0700);
    for (auto const& each : fs::directory_iterator(file.parent_path())) CHECK(mode_of(each.path()) == 0600);
}

TEST_CASE("who holds a SQLite journal is told, and one beside it is free", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    {
        open_journal first(file);
        REQUIRE(first.lead().has_value());
        open_journal second(file);
        auto const refused = second.lead();
        REQUIRE(!refused.has_value());
        CHECK(refused.error().code == errc::conflict);
        CHECK(refused.error().message.find(place.path().string()) == 0);
        CHECK(refused.error().message.find(std::to_string(::getpid())) != std::string::npos);
        open_journal beside(place.path() / "node.db");
        CHECK(beside.lead().has_value());
    }
    open_journal next(file);
    CHECK(next.lead().has_value());
}

TEST_CASE("a SQLite file that is damaged is refused", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    fill(file, 200, 900);
    REQUIRE(fs::file_size(file) > 200'000);  // the rows alone are that much
    SECTION("garbage") { std::ofstream(file, std::ios::trunc) << std::string(50'000, 'g'); }
    SECTION("empty") { fs::resize_file(file, 0); }
    SECTION("cut") { fs::resize_file(file, 4096 * 25 + 100); }
    SECTION("cut between pages") { fs::resize_file(file, 4096 * 25); }
    SECTION("pages of zeros") {
        std::fstream open(file, std::ios::in | std::ios::out | std::ios::binary);
        open.seekp(4096 * 10);
        open << std::string(4096 * 4, '\0');
    }
    SECTION("another program's") { run_sql(file, "DROP TABLE rows"); }
    SECTION("gone, with its log left") { fs::rename(file, fs::path(file).concat("-wal")); }
    CHECK(lead_failure(file) == errc::corrupt);
}

TEST_CASE("a SQLite file of a newer version is refused", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    fill(file, 1, 1);
    run_sql(file, "UPDATE meta SET value = 3 WHERE key = 'format'");
    CHECK(lead_failure(file) == errc::unsupported);
}

TEST_CASE("a SQLite file of an older version is refused, and stays as it is", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    fill(file, 1, 1);
    run_sql(file, "UPDATE meta SET value = 1 WHERE key = 'format'");
    CHECK(lead_failure(file) == errc::unsupported);
    run_sql(file, "UPDATE meta SET value = 2 WHERE key = 'format'");
    open_journal log(file);
    CHECK(log.lead().has_value());
}

TEST_CASE("a creation that was cut short leaves nothing in the way", "[sqlite]") {
    scratch_directory const place;
    std::ofstream(place.path() / "state.db.new") << "half";
    std::ofstream(place.path() / "state.db.new-journal") << "half";
    open_journal log(place.path() / "state.db");
    CHECK(log.lead().has_value());
    CHECK(!fs::exists(place.path() / "state.db.new"));
}

TEST_CASE("SQLite's log does not grow without end", "[sqlite]") {
    scratch_directory const place;
    auto const file = place.path() / "state.db";
    open_journal log(file);
    REQUIRE(log.lead().has_value());
    for (revision at = 1; at <= 120; ++at) {
        std::vector<journal_entry> batch;
        for (int i = 0; i < 100; ++i) batch.push_back(entry(at, std::to_string(i), std::string(3'000, 'x')));
        REQUIRE(log.append(std::move(batch)));
    }
    CHECK(fs::file_size(fs::path(file).concat("-wal")) < 20u << 20);
    CHECK(fs::file_size(file) < 6u << 20);
}

TEST_CASE("a full disk says what to do", "[sqlite]") {
    sqlite_maker disk;
    if (!disk.limit_room()) return;
    auto const log = disk.open();
    REQUIRE(disk.loop().run(log->lead()).has_value());
    auto const refused = disk.loop().run(log->append({entry(1, "large", std::string(4 << 20, 'x'))}));
    REQUIRE(!refused);
    CHECK(refused.error().code == errc::exhausted);
    CHECK(!refused.error().remedy.empty());
}

namespace {

/// A small disk in memory.
class small_disk {
public:
    explicit small_disk(char const* options) {
        is_mounted_ = ::mount("tmpfs", place_.path().c_str(), "tmpfs", 0, options) == 0;
        if (!is_mounted_) WARN("skipped: this process may not mount a small tmpfs");
    }
    ~small_disk() {
        if (is_mounted_) ::umount2(place_.path().c_str(), MNT_DETACH);
    }
    bool is_mounted() const { return is_mounted_; }
    fs::path file() const { return place_.path() / "state.db"; }

    /// Until nobody can write a byte more.
    void use_up_room() const {
        auto const descriptor = ::open((place_.path() / "filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        REQUIRE(descriptor >= 0);
        std::string const much(1 << 20, 'x');
        for (auto size = much.size(); size > 0;)
            if (::write(descriptor, much.data(), size) <= 0) size /= 2;
        ::close(descriptor);
        REQUIRE(fs::space(place_.path()).available == 0);
    }
    /// Until nobody can make a file more.
    void use_up_files() const {
        for (int made = 0;; ++made) {
            auto const name = place_.path() / ("filler" + std::to_string(made));
            auto const descriptor = ::open(name.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            if (descriptor < 0) return;
            ::close(descriptor);
        }
    }

private:
    scratch_directory const place_;
    bool is_mounted_ = false;
};

/// Writes ten rows over, `batches` times: about 30 KB each time.
void write_over(open_journal& log, revision& last, int batches) {
    for (int done = 0; done < batches; ++done) {
        ++last;
        std::vector<journal_entry> batch;
        for (int i = 0; i < 10; ++i) batch.push_back(entry(last, std::to_string(i), std::string(2'500, 'x')));
        auto const appended = log.append(std::move(batch));
        INFO("revision " << last << ": " << (appended ? "" : to_string(appended.error())));
        REQUIRE(appended.has_value());
    }
}

/// Three starts, with batches before and after somebody takes what `disk` has left, in the first.
void check_goes_on(small_disk const& disk, void (small_disk::*use_up)() const, int batches) {
    if (!disk.is_mounted()) return;
    revision last = 0;
    for (int start = 0; start < 3; ++start) {
        open_journal log(disk.file());
        auto const found = log.lead();
        REQUIRE(found.has_value());
        CHECK(found->last == last);
        CHECK(found->rows.size() == (start == 0 ? 0 : 10));
        write_over(log, last, 2);
        if (start == 0) (disk.*use_up)();
        write_over(log, last, batches);
    }
}

}  // namespace

TEST_CASE("a SQLite journal goes on when others have filled its disk, and starts there", "[sqlite]") {
    check_goes_on(small_disk("size=100m"), &small_disk::use_up_room, 1'500);  // the log is copied a few times
}

TEST_CASE("a SQLite journal goes on when others have used up the files of its disk, and starts there", "[sqlite]") {
    check_goes_on(small_disk("size=100m,nr_inodes=200"), &small_disk::use_up_files, 100);
}

TEST_CASE("a SQLite journal takes no room of a disk that has little", "[sqlite]") {
    small_disk const disk("size=24m");
    if (!disk.is_mounted()) return;
    open_journal log(disk.file());
    REQUIRE(log.lead().has_value());
    CHECK(fs::space(disk.file()).available > 12u << 20);
}
