// Tells errors that may pass, because the system is short of something, from those that will not.
#pragma once

#include <rik/base/error.hpp>

#include <string>

namespace rik {

/// Returns true if errno `number` says that the system is short of something now: descriptors, processes, memory, room
/// on a disk. Such an error is errc::exhausted, and trying again later may help.
bool is_shortage(int number);

/// Returns the error for an errno that has no special meaning where it was met: exhausted, with a remedy, or internal.
error system_failure(std::string message, int number);

}  // namespace rik
