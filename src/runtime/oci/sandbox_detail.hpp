// What the containers of an instance share: namespaces, /dev/shm, and three files of /etc.
#pragma once

#include "layout_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik::detail {

struct sandbox_settings {
    std::uint64_t shm_bytes = 0;  ///< of /dev/shm
    std::string resolver;         ///< the text of /etc/resolv.conf
    std::int64_t machine_memory_bytes = 0;
    std::string host_hosts = {};  ///< the machine's /etc/hosts, for a Pod on its network
};

/// Makes it, or completes what was made before. Blocks; only on the thread for namespaces.
result<void> make_sandbox(pod_paths const& paths, sandbox_request request, sandbox_settings const& settings);

bool is_whole(pod_paths const& paths);

/// Precondition: is_whole.
bool has_host_network(pod_paths const& paths);
/// The same, from the size of the file `ready`.
bool is_of_host_network(std::int64_t mark_bytes);

/// The name of this machine.
std::string host_hostname();

/// At most 63 bytes, as Kubernetes cuts the names of Pods.
std::string fitting_hostname(std::string name);

/// `host` is the machine's, which a Pod on its network has, too. The Pod's own names come last.
/// Source: Kubernetes, "Adding entries to Pod /etc/hosts with HostAliases".
std::string hosts_text(sandbox_request const& request, std::string_view host);

}  // namespace rik::detail
