// Taints of nodes, and what tolerates them.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

enum class taint_effect : std::uint8_t { no_schedule, prefer_no_schedule, no_execute };
std::string_view to_string(taint_effect effect);  ///< "NoSchedule", "PreferNoSchedule", "NoExecute"
std::optional<taint_effect> parse_taint_effect(std::string_view text);

/// What keeps instances off a node unless they tolerate it. A node has one of each key and effect.
/// Source: Kubernetes, "Taints and Tolerations".
struct taint {
    std::string key;
    std::string value = {};
    taint_effect effect = taint_effect::no_schedule;
    friend bool operator==(taint const&, taint const&) = default;
};
/// "key=value:NoSchedule", or "key:NoSchedule" without a value.
std::string to_string(taint const& from);
/// Reads what `to_string` makes. Errors: invalid, with the right form as remedy.
result<taint> parse_taint(std::string_view text);

/// A taint to be put on a node, or taken off it.
struct taint_change {
    taint what;
    bool is_removal = false;
    bool of_any_effect = false;  ///< of a removal: all taints of this key are meant
    friend bool operator==(taint_change const&, taint_change const&) = default;
};
/// "key=value:Effect" puts a taint on, "key:Effect-" takes it off, "key-" takes all of this key off. A value in a
/// removal is read and not compared.   Source: kubectl taint.
result<taint_change> parse_taint_change(std::string_view text);
/// `taints` once all of `changes` are made, in their order. Errors: not_found, what is to be taken off is not there.
result<std::vector<taint>> changed_taints(std::vector<taint> taints, std::vector<taint_change> const& changes);

enum class toleration_operator : std::uint8_t { equal, exists };
std::string_view to_string(toleration_operator how);  ///< "Equal", "Exists"
std::optional<toleration_operator> parse_toleration_operator(std::string_view text);

/// Which taints do not keep an instance off a node. An empty key, with `exists`, means every taint.
/// Source: Kubernetes, "Taints and Tolerations".
struct toleration {
    std::string key = {};
    toleration_operator how = toleration_operator::equal;
    std::string value = {};
    std::optional<taint_effect> effect = {};   ///< nullopt: all of them
    std::optional<std::int64_t> seconds = {};  ///< how long; nullopt: for ever
    friend bool operator==(toleration const&, toleration const&) = default;
};
bool tolerates(toleration const& by, taint const& what);
bool tolerates(std::vector<toleration> const& by, taint const& what);

}  // namespace rik
