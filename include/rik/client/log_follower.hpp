// A log that goes on where it was after the connection broke.
#pragma once

#include <rik/client/client.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace rik {

/// News about a log, beside what is in it.
struct container_log_notice {
    enum class what : std::uint8_t {
        lost,     ///< the connection was lost; it is being made again
        back,     ///< the connection is there again
        missing,  ///< something that was written is not kept any more
    } kind;
    std::string text;  ///< for people
};

/// Reads a log. If the log is followed and the connection breaks (rik is started anew while the instance runs on), it
/// tries for options.reconnect_for to connect again, and the log goes on where it was. Nothing is given twice, and what
/// is not kept any more is reported.
class container_log_follower {
public:
    using teller = std::function<void(container_log_notice const&)>;

    /// `server` must outlive this. `tell` is called from within `read`, in the order of what is read.
    container_log_follower(client& server, container_log_wanted wanted, client_options options, teller tell = {});

    /// Connects. Errors: as client::open_container_log.
    result<void> open();
    /// Like container_log_stream::read. Errors: also not_found, the instance was deleted while the server could not be
    /// reached.
    result<container_log_piece> read(time_point deadline);

private:
    bool may_resume() const { return wanted_.how.follow && !after_.empty(); }
    void say(container_log_notice::what kind, std::string text) const;
    result<void> lose(error why);
    result<void> reopen(time_point deadline);
    void take(container_log_mark const& mark);
    /// False: all of it was given before.
    bool cut_known(container_log_piece& piece);

    client& server_;
    container_log_wanted wanted_;
    client_options options_;
    teller tell_;
    system_clock clock_;
    std::optional<container_log_stream> from_;
    /// Of one stream, since the last mark: the next connection begins there.
    struct progress {
        std::size_t given_bytes = 0;
        std::size_t skip_bytes = 0;  ///< of what comes, as it was given already
    };
    progress& progress_of(container_log_origin from) {
        return from == container_log_origin::standard_error ? errors_ : output_;
    }

    std::string after_;  ///< the last mark
    progress output_;
    progress errors_;
    std::optional<time_point> lost_at_;
    time_point next_try_{};
};

}  // namespace rik
