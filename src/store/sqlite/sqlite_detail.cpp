#include "store/sqlite/sqlite_detail.hpp"

#include <cerrno>
#include <cstdint>
#include <utility>

namespace rik::detail {

namespace {

bool is_disk_full(sqlite3* database, int primary_code) {
    if (primary_code == SQLITE_FULL) return true;
    auto const system_error = sqlite3_system_errno(database);
    return primary_code == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT);
}

errc code_of(sqlite3* database, int primary_code) {
    if (is_disk_full(database, primary_code)) return errc::exhausted;
    switch (primary_code) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return errc::corrupt;
        case SQLITE_PERM:
        case SQLITE_READONLY:
        case SQLITE_AUTH: return errc::denied;
        case SQLITE_CANTOPEN: return sqlite3_system_errno(database) == EACCES ? errc::denied : errc::internal;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return errc::conflict;
        default: return errc::internal;
    }
}

std::string remedy_for(errc code) {
    switch (code) {
        case errc::exhausted: return "make room on the disk and start again";
        case errc::corrupt:
            return "put the state directory back from a backup; without one, rik reset removes what is left, instances "
                   "too";
        case errc::conflict: return "end the program that has the file open";
        default: return {};
    }
}

}  // namespace

error database_error(sqlite3* database, std::string_view doing) {
    auto const code = code_of(database, sqlite3_errcode(database) & 0xff);
    auto const* name = sqlite3_db_filename(database, "main");
    std::string message = name != nullptr && *name != '\0' ? std::string(name) + ": " : std::string();
    message.append(sqlite3_errmsg(database));
    if (code == errc::internal) message.append(" (").append(doing).append(")");
    return error{code, std::move(message), {}, remedy_for(code)};
}

result<database_ptr> open_database(std::filesystem::path const& file) {
    sqlite3* opened = nullptr;
    // One thread at a time uses it, so it needs no mutex of its own.
    int const flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int const code = sqlite3_open_v2(file.c_str(), &opened, flags, nullptr);
    database_ptr database(opened);
    if (!database) return error{errc::internal, file.string() + ": no memory for a database connection"};
    if (code != SQLITE_OK) {
        auto failure = database_error(opened, "cannot open");
        if (!failure.message.starts_with(file.string())) failure.message.insert(0, file.string() + ": ");
        return failure;
    }
    return database;
}

result<void> execute(sqlite3* database, char const* sql) {
    if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return database_error(database, sql);
    return {};
}

result<statement> statement::prepare(sqlite3* database, std::string_view sql) {
    sqlite3_stmt* handle = nullptr;
    auto const size = static_cast<int>(sql.size());
    if (sqlite3_prepare_v3(database, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK) {
        return database_error(database, sql);
    }
    statement made;
    made.handle_.reset(handle);
    return made;
}

void statement::bind(int position, std::string_view text) {
    // A null pointer would bind NULL instead of an empty text.
    auto const* start = text.data() != nullptr ? text.data() : "";
    int const code = sqlite3_bind_text64(handle_.get(), position, start, text.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (bound_wrong_ == SQLITE_OK) bound_wrong_ = code;
}

void statement::bind(int position, std::int64_t number) {
    int const code = sqlite3_bind_int64(handle_.get(), position, number);
    if (bound_wrong_ == SQLITE_OK) bound_wrong_ = code;
}

result<bool> statement::step() {
    auto* const database = sqlite3_db_handle(handle_.get());
    if (bound_wrong_ != SQLITE_OK) {
        return error{errc::internal, std::string("cannot bind a value: ") + sqlite3_errstr(bound_wrong_)};
    }
    int const code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_error(database, sqlite3_sql(handle_.get()));
}

result<void> statement::run() {
    auto stepped = step();
    reset();
    if (!stepped) return stepped.error();
    return {};
}

void statement::reset() {
    sqlite3_reset(handle_.get());  // repeats the error of `step`, which was told already
    bound_wrong_ = SQLITE_OK;
}

std::string statement::text(int column) const {
    auto const* bytes = static_cast<char const*>(sqlite3_column_blob(handle_.get(), column));
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
    return bytes != nullptr ? std::string(bytes, size) : std::string();
}

}  // namespace rik::detail
