// A place in the log of a container, for going on there.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

/// It stays valid when the log is rotated, when rik ends, and for another rik of the same machine.
struct container_log_position {
    /// What a reader that begins here has to know of one of the two streams.
    struct stream_state {
        bool is_inside_line = false;
        std::uint64_t skipped_entries = 0;  ///< entries that follow and are before the tail asked for
        friend bool operator==(stream_state const&, stream_state const&) = default;
    };

    instance_id instance = {};
    std::uint32_t attempt = 0;
    std::uint64_t file = 0;      ///< its inode
    std::int64_t file_born = 0;  ///< in nanoseconds since the epoch; inodes are used again
    std::uint64_t offset = 0;
    stream_state output = {};
    stream_state errors = {};
    std::optional<wall_time> last_written = {};  ///< of what stands before it
    std::optional<wall_time> since = {};         ///< of the request

    friend bool operator==(container_log_position const&, container_log_position const&) = default;
};

/// Returns a text that fits into a URL. Its form is not promised.
std::string to_string(container_log_position const& position);
/// Errors: invalid, `text` is not what to_string has made.
result<container_log_position> parse_container_log_position(std::string_view text);

}  // namespace rik
