// How workloads come to be.
#pragma once

#include "event_writer_detail.hpp"
#include "instance_creation_detail.hpp"

#include <rik/model/definition.hpp>
#include <rik/model/workload.hpp>

#include <string>

namespace rik::detail {

/// The name of a new workload is taken by `by`.
error workload_exists(view const& in, workload const& by);

/// Adds new workloads to commits; it commits nothing. Use it from the primary's strand only.
class workload_creation {
public:
    workload_creation(clock& time, entropy& random, cluster_state& state, event_writer& events,
                      instance_creation& creation)
        : time_(time), random_(random), state_(state), events_(events), creation_(creation) {}

    /// Adds the workload of `definition` with its first release, and the one instance of a bare Pod in Kubernetes'
    /// form. `owner`: the CronJob whose Job it is; null: a user made it. Nothing may be awaited before the commit: a
    /// tenant that is deleted meanwhile has the workload, or it is not made.
    /// Errors: those of workload_operations::create; invalid, also: what check_cron_job and the rules of new Jobs find,
    /// the latter of a CronJob that made this Job when it was made itself. Then `into` is as it
    /// was, unless it is such a Pod.
    result<stored<workload>> add(transaction& into, workload_definition definition, workload const* owner = nullptr);

    /// `base` and five letters, as no workload of the kind is called. Precondition: `base` is short enough for a name.
    std::string free_name(std::string_view tenant, workload_kind kind, std::string base);

private:
    workload make(definition_ptr from, workload const* owner) const;

    clock& time_;
    entropy& random_;
    cluster_state& state_;
    event_writer& events_;
    instance_creation& creation_;
};

}  // namespace rik::detail
