// Programs that are run beside those of a container, by the OCI runtime's own exec: with the container's user,
// variables, capabilities, seccomp profile and limits.
#pragma once

#include "context_detail.hpp"
#include "stray_children_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// How a program is run in a container.
struct exec_process {
    std::string text;                       ///< as JSON
    std::optional<int> oom_score_adj = {};  ///< the container's, which crun does not give to it
};

/// The "process" of a container's config.json with another command. Errors: corrupt; invalid, no program is named.
/// Source: OCI runtime-spec, config.md, process
result<exec_process> find_exec_process(std::string_view config, std::vector<std::string> const& command);

/// Why the OCI runtime ran no program, from its log of JSON lines. Nothing if it says nothing of an error: then the
/// exit code is the program's.
std::optional<error> find_exec_error(std::string_view log);

/// Must have a cancellation of its own: see on_strand. A program that was cancelled or has met its deadline has been
/// killed when this is done, with what it had started. One whose OCI runtime was killed by somebody is left to
/// `strays`.
awaitable<result<exec_result>> exec(runtime_context const& on, stray_children& strays, exec_request what);

/// Kills what an earlier object of this runtime ran in these containers: nobody waits for it any more. Blocks.
void end_orphaned_execs(runtime_context const& on, std::vector<found_sandbox> const& among);

}  // namespace rik::detail
