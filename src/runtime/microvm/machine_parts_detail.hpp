// What of this machine all machines need: programs, kernel, and what runs their code.
#pragma once

#include "kernel_files_detail.hpp"
#include "qemu_command_detail.hpp"

#include "runtime/oci/context_detail.hpp"

#include <rik/async/awaitable.hpp>
#include <rik/runtime/microvm/microvm_runtime.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace rik::detail {

/// Programs that must be there.
struct machine_programs {
    std::filesystem::path qemu;
    std::filesystem::path keeper;
    std::filesystem::path monitor;
};

struct machine_parts {
    machine_programs programs;
    accelerator runs_on = accelerator::tcg;
    std::string no_kvm;  ///< why KVM is not used
    /// Made for the first machine: it takes a second, and most nodes never have one.
    std::optional<boot_files> boot = {};
    std::uint64_t tsc_khz = 0;  ///< the same
};

/// Errors: not_found, with what to install; unsupported, this machine has another processor or no taps.
result<machine_programs> find_machine_programs(microvm_options const& options);

microvm_check check_machine_parts(microvm_options const& options);

/// Tries KVM if it was not tried since the boot. Errors: internal.
awaitable<result<machine_parts>> find_machine_parts(runtime_context const& on, machine_programs programs);

/// Prepares the kernel and measures the clock, if that was not done. Blocks. Errors: those of prepare_boot_files.
result<void> complete(machine_parts& parts, microvm_options const& options);

/// How often the processor's counter ticks, by the clock that nobody adjusts. Takes 20 ms. Blocks.
std::uint64_t measure_tsc_khz();

}  // namespace rik::detail
