#include "workload_creation_detail.hpp"

#include "job_rules_detail.hpp"
#include "lookup_detail.hpp"
#include "name_suffix_detail.hpp"
#include "workload_change_detail.hpp"

#include <rik/controllers/cron_job.hpp>

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace rik::detail {

error workload_exists(view const& in, workload const& by) {
    auto const what = fmt::format("{} {}", to_string(by.kind), by.name);
    if (by.deleting_since)
        return error{errc::conflict, what + " is being deleted" + deletion_wait(in, by.id), "name",
                     "wait until it is gone, or choose another name"};
    return error{errc::conflict, what + " exists already", "name", "choose another name, or delete it first"};
}

workload workload_creation::make(definition_ptr from, workload const* owner) const {
    workload made{.id = workload_id::generate(random_), .tenant = from->tenant, .name = from->name};
    made.kind = from->kind;
    made.replicas = from->replicas;
    made.definition = std::move(from);
    made.created_at = made.updated_at = time_.wall();
    made.current_release = release_id::generate(random_);
    if (owner != nullptr) made.owner = owner->id;
    return made;
}

result<stored<workload>> workload_creation::add(transaction& into, workload_definition definition,
                                                workload const* owner) {
    if (auto const closed = check_open(state_.head(), definition.tenant)) return *closed;
    if (auto const wrong = check_cron_job(definition)) return *wrong;
    if (auto const wrong = check_job_name(definition)) return *wrong;
    if (owner == nullptr) {  // a CronJob that was accepted once goes on
        if (auto const wrong = check_many_indexes(definition)) return *wrong;
        if (auto const wrong = check_tolerations(definition)) return *wrong;
    }
    auto const name = workload_name(definition.tenant, definition.kind, definition.name);
    if (auto const holder = state_.head().find_named<workload>(name)) return workload_exists(state_.head(), *holder);
    auto const shared = std::make_shared<workload_definition const>(std::move(definition));
    auto made = make(shared, owner);
    auto first = make_release(made.current_release, made.id, shared);
    first.created_at = made.created_at;
    auto const from = std::make_shared<release const>(std::move(first));
    // Kept: by the time that it is durable somebody may have deleted it.
    stored<workload> const row{std::make_shared<workload const>(made), state_.next_revision()};
    auto happened = events_.about(made);
    happened.reason = "Created";
    happened.message =
        owner == nullptr ? std::string("the workload was created") : fmt::format("CronJob {} has made it", owner->name);
    events_.note(into, std::move(happened));
    into.put(*from, 0);
    into.put(std::move(made), 0);
    if (!is_one_with_its_instance(*row)) return row;
    auto const one = creation_.add(into, *row, {.from = from, .name = row->name});
    if (!one) return one.error();
    return row;
}

std::string workload_creation::free_name(std::string_view tenant, workload_kind kind, std::string base) {
    return name_with_suffix(random_, std::move(base), [&](std::string_view name) {
        return !state_.head().find_named<workload>(workload_name(tenant, kind, name));
    });
}

}  // namespace rik::detail
