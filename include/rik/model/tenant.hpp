// A tenant: one level of names for workloads and instances. Kubernetes calls it a namespace.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/string_map.hpp>
#include <rik/base/time.hpp>
#include <rik/model/document.hpp>
#include <rik/model/meta.hpp>
#include <rik/model/state.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rik {

/// It is always there, and cannot be deleted.
inline constexpr std::string_view default_tenant = "default";

/// The stored form of a tenant, which is kept as a document.
struct tenant_record {
    tenant_id id;
    std::string name;  ///< DNS-1123 label
    string_map labels = {};
    string_map annotations = {};
    wall_time created_at = {};
    wall_time updated_at = {};
    std::uint64_t generation = 1;
    std::optional<wall_time> deleting_since = {};  ///< from then on nothing is made in it
    /// What a client of v0 has said of it, to be given back. RIK does nothing with it.
    std::string verb = {};
    std::string resource = {};

    workload_state state() const { return deleting_since ? workload_state::destroying : workload_state::active; }
};

meta meta_of(tenant_record const& row, revision at);

/// A tenant belongs to no tenant itself.
document_key tenant_key(std::string_view name);
document to_document(tenant_record const& from);
/// Errors: corrupt, the document is no tenant.
result<tenant_record> parse_tenant(document const& from);

/// Returns true if an earlier release of RIK wrote it, under an id and in somebody's tenant.
bool is_old_tenant(document const& from);
/// Returns what `from` stands for, with its name made a legal one if it is none. It was made `now`, as nobody has kept
/// when. Errors: corrupt. Precondition: is_old_tenant.
result<tenant_record> parse_old_tenant(document const& from, wall_time now);

/// What is wrong with `name` as that of a tenant; nullopt if nothing is. One in the form of an id could stand for
/// another.
std::optional<error> check_tenant_name(std::string_view name, std::string_view field);

}  // namespace rik
