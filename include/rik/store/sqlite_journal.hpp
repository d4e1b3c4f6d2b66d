// A journal in one SQLite file: WAL, synchronous=FULL, an exclusive lock on its directory.
#pragma once

#include <rik/store/journal.hpp>

#include <filesystem>
#include <memory>

namespace rik {

/// Blocking work happens on `pool`; the object is used from one strand.
class sqlite_journal final : public journal {
public:
    /// `file` and its directory are made if they are missing.
    sqlite_journal(std::filesystem::path file, asio::any_io_executor pool);
    ~sqlite_journal() override;

    awaitable<result<journal_contents>> lead() override;
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    class connection;
    std::filesystem::path file_;
    asio::any_io_executor pool_;
    std::unique_ptr<connection> connection_;
};

}  // namespace rik
