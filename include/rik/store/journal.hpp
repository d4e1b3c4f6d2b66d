// What makes a store last: a port.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/base/id.hpp>
#include <rik/base/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace rik {

/// The newest value of one row, or its removal. A journal keeps only the newest entry for each (table, key).
struct journal_entry {
    revision changed_at = 0;
    std::string table;
    std::string key;
    std::optional<std::string> value;  ///< nullopt: removed
};

/// What a journal returns: every row that is left, in order of `changed_at`, and the highest revision ever appended.
struct journal_contents {
    std::vector<journal_entry> rows;
    revision last = 0;
};

/// One writer at a time. Use it from one strand; adapters hop to their own threads and back.
class journal {
public:
    virtual ~journal() = default;

    /// Becomes the one writer and returns what is there. Nothing may be appended before.
    /// Errors: conflict, another process holds it; corrupt; denied; internal.
    virtual awaitable<result<journal_contents>> lead() = 0;

    /// Makes `batch` durable, atomically: after a power loss all of it is there, or nothing. One append at a time.
    /// Errors: exhausted, the disk is full; internal; unavailable, it does not lead. After an error nothing may be
    /// appended.
    virtual awaitable<result<void>> append(std::vector<journal_entry> batch) = 0;
};

}  // namespace rik
