#include "workload_change_detail.hpp"

#include "job_rules_detail.hpp"

#include <rik/controllers/cron_job.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

/// The canonical text is one line, and nobody has written it: a place in it says nothing.
void drop_place(error& problem) {
    if (auto const begin = problem.message.rfind(", line "); begin != problem.message.npos)
        problem.message.erase(begin);
}

result<parsed_definition> parsed_result(std::string const& text) {
    auto parsed = parse_definition_json(text);
    if (parsed.found.empty()) return parsed;
    for (auto& each : parsed.found) drop_place(each);
    return summarize(parsed.found);
}

error immutable(workload const& row, std::string_view field, std::string_view now, std::string_view wanted) {
    return error{errc::invalid,
                 fmt::format("workload {}: its {} cannot change from {} to {}", row.name, field, now, wanted),
                 std::string(field), "delete it and create it again, or give the new one another name"};
}

/// What a Job has counted so far was counted by it.   Source: Kubernetes, ValidateJobUpdate.
std::optional<error> check_job(workload const& row, workload_definition const& wanted) {
    if (row.kind != workload_kind::job) return std::nullopt;
    auto const& a = *row.definition->upkeep.job;
    auto const& b = *wanted.upkeep.job;
    auto const fixed = [&](std::string_view field) {
        return error{errc::invalid, fmt::format("workload {}: its {} cannot change", row.name, field),
                     std::string(field), "delete it and create it again, or give the new one another name"};
    };
    if (a.mode != b.mode) return fixed("completionMode");
    auto const grows_with_parallelism = b.is_indexed() && b.completions == b.parallelism;
    if (a.completions != b.completions && !grows_with_parallelism)
        return error{errc::invalid, fmt::format("workload {}: its completions cannot change", row.name), "completions",
                     b.is_indexed() ? "change parallelism to the same number with it, or delete it and create it again"
                                    : "delete it and create it again, or give the new one another name"};
    if (a.backoff_limit_per_index != b.backoff_limit_per_index) return fixed("backoffLimitPerIndex");
    if (a.failure_rules != b.failure_rules) return fixed("podFailurePolicy");
    if (a.success_rules != b.success_rules) return fixed("successPolicy");
    if (a.replacement != b.replacement) return fixed("podReplacementPolicy");
    if (!a.is_suspended && row.definition->spec != wanted.spec) return fixed("template");
    return std::nullopt;
}

/// Source: Kubernetes, ValidateStatefulSetUpdate
std::optional<error> check_stateful_set(workload const& row, workload_definition const& wanted) {
    if (row.kind != workload_kind::stateful_set) return std::nullopt;
    auto const& a = *row.definition->upkeep.stateful;
    auto const& b = *wanted.upkeep.stateful;
    if (a.management != b.management)
        return immutable(row, "podManagementPolicy", to_string(a.management), to_string(b.management));
    if (a.service_name != b.service_name)
        return immutable(row, "serviceName", fmt::format("'{}'", a.service_name), fmt::format("'{}'", b.service_name));
    return std::nullopt;
}

std::optional<error> check_identity(workload const& row, workload_definition const& wanted) {
    if (wanted.kind != row.kind) return immutable(row, "kind", to_string(row.kind), to_string(wanted.kind));
    if (wanted.name != row.name) return immutable(row, "name", row.name, wanted.name);
    if (!wanted.tenant.empty() && wanted.tenant != row.tenant)
        return immutable(row, "tenant", row.tenant, wanted.tenant);
    if (wanted.form != row.definition->form)
        return immutable(row, "form", to_string(row.definition->form), to_string(wanted.form));
    if (!(wanted.upkeep.selector == row.definition->upkeep.selector))
        return error{errc::invalid, fmt::format("workload {}: its selector cannot change", row.name), "selector",
                     "delete it and create it again, or give the new one another name"};
    if (auto const fixed = check_stateful_set(row, wanted)) return fixed;
    return check_job(row, wanted);
}

bool reads_annotations(instance_template const& of) {
    auto const is_one = [](environment_variable const& each) {
        auto const* const field = std::get_if<field_reference>(&each.from);
        return field != nullptr && field->path.starts_with("metadata.annotations");
    };
    return std::ranges::any_of(of.containers, [&](auto const& each) { return std::ranges::any_of(each.env, is_one); });
}

/// Where the template of what is kept is written.
std::string_view template_path(workload_definition const& of) {
    auto const is_rik = of.form == definition_form::rik;
    if (!is_managed(of.kind)) return "spec";
    if (of.kind == workload_kind::cron_job)
        return is_rik ? "jobTemplate.template.spec" : "spec.jobTemplate.spec.template.spec";
    return is_rik ? "template.spec" : "spec.template.spec";
}

}  // namespace

/// Not a rule of definitions: those that are kept are accepted for ever.   Source: Kubernetes, ValidateTolerations
std::optional<error> check_tolerations(workload_definition const& of) {
    auto const& all = of.spec.tolerations;
    auto const wrong = std::ranges::find_if(
        all, [](toleration const& each) { return each.seconds && each.effect != taint_effect::no_execute; });
    if (wrong == all.end()) return std::nullopt;
    return error{errc::invalid, "tolerationSeconds is only for the effect NoExecute",
                 fmt::format("{}.tolerations[{}].tolerationSeconds", template_path(of), wrong - all.begin()),
                 "leave it out, or set effect: NoExecute"};
}

bool has_same_template(workload_definition const& a, workload_definition const& b) {
    return a.spec == b.spec && (instance_annotations(a) == instance_annotations(b) || !reads_annotations(a.spec));
}

namespace {

release_ptr find_same(std::span<release_ptr const> releases, release_id const& current, workload_definition const& as) {
    release_ptr found;
    for (auto const& each : releases) {
        if (!has_same_template(*each->definition, as)) continue;
        if (each->id == current) return each;
        if (!found || each->number > found->number) found = each;
    }
    return found;
}

/// The text that is kept as applied last; none if it says what the definition says.
std::string kept_applied(std::string text, std::string const& definition) {
    return changes_between(definition, text).empty() ? std::string() : std::move(text);
}

/// The row of a release that is used again keeps its id: instances that were made from it are of it still.
void move_to_release(definition_plan& plan, std::span<release_ptr const> releases, change_stamp const& with) {
    auto& next = plan.next;
    auto const same = find_same(releases, next.current_release, *next.definition);
    if (same && same->id == next.current_release) return;
    plan.moves_release = true;
    for (auto const& each : releases) next.releases_made = std::max(next.releases_made, each->number);
    auto& current =
        same ? plan.rewritten.emplace(*same) : plan.made.emplace(make_release(with.fresh, next.id, next.definition));
    current.number = ++next.releases_made;
    if (!same) current.created_at = with.now;
    next.current_release = current.id;
}

constexpr std::string_view cause_key = "kubernetes.io/change-cause";

std::optional<std::string> cause_of(workload_definition const& of) {
    auto const found = of.annotations.find(std::string(cause_key));
    return found == of.annotations.end() ? std::nullopt : std::optional(found->second);
}

/// As a text in JSON.
std::string quoted(std::string_view text) {
    std::string made = "\"";
    for (char const each : text) {
        auto const is_control = static_cast<unsigned char>(each) < 0x20;
        if (is_control) made += fmt::format("\\u{:04x}", static_cast<unsigned>(each));
        if (each == '"' || each == '\\') made += '\\';
        if (!is_control) made += each;
    }
    return made + '"';
}

/// The same with another cause; null if that cannot be written.
definition_ptr with_cause(workload_definition const& from, std::optional<std::string> const& cause) {
    auto patch = fmt::format(R"({{"annotations":{{"{}":{}}}}})", cause_key, cause ? quoted(*cause) : "null");
    if (from.form == definition_form::kubernetes) patch = fmt::format(R"({{"metadata":{}}})", patch);
    auto const text = merge_patched(from.text, patch);
    auto parsed = text ? parsed_result(*text) : text.error();
    if (!parsed) return nullptr;
    parsed->definition.tenant = from.tenant;
    return std::make_shared<workload_definition const>(std::move(parsed->definition));
}

/// A cause that is given now is that of the release that is current now, as in Kubernetes, where a Deployment hands its
/// annotations to its newest ReplicaSet. One that was given before says nothing of a release that is used again.
void hand_on_cause(definition_plan& plan, workload const& before, std::span<release_ptr const> releases) {
    auto const cause = cause_of(*plan.next.definition);
    if (plan.made || cause == cause_of(*before.definition)) return;
    auto const current = std::ranges::find(releases, plan.next.current_release, &release::id);
    if (current == releases.end() || cause == cause_of(*(*current)->definition)) return;
    auto definition = with_cause(*(*current)->definition, cause);
    if (!definition) return;
    if (!plan.rewritten) plan.rewritten = **current;
    plan.rewritten->definition = std::move(definition);
}

}  // namespace

std::string const& last_applied(workload const& row) {
    return row.applied.empty() ? row.definition->text : row.applied;
}

result<parsed_definition> merge_applied(workload const& row, workload_definition const& wanted) {
    if (auto const other = check_identity(row, wanted)) return *other;  // merged with it neither form would be right
    return parsed_result(applied_text(row.definition->text, last_applied(row), wanted.text));
}

result<parsed_definition> merge_patch(workload const& row, std::string_view patch) {
    auto const merged = merge_patched(row.definition->text, patch);
    if (!merged) return merged.error();
    return parsed_result(*merged);
}

result<definition_plan> plan_change(workload const& row, std::span<release_ptr const> releases, wanted_workload wanted,
                                    change_stamp const& with) {
    if (auto const wrong = check_identity(row, wanted.definition)) return *wrong;
    if (auto const wrong = check_cron_job(wanted.definition, row.definition.get())) return *wrong;
    if (auto const wrong = check_many_indexes(wanted.definition); wrong && !check_many_indexes(*row.definition))
        return *wrong;
    if (wanted.definition.spec.tolerations != row.definition->spec.tolerations)
        if (auto const wrong = check_tolerations(wanted.definition)) return *wrong;
    definition_plan plan{.next = row};
    plan.changes = changes_between(row.definition->text, wanted.definition.text);
    auto const& text = plan.changes.empty() ? row.definition->text : wanted.definition.text;
    plan.next.applied = kept_applied(std::move(wanted.applied), text);
    plan.is_written = !plan.changes.empty() || plan.next.applied != row.applied;
    if (plan.changes.empty()) return plan;
    wanted.definition.tenant = row.tenant;
    if (plan.next.replicas != wanted.definition.replicas) plan.next.paused_since = std::nullopt;  // a count is wanted
    plan.next.replicas = wanted.definition.replicas;
    plan.next.definition = std::make_shared<workload_definition const>(std::move(wanted.definition));
    plan.next.updated_at = with.now;
    ++plan.next.generation;
    move_to_release(plan, releases, with);
    hand_on_cause(plan, row, releases);
    return plan;
}

std::vector<std::string> warnings_of(definition_plan const& plan, std::size_t count) {
    if (!plan.moves_release || count == 0 || is_managed(plan.next.kind)) return {};
    if (is_one_with_its_instance(plan.next))
        return {fmt::format("its instance goes on as it is: delete Pod {} and apply it again, and what is new counts",
                            plan.next.name)};
    auto const are_many = count > 1;
    return {fmt::format("{} instance{} of workload {} go{} on as {} {}: a change of a definition is for the next ones",
                        count, are_many ? "s" : "", plan.next.name, are_many ? "" : "es", are_many ? "they" : "it",
                        are_many ? "are" : "is")};
}

}  // namespace rik::detail
