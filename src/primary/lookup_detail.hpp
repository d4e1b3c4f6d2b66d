// Finds what a caller names. Pure: a caller never learns of an object that it may not read.
#pragma once

#include <rik/primary/authorize.hpp>
#include <rik/primary/operations.hpp>

#include <string_view>

namespace rik::detail {

error no_such_object(object_kind kind, std::string_view name);

/// By uid in any tenant that the caller may read; by name in the tenant of `which`, else in the caller's own.
/// Errors: not_found; conflict, several have this name.
result<stored<workload>> find_workload(view const& in, caller const& who, object_ref const& which);
result<stored<instance>> find_instance(view const& in, caller const& who, object_ref const& which);
result<stored<node>> find_node(view const& in, object_ref const& which);
/// A tenant by its name or its uid. Errors: not_found; corrupt.
result<stored<tenant_record>> find_tenant(view const& in, caller const& who, object_ref const& which);

/// The tenant in which a caller looks for a name.
std::string const& tenant_of(caller const& who, object_ref const& which);

error no_such_tenant(std::string_view name);
/// Why nothing can be listed in a tenant; an empty one means all that there are. Errors: not_found.
std::optional<error> check_listed(view const& in, std::string_view tenant);
/// Why nothing can be made in a tenant. Errors: not_found; conflict, it is being deleted.
std::optional<error> check_open(view const& in, std::string_view tenant);
/// Returns true if the tenant is there and being deleted.
bool is_leaving(view const& in, std::string_view tenant);

/// "web-1 is on node b, which is not heard"
std::string place_text(std::string_view instance, std::string_view node);
/// "if the node is lost for good: rikctl node declare-dead b"
std::string loss_remedy(std::string_view node);
/// Of a workload that is being deleted: for which node that is not heard it waits, and what can be done; empty: none.
std::string awaited_by_deletion(view const& in, workload_id const& which);
/// The same as the end of a sentence.
std::string deletion_wait(view const& in, workload_id const& which);

/// Why a row that is at `at` may not be changed by one who expects it at `expected`. Errors: conflict.
std::optional<error> check_revision(expected_revision expected, revision at, object_kind kind, std::string_view name);

}  // namespace rik::detail
