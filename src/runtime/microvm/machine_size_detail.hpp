// How large a machine is, and what it may use of the node: pure.
#pragma once

#include <rik/model/definition.hpp>

#include <cstdint>

namespace rik::detail {

struct machine_size {
    int processor_count = 1;
    std::int64_t memory_mib = 128;
    std::int64_t disk_bytes = 0;  ///< 0: as large as the image, and a gibibyte
    resources limits = {};        ///< of QEMU and keeper
};

/// A limit says how much; where there is none, the request does, and else what most get along with. QEMU itself takes
/// some memory, and time for disk and network, beyond what its machine has.
machine_size size_of(container_definition const& definition);

inline constexpr std::int64_t machine_memory_mib_min = 96;  ///< with less Debian's kernel does not start

}  // namespace rik::detail
