// Who asks: every operation of the primary takes one.
#pragma once

#include <cstdint>
#include <string>

namespace rik {

enum class caller_role : std::uint8_t { reader, editor, admin };

/// On the local socket everybody is admin; authentication of others comes later through the API's port.
struct caller {
    std::string subject = "local";
    std::string tenant = "default";
    caller_role role = caller_role::admin;
};

}  // namespace rik
