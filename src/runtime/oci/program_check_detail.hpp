// Programs that are known not to run, before they are started.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace rik::detail {

/// What a container is to run, as its runtime is told.
struct program_request {
    std::string const& program;  ///< the first word
    std::string const& directory;
    std::vector<std::string> const& environment;  ///< PATH says where a plain name is looked for
};

/// A 32-bit program of this machine's family starts and is killed at its first system call, without a word: seccomp
/// profiles are for the native architecture only (docs/adr/0007). So is a script whose interpreter is one.
/// Errors: unsupported, it is one. What cannot be found or read is left to the runtime, which says it.
result<void> check_program(std::filesystem::path const& tree, program_request const& what);

}  // namespace rik::detail
