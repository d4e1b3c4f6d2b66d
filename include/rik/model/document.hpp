// The generic stored object: a kind, a name and JSON. Events are documents.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/model/meta.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

struct document_key {
    std::string kind;
    std::string tenant;
    std::string name;
    friend auto operator<=>(document_key const&, document_key const&) = default;
};

/// An object of a kind that has no typed table. A new kind needs no change of the store.
struct document {
    document_key key;
    std::string about = {};  ///< index key: the uid of the object that it belongs to, or empty
    std::string json = {};
};

/// A document has no times and no labels; its uid is its key.
meta meta_of(document const& row, revision at);

inline constexpr std::string_view event_kind = "event";
inline constexpr std::string_view tenant_kind = "tenant";

enum class event_type : std::uint8_t { normal, warning };

/// Something that happened to an object, told to users. `object_kind` is "instance", "workload", "node" or "tenant".
struct event {
    std::string object_kind;
    std::string object_id;
    std::string object_name = {};
    std::string tenant = "default";
    event_type type = event_type::normal;
    std::string reason = {};                 ///< one word: "Scheduled", "Pulled", "Started", "Failed"
    std::string message = {};                ///< for the user
    std::string source = {};                 ///< "primary", "scheduler", "node NAME"
    wall_time at = {};                       ///< the last time
    std::uint64_t count = 1;                 ///< how often it has happened
    std::optional<wall_time> first_at = {};  ///< if more than once
    std::string owner_id = {};               ///< whose events are bounded together with these

    /// Returns true if the same thing has happened, perhaps at another time.
    bool is_same_as(event const& other) const;
};

/// `sequence` becomes the document's name, so that events are listed in its order.
document to_document(event const& happened, std::uint64_t sequence);
/// Errors: corrupt, the document is no event.
result<event> parse_event(document const& from);

}  // namespace rik
