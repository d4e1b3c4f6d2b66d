// The program that makes containers, runc or crun, and how it is called.
#pragma once

#include "context_detail.hpp"

#include <rik/base/result.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// By its name: what begins with "crun" is called as crun, all else as runc.
oci_maker maker_of(std::filesystem::path const& program);

/// runc: "runc", as found in PATH. crun: the same, with the launcher that it needs.
/// Errors: not_found, either is not installed.
result<oci_program> find_oci_program(oci_options const& options, std::string_view name);

/// The program that has made this container, which need not be the one that makes new ones: rik may have been started
/// with another one since. Errors: not_found.
result<oci_program> find_maker_of(runtime_context const& on, container_paths const& paths);

/// The words before `--root`. crun refuses to work where both versions of cgroups are mounted; it works where it does
/// not see the second.   Source: crun 1.8, "cgroups in hybrid mode not supported"
std::vector<std::string> words_to_create(cgroups const& groups, oci_program const& with);
/// crun joins those groups named `group_name` below the container's that are there, and leaves all else of the caller
/// as it is (1.8, v1): so it is started in the container's other groups. Nor does it give the program the container's
/// oom_score_adj, as runc does: so it is started with that.
std::vector<std::string> words_to_exec(cgroups const& groups, oci_program const& with, std::string const& container,
                                       std::string const& group_name, std::optional<int> oom_score_adj);

/// Runs a container such as rik makes, to see whether this program can. Passed once, it is not tried again before the
/// next boot or another version of it.
/// Errors: unsupported, it cannot, with what it says; exhausted; internal.
awaitable<result<void>> try_oci_program(runtime_context const& on, oci_program with);

}  // namespace rik::detail
