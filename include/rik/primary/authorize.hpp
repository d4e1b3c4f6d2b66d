// Who may do what: one pure answer for every operation.
#pragma once

#include <rik/base/error.hpp>
#include <rik/model/caller.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace rik {

enum class verb : std::uint8_t { get, list, watch, create, update, remove };
std::string_view to_string(verb what);

/// What an operation is about.
enum class object_kind : std::uint8_t { workload, instance, node, image, tenant, event, log };
std::string_view to_string(object_kind kind);

/// Why `who` may not do it to an object of `tenant`; nullopt if it may. Nodes and images belong to no tenant: theirs is
/// empty, as is that of a list of all that the caller may see.
/// An admin may do everything. An editor reads and changes what belongs to its own tenant, a reader reads it. Both read
/// nodes. Tenants are made, changed and deleted by the admin; others see their own, whose name is its `tenant`. The
/// images of a machine belong to all tenants: they are the admin's. Errors: denied.
std::optional<error> authorize(caller const& who, verb what, object_kind kind, std::string_view tenant);

}  // namespace rik
