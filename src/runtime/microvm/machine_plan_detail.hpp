// What the node tells the keeper of a machine (rik-machine), as a file that only root can write: pure.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// A file that QEMU gets as an open descriptor: it can open none by itself.
struct opened_file {
    int descriptor = -1;  ///< QEMU's
    std::string path;
    bool is_writable = false;
    friend bool operator==(opened_file const&, opened_file const&) = default;
};

struct machine_plan {
    std::uint32_t uid = 0;               ///< of the keeper and of QEMU, and their group
    std::string network_namespace;       ///< in which both live: an empty one; "": one that goes with them
    std::string tap;                     ///< the interface that QEMU gets; empty: none
    std::vector<std::string> groups;     ///< files "cgroup.procs" to write to
    std::string note;                    ///< the file into which the keeper writes how it went
    std::string program;                 ///< QEMU
    std::vector<std::string> arguments;  ///< for it; its name is not among them
    std::vector<opened_file> files;
    std::uint32_t boot_cpu_seconds = 20;  ///< of QEMU, until the machine must have said something
    std::uint32_t boot_seconds = 600;     ///< the same, of a clock
    std::string acceleration;             ///< "kvm" or "tcg": for whoever reads it
    std::string warm_from;                ///< the file of the template from which it is restored; empty: it boots
    std::string template_key;             ///< that this file must have
    std::string settings;                 ///< of a machine that is restored: the file with what it is told
    std::uint64_t memory_bytes = 0;       ///< of one that is restored, or becomes a template
    std::uint64_t began_ms = 0;           ///< when its start began, by CLOCK_MONOTONIC; 0: with the keeper
    friend bool operator==(machine_plan const&, machine_plan const&) = default;
};

/// Descriptors that QEMU has of its keeper, by the numbers that its command line names.
inline constexpr int console_descriptor = 10;
inline constexpr int control_descriptor = 11;
inline constexpr int monitor_descriptor = 12;
inline constexpr int tap_descriptor = 13;
inline constexpr int kernel_descriptor = 14;
inline constexpr int initramfs_descriptor = 15;
inline constexpr int base_descriptor = 16;
inline constexpr int overlay_descriptor = 17;
inline constexpr int memory_descriptor = 18;  ///< of a machine that is restored, or becomes a template
inline constexpr int state_descriptor = 19;   ///< of its devices; the same
inline constexpr int descriptor_max = state_descriptor;

/// Records "key=value", each with a zero at its end.
std::string plan_text(machine_plan const& plan);
/// Errors: corrupt.
result<machine_plan> parse_plan(std::string_view text);

}  // namespace rik::detail
