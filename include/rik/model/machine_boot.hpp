// How the machine of a Function came up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// Where in its start a machine was, and how long after the beginning of that.
struct boot_step {
    std::string name;  ///< one of boot_step_name; a newer node may know others
    std::int64_t after_ms = 0;
    friend bool operator==(boot_step const&, boot_step const&) = default;
};

/// In their order.
namespace boot_step_name {
inline constexpr std::string_view prepared = "prepared";  ///< its files are made, and its keeper runs
inline constexpr std::string_view qemu = "qemuStarted";   ///< QEMU answers
inline constexpr std::string_view kernel = "kernelUp";    ///< its kernel runs the first program
inline constexpr std::string_view restored = "restored";  ///< it goes on from a template: in place of `kernel`
inline constexpr std::string_view init = "initUp";        ///< modules, network and root file system are there
inline constexpr std::string_view running = "running";    ///< its program, or the image's own init, runs
inline constexpr std::string_view ready = "ready";        ///< its readiness probe has passed for the first time
}  // namespace boot_step_name

struct machine_boot {
    std::string acceleration;  ///< "kvm", or "tcg": emulation, some ten times slower
    /// Those that are known, in their order. What lies inside of the machine is what that has said.
    std::vector<boot_step> steps = {};
    friend bool operator==(machine_boot const&, machine_boot const&) = default;
};

}  // namespace rik
