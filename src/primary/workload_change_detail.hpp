// How a workload changes: pure. What is decided here is committed as it is.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/definition_change.hpp>
#include <rik/model/workload.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rik::detail {

/// What somebody wants a workload to be.
struct wanted_workload {
    workload_definition definition;
    std::string applied;  ///< the text that counts as applied last from then on
};

/// What a new row and a new release are made with.
struct change_stamp {
    wall_time now = {};
    release_id fresh = {};  ///< of a new release, if there is to be one
};

struct definition_plan {
    workload next;
    std::optional<release> made = {};        ///< a new release
    std::optional<release> rewritten = {};   ///< one that is there, with another number or another cause
    std::vector<field_change> changes = {};  ///< empty: the definition stays as it is
    bool is_written = false;                 ///< the row differs
    bool moves_release = false;              ///< what is made from now on is made from something else
};

/// Returns true if instances of the one are as those of the other. They are made from the definition of a release: so
/// its annotations count where a container reads them.
bool has_same_template(workload_definition const& a, workload_definition const& b);

/// What of its tolerations a new definition may not say.
std::optional<error> check_tolerations(workload_definition const& of);

/// The text that was applied last to `row`.
std::string const& last_applied(workload const& row);

/// What `row` would be if `wanted` were applied. Errors: invalid, with all that is wrong in the result; invalid, also:
/// the name, the kind, the tenant or the form would change.
result<parsed_definition> merge_applied(workload const& row, workload_definition const& wanted);
/// What `row` would be with `patch` merged in. Errors: as above; invalid, also: it is no JSON object.
result<parsed_definition> merge_patch(workload const& row, std::string_view patch);

/// The change of `row`, which has `releases`, to what is wanted. A release whose template is the same is taken again,
/// with the next number: so numbers are the order in which releases were used.
/// Errors: invalid, the name, the kind, the tenant or the form would change, or its tolerations are wrong.
result<definition_plan> plan_change(workload const& row, std::span<release_ptr const> releases, wanted_workload wanted,
                                    change_stamp const& with);

/// What to say to who changes the template of `row`, of which `count` instances are there.
std::vector<std::string> warnings_of(definition_plan const& plan, std::size_t count);

}  // namespace rik::detail
