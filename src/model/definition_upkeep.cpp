// How a managed workload is kept: selector, strategy, times. Read, checked and written.
#include "model/definition_fields.hpp"
#include "model/definition_tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

namespace rik::detail {

namespace {

using relation = label_requirement::relation;

constexpr std::array<std::pair<std::string_view, relation>, 4> relation_words{
    {{"In", relation::in},
     {"NotIn", relation::not_in},
     {"Exists", relation::exists},
     {"DoesNotExist", relation::does_not_exist}}};

std::optional<relation> relation_of(std::string_view word) {
    auto const found = std::ranges::find(relation_words, word, &std::pair<std::string_view, relation>::first);
    if (found == relation_words.end()) return std::nullopt;
    return found->second;
}

std::string_view word_of(relation how) {
    return std::ranges::find(relation_words, how, &std::pair<std::string_view, relation>::second)->first;
}

constexpr bool has_values(relation how) { return how == relation::in || how == relation::not_in; }

// Selectors

label_requirement read_requirement(field_reader const& from) {
    auto const word = from.text("operator").value_or("");
    auto const how = relation_of(word);
    label_requirement made{std::string(from.text("key").value_or("")), how.value_or(relation::exists),
                           from.texts("values")};
    if (!how) return made;
    if (has_values(made.how) && made.values.empty())
        from.notes().problem(from.path_of("values"), "is missing", fmt::format("{} compares with values", word));
    if (!has_values(made.how) && !made.values.empty())
        from.notes().problem(from.path_of("values"), fmt::format("is not compared by {}", word),
                             "leave it out, or write In or NotIn");
    return made;
}

}  // namespace

label_selector read_selector(field_reader const& from) {
    label_selector made;
    for (auto const& [key, value] : from.map("matchLabels")) made.requirements.push_back({key, relation::in, {value}});
    from.each("matchExpressions",
              [&](field_reader const& each) { made.requirements.push_back(read_requirement(each)); });
    if (made.requirements.size() > limits::selector_requirements_max)
        from.notes().problem(from.path(),
                             fmt::format("has {} conditions; the limit is {}", made.requirements.size(),
                                         limits::selector_requirements_max),
                             "leave some out");
    return made;
}

namespace {

std::string labels_path(field_reader const& from, definition_form form) {
    return from.path_of(form == definition_form::rik ? "template.labels" : "template.metadata.labels");
}

void check_selector(field_reader const& from, workload_definition const& of) {
    if (from.object("selector") == nullptr || from.object("template") == nullptr) return;
    if (of.upkeep.selector.is_empty())
        return from.notes().problem(from.path_of("selector"), "is empty, and would mean every instance",
                                    "write matchLabels with the labels of the template");
    if (!of.upkeep.selector.matches(of.spec.labels))
        from.notes().problem(labels_path(from, of.form), "do not match the selector",
                             "give the template the labels that the selector asks for: else what is made would not "
                             "belong to it");
}

// Strategies

void read_share(field_reader const& from, std::string_view field, count_or_percent& into) {
    if (auto const number = from.integer(field)) into = {static_cast<std::int32_t>(*number), false};
    auto const text = from.text(field);
    if (!text) return;
    if (auto const read = parse_percent(*text))
        into = *read;
    else
        from.notes().problem(from.path_of(field), fmt::format("'{}' is no number and no percentage", shortened(*text)),
                             "write a whole number, or a percentage such as \"25%\"");
}

void check_share(field_reader const& from, std::string_view field, count_or_percent of) {
    if (of.is_percent && of.value > 100)
        from.notes().problem(from.path_of(field), fmt::format("is {}, more than all", to_string(of)),
                             "write 100% at most");
}

void check_shares(field_reader const& from, workload_kind kind, workload_upkeep const& of) {
    auto const surges = of.max_surge.value > 0;
    auto const is_daemon = kind == workload_kind::daemon_set;
    check_share(from, "maxUnavailable", of.max_unavailable);
    if (kind == workload_kind::stateful_set) {
        if (of.max_unavailable.value == 0)
            from.notes().problem(from.path_of("maxUnavailable"), "is 0: nothing could be replaced",
                                 "write 1, or leave it out");
        return;
    }
    if (is_daemon) check_share(from, "maxSurge", of.max_surge);
    if (!surges && of.max_unavailable.value == 0)
        from.notes().problem(from.path_of("maxUnavailable"), "is 0, and so is maxSurge: nothing could be replaced",
                             "raise one of them");
    if (is_daemon && surges && of.max_unavailable.value > 0)
        from.notes().problem(from.path_of("maxSurge"),
                             fmt::format("is {}, and maxUnavailable is {}: a node may do one or the other",
                                         to_string(of.max_surge), to_string(of.max_unavailable)),
                             "write maxUnavailable: 0, or leave out maxSurge");
}

update_policy policy_of(std::string_view word) {
    if (word == to_string(update_policy::recreate)) return update_policy::recreate;
    if (word == to_string(update_policy::on_delete)) return update_policy::on_delete;
    return update_policy::rolling;
}

void read_strategy(field_reader const& from, workload_kind kind, workload_upkeep& into) {
    into.policy = policy_of(from.text("type").value_or(""));
    from.in("rollingUpdate", [&](field_reader const& bounds) {
        auto const asks = bounds.find("maxSurge") != nullptr || bounds.find("maxUnavailable") != nullptr ||
                          bounds.find("partition") != nullptr;
        if (into.policy == update_policy::recreate && asks)
            return from.notes().problem(bounds.path(), "does not belong to Recreate",
                                        "leave it out, or write type: RollingUpdate");
        if (into.policy == update_policy::on_delete && asks)
            return from.notes().warn_unused(bounds.path(), "with OnDelete nothing is replaced before it is deleted");
        if (into.policy != update_policy::rolling) return;
        read_share(bounds, "maxSurge", into.max_surge);
        read_share(bounds, "maxUnavailable", into.max_unavailable);
        if (auto const partition = bounds.integer("partition"); partition && into.stateful)
            into.stateful->partition = static_cast<std::uint32_t>(*partition);
        check_shares(bounds, kind, into);
    });
}

// StatefulSets

/// The names of instances are host names: what is put behind that of the workload must have room.
constexpr std::uint64_t host_name_bytes_max = 63;

void check_ordinal_names(field_reader const& from, workload_definition const& of) {
    auto const highest = std::uint64_t{of.upkeep.stateful->first_ordinal} + std::max(of.replicas, 1u) - 1;
    auto const longest = fmt::format("{}-{}", of.name, highest);
    if (longest.size() <= host_name_bytes_max && of.name.find('.') == std::string::npos) return;
    from.notes().problem(
        of.form == definition_form::rik ? "name" : "metadata.name",
        longest.size() > host_name_bytes_max
            ? fmt::format("makes {}, and a host name has {} bytes at most", longest, host_name_bytes_max)
            : fmt::format("makes {}, and a host name has no dot", longest),
        "give it another name: its instances are called after it");
}

void read_stateful(field_reader const& from, workload_definition& into) {
    auto& stateful = *into.upkeep.stateful;
    from.in("ordinals", [&](field_reader const& ordinals) {
        stateful.first_ordinal =
            static_cast<std::uint32_t>(std::max<std::int64_t>(ordinals.integer("start").value_or(0), 0));
    });
    if (from.text("podManagementPolicy") == to_string(pod_management::parallel))
        stateful.management = pod_management::parallel;
    stateful.service_name = from.text("serviceName").value_or("");
    check_ordinal_names(from, into);
}

void put_stateful(json::object& into, stateful_set_upkeep const& from) {
    if (from.first_ordinal != 0) into["ordinals"] = json::object{{"start", from.first_ordinal}};
    if (from.management != pod_management::ordered_ready) into["podManagementPolicy"] = to_string(from.management);
    if (!from.service_name.empty()) into["serviceName"] = from.service_name;
}

// Times

void read_seconds(field_reader const& from, std::string_view field, duration& into) {
    if (auto const seconds = from.integer(field)) into = std::chrono::seconds(*seconds);
}

std::int64_t whole_seconds(duration of) { return std::chrono::ceil<std::chrono::seconds>(of).count(); }

void check_deadline(field_reader const& from, workload_definition const& of) {
    if (of.kind != workload_kind::deployment || of.upkeep.progress_deadline > of.upkeep.min_ready) return;
    from.notes().problem(from.path_of("progressDeadlineSeconds"),
                         fmt::format("is {}, and minReadySeconds is {}: no rollout could be in time",
                                     whole_seconds(of.upkeep.progress_deadline), whole_seconds(of.upkeep.min_ready)),
                         "make it more than minReadySeconds");
}

void check_restart(field_reader const& from, workload_definition const& of) {
    if (of.spec.restart == restart_policy::always) return;
    from.notes().problem(
        from.path_of("template.spec.restartPolicy"),
        fmt::format("is {}, and a {} keeps its instances running", to_string(of.spec.restart), to_string(of.kind)),
        "write Always, or leave it out");
}

/// The port of the old one is free only when that is gone, and it goes only when the new one is ready.
void warn_of_surge_with_host_port(field_reader const& from, workload_definition const& of) {
    if (of.kind != workload_kind::daemon_set || of.upkeep.policy != update_policy::rolling) return;
    if (of.upkeep.max_surge.value == 0 || host_ports(of.spec).empty()) return;
    from.notes().warn(from.path_of("updateStrategy.rollingUpdate.maxSurge"),
                      "never comes to a new instance where a container has a hostPort, which the old one holds until a "
                      "new one is ready: write maxUnavailable instead");
}

bool is_taint_of_absence(toleration const& of) {
    static taint const unreachable{"node.kubernetes.io/unreachable", "", taint_effect::no_execute};
    static taint const not_ready{"node.kubernetes.io/not-ready", "", taint_effect::no_execute};
    return tolerates(of, unreachable) || tolerates(of, not_ready);
}

// Writing

json::array texts_of(std::vector<std::string> const& texts) { return json::array(texts.begin(), texts.end()); }

}  // namespace

/// Those that come first and can be written as labels are, so that they are read in the same order.
json::object selector_object(label_selector const& from) {
    json::object labels;
    json::array expressions;
    std::string_view last;
    for (auto const& each : from.requirements) {
        auto const is_label = each.how == relation::in && each.values.size() == 1;
        if (is_label && expressions.empty() && (labels.empty() || each.key > last)) {
            labels[each.key] = each.values.front();
            last = each.key;
            continue;
        }
        json::object expression{{"key", each.key}, {"operator", word_of(each.how)}};
        if (!each.values.empty()) expression["values"] = texts_of(each.values);
        expressions.push_back(std::move(expression));
    }
    json::object made;
    if (!labels.empty()) made["matchLabels"] = std::move(labels);
    if (!expressions.empty()) made["matchExpressions"] = std::move(expressions);
    return made;
}

namespace {

json::value share_value(count_or_percent of) {
    if (of.is_percent) return json::value(to_string(of));
    return of.value;
}

json::object strategy_object(workload_upkeep const& from, workload_upkeep const& usual) {
    json::object made;
    if (from.policy != usual.policy) made["type"] = to_string(from.policy);
    json::object bounds;
    if (from.max_surge != usual.max_surge) bounds["maxSurge"] = share_value(from.max_surge);
    if (from.max_unavailable != usual.max_unavailable) bounds["maxUnavailable"] = share_value(from.max_unavailable);
    if (from.stateful && from.stateful->partition != 0) bounds["partition"] = from.stateful->partition;
    if (from.policy == update_policy::rolling && !bounds.empty()) made["rollingUpdate"] = std::move(bounds);
    return made;
}

void put_strategy(json::object& into, workload_definition const& from, workload_upkeep const& usual) {
    if (from.kind == workload_kind::replica_set) return;
    auto made = strategy_object(from.upkeep, usual);
    auto const name = from.kind == workload_kind::deployment ? "strategy" : "updateStrategy";
    if (!made.empty()) into[name] = std::move(made);
}

}  // namespace

void read_upkeep(field_reader const& from, workload_definition& into) {
    auto& upkeep = into.upkeep;
    upkeep = usual_upkeep(into.kind);
    if (into.kind == workload_kind::job) return read_job(from, into);
    from.in("selector", [&](field_reader const& fields) { upkeep.selector = read_selector(fields); });
    auto const strategy = into.kind == workload_kind::deployment ? "strategy" : "updateStrategy";
    from.in(strategy, [&](field_reader const& fields) { read_strategy(fields, into.kind, upkeep); });
    read_seconds(from, "minReadySeconds", upkeep.min_ready);
    read_seconds(from, "progressDeadlineSeconds", upkeep.progress_deadline);
    if (auto const count = from.integer("revisionHistoryLimit"))
        upkeep.history_max = static_cast<std::uint32_t>(*count);
    upkeep.is_paused = from.flag("paused");
    if (auto const seconds = from.integer("unheardToleranceSeconds"))
        upkeep.unheard_tolerance = std::chrono::seconds(*seconds);
    if (upkeep.stateful) read_stateful(from, into);
    check_selector(from, into);
    check_deadline(from, into);
    check_restart(from, into);
    warn_of_surge_with_host_port(from, into);
}

void put_upkeep(json::object& into, workload_definition const& from) {
    auto const& upkeep = from.upkeep;
    auto const usual = usual_upkeep(from.kind);
    if (upkeep.job) return put_job(into, from);
    if (from.kind != workload_kind::daemon_set) into["replicas"] = from.replicas;
    if (upkeep.stateful) put_stateful(into, *upkeep.stateful);
    if (!upkeep.selector.is_empty()) into["selector"] = selector_object(upkeep.selector);
    put_strategy(into, from, usual);
    auto const put_seconds = [&](std::string_view name, duration value, duration otherwise) {
        if (value != otherwise) into[name] = whole_seconds(value);
    };
    put_seconds("minReadySeconds", upkeep.min_ready, usual.min_ready);
    put_seconds("progressDeadlineSeconds", upkeep.progress_deadline, usual.progress_deadline);
    if (upkeep.history_max != usual.history_max) into["revisionHistoryLimit"] = upkeep.history_max;
    if (upkeep.is_paused) into["paused"] = true;
    if (upkeep.unheard_tolerance) into["unheardToleranceSeconds"] = whole_seconds(*upkeep.unheard_tolerance);
}

void warn_of_toleration_seconds(field_reader const& spec, workload_kind kind, instance_template const& of) {
    for (std::size_t i = 0; i < of.tolerations.size(); ++i) {
        auto const& each = of.tolerations[i];
        // A DaemonSet and what has identities wait for their nodes, however long.
        auto const replaces = is_managed(kind) && kind != workload_kind::daemon_set && !has_identities(kind);
        if (!each.seconds || (replaces && is_taint_of_absence(each))) continue;
        spec.notes().warn_unused(path_of(path_of(spec.path_of("tolerations"), i), "tolerationSeconds"),
                                 replaces           ? "a taint that is put on a node ends nothing that runs there"
                                 : is_managed(kind) ? "an instance whose node is not heard is not replaced"
                                                    : "an instance of a bare workload is not replaced");
    }
}

}  // namespace rik::detail
