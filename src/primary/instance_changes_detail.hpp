// What users and controllers may change of an instance that is there: decisions, without effects.
#pragma once

#include <rik/model/instance.hpp>
#include <rik/model/labels.hpp>

#include <cstdint>
#include <optional>

namespace rik::detail {

/// `row` when its containers are to start again in place once more.
instance restarted(instance const& row);
/// Why it cannot be. Errors: conflict.
std::optional<error> check_restart(instance const& row);

/// `row` as an instance of `by`.
instance adopted(instance const& row, workload_id const& by, std::optional<std::uint32_t> index);
/// `row` as nobody's.
instance orphaned(instance const& row);

/// `row` with other labels. Errors: invalid, a label; exhausted, there are more than limits::labels_per_instance_max;
/// conflict, it is being deleted.
result<instance> relabelled(instance const& row, label_changes const& by);

}  // namespace rik::detail
