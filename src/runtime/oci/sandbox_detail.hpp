// What the containers of an instance share: namespaces, /dev/shm, and three files of /etc.
#pragma once

#include "layout_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rik::detail {

/// Makes it, or completes what was made before. Blocks; only on the thread for namespaces.
result<void> make_sandbox(pod_paths const& paths, sandbox_request request, std::uint64_t shm_bytes);

bool is_whole(pod_paths const& paths);

/// At most 63 bytes, as Kubernetes cuts the names of Pods.
std::string fitting_hostname(std::string name);

std::string hosts_text(sandbox_request const& request);

/// `servers` if there are any, else what the host's resolv.conf says but for its servers on loopback, which a Pod's
/// own loopback does not have. `upstream` is what systemd-resolved asks: it stands in if no server would be left.
std::string resolver_text(std::vector<std::string> const& servers, std::string_view host, std::string_view upstream);

}  // namespace rik::detail
