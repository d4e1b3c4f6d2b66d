// Operations on instances.
#pragma once

#include "gate_detail.hpp"
#include "instance_creation_detail.hpp"
#include "removals_detail.hpp"

#include <rik/primary/authorize.hpp>
#include <rik/primary/operations.hpp>

namespace rik::detail {

/// Reads the state; what it changes goes through the creation and the removals.
class primary_instances final : public instance_operations {
public:
    primary_instances(asio::any_io_executor strand, gate& entrance, cluster_state& state, event_writer& events,
                      instance_creation& creation, removals& leaving)
        : strand_(strand), gate_(entrance), state_(state), events_(events), creation_(creation), removals_(leaving) {}

    awaitable<result<std::vector<stored<instance>>>> create(caller who, create_instances_request what) override;
    awaitable<result<void>> remove(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<instance>>> restart(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<instance>>> relabel(caller who, object_ref which, label_changes what,
                                                expected_revision expected) override;
    awaitable<result<stored<instance>>> get(caller who, object_ref which) override;
    awaitable<result<listing<instance>>> list(caller who, instance_filter which, page part) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, instance_filter which,
                                                           watch_after after) override;

private:
    awaitable<result<std::vector<stored<instance>>>> create_here(caller who, create_instances_request what);
    awaitable<result<stored<instance>>> restart_here(caller who, object_ref which, expected_revision expected);
    awaitable<result<stored<instance>>> relabel_here(caller who, object_ref which, label_changes what,
                                                     expected_revision expected);
    /// What `which` names, as `who` may change it now. Errors: not_found; denied; conflict, it is at another revision.
    result<stored<instance>> find_for(verb what, caller const& who, object_ref const& which,
                                      expected_revision expected) const;
    /// Commits `next` in the place of `before`, with an event. Errors: not_found, it has gone meanwhile.
    awaitable<result<stored<instance>>> put(stored<instance> before, instance next, std::string reason,
                                            std::string message);
    awaitable<result<void>> remove_here(caller who, object_ref which, expected_revision expected);

    asio::any_io_executor strand_;
    gate& gate_;
    cluster_state& state_;
    event_writer& events_;
    instance_creation& creation_;
    removals& removals_;
};

}  // namespace rik::detail
