// Variables of containers that come from their instance, and what RIK writes at each container for others to read.
#pragma once

#include <rik/base/id.hpp>
#include <rik/base/result.hpp>
#include <rik/base/string_map.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/resources.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// What a node knows of an instance that it runs.
struct instance_facts {
    instance_id id;
    std::string name;
    definition_ptr definition;  ///< not null
    std::string node_name;
    std::vector<std::string> addresses = {};
    std::string node_address = {};
    resources node_capacity = {};             ///< stands for limits that are not set
    std::optional<std::uint32_t> index = {};  ///< see told_index
};

/// What a node is told of the index of an instance, because its containers are: of an indexed Job and of a StatefulSet.
std::optional<std::uint32_t> told_index(workload_definition const& of, std::optional<std::uint32_t> index);

/// What the containers of an instance with this index are told of it: of an indexed Job, in the variable
/// JOB_COMPLETION_INDEX and in their host name. nullopt: of others nothing.
std::optional<std::uint32_t> completion_index(workload_definition const& of, std::optional<std::uint32_t> index);

/// "batch.kubernetes.io/job-completion-index": the annotation and the label with that index.
inline constexpr std::string_view completion_index_key = "batch.kubernetes.io/job-completion-index";

/// "web-2": the name of the instance of a StatefulSet with this ordinal, wherever it runs.
std::string ordinal_name(workload_definition const& of, std::uint32_t ordinal);

/// The host name of an instance: what its template says, else its name; of an indexed Job and of a StatefulSet the
/// workload's name and the index.
std::string hostname_of(workload_definition const& of, std::string const& name, std::optional<std::uint32_t> index);

/// Labels that every instance of a Job or of a StatefulSet has beside those of its template; of others none.
/// Source: Kubernetes, "Jobs", "StatefulSets", and well-known labels.
string_map labels_by_kind(workload_definition const& of, std::string const& uid, std::optional<std::uint32_t> index);

/// Returns the value of a field_reference's path. What cannot be known, such as a label that there is not, is empty.
/// Source: Kubernetes, "Downward API".
std::string field_value(instance_facts const& of, std::string_view path);

/// Returns an amount of a container, `own` if the reference names none, in units of the divisor, rounded up. Where the
/// container has no limit it is that of the Pod, and else what the node has.
std::string amount_value(instance_facts const& of, amount_reference const& which, std::string_view own);

/// Gives a value to each variable of `container` that refers to something.
/// Errors: invalid, the values are longer than limits::expanded_bytes_max together; its field is the variable's.
result<void> resolve_variables(instance_facts const& of, container_definition& container);

/// Returns what tells whose container it is: rik.io/instance, -id, tenant, workload and container, and the labels of
/// the instance as rik.io/label/KEY.
string_map own_annotations(instance_facts const& of, std::string_view container);

}  // namespace rik
