#include <rik/store/sqlite_journal.hpp>

#include "store/sqlite/sqlite_connection.hpp"

#include <rik/async/shield.hpp>

#include <utility>

namespace rik {

sqlite_journal::sqlite_journal(std::filesystem::path file, asio::any_io_executor pool)
    : file_(std::move(file)), pool_(std::move(pool)) {}

sqlite_journal::~sqlite_journal() = default;

result<std::pair<std::shared_ptr<sqlite_journal::connection>, journal_contents>> sqlite_journal::open_and_read(
    std::filesystem::path const& file) {
    auto opened = connection::open(file);
    if (!opened) return opened.error();
    auto contents = (*opened)->read_all();
    if (!contents) return contents.error();
    return std::pair(std::move(*opened), std::move(*contents));
}

awaitable<result<journal_contents>> sqlite_journal::lead() {
    connection_.reset();
    auto read = [file = file_] { return open_and_read(file); };
    auto opened = co_await offload(pool_, std::move(read));
    if (!opened) co_return opened.error();
    connection_ = std::move(opened->first);
    co_return std::move(opened->second);
}

awaitable<result<void>> sqlite_journal::append(std::vector<journal_entry> batch) {
    if (!connection_) co_return error{errc::unavailable, file_.string() + ": the journal is not open"};
    // The connection is shared with the work, which outlives this object when its executor is torn down early.
    auto write = [connected = connection_, batch = std::move(batch)] { return connected->append(batch); };
    co_return co_await offload(pool_, std::move(write));
}

}  // namespace rik
