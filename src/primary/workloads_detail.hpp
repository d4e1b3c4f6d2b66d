// Operations on workloads.
#pragma once

#include "event_writer_detail.hpp"
#include "gate_detail.hpp"
#include "removals_detail.hpp"

#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Changes the rows of workloads and their releases; their instances leave through the removals.
class primary_workloads final : public workload_operations {
public:
    primary_workloads(asio::any_io_executor strand, gate& entrance, clock& time, entropy& random, cluster_state& state,
                      event_writer& events, removals& leaving)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          random_(random),
          state_(state),
          events_(events),
          removals_(leaving) {}

    awaitable<result<stored<workload>>> create(caller who, workload_definition definition) override;
    awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<workload>>> get(caller who, object_ref which) override;
    awaitable<result<listing<workload>>> list(caller who, workload_filter which, page part) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, workload_filter which,
                                                           watch_after after) override;

private:
    awaitable<result<stored<workload>>> create_here(workload_definition definition);
    awaitable<result<void>> remove_here(caller who, object_ref which, expected_revision expected);
    workload make_workload(definition_ptr from, release_id const& first) const;

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    entropy& random_;
    cluster_state& state_;
    event_writer& events_;
    removals& removals_;
};

}  // namespace rik::detail
