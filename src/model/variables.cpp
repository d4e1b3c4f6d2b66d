#include <rik/model/variables.hpp>

#include <rik/base/limits.hpp>
#include <rik/model/labels.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace rik {

namespace {

std::string value_at(string_map const& map, std::string_view key) {
    auto const found = map.find(key);
    return found == map.end() ? std::string() : found->second;
}

/// KEY of "metadata.labels['KEY']", if `map` is "metadata.labels".
std::optional<std::string_view> key_in(std::string_view path, std::string_view map) {
    constexpr std::string_view open = "['", close = "']";
    if (!path.starts_with(map) || !path.ends_with(close)) return std::nullopt;
    path.remove_prefix(map.size());
    if (!path.starts_with(open) || path.size() < open.size() + close.size()) return std::nullopt;
    return path.substr(open.size(), path.size() - open.size() - close.size());
}

std::int64_t limit_of(instance_facts const& of, container_definition const& container, std::string_view name) {
    if (auto const own = container.limits.get(name); own > 0) return own;
    if (auto const shared = of.definition->spec.limits.get(name); shared > 0) return shared;
    return of.node_capacity.get(name);
}

constexpr std::int64_t divide_up(std::int64_t amount, std::int64_t divisor) {
    return amount / divisor + (amount % divisor > 0 ? 1 : 0);
}

constexpr std::string_view index_variable = "JOB_COMPLETION_INDEX";
constexpr std::string_view job_name_key = "batch.kubernetes.io/job-name";
constexpr std::string_view ordinal_key = "apps.kubernetes.io/pod-index";
constexpr std::string_view ordinal_name_key = "statefulset.kubernetes.io/pod-name";
constexpr std::string_view job_id_key = "batch.kubernetes.io/controller-uid";

string_map stateful_labels(workload_definition const& of, std::optional<std::uint32_t> ordinal) {
    if (of.kind != workload_kind::stateful_set || !ordinal) return {};
    return {{std::string(ordinal_key), std::to_string(*ordinal)},
            {std::string(ordinal_name_key), ordinal_name(of, *ordinal)}};
}

/// Of the labels that a kind gives its instances those that their node knows, too.
std::string label_value(instance_facts const& of, std::string_view key) {
    auto const& definition = *of.definition;
    auto const index = completion_index(definition, of.index);
    if (index && key == completion_index_key) return std::to_string(*index);
    if (auto const own = stateful_labels(definition, of.index); own.contains(key)) return own.at(std::string(key));
    if (definition.kind == workload_kind::job && (key == job_name_key || key == "job-name")) return definition.name;
    return value_at(definition.spec.labels, key);
}

/// First, so that others may refer to it. What the container says itself counts more.
void add_index(instance_facts const& of, container_definition& container) {
    auto const index = completion_index(*of.definition, of.index);
    if (!index || std::ranges::find(container.env, index_variable, &environment_variable::name) != container.env.end())
        return;
    container.env.insert(container.env.begin(), {std::string(index_variable), std::to_string(*index)});
}

}  // namespace

std::optional<std::uint32_t> completion_index(workload_definition const& of, std::optional<std::uint32_t> index) {
    auto const is_told = of.kind == workload_kind::job && of.upkeep.job && of.upkeep.job->is_indexed();
    return is_told ? index : std::nullopt;
}

std::optional<std::uint32_t> told_index(workload_definition const& of, std::optional<std::uint32_t> index) {
    return of.kind == workload_kind::stateful_set ? index : completion_index(of, index);
}

std::string ordinal_name(workload_definition const& of, std::uint32_t ordinal) {
    return fmt::format("{}-{}", of.name, ordinal);
}

std::string hostname_of(workload_definition const& of, std::string const& name, std::optional<std::uint32_t> index) {
    if (auto const told = told_index(of, index)) return fmt::format("{}-{}", of.name, *told);
    return of.spec.hostname.empty() ? name : of.spec.hostname;
}

string_map labels_by_kind(workload_definition const& of, std::string const& uid, std::optional<std::uint32_t> index) {
    if (of.kind == workload_kind::stateful_set) return stateful_labels(of, index);
    if (of.kind != workload_kind::job) return {};
    // A name may be longer than a label's value.
    auto const name = of.name.substr(0, limits::label_bytes_max);
    string_map made;
    for (auto const key : {job_name_key, std::string_view("job-name")}) made.emplace(key, name);
    for (auto const key : {job_id_key, std::string_view("controller-uid")}) made.emplace(key, uid);
    if (auto const told = completion_index(of, index)) made.emplace(completion_index_key, std::to_string(*told));
    return made;
}

std::string field_value(instance_facts const& of, std::string_view path) {
    if (path == "metadata.name") return of.name;
    if (path == "metadata.namespace") return of.definition->tenant;
    if (path == "metadata.uid") return of.id.text();
    if (path == "spec.nodeName") return of.node_name;
    if (path == "status.podIP") return of.addresses.empty() ? std::string() : of.addresses.front();
    if (path == "status.podIPs") return fmt::format("{}", fmt::join(of.addresses, ","));
    if (path == "status.hostIP" || path == "status.hostIPs") return of.node_address;
    if (auto const key = key_in(path, "metadata.labels")) return label_value(of, *key);
    if (auto const key = key_in(path, "metadata.annotations"))
        return *key == completion_index_key && completion_index(*of.definition, of.index)
                   ? label_value(of, *key)
                   : value_at(instance_annotations(*of.definition), *key);
    return {};
}

std::string amount_value(instance_facts const& of, amount_reference const& which, std::string_view own) {
    auto const& all = of.definition->spec.containers;
    auto const meant = std::ranges::find(all, which.container.empty() ? own : std::string_view(which.container),
                                         &container_definition::name);
    if (meant == all.end()) return {};
    auto const amount = which.is_limit ? limit_of(of, *meant, which.resource) : meant->requests.get(which.resource);
    return std::to_string(divide_up(amount, std::max<std::int64_t>(which.divisor, 1)));
}

result<void> resolve_variables(instance_facts const& of, container_definition& container) {
    std::size_t made_bytes = 0;
    add_index(of, container);
    for (std::size_t i = 0; i < container.env.size(); ++i) {
        auto& each = container.env[i];
        if (auto const* field = std::get_if<field_reference>(&each.from)) each.value = field_value(of, field->path);
        if (auto const* amount = std::get_if<amount_reference>(&each.from))
            each.value = amount_value(of, *amount, container.name);
        if (!each.is_written()) made_bytes += each.value.size();
        if (made_bytes > limits::expanded_bytes_max)
            return error{errc::invalid,
                         fmt::format("with this value all variables from fields are longer than {} bytes",
                                     limits::expanded_bytes_max),
                         fmt::format("env[{}].valueFrom", i), "refer to long annotations less often"};
    }
    return {};
}

string_map own_annotations(instance_facts const& of, std::string_view container) {
    string_map made;
    auto const put = [&](std::string_view key, std::string_view value) {
        made.insert_or_assign(fmt::format("{}{}", own_label_prefix, key), std::string(value));
    };
    put("instance", of.name);
    put("instance-id", of.id.text());
    put("tenant", of.definition->tenant);
    put("workload", of.definition->name);
    put("container", container);
    for (auto const& [key, value] : of.definition->spec.labels) put(fmt::format("label/{}", key), value);
    return made;
}

}  // namespace rik
