// Room on the disk that a journal has before it needs it, so that whoever fills the disk does not stop it.
//
// SQLite writes into its log, and from time to time copies the log into the database. The file system keeps room for
// the log up to the length it has when it is copied, and behind the database for what that may add. Where the file
// system cannot keep room (some network file systems), or copies what is overwritten, a full disk stops the journal.
#pragma once

#include "store/sqlite/sqlite_detail.hpp"

#include <cstdint>
#include <filesystem>

namespace rik::detail {

/// Are `bytes` less than half of what is free on the disk of `file`? Others must not find it full because of us.
bool is_affordable(std::filesystem::path const& file, std::int64_t bytes);

/// Keeps room for the first `bytes` of `log`, if that is affordable. Its length and contents stay. Returns true if
/// the file has that room. Not for a file that this process has locked with fcntl: the locks would go.
bool keep_room_for_log(std::filesystem::path const& log, std::int64_t bytes);

/// Keeps room for `bytes` behind the end of `database`, likewise.
bool keep_room_behind(sqlite3* database, std::int64_t bytes);

}  // namespace rik::detail
