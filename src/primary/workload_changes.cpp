// How workloads are changed: apply, merge patch, replace.
#include "lookup_detail.hpp"
#include "workloads_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>

namespace rik {

std::string_view to_string(change_outcome outcome) {
    constexpr std::array<std::string_view, 3> words{"created", "changed", "unchanged"};
    return words[static_cast<std::size_t>(outcome)];
}

namespace detail {

namespace {

error cannot_change(view const& in, workload const& row) {
    return error{errc::conflict,
                 fmt::format("{} {} is being deleted{}", to_string(row.kind), row.name, deletion_wait(in, row.id)),
                 {},
                 "wait until it is gone, and create it again"};
}

/// Returns true if anybody who sees events may read it: a number, a truth, or an image. Other texts may be secrets.
bool is_told(field_change const& which) {
    constexpr std::size_t value_bytes_max = 256;
    auto const is_image = which.path.ends_with(".image");
    auto const is_plain = [&](std::optional<std::string> const& value) {
        if (!value) return true;
        if (value->size() > value_bytes_max) return false;
        return is_image || *value == "true" || *value == "false" ||
               value->find_first_not_of("+-.0123456789Ee") == value->npos;
    };
    return is_plain(which.before) && is_plain(which.after);
}

/// "spec.replicas (3 -> 5)". What came before is told, too: so changes that come one after the other differ, and are
/// told one by one.
std::string told(field_change const& which) {
    if (!is_told(which)) return which.path;
    if (!which.before) return fmt::format("{} (set to {})", which.path, *which.after);
    if (!which.after) return fmt::format("{} (was {})", which.path, *which.before);
    return fmt::format("{} ({} -> {})", which.path, *which.before, *which.after);
}

/// "changed: spec.containers[0].image ("a:1" -> "a:2"), labels.app", of few fields.
std::string change_message(std::vector<field_change> const& changes) {
    constexpr std::size_t named_max = 10;
    std::vector<std::string> fields;
    for (auto const& each : changes)
        if (fields.size() < named_max) fields.push_back(told(each));
    auto const rest = changes.size() - fields.size();
    return fmt::format("the definition was changed: {}{}", fmt::join(fields, ", "),
                       rest == 0 ? std::string() : fmt::format(" and {} more", rest));
}

std::vector<release_ptr> releases_of(view const& in, workload_id const& which) {
    std::vector<release_ptr> all;
    for (auto const& each : in.list<release>("workload/" + which.text())) all.push_back(each.row);
    return all;
}

}  // namespace

awaitable<result<workload_change>> primary_workloads::apply(caller who, workload_definition definition,
                                                            change_options how) {
    if (definition.tenant.empty()) definition.tenant = who.tenant;
    auto refusal = authorize(who, verb::update, object_kind::workload, definition.tenant);
    return gate_.enter(std::move(refusal), apply_here(std::move(who), std::move(definition), how));
}

awaitable<result<workload_change>> primary_workloads::apply_here(caller who, workload_definition definition,
                                                                 change_options how) {
    auto const name = workload_name(definition.tenant, definition.kind, definition.name);
    auto const row = state_.head().find_named<workload>(name);
    if (row) {
        if (how.expected == revision{0}) co_return co_await state_.when_durable(workload_exists(state_.head(), *row));
        auto const may = check_changeable(who, row, how.expected);
        if (!may) co_return co_await state_.when_durable(may.error());
        auto merged = merge_applied(*row, definition);
        if (!merged) co_return co_await state_.when_durable(merged.error());
        wanted_workload wanted{std::move(merged->definition), std::move(definition.text)};
        auto changing = make_so(row, std::move(wanted), std::move(merged->warnings), how.is_dry_run);
        co_return co_await std::move(changing);
    }
    if (auto const moved = check_revision(how.expected, 0, object_kind::workload, definition.name))
        co_return co_await state_.when_durable(*moved);
    transaction changes;
    auto const added = creation_.add(changes, std::move(definition));
    if (!added) co_return co_await state_.when_durable(added.error());
    workload_change made{.outcome = change_outcome::created, .row = *added};
    if (how.is_dry_run) {
        made.row.changed_at = 0;
        co_return made;
    }
    auto const done = co_await state_.commit(std::move(changes));
    if (!done) co_return done.error();
    co_return made;
}

awaitable<result<workload_change>> primary_workloads::change(caller who, object_ref which, std::string patch,
                                                             change_options how) {
    auto refusal = authorize(who, verb::update, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), change_here(std::move(who), std::move(which), std::move(patch), how));
}

awaitable<result<workload_change>> primary_workloads::change_here(caller who, object_ref which, std::string patch,
                                                                  change_options how) {
    auto const row = find_changeable(who, which, how.expected);
    if (!row) co_return co_await state_.when_durable(row.error());
    auto merged = merge_patch(**row, patch);
    if (!merged) co_return co_await state_.when_durable(merged.error());
    wanted_workload wanted{std::move(merged->definition), last_applied(**row)};
    auto changing = make_so(*row, std::move(wanted), std::move(merged->warnings), how.is_dry_run);
    co_return co_await std::move(changing);
}

awaitable<result<workload_change>> primary_workloads::replace(caller who, object_ref which,
                                                              workload_definition definition, change_options how) {
    auto refusal = authorize(who, verb::update, object_kind::workload, tenant_of(who, which));
    return gate_.enter(std::move(refusal), replace_here(std::move(who), std::move(which), std::move(definition), how));
}

awaitable<result<workload_change>> primary_workloads::replace_here(caller who, object_ref which,
                                                                   workload_definition definition, change_options how) {
    auto const row = find_changeable(who, which, how.expected);
    if (!row) co_return co_await state_.when_durable(row.error());
    wanted_workload wanted{std::move(definition), last_applied(**row)};
    std::vector<std::string> none;
    auto changing = make_so(*row, std::move(wanted), std::move(none), how.is_dry_run);
    co_return co_await std::move(changing);
}

result<stored<workload>> primary_workloads::find_changeable(caller const& who, object_ref const& which,
                                                            expected_revision expected) const {
    auto row = find_workload(state_.head(), who, which);
    if (!row) return row;
    if (auto const may = check_changeable(who, *row, expected); !may) return may.error();
    return row;
}

result<void> primary_workloads::check_changeable(caller const& who, stored<workload> const& row,
                                                 expected_revision expected) const {
    if (auto const refused = authorize(who, verb::update, object_kind::workload, row->tenant)) return *refused;
    if (row->deleting_since) return cannot_change(state_.head(), *row);
    if (auto const closed = check_open(state_.head(), row->tenant)) return *closed;
    if (auto const moved = check_revision(expected, row.changed_at, object_kind::workload, row->name)) return *moved;
    return {};
}

/// Nothing is awaited between the look at the row and the commit.
awaitable<result<workload_change>> primary_workloads::make_so(stored<workload> row, wanted_workload wanted,
                                                              std::vector<std::string> warnings, bool is_dry_run) {
    change_stamp const stamp{time_.wall(), release_id::generate(random_)};
    auto const releases = releases_of(state_.head(), row->id);
    auto plan = plan_change(*row, releases, std::move(wanted), stamp);
    if (!plan) co_return co_await state_.when_durable(plan.error());
    workload_change made{.row = row, .changes = plan->changes, .warnings = std::move(warnings)};
    if (!plan->changes.empty()) made.outcome = change_outcome::changed;
    for (auto& each : warnings_of(*plan, state_.head().count<instance>(owner_index(row->id))))
        made.warnings.push_back(std::move(each));
    if (plan->is_written) made.row.row = std::make_shared<workload const>(plan->next);
    if (is_dry_run || !plan->is_written) {
        auto const durable = co_await state_.wait_durable();
        if (!durable) co_return durable.error();
        co_return made;
    }
    made.row.changed_at = state_.next_revision();
    auto const done = co_await state_.commit(transaction_of(row, *plan));
    if (!done) co_return done.error();
    co_return made;
}

transaction primary_workloads::transaction_of(stored<workload> const& before, definition_plan const& plan) {
    transaction change;
    if (!plan.changes.empty()) {
        auto happened = events_.about(plan.next);
        happened.reason = "Changed";
        happened.message = change_message(plan.changes);
        events_.note(change, std::move(happened));
    }
    if (plan.made) change.put(*plan.made, 0);
    if (plan.rewritten) change.put(*plan.rewritten, state_.head().find<release>(plan.rewritten->id).changed_at);
    change.put(plan.next, before.changed_at);
    return change;
}

}  // namespace detail

}  // namespace rik
