#include "machine_size_detail.hpp"

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;
constexpr std::int64_t memory_mib_default = 128;
/// QEMU, its tables of translated code (32 MiB) and its buffers.   Source: ADR 22
constexpr std::int64_t overhead_bytes = 128 * mib;
constexpr std::int64_t processors_max = 64;
/// For the threads beside those of the processors.
constexpr std::int64_t overhead_milli = 250;

std::int64_t asked(container_definition const& definition, std::string_view what) {
    auto const limit = definition.limits.get(what);
    return limit > 0 ? limit : definition.requests.get(what);
}

}  // namespace

machine_size size_of(container_definition const& definition) {
    machine_size made;
    auto const milli = asked(definition, resource::cpu);
    auto const count = std::clamp<std::int64_t>((milli + 999) / 1000, 1, processors_max);
    made.processor_count = static_cast<int>(count);
    auto const bytes = asked(definition, resource::memory);
    if (bytes > 0) made.memory_mib = std::max((bytes + mib - 1) / mib, machine_memory_mib_min);
    made.disk_bytes = asked(definition, resource::storage);
    made.limits.set(resource::memory, made.memory_mib * mib + overhead_bytes);
    auto const limit = definition.limits.get(resource::cpu);
    made.limits.set(resource::cpu, (limit > 0 ? limit : count * 1000) + overhead_milli);
    return made;
}

}  // namespace rik::detail
