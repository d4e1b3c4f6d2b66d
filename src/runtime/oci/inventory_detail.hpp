// What is on this machine, found from the paths alone, and its removal.
#pragma once

#include "context_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/base/result.hpp>

#include <vector>

namespace rik::detail {

/// The instances that have a directory anywhere. Blocks. Errors: exhausted; internal: they could not be listed.
result<std::vector<instance_id>> find_instances(runtime_context const& on);

/// The containers of an instance that have a directory anywhere. Blocks. Errors: those of find_instances.
result<std::vector<container_key>> find_containers(runtime_context const& on, instance_id const& instance);

/// All or an error: who takes over removes what he is not told of. Blocks. Errors: those of find_instances.
result<std::vector<found_sandbox>> list_sandboxes(runtime_context const& on);

/// Everything of the instance but its logs.
awaitable<result<void>> vacate_sandbox(runtime_context const& on, instance_id instance);
awaitable<result<void>> remove_sandbox(runtime_context const& on, instance_id instance);

/// Everything below the tag's cgroup and the two directories, whether or not it has a form that we know.
awaitable<result<void>> remove_everything(runtime_context const& on);

}  // namespace rik::detail
