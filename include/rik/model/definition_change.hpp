// Changes of definitions: what differs between two, and how one is made from another. Texts are JSON, as definitions
// are kept.
#pragma once

#include <rik/base/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// A value that differs. Values are compact JSON; nullopt: there is none.
struct field_change {
    std::string path;  ///< "spec.containers[0].image"
    std::optional<std::string> before = {};
    std::optional<std::string> after = {};
    friend bool operator==(field_change const&, field_change const&) = default;
};

/// "spec.containers[0].image: "nginx:1" -> "nginx:2"", "labels.a: set to "b"", "labels.a: removed ("b")"
std::string to_string(field_change const& change);

/// What differs, as deep inside as it can be said, in the order of `before` and then of `after`. Members that are null
/// count as left out; the order of members means nothing. Precondition: both are JSON objects.
std::vector<field_change> changes_between(std::string_view before, std::string_view after);

/// `definition` with `patch` merged in: members of objects are merged, null takes a member off, anything else replaces
/// what was there. Errors: invalid, the patch is not a JSON object.   Source: RFC 7396, JSON Merge Patch.
result<std::string> merge_patched(std::string_view definition, std::string_view patch);

/// `current` as it is after `wanted` is applied: what `last` applied and `wanted` leaves out goes, what somebody else
/// has added stays, and `wanted` wins where both say something. A list is one value. Precondition: all are JSON
/// objects.   Source: Kubernetes, "Declarative Management", how apply calculates differences.
std::string applied_text(std::string_view current, std::string_view last, std::string_view wanted);

}  // namespace rik
