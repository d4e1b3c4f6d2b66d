// Makes directories whose mode does not depend on the umask.
#pragma once

#include <filesystem>
#include <system_error>

namespace rik {

/// Like mkdir -p. What is there stays as it is, and each directory that is made has the mode 0755. The umask of the
/// process belongs to the embedding program, and is neither used nor changed.
std::error_code make_directories(std::filesystem::path const& path);

}  // namespace rik
