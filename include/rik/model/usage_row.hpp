// What instances used lately, as their nodes tell it.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/usage.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

struct container_usage_row {
    std::string name;
    std::int64_t cpu_microseconds = 0;           ///< of processor time, since its start
    std::optional<std::int64_t> cpu_milli = {};  ///< lately; nullopt: it was measured only once
    std::int64_t memory_bytes = 0;
    std::int64_t process_count = 0;
    std::int64_t written_bytes = 0;
    friend bool operator==(container_usage_row const&, container_usage_row const&) = default;
};

/// An instance when it was measured last.
struct usage_row {
    instance_id instance;
    wall_time at = {};
    std::vector<container_usage_row> containers = {};
    std::vector<volume_usage> volumes = {};
    std::int64_t received_bytes = 0;
    std::int64_t sent_bytes = 0;
    friend bool operator==(usage_row const&, usage_row const&) = default;
};

/// Asks a node what its instances use. The answer is one text, made by `encode`.
struct usage_call {};

std::string encode(std::vector<usage_row> const& all);
/// Errors: corrupt, `text` is not what `encode` makes.
result<std::vector<usage_row>> decode_usage_rows(std::string_view text);

}  // namespace rik
