// The text of a file.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace rik::testing {

/// What can be read: nothing of a file that is not there, or of a process that ends meanwhile.
inline std::string read_text(std::filesystem::path const& file) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();  // an iterator would throw what the buffer throws
    return std::move(text).str();
}

}  // namespace rik::testing
