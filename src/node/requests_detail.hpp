// What the runtime is asked for an instance: pure.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/model/node.hpp>
#include <rik/model/variables.hpp>
#include <rik/runtime/runtime.hpp>

#include <optional>
#include <string>
#include <vector>

namespace rik::detail {

instance_facts facts_of(instance_fields const& of, node_facts const& node);

/// Of an instance on the node's own network: the first of the node's, or none.
std::vector<std::string> addresses_on(node_facts const& node);

/// What all containers of a Pod share: what it says itself; else of memory the sum, if each of them has a limit. So
/// what they leave in volumes in memory is bounded, too, over all their restarts.   Source: kubelet,
/// ResourceConfigForPod
resources limits_of_pod(instance_template const& spec);

sandbox_request make_sandbox_request(instance_fields const& of);

/// Errors: those of resolve_variables.
result<container_request> make_container_request(instance_facts const& of, container_definition definition,
                                                 image_ptr from, std::uint32_t attempt);

/// Why a container that must not run as root may not start, as far as its image tells. The name of a user says nothing:
/// it may stand for 0.   Source: Kubernetes, pkg/kubelet/kuberuntime, verifyRunAsNonRoot.
std::optional<error> find_root(container_definition const& container, image_config const& image);

}  // namespace rik::detail
