// The command line of QEMU: pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// What runs the machine's code.
enum class accelerator : std::uint8_t { kvm, tcg };

constexpr std::string_view name_of(accelerator which) { return which == accelerator::kvm ? "kvm" : "tcg"; }

enum class beginning : std::uint8_t {
    boot,            ///< its kernel boots
    restore,         ///< it goes on where a template stopped, whose memory it has
    become_template  ///< its kernel boots, up to where a template stops. Its disk and its network are dummies.
};

struct qemu_machine {
    std::string name;
    accelerator runs_on = accelerator::tcg;
    std::uint64_t tsc_khz = 0;  ///< of the machine that emulates; see kernel_words
    int processor_count = 1;
    std::int64_t memory_mib = 128;
    std::string mac = {};  ///< of its network interface; empty: it has none
    beginning begins = beginning::boot;
};

/// Without the program's own name. All files and channels are descriptors: see machine_plan.
std::vector<std::string> qemu_arguments(qemu_machine const& what);

/// What its kernel is told.
///
/// An emulated machine is told how fast its clock is: without that some boots, one of six, calibrate it wrongly and
/// hang for ever.   Source: ADR 22
std::string kernel_words(qemu_machine const& what);

}  // namespace rik::detail
