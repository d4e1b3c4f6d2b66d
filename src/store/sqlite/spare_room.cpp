#include "store/sqlite/spare_room.hpp"

#include "store/sqlite/state_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t block_bytes = 512;  // of st_blocks, on Linux
constexpr int chunk_bytes = 256 << 10;

}  // namespace

bool is_affordable(fs::path const& file, std::int64_t bytes) {
    struct statvfs about {};
    if (::statvfs(file.c_str(), &about) != 0) return false;
    return static_cast<std::int64_t>(about.f_bavail * about.f_frsize) / 2 > bytes;
}

bool keep_room_for_log(fs::path const& log, std::int64_t bytes) {
    open_file const opened(::open(log.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    struct stat about {};
    if (!opened.is_open() || ::fstat(opened.descriptor(), &about) != 0) return false;
    auto const missing = bytes - about.st_blocks * block_bytes;
    if (missing <= 0) return true;
    // Asked first: some file systems keep what they gave to a try that fails.
    return is_affordable(log, missing) && ::fallocate(opened.descriptor(), FALLOC_FL_KEEP_SIZE, 0, bytes) == 0;
}

bool keep_room_behind(sqlite3* database, std::int64_t bytes) {
    auto count = statement::prepare(database, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    if (!count) return false;
    auto const has_row = count->step();
    if (!has_row || !*has_row) return false;
    auto wanted = count->number(0) + bytes;
    fs::path const file(sqlite3_db_filename(database, "main"));
    std::error_code unknown;
    auto const missing = wanted - static_cast<std::int64_t>(fs::file_size(file, unknown));
    if (unknown) return false;
    if (missing <= 0) return true;
    if (!is_affordable(file, missing)) return false;
    // SQLite grows a file in advance only if it grows in chunks.  Source: sqlite.org/c3ref/c_fcntl_begin_atomic_write
    auto chunk = chunk_bytes;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk) != SQLITE_OK) return false;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_SIZE_HINT, &wanted) == SQLITE_OK;
}

}  // namespace rik::detail
