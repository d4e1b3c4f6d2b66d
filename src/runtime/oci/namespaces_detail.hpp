// Namespaces without a process: made by a thread that leaves its own for a moment, kept by bind mounts.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace rik::detail {

enum class pod_network : std::uint8_t { own, of_host };

/// Makes network, IPC and UTS namespaces with `hostname` and lo up, and pins them on `directory`/net, /ipc and /uts; no
/// network namespace if the network is the host's, of which nothing is changed then.
/// Only on the thread that is kept for this: it changes its namespaces meanwhile. If it cannot come back it refuses
/// every further call: see stray_thread.   Source: man namespaces, ip-netns(8); /proc/self would be the main thread's.
/// Errors: exhausted; internal.
result<void> pin_namespaces(std::filesystem::path const& directory, std::string const& hostname, pod_network network);

/// True if `path` shows a namespace, not the empty file below its mount.
bool is_namespace(std::filesystem::path const& path);

}  // namespace rik::detail
