// An empty disk of the form qcow2 that shows another one below until it is written to: pure.
// Source: QEMU, docs/interop/qcow2.txt
#pragma once

#include <cstdint>
#include <string>

namespace rik::detail {

inline constexpr std::int64_t disk_bytes_max = std::int64_t{1} << 43;  ///< 8 TiB

/// The first bytes of the file; QEMU makes it longer. What is below it is not named in it: QEMU is told by its command
/// line, so that nothing in a file decides what is opened. Precondition: 0 < bytes <= disk_bytes_max.
std::string qcow2_overlay(std::int64_t disk_bytes);

}  // namespace rik::detail
