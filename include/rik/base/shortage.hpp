// What the system says when it is short of something: such an error passes, maybe.
#pragma once

#include <rik/base/error.hpp>

#include <string>

namespace rik {

/// Does errno `number` say that the system is short of something now: descriptors, processes, memory, room on a disk?
/// Then it is errc::exhausted, and trying again later may help.
bool is_shortage(int number);

/// The error for an errno that has no meaning of its own where it was met: exhausted, with a remedy, or internal.
error system_failure(std::string message, int number);

}  // namespace rik
