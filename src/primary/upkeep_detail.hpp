// What users ask of workloads that keep their instances themselves.
#pragma once

#include "event_writer_detail.hpp"
#include "gate_detail.hpp"
#include "workload_keeper_detail.hpp"

#include <rik/primary/operations.hpp>

#include <functional>
#include <optional>
#include <string>

namespace rik::detail {

/// What becomes of the row of a workload, and what is said of it.
struct upkeep_change {
    std::optional<workload> next = {};  ///< nullopt: it is so already
    std::string reason = {};            ///< of the event
    std::string message = {};
};

/// Changes rows of workloads only; the keeper does the rest. Of Jobs it changes the definition.
class primary_upkeep final : public upkeep_operations {
public:
    primary_upkeep(asio::any_io_executor strand, gate& entrance, clock& time, cluster_state& state,
                   event_writer& events, workload_operations& workloads, workload_keeper& keeper)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          state_(state),
          events_(events),
          workloads_(workloads),
          keeper_(keeper) {}

    awaitable<result<stored<workload>>> scale(caller who, object_ref which, std::uint32_t replicas,
                                              expected_revision expected) override;
    awaitable<result<stored<workload>>> pause(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<workload>>> resume(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<workload>>> restart(caller who, object_ref which, bool is_at_once,
                                                expected_revision expected) override;
    awaitable<result<listing<instance>>> list_instances(caller who, object_ref which, page part) override;
    awaitable<result<listing<release>>> list_releases(caller who, object_ref which, page part) override;
    awaitable<result<std::optional<replacement_stop>>> find_replacement_stop(caller who) override;
    awaitable<result<replacement_stop>> resume_replacement(caller who) override;

private:
    using decision = std::function<result<upkeep_change>(workload const&, workload_state)>;
    awaitable<result<stored<workload>>> scale_here(caller who, object_ref which, std::uint32_t replicas,
                                                   expected_revision expected);
    awaitable<result<stored<workload>>> change_here(caller who, object_ref which, expected_revision expected,
                                                    decision decides);
    /// A Job's definition says whether it is suspended; of others `otherwise` decides.
    awaitable<result<stored<workload>>> suspend_here(caller who, object_ref which, bool is_suspended,
                                                     expected_revision expected, decision otherwise);
    awaitable<result<stored<workload>>> suspend(caller who, object_ref which, bool is_suspended,
                                                expected_revision expected, decision otherwise);
    awaitable<result<stored<workload>>> change(caller who, object_ref which, expected_revision expected,
                                               decision decides);

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    cluster_state& state_;
    event_writer& events_;
    workload_operations& workloads_;
    workload_keeper& keeper_;
};

}  // namespace rik::detail
