// SQLite's C interface with owners and errors.
#pragma once

#include <rik/base/result.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace rik::detail {

struct close_database {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
using database_ptr = std::unique_ptr<sqlite3, close_database>;

/// What went wrong in `database`, by its newest error; `doing` is for whoever looks into a defect.  Source:
/// sqlite.org/rescode.html
error database_error(sqlite3* database, std::string_view doing);

/// The database at `file`, which must be there.
result<database_ptr> open_database(std::filesystem::path const& file);

/// Runs SQL that gives no rows, or whose rows do not matter.
result<void> execute(sqlite3* database, char const* sql);

/// A prepared statement. It must not outlive its database.
class statement {
public:
    statement() = default;
    static result<statement> prepare(sqlite3* database, std::string_view sql);

    /// `text` must last until the next `run` or `reset`.
    void bind(int position, std::string_view text);
    void bind(int position, std::int64_t number);

    /// True: there is a row to read. Errors as of database_error.
    result<bool> step();
    /// Runs it to its end, so that it can be bound anew.
    result<void> run();
    void reset();

    std::string text(int column) const;
    std::int64_t number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

private:
    struct finalize {
        void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
    };
    std::unique_ptr<sqlite3_stmt, finalize> handle_;
    int bound_wrong_ = SQLITE_OK;  ///< the first failure of a bind: `step` tells it
};

}  // namespace rik::detail
