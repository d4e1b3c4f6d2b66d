#include "qcow2_overlay_detail.hpp"

#include <rik/base/assert.hpp>

#include <algorithm>
#include <type_traits>

namespace rik::detail {

namespace {

constexpr std::uint64_t cluster_bytes = 1u << 16;
constexpr std::uint32_t header_bytes = 104;  // of version 3

/// Numbers are big-endian.
template <class Number>
void put(std::string& into, std::size_t at, Number value) {
    static_assert(std::is_unsigned_v<Number>);
    for (std::size_t i = 0; i < sizeof value; ++i)
        into[at + i] = static_cast<char>(value >> (8 * (sizeof value - 1 - i)) & 0xff);
}

}  // namespace

std::string qcow2_overlay(std::int64_t disk_bytes) {
    RIK_ASSERT(disk_bytes > 0 && disk_bytes <= disk_bytes_max);
    // Header, table of reference counts, one block of it, and the first level of the table of clusters.
    constexpr std::uint64_t first_level_at = 3;
    auto const size = static_cast<std::uint64_t>(disk_bytes);
    auto const per_entry = cluster_bytes / 8 * cluster_bytes;
    auto const entry_count = (size + per_entry - 1) / per_entry;
    auto const cluster_count =
        first_level_at + std::max<std::uint64_t>((entry_count * 8 + cluster_bytes - 1) / cluster_bytes, 1);
    std::string made(cluster_count * cluster_bytes, '\0');
    put(made, 0, std::uint32_t{0x514649fb});  // "QFI\xfb"
    put(made, 4, std::uint32_t{3});           // version
    put(made, 20, std::uint32_t{16});         // bits of a cluster
    put(made, 24, size);
    put(made, 36, static_cast<std::uint32_t>(entry_count));
    put(made, 40, first_level_at * cluster_bytes);
    put(made, 48, cluster_bytes);     // where the table of reference counts is
    put(made, 56, std::uint32_t{1});  // its clusters
    put(made, 96, std::uint32_t{4});  // a reference count has 16 bits
    put(made, 100, header_bytes);
    put(made, cluster_bytes, 2 * cluster_bytes);
    for (std::uint64_t each = 0; each < cluster_count; ++each)
        put(made, 2 * cluster_bytes + 2 * each, std::uint16_t{1});
    return made;
}

}  // namespace rik::detail
