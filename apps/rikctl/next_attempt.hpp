// What a container does once the log of one of its attempts has ended: it may start again.
#pragma once

#include <rik/client/client.hpp>

#include <cstdint>
#include <optional>
#include <string>

#include "session.hpp"

namespace rikctl {

/// Follows the attempts of one container, each of which has a log of its own.
class container_attempts {
public:
    /// `container` empty: the first main one. If it cannot be found now, no attempt follows.
    container_attempts(session& with, rik::client& server, std::string const& instance, std::string container);

    /// Waits until a later attempt has run than the one that was the newest so far, and says on the standard error that
    /// it comes. Returns false if none will: its Pod ends, or the container does for good. Errors: as of client.
    rik::result<bool> wait_for_next();

private:
    enum class outlook { none, soon, later, there };
    outlook look(std::string const& instance);

    session& with_;
    rik::client& server_;
    std::string container_;
    std::string id_ = {};
    std::optional<std::int64_t> newest_ = {};  ///< of those that have run
    bool is_told_ = false;
};

}  // namespace rikctl
