// The start of a machine, and what is known of it then.
#pragma once

#include "machine_end_detail.hpp"
#include "machine_parts_detail.hpp"

#include "runtime/oci/context_detail.hpp"

#include <rik/async/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace rik::detail {

/// What this runtime knows of a container beside what all do: files of its state.
std::filesystem::path note_of(container_paths const& paths);
std::filesystem::path memory_file_of(container_paths const& paths);
std::filesystem::path disk_of(container_paths const& paths);
std::filesystem::path plan_of(container_paths const& paths);
std::filesystem::path settings_of(container_paths const& paths);

/// Of one that was never started nothing. Blocks. Errors: it cannot be read now, and nothing follows from that.
result<machine_note> read_note(container_paths const& paths);

/// How a machine that was up has come up; nothing of one that was not. Blocks. Errors: as read_note.
result<rare<machine_boot>> read_boot(container_paths const& paths);

/// The bytes of its memory; 0 if they are not known. Blocks.
std::int64_t read_memory(container_paths const& paths);

/// QEMUs of these users that have ended, or do soon. When a keeper and its conmon are killed, QEMU comes to us, if
/// orphans do, and nobody else takes it off the process table. Blocks.
void reap_machines(std::vector<std::uint32_t> const& uids);

/// The user id of a machine that is, or was, here; 0 if there is none. Blocks. Errors: as read_note.
result<std::uint32_t> read_uid(container_paths const& paths);

/// Adds what has passed the tap of an instance's machine. Blocks.
void add_network_usage(runtime_context const& on, instance_usage& to);

/// What `microvm_options` says of starts.
struct start_rules {
    std::uint32_t uid = 0;
    std::uint32_t boot_cpu_seconds = 20;
    time_point began_at = {};
    std::filesystem::path warm_from = {};  ///< the template from which it is restored; empty: it boots
    std::string template_key = {};
};

/// Precondition: the parts are complete. Makes and starts it, and waits until it is up. One of this key that was up
/// before is left as it is. Must not be called for one key twice at once. Errors: as of runtime::start_container.
awaitable<result<void>> start_machine(runtime_context const& on, machine_parts const& parts, container_request request,
                                      start_rules rules);

}  // namespace rik::detail
