// Operations on workloads.
#pragma once

#include "event_writer_detail.hpp"
#include "gate_detail.hpp"
#include "removals_detail.hpp"
#include "workload_change_detail.hpp"
#include "workload_creation_detail.hpp"
#include "workload_keeper_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Changes the rows of workloads and their releases; their instances leave through the removals.
class primary_workloads final : public workload_operations {
public:
    primary_workloads(asio::any_io_executor strand, gate& entrance, clock& time, entropy& random, cluster_state& state,
                      event_writer& events, workload_creation& creation, removals& leaving,
                      workload_keeper const& keeper)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          random_(random),
          state_(state),
          events_(events),
          creation_(creation),
          removals_(leaving),
          keeper_(keeper) {}

    awaitable<result<stored<workload>>> create(caller who, workload_definition definition) override;
    awaitable<result<stored<workload>>> start_job(caller who, object_ref which, std::string name) override;
    awaitable<result<workload_change>> apply(caller who, workload_definition definition, change_options how) override;
    awaitable<result<workload_change>> change(caller who, object_ref which, std::string patch,
                                              change_options how) override;
    awaitable<result<workload_change>> replace(caller who, object_ref which, workload_definition definition,
                                               change_options how) override;
    awaitable<result<void>> remove(caller who, object_ref which, remove_options how) override;
    awaitable<result<stored<workload>>> get(caller who, object_ref which) override;
    awaitable<result<workload_story>> story(caller who, object_ref which) override;
    awaitable<result<std::vector<std::optional<workload_progress>>>> progress(caller who,
                                                                              std::vector<workload_id> which) override;
    awaitable<result<listing<workload>>> list(caller who, workload_filter which, page part) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, workload_filter which,
                                                           watch_after after) override;

private:
    awaitable<result<stored<workload>>> create_here(workload_definition definition);
    awaitable<result<void>> remove_here(caller who, object_ref which, remove_options how);
    awaitable<result<workload_change>> apply_here(caller who, workload_definition definition, change_options how);
    awaitable<result<workload_change>> change_here(caller who, object_ref which, std::string patch, change_options how);
    awaitable<result<workload_change>> replace_here(caller who, object_ref which, workload_definition definition,
                                                    change_options how);

    awaitable<result<stored<workload>>> start_job_here(caller who, object_ref which, std::string name);
    result<stored<workload>> add_job_of(transaction& into, workload const& cron, std::string name);
    /// The row that `which` names, as `who` may change it now. Errors: as of workload_operations::change.
    result<stored<workload>> find_changeable(caller const& who, object_ref const& which,
                                             expected_revision expected) const;
    result<void> check_changeable(caller const& who, stored<workload> const& row, expected_revision expected) const;
    awaitable<result<workload_change>> make_so(stored<workload> row, wanted_workload wanted,
                                               std::vector<std::string> warnings, bool is_dry_run);
    transaction transaction_of(stored<workload> const& before, definition_plan const& plan);

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    entropy& random_;
    cluster_state& state_;
    event_writer& events_;
    workload_creation& creation_;
    removals& removals_;
    workload_keeper const& keeper_;
};

}  // namespace rik::detail
