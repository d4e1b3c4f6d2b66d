// Directories that are what they should be, whatever the umask.
#pragma once

#include <filesystem>
#include <system_error>

namespace rik {

/// Like mkdir -p: what is there stays as it is, and each directory that is made has the mode 0755. The umask of the
/// process, which is its host's, is neither used nor changed.
std::error_code make_directories(std::filesystem::path const& path);

}  // namespace rik
