// What `describe` says of one container: what is wanted of it, and what was seen.
#pragma once

#include "client/describe_lines.hpp"
#include "client/json_view.hpp"

#include <string>

namespace rik::detail {

/// What a definition says of one container, beyond its name and image.
void add_wanted(describe_lines& lines, boost::json::object const& container);
/// What was last seen of it.
void add_seen(describe_lines& lines, boost::json::object const& container);
/// The container of this name in a workload's definition; an empty one if there is none.
boost::json::object wanted_container(boost::json::object const& workload, std::string_view name);

/// "http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3"
std::string probe_text(boost::json::object const& probe);
/// "emptyDir in memory, at most 64Mi"
std::string volume_text(boost::json::object const& volume);
/// "CrashLoopBackOff: it has ended 3 times"
std::string reason_text(boost::json::object const& of);
/// "cpu 500m, memory 64Mi"
std::string amounts_text(boost::json::object const& amounts);

}  // namespace rik::detail
