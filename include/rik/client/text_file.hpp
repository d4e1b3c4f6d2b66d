// Small files that people write, read whole.
#pragma once

#include <rik/base/result.hpp>

#include <cstddef>
#include <string>

namespace rik {

/// What is in the file. Errors: not_found, it is not there, nor can it be; denied; exhausted, it is longer than
/// `bytes_max`; invalid, it cannot be read otherwise. The message has the path and why.
result<std::string> read_text_file(std::string const& path, std::size_t bytes_max);

}  // namespace rik
