// A directory that goes with its owner.
#pragma once

#include <rik/base/assert.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace rik::testing {

class scratch_directory {
public:
    scratch_directory() {
        auto pattern = (std::filesystem::temp_directory_path() / "rik-test-XXXXXX").string();
        RIK_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ~scratch_directory() {
        std::error_code ignored;  // a test has said what it wanted to say by now
        std::filesystem::remove_all(path_, ignored);
    }
    scratch_directory(scratch_directory const&) = delete;
    scratch_directory& operator=(scratch_directory const&) = delete;

    std::filesystem::path const& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace rik::testing
