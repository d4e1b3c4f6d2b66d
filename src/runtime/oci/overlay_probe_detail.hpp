// Whether a file system can hold what containers write.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>

namespace rik::detail {

/// Its name; what a process has left that was killed meanwhile goes with the next look, or with everything.
inline constexpr char const* probe_directory = "probe";

/// Makes an overlay with its upper directory below `directory`, and does in it what containers do: no list of file
/// systems is as good. It is mounted nowhere, so nothing of it can stay behind but files. One at a
/// time. Blocks.
/// Errors: unsupported, the file system or the kernel cannot; exhausted; internal.
result<void> check_overlay(std::filesystem::path const& directory);

}  // namespace rik::detail
