#include "session_detail.hpp"

#include <fmt/format.h>

namespace rik::detail {

std::optional<error> refusal_of(wire::Version const& peer, link_identity const& own) {
    if (can_speak(own.protocol, peer.protocol())) return std::nullopt;
    return error{
        errc::unavailable,
        fmt::format("rik {} speaks protocol {}, and its peer (rik {}) protocol {}: only neighbouring versions work "
                    "together; install the same version on both",
                    own.version, own.protocol, peer.program().empty() ? "unknown" : peer.program(), peer.protocol())};
}

}  // namespace rik::detail
