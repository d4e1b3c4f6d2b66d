// A directory that goes with its owner.
#pragma once

#include <rik/base/assert.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace rik::test {

class temporary_directory {
public:
    temporary_directory() {
        auto pattern = (std::filesystem::temp_directory_path() / "rik-test-XXXXXX").string();
        RIK_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~temporary_directory() {
        std::error_code ignored;  // a test has said what it wanted to say by now
        std::filesystem::remove_all(path_, ignored);
    }
    temporary_directory(temporary_directory const&) = delete;
    temporary_directory& operator=(temporary_directory const&) = delete;

    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace rik::test
