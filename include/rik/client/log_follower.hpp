// A log that goes on where it was after the connection broke.
#pragma once

#include <rik/client/client.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace rik {

/// Reads a log. When it is followed from its beginning, a broken connection (rik is started anew while the instance
/// runs on) is made again and what was read is skipped, for as long as options.reconnect_for. A log of which only the
/// tail was asked for, or whose oldest part may be gone, ends with the connection: nothing is doubled or left out.
class log_follower {
public:
    /// `server` must outlive this.
    log_follower(client& server, log_wanted wanted, client_options options);

    /// Connects. Errors: as client::open_log.
    result<void> open();
    /// As log_stream::read.
    result<std::string> read(time_point deadline);

private:
    bool may_resume() const;
    result<void> lose(error why);
    result<void> reopen(time_point deadline);

    client& server_;
    log_wanted wanted_;
    client_options options_;
    system_clock clock_;
    std::optional<log_stream> from_;
    std::size_t read_bytes_ = 0;  ///< given to the caller
    std::size_t skip_bytes_ = 0;  ///< of what comes, as it was given already
    std::optional<time_point> lost_at_;
    time_point next_try_{};
};

}  // namespace rik
