// Who calls: every operation of the primary takes a caller.
#pragma once

#include <cstdint>
#include <string>

namespace rik {

enum class caller_role : std::uint8_t { reader, editor, admin };

/// On the local socket everybody is admin. The API's port `authenticate` is where others will be told apart.
struct caller {
    std::string subject = "local";
    std::string tenant = "default";
    caller_role role = caller_role::admin;
};

}  // namespace rik
