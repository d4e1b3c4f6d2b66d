// Whether one more instance may begin on this machine: pure.
#pragma once

#include <rik/model/resources.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

/// Why a start that asks for `asked` has to wait, for people; nullopt: it fits beside what is `taken`. A machine that
/// does not say what it offers has room for everything.
std::optional<std::string> lacks_room(resources const& capacity, resources const& taken, resources const& asked);

/// What entitles an instance to begin in this boot of its machine.
struct start_claim {
    bool has_identity = false;       ///< nothing else may run as what it stands for
    bool is_permitted = false;       ///< its primary knows of this boot, and has it bound here
    std::string_view begun_in = {};  ///< the boot in which it began last; empty: it never did
    std::string_view boot = {};      ///< the machine's, now
};
/// Why it has to wait for its primary, for people; nullopt: it may begin. While its machine was off it may have been
/// given up, and something else may run in its place. What has begun in this boot needs nobody's word to go on.
/// Source: docs/protocol.md, section 6, "Permits"
std::optional<std::string> lacks_permit(start_claim const& of);

}  // namespace rik::detail
