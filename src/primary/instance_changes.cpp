#include "instance_changes_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/variables.hpp>

#include <fmt/format.h>

#include <limits>
#include <string>
#include <utility>

namespace rik::detail {

namespace {

std::string_view finished_word(instance_state state) {
    return state == instance_state::succeeded ? "succeeded" : state == instance_state::failed ? "failed" : "ended";
}

error refuse(instance const& row, std::string_view why, std::string remedy) {
    return error{errc::conflict, fmt::format("instance {} {}", row.name(), why), {}, std::move(remedy)};
}

bool is_going(instance const& row) { return row.is_condemned() || row.deleting_since(); }

instance_fields next_of(instance const& row) {
    auto next = row.fields();
    ++next.generation;
    return next;
}

}  // namespace

std::optional<error> check_restart(instance const& row) {
    if (is_going(row)) return refuse(row, "is being deleted: it is not started again", "create another one");
    if (is_finished(row.state())) {
        auto const why = fmt::format("has {}: what has finished is not started again", finished_word(row.state()));
        return refuse(row, why, "delete it and create it again");
    }
    if (!row.is_bound()) return refuse(row, "has no node yet, so nothing of it runs", "wait until it runs");
    if (row.restarts() == std::numeric_limits<std::uint32_t>::max())
        return refuse(row, "was restarted too often", "delete it and create it again");
    return std::nullopt;
}

instance restarted(instance const& row) {
    auto next = next_of(row);
    ++next.restarts;
    return instance(std::move(next));
}

instance adopted(instance const& row, workload_id const& by, std::optional<std::uint32_t> index) {
    auto next = next_of(row);
    next.owner = by;
    next.index = index;
    return instance(std::move(next));
}

instance orphaned(instance const& row) {
    auto next = next_of(row);
    next.owner = std::nullopt;
    // One with an identity is called by its index, wherever it has not come up yet.
    if (!has_identities(row.made_from()->definition->kind)) next.index = std::nullopt;
    next.meant_for = std::nullopt;
    return instance(std::move(next));
}

namespace {

string_map labels_of_identity(instance const& row) {
    auto const& definition = *row.made_from()->definition;
    return has_identities(definition.kind) ? labels_by_kind(definition, {}, row.index()) : string_map();
}

}  // namespace

result<instance> relabelled(instance const& row, label_changes const& by) {
    if (is_going(row)) return refuse(row, "is being deleted: its labels stay as they are", {});
    auto labels = row.labels();
    for (auto const& [key, value] : labels_of_identity(row))
        if (by.contains(key))
            return refuse(row, fmt::format("has the label {} by its ordinal: it stays as it is", key), {});
    for (auto const& [key, value] : by)
        if (auto wrong = check_label(key, value.value_or(std::string()))) return std::move(*wrong);
    change_labels(labels, by);
    if (labels.size() > limits::labels_per_instance_max)
        return error{errc::exhausted, fmt::format("an instance has at most {} labels", limits::labels_per_instance_max),
                     "labels"};
    auto next = next_of(row);
    next.labels = std::move(labels);
    return instance(std::move(next));
}

}  // namespace rik::detail
