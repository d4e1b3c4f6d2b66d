// The blocking half of the SQLite journal.
#pragma once

#include "store/sqlite/sqlite_detail.hpp"
#include "store/sqlite/state_directory.hpp"

#include <rik/store/sqlite_journal.hpp>

#include <filesystem>
#include <vector>

namespace rik {

/// An open, locked journal file. Use it from one thread at a time.
class sqlite_journal::connection {
public:
    /// Errors: as of journal::lead.
    static result<std::shared_ptr<connection>> open(std::filesystem::path const& file);
    ~connection();

    result<journal_contents> read_all();
    /// After an error nothing more is taken: what the file holds is then known only to the next `open`.
    result<void> append(std::vector<journal_entry> const& batch);

private:
    connection() = default;
    result<void> configure();
    result<void> check_format();
    result<void> prepare();
    result<void> write(std::vector<journal_entry> const& batch);
    result<void> write_row(journal_entry const& entry);
    result<void> checkpoint_if_due();
    void keep_room();
    std::string name() const;

    // In this order: statements go before the database, and the lock goes last.
    detail::open_file lock_;
    detail::database_ptr database_;
    detail::statement begin_, commit_, put_, remove_, set_last_;
    revision last_ = 0;
    int wal_pages_ = 0;  ///< in SQLite's write-ahead log, told by its hook
    bool failed_ = false;
    bool has_room_ = false;  ///< see spare_room.hpp
};

}  // namespace rik
