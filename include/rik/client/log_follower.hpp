// A log that goes on where it was after the connection broke.
#pragma once

#include <rik/client/client.hpp>

#include <cstddef>
#include <optional>
#include <string>

namespace rik {

/// Reads a log. When it is followed from its beginning, a broken connection (rik is started anew while the instance
/// runs on) is made again and what was read is skipped, for as long as options.reconnect_for. A log of which only the
/// tail was asked for, or whose beginning is not kept any more, ends with an error: nothing is doubled or left out.
class log_follower {
public:
    /// `server` must outlive this.
    log_follower(client& server, log_wanted wanted, client_options options);

    /// Connects. Errors: as client::open_log.
    result<void> open();
    /// As log_stream::read.
    result<log_piece> read(time_point deadline);

private:
    bool may_resume() const;
    result<void> lose(error why);
    result<void> reopen(time_point deadline);

    client& server_;
    log_wanted wanted_;
    client_options options_;
    system_clock clock_;
    std::optional<log_stream> from_;
    /// Of one stream: how the two are mixed, or cut into pieces, may differ the next time.
    struct progress {
        std::size_t read_bytes = 0;  ///< given to the caller
        std::size_t skip_bytes = 0;  ///< of what comes, as it was given already
    };
    progress& progress_of(log_origin from) { return from == log_origin::standard_error ? errors_ : output_; }

    std::optional<bool> tells_streams_apart_;  ///< as the first server did
    progress output_;
    progress errors_;
    std::optional<time_point> lost_at_;
    time_point next_try_{};
};

}  // namespace rik
