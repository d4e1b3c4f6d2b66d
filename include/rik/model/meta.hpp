// What every stored object has, whatever its kind.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/string_map.hpp>
#include <rik/base/time.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rik {

/// How an object is read by those who know no kinds: lists, selectors, the faces of the API. `meta_of` makes it; it
/// refers to the object and must not outlive it.
struct meta {
    std::string uid;
    std::string_view name;
    std::string_view tenant;  ///< empty: the object belongs to the whole cluster
    string_map const& labels;
    string_map const& annotations;
    wall_time created_at;
    wall_time updated_at;
    std::uint64_t generation;
    revision changed_at;
    std::optional<workload_id> owner;
    std::span<std::string const> finalizers;
    std::optional<wall_time> deleting_since;
};

}  // namespace rik
