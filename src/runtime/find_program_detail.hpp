// The small programs that are installed with rik.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string_view>

namespace rik::detail {

struct own_program {
    std::string_view name;     ///< "rik-launch"
    std::string_view purpose;  ///< completes "program NAME, which": "crun needs"
    std::string_view remedy;
};

/// `given`, if it is not empty; else the one beside the program that runs, else the one in PATH. Errors: not_found.
result<std::filesystem::path> find_own_program(std::filesystem::path const& given, own_program const& what);

}  // namespace rik::detail
