// What the containers of an instance share: namespaces, /dev/shm, and three files of /etc.
#pragma once

#include "layout_detail.hpp"

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <cstdint>
#include <string>

namespace rik::detail {

struct sandbox_settings {
    std::uint64_t shm_bytes = 0;  ///< of /dev/shm
    std::string resolver;         ///< the text of /etc/resolv.conf
};

/// Makes it, or completes what was made before. Blocks; only on the thread for namespaces.
result<void> make_sandbox(pod_paths const& paths, sandbox_request request, sandbox_settings const& settings);

bool is_whole(pod_paths const& paths);

/// At most 63 bytes, as Kubernetes cuts the names of Pods.
std::string fitting_hostname(std::string name);

std::string hosts_text(sandbox_request const& request);

}  // namespace rik::detail
