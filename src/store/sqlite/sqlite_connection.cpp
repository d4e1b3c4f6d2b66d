#include "store/sqlite/sqlite_connection.hpp"

#include "store/sqlite/spare_room.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace rik {

namespace fs = std::filesystem;
using detail::database_error;
using detail::execute;
using detail::statement;

namespace {

/// 2: definitions are kept as their text alone.
constexpr std::int64_t format_now = 2;
constexpr int busy_timeout_ms = 5'000;  // for a person who has just looked at it with the sqlite3 shell

// About 14 MB. SQLite's own checkpoint happens inside of a commit, which then waits for it; ours comes before the
// commit after that, so that those who wait for the first are told in time.
constexpr int checkpoint_pages = 3'500;

// What a full disk leaves us. Behind the database: rows are written over far more often than new ones come.
constexpr std::int64_t log_room = 4'000 * (4'096 + 24);
constexpr std::int64_t database_room = 4 << 20;

constexpr char const* schema = R"(
    BEGIN;
    CREATE TABLE rows(tbl TEXT NOT NULL, key TEXT NOT NULL, rev INTEGER NOT NULL, value TEXT NOT NULL,
                      PRIMARY KEY(tbl, key)) WITHOUT ROWID;
    CREATE TABLE meta(key TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO meta VALUES('format', 2), ('last', 0);
    COMMIT;
)";

fs::path with_suffix(fs::path const& file, char const* suffix) { return fs::path(file).concat(suffix); }

fs::path directory_of(fs::path const& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// Makes the whole file under another name first: one that is there under its own name is never half made.
result<void> create(fs::path const& file) {
    auto const draft = with_suffix(file, ".new");
    for (auto const* suffix : {"-wal", "-shm", "-journal"}) {
        std::error_code failure;
        fs::remove(with_suffix(draft, suffix), failure);
        if (failure) return error{errc::internal, with_suffix(draft, suffix).string() + ": " + failure.message()};
    }
    if (auto made = detail::make_private_file(draft); !made) return made;
    {
        auto database = detail::open_database(draft);
        if (!database) return database.error();
        if (auto done = execute(database->get(), "PRAGMA synchronous=FULL"); !done) return done;
        if (auto done = execute(database->get(), schema); !done) return done;
    }
    if (::rename(draft.c_str(), file.c_str()) != 0) return detail::system_failure(file, "cannot create");
    return detail::sync_directory(directory_of(file));
}

result<void> create_if_missing(fs::path const& file) {
    std::error_code failure;
    if (fs::exists(file, failure)) return {};
    if (failure) return error{errc::denied, file.string() + ": " + failure.message()};
    if (fs::exists(with_suffix(file, "-wal"), failure)) {
        // SQLite would play the log into a new, unrelated file.
        return error{errc::corrupt,
                     file.string() + ": is missing, but its write-ahead log is there",
                     {},
                     "restore the file, or move the log away to start with nothing"};
    }
    return create(file);
}

int remember_wal_pages(void* log_pages, sqlite3*, char const*, int pages) {
    *static_cast<int*>(log_pages) = pages;
    return SQLITE_OK;
}

}  // namespace

result<std::shared_ptr<sqlite_journal::connection>> sqlite_journal::connection::open(fs::path const& file) {
    if (auto made = detail::make_directory(directory_of(file)); !made) return made.error();
    auto lock = detail::lock(with_suffix(file, ".lock"));
    if (!lock) return lock.error();
    if (auto made = create_if_missing(file); !made) return made.error();

    auto database = detail::open_database(file);
    if (!database) return database.error();

    std::shared_ptr<connection> opened(new connection);
    opened->lock_ = std::move(*lock);
    opened->database_ = std::move(*database);
    if (auto done = opened->configure(); !done) return done.error();
    if (auto done = opened->check_format(); !done) return done.error();
    if (auto done = opened->prepare(); !done) return done.error();
    opened->keep_room();
    return opened;
}

sqlite_journal::connection::~connection() {
    if (!database_) return;
    // The log stays, with its room: the next start may come when the disk is full. It is emptied only if it will get
    // the room again.
    (void)execute(database_.get(), "PRAGMA journal_size_limit=-1");
    if (!detail::is_affordable(name(), log_room)) return;
    if (execute(database_.get(), "PRAGMA wal_checkpoint(TRUNCATE)"))
        detail::keep_room_for_log(with_suffix(name(), "-wal"), log_room);
}

result<void> sqlite_journal::connection::configure() {
    auto* const database = database_.get();
    sqlite3_busy_timeout(database, busy_timeout_ms);
    // Who lets nobody else in needs no file for the index of the log: that would be made anew at each start, and would
    // be mapped into memory, where a full disk is a SIGBUS.
    for (auto const* sql :
         {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=0",
          "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON", "PRAGMA journal_size_limit=67108864"}) {
        if (auto done = execute(database, sql); !done) return done;
    }
    auto mode = statement::prepare(database, "PRAGMA journal_mode=WAL");
    if (!mode) return mode.error();
    auto const has_row = mode->step();
    if (!has_row) return has_row.error();
    if (!*has_row || mode->text(0) != "wal") {
        return error{errc::unsupported, "the file system cannot hold a write-ahead log", {}, "use a local disk"};
    }
    int stays = 1;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_PERSIST_WAL, &stays) != SQLITE_OK)
        return database_error(database, "cannot keep the write-ahead log");
    sqlite3_wal_hook(database, remember_wal_pages, &wal_pages_);
    return {};
}

std::string sqlite_journal::connection::name() const { return sqlite3_db_filename(database_.get(), "main"); }

result<void> sqlite_journal::connection::check_format() {
    auto* const database = database_.get();
    auto exists = statement::prepare(database, "SELECT count(*) FROM sqlite_schema WHERE name IN ('rows', 'meta')");
    if (!exists) return exists.error();
    auto const counted = exists->step();
    if (!counted) return counted.error();
    if (exists->number(0) != 2) {
        return error{
            errc::corrupt,
            name() + ": is no journal of rik",
            {},
            "put the state directory back from a backup; without one, rik reset removes what is left, instances too"};
    }
    auto meta = statement::prepare(database, "SELECT key, value FROM meta");
    if (!meta) return meta.error();
    std::int64_t format = 0;
    for (;;) {
        auto const has_row = meta->step();
        if (!has_row) return has_row.error();
        if (!*has_row) break;
        if (meta->text(0) == "format") format = meta->number(1);
        if (meta->text(0) == "last") last_ = static_cast<revision>(meta->number(1));
    }
    if (format > format_now) {
        return error{errc::unsupported, name() + ": was written by a newer version of rik", {}, "use that version"};
    }
    if (format >= 1 && format < format_now) {
        return error{errc::unsupported,
                     name() + ": was written by an older version of rik, in a format that this one does not read",
                     {},
                     "go on with that version, or remove the state and what runs with rik reset"};
    }
    if (format < 1) return error{errc::corrupt, name() + ": says no format", {}, "restore it from a backup"};
    return {};
}

result<void> sqlite_journal::connection::prepare() {
    struct wanted {
        statement* into;
        char const* sql;
    };
    for (auto const& each : {
             wanted{&begin_, "BEGIN IMMEDIATE"},
             wanted{&commit_, "COMMIT"},
             wanted{&put_,
                    "INSERT INTO rows VALUES(?, ?, ?, ?) ON CONFLICT(tbl, key) DO UPDATE "
                    "SET rev = excluded.rev, value = excluded.value"},
             wanted{&remove_, "DELETE FROM rows WHERE tbl = ? AND key = ?"},
             wanted{&set_last_, "UPDATE meta SET value = ? WHERE key = 'last'"},
         }) {
        auto prepared = statement::prepare(database_.get(), each.sql);
        if (!prepared) return prepared.error();
        *each.into = std::move(*prepared);
    }
    return {};
}

result<journal_contents> sqlite_journal::connection::read_all() {
    auto rows = statement::prepare(database_.get(), "SELECT tbl, key, rev, value FROM rows");
    if (!rows) return rows.error();
    journal_contents contents;
    contents.last = last_;
    for (;;) {
        auto const has_row = rows->step();
        if (!has_row) return has_row.error();
        if (!*has_row) break;
        contents.rows.push_back(
            journal_entry{static_cast<revision>(rows->number(2)), rows->text(0), rows->text(1), rows->text(3)});
    }
    // By us: SQLite would sort in a temporary file.
    std::stable_sort(contents.rows.begin(), contents.rows.end(),
                     [](journal_entry const& a, journal_entry const& b) { return a.changed_at < b.changed_at; });
    return contents;
}

result<void> sqlite_journal::connection::append(std::vector<journal_entry> const& batch) {
    if (failed_) return error{errc::unavailable, "an earlier append has failed"};
    failed_ = true;  // until all of it has succeeded
    if (!has_room_) keep_room();
    if (auto done = checkpoint_if_due(); !done) return done;
    if (auto done = begin_.run(); !done) return done;
    auto written = write(batch);
    if (written) written = commit_.run();
    if (!written) {
        // The error that counts is told already, and a rollback that fails leaves nothing behind either.
        if (sqlite3_get_autocommit(database_.get()) == 0) (void)execute(database_.get(), "ROLLBACK");
        return written;
    }
    failed_ = false;
    return {};
}

result<void> sqlite_journal::connection::write(std::vector<journal_entry> const& batch) {
    for (auto const& entry : batch) {
        if (auto done = write_row(entry); !done) return done;
        last_ = std::max(last_, entry.changed_at);
    }
    set_last_.bind(1, static_cast<std::int64_t>(last_));
    return set_last_.run();
}

result<void> sqlite_journal::connection::write_row(journal_entry const& entry) {
    auto& statement = entry.value ? put_ : remove_;
    statement.bind(1, entry.table);
    statement.bind(2, entry.key);
    if (entry.value) {
        statement.bind(3, static_cast<std::int64_t>(entry.changed_at));
        statement.bind(4, *entry.value);
    }
    return statement.run();
}

result<void> sqlite_journal::connection::checkpoint_if_due() {
    if (wal_pages_ < checkpoint_pages) return {};
    int const code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    if (code != SQLITE_OK) {
        auto failure = database_error(database_.get(), "cannot checkpoint");
        if (failure.code != errc::exhausted) return failure;
        return {};  // the log may have room yet
    }
    keep_room();
    return {};
}

void sqlite_journal::connection::keep_room() {
    auto const has_log_room = detail::keep_room_for_log(with_suffix(name(), "-wal"), log_room);
    auto const has_database_room = detail::keep_room_behind(database_.get(), database_room);
    has_room_ = has_log_room && has_database_room;
}

}  // namespace rik
