// Reads small files that people write.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <string>

namespace rik {

/// Returns what is in the file. Errors: not_found, it does not exist, or cannot exist; denied; exhausted, it is longer
/// than `bytes_max`; invalid, it cannot be read for another reason. The message has the path and the reason.
result<std::string> read_text_file(std::string const& path, std::size_t bytes_max);

}  // namespace rik
