// Whether one more instance fits on this machine: pure.
#pragma once

#include <rik/model/resources.hpp>

#include <optional>
#include <string>

namespace rik::detail {

/// Why a start that asks for `asked` has to wait, for people; nullopt: it fits beside what is `taken`. A machine that
/// does not say what it offers has room for everything.
std::optional<std::string> lacks_room(resources const& capacity, resources const& taken, resources const& asked);

}  // namespace rik::detail
