// A journal in one SQLite file: WAL, synchronous=FULL, an exclusive lock beside it (FILE.lock) for as long as it leads.
#pragma once

#include <rik/store/journal.hpp>

#include <filesystem>
#include <memory>
#include <utility>

namespace rik {

/// Use it from one strand. Blocking work happens on `pool`.
class sqlite_journal final : public journal {
public:
    /// `file` (mode 0600) and its directory (0700) are made if they are missing.
    sqlite_journal(std::filesystem::path file, asio::any_io_executor pool);
    ~sqlite_journal() override;

    awaitable<result<journal_contents>> lead() override;
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    class connection;
    static result<std::pair<std::shared_ptr<connection>, journal_contents>> open_and_read(
        std::filesystem::path const& file);

    std::filesystem::path file_;
    asio::any_io_executor pool_;
    std::shared_ptr<connection> connection_;  ///< shared with work on the pool
};

}  // namespace rik
