// Operations on tenants.
#pragma once

#include "event_writer_detail.hpp"
#include "gate_detail.hpp"
#include "removals_detail.hpp"

#include <rik/base/log.hpp>
#include <rik/primary/operations.hpp>

#include <string>

namespace rik::detail {

/// Changes the documents of tenants; what is in one leaves through the removals.
class primary_tenants final : public tenant_operations {
public:
    primary_tenants(asio::any_io_executor strand, gate& entrance, clock& time, entropy& random, cluster_state& state,
                    event_writer& events, removals& leaving, log const& out)
        : strand_(strand),
          gate_(entrance),
          time_(time),
          random_(random),
          state_(state),
          events_(events),
          removals_(leaving),
          out_(out) {}

    /// Makes what must be there: `default`, the tenants that an earlier release kept in its own way, and those of
    /// workloads that are there. Call it before anybody enters. Errors: those of cluster_state::apply.
    result<void> adopt();

    awaitable<result<stored<tenant_record>>> create(caller who, new_tenant what) override;
    awaitable<result<stored<tenant_record>>> update(caller who, object_ref which, tenant_change what,
                                                    expected_revision expected) override;
    awaitable<result<tenant_contents>> remove(caller who, object_ref which, expected_revision expected) override;
    awaitable<result<stored<tenant_record>>> get(caller who, object_ref which) override;
    awaitable<result<listing<tenant_record>>> list(caller who, page part) override;
    awaitable<result<std::unique_ptr<watch_source>>> watch(caller who, watch_after after) override;

private:
    awaitable<result<stored<tenant_record>>> create_here(new_tenant what);
    awaitable<result<stored<tenant_record>>> update_here(caller who, object_ref which, tenant_change what,
                                                         expected_revision expected);
    awaitable<result<tenant_contents>> remove_here(caller who, object_ref which, expected_revision expected);
    awaitable<result<stored<tenant_record>>> commit(transaction change, tenant_record next);
    result<void> adopt_old(document const& from, revision at);
    result<void> ensure(std::string const& name);
    tenant_record make_record(std::string name) const;

    asio::any_io_executor strand_;
    gate& gate_;
    clock& time_;
    entropy& random_;
    cluster_state& state_;
    event_writer& events_;
    removals& removals_;
    log const& out_;
};

}  // namespace rik::detail
