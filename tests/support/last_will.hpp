// What becomes of a test's containers and machines when the test is killed, and no destructor runs.
#pragma once

#include <filesystem>
#include <string>

namespace rik::testing {

/// While it lives, a process that outlives this program knows of `directory` and of the control groups with `tag`. If
/// the program ends before it does, that process ends what runs there and removes all of it.
class last_will {
public:
    last_will(std::filesystem::path const& directory, std::string const& tag);
    ~last_will();
    last_will(last_will const&) = delete;
    last_will& operator=(last_will const&) = delete;

private:
    std::string what_;
};

}  // namespace rik::testing
