// The lists of v1, and what their query parameters name.
#include "v1_detail.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace rik::detail {

result<bool> wants_watch(http_request const& request) {
    auto const watches = flag_parameter(request, "watch");
    if (!watches) return watches.error();
    if (!*watches && request.parameter("after"))
        return error{errc::invalid, "the query parameter after says where a watch goes on", "after",
                     "leave it out, or add watch=true"};
    if (*watches)
        for (std::string_view const each : {"limit", "continue", "total"})
            if (request.parameter(each))
                return error{errc::invalid, "a watch has no pages", std::string(each), "leave it out"};
    return *watches;
}

result<page> read_page(http_request const& request) {
    auto const limit = number_parameter(request, "limit");
    if (!limit) return limit.error();
    if (*limit == std::uint64_t{0}) return wrong_parameter("limit", "0", "use a whole number from 1, or leave it out");
    page part;
    part.count_max = static_cast<std::size_t>(limit->value_or(0));
    part.after = request.parameter("continue").value_or("");
    auto const total = flag_parameter(request, "total");
    if (!total) return total.error();
    part.wants_total = *total;
    return part;
}

result<selection> read_selection(http_request const& request, std::span<std::string_view const> known) {
    selection chosen;
    if (auto const text = request.parameter("labelSelector")) {
        auto labels = parse_label_selector(*text);
        if (!labels) return labels.error();
        chosen.labels = std::move(*labels);
    }
    if (auto const text = request.parameter("fieldSelector")) {
        auto fields = parse_field_selector(*text);
        if (!fields) return fields.error();
        if (auto wrong = check_fields(*fields, known)) return std::move(*wrong);
        chosen.fields = std::move(*fields);
    }
    return chosen;
}

result<std::string> tenant_parameter(api_call const& call) {
    auto const value = call.request.parameter("tenant");
    if (!value) return std::string();
    if (check_tenant_name(*value, "tenant")) return wrong_parameter("tenant", *value, "use the name of a tenant");
    return std::string(*value);
}

result<std::string> tenant_of_list(api_call const& call) {
    auto tenant = tenant_parameter(call);
    if (!tenant) return tenant;
    auto const all = flag_parameter(call.request, "allTenants");
    if (!all) return all.error();
    if (*all && !tenant->empty())
        return error{errc::invalid, "one tenant is named, and all are asked for", "allTenants",
                     "leave one of them out"};
    if (*all) return std::string();
    return tenant->empty() ? call.who.tenant : std::move(*tenant);
}

result<object_ref> ref_of(api_call const& call) {
    auto const kind = kind_parameter(call.request);
    if (!kind) return kind.error();
    auto const tenant = tenant_parameter(call);
    if (!tenant) return tenant.error();
    object_ref which;
    which.id_or_name = call.arguments.front();
    which.kind = *kind;
    which.tenant = *tenant;
    return which;
}

awaitable<result<directory>> read_directory(api_call& call, std::string tenant) {
    workload_filter filter;
    filter.tenant = std::move(tenant);
    auto const workloads = co_await call.primary.workloads().list(call.who, std::move(filter), page());
    if (!workloads) co_return workloads.error();
    auto const nodes = co_await call.primary.nodes().list(call.who, page());
    if (!nodes) co_return nodes.error();
    co_return make_directory(*workloads, *nodes);
}

namespace {

/// Adds the names of the workload and the node of `row`, unless they are there already.
awaitable<result<void>> add_names_of(api_call& call, instance const& row, directory& names) {
    if (row.owner() && !names.workloads.contains(*row.owner())) {
        object_ref which(*row.owner());
        auto const found = co_await call.primary.workloads().get(call.who, std::move(which));
        if (!found && found.error().code != errc::not_found) co_return found.error();
        if (found) names.workloads.emplace((*found)->id, found->row);
    }
    if (row.binding() && !names.nodes.contains(row.binding()->node)) {
        object_ref which(row.binding()->node);
        auto const found = co_await call.primary.nodes().get(call.who, std::move(which));
        if (!found && found.error().code != errc::not_found) co_return found.error();
        if (found) names.nodes.emplace((*found)->id, found->row);
    }
    co_return result<void>{};
}

}  // namespace

awaitable<result<directory>> read_directory_of(api_call& call, std::vector<stored<instance>> const& rows) {
    directory names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto const added = co_await add_names_of(call, *rows[i], names);
        if (!added) co_return added.error();
    }
    co_return names;
}

awaitable<result<directory>> read_directory_of(api_call& call, instance const& row) {
    directory names;
    auto const added = co_await add_names_of(call, row, names);
    if (!added) co_return added.error();
    co_return names;
}

awaitable<result<instance_filter>> read_instance_filter(api_call& call) {
    if (auto const fits = check_companion(call.request, "kind", "workload"); !fits) co_return fits.error();
    auto const tenant = tenant_of_list(call);
    if (!tenant) co_return tenant.error();
    auto chosen = read_selection(call.request, instance_selection_fields());
    if (!chosen) co_return chosen.error();
    instance_filter filter;
    filter.tenant = *tenant;
    filter.chosen = std::move(*chosen);
    if (auto const name = call.request.parameter("workload")) {
        object_ref which{std::string(*name)};
        auto const kind = kind_parameter(call.request);
        if (!kind) co_return kind.error();
        which.kind = *kind;
        which.tenant = *tenant;
        auto const found = co_await call.primary.workloads().get(call.who, std::move(which));
        if (!found) co_return found.error();
        filter.workload = (*found)->id;
        filter.tenant = (*found)->tenant;  // an id names it in whatever tenant
    }
    if (auto const name = call.request.parameter("node")) {
        object_ref which{std::string(*name)};
        auto const found = co_await call.primary.nodes().get(call.who, std::move(which));
        if (!found) co_return found.error();
        filter.node = (*found)->id;
    }
    co_return filter;
}

bool event_subject::matches(event const& happened) const {
    if (!id.empty()) return happened.object_id == id;
    return name.empty() ||
           (happened.object_kind == kind && (happened.object_name == name || happened.object_id == name));
}

namespace {

awaitable<result<std::string>> find_id(api_call& call, std::string_view kind, std::string name) {
    object_ref which(std::move(name));
    auto const tenant = tenant_parameter(call);
    if (!tenant) co_return tenant.error();
    which.tenant = *tenant;
    if (kind == "instance") {
        auto const found = co_await call.primary.instances().get(call.who, std::move(which));
        if (!found) co_return found.error();
        co_return (*found)->id().text();
    }
    if (kind == "node") {
        auto const found = co_await call.primary.nodes().get(call.who, std::move(which));
        if (!found) co_return found.error();
        co_return (*found)->id.text();
    }
    auto const wanted = kind_parameter(call.request);
    if (!wanted) co_return wanted.error();
    which.kind = *wanted;
    auto const found = co_await call.primary.workloads().get(call.who, std::move(which));
    if (!found) co_return found.error();
    co_return (*found)->id.text();
}

}  // namespace

awaitable<result<event_subject>> read_event_subject(api_call& call) {
    if (auto const fits = check_companion(call.request, "kind", "workload"); !fits) co_return fits.error();
    event_subject subject;
    for (std::string_view const kind : {"instance", "workload", "node"}) {
        auto const name = call.request.parameter(kind);
        if (!name) continue;
        if (!subject.kind.empty())
            co_return error{errc::invalid, "events of one object only", std::string(kind), "ask for each by itself"};
        subject.kind = kind;
        subject.name = *name;
    }
    if (subject.kind.empty()) co_return subject;
    auto id = co_await find_id(call, subject.kind, subject.name);
    if (id)
        subject.id = std::move(*id);
    else if (id.error().code != errc::not_found)
        co_return id.error();
    co_return subject;
}

/// What is known by its id is in its own tenant; events about nodes are in none.
result<event_filter> event_filter_of(api_call const& call, event_subject const& subject) {
    auto const tenant = tenant_of_list(call);
    if (!tenant) return tenant.error();
    event_filter filter;
    filter.object_id = subject.id;
    if (subject.id.empty() && subject.kind != "node") filter.tenant = *tenant;
    return filter;
}

result<http_response> list_of(store_position const& at, std::string const& next, object_source items,
                              std::optional<std::size_t> total) {
    auto begin = fmt::format(R"({{"revision":{},"position":"{}","continue":{},{}"items":[)", at.reached, to_string(at),
                             boost::json::serialize(boost::json::string(next)),
                             total ? fmt::format(R"("total":{},)", *total) : std::string());
    return list_response(std::move(begin), std::move(items), "]}");
}

namespace {

using shown_object = result<std::optional<std::string>>;

}  // namespace

api_answer list_workloads(api_call& call) {
    auto const watches = wants_watch(call.request);
    if (!watches) co_return watches.error();
    if (*watches) co_return co_await watch_workloads(call);
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto const tenant = tenant_of_list(call);
    if (!tenant) co_return tenant.error();
    auto chosen = read_selection(call.request, workload_selection_fields());
    if (!chosen) co_return chosen.error();
    workload_filter filter;
    filter.tenant = *tenant;
    filter.chosen = std::move(*chosen);
    auto listed = co_await call.primary.workloads().list(call.who, std::move(filter), std::move(*part));
    if (!listed) co_return listed.error();
    std::vector<workload_id> ids;
    for (auto const& each : listed->rows) ids.push_back(each->id);
    auto const far = co_await call.primary.workloads().progress(call.who, std::move(ids));
    if (!far) co_return far.error();
    auto show = [far = *far, next = std::size_t{0}](stored<workload> const& row) mutable -> shown_object {
        auto const& mine = far[next++];
        auto const* const progress = mine ? &*mine : nullptr;
        return std::optional(workload_text(row, state_of(*row, progress), progress));
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)), listed->total);
}

api_answer list_instances(api_call& call) {
    auto const watches = wants_watch(call.request);
    if (!watches) co_return watches.error();
    if (*watches) co_return co_await watch_instances(call);
    auto filter = co_await read_instance_filter(call);
    if (!filter) co_return filter.error();
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto const is_whole = part->count_max == 0;
    auto const tenant = filter->tenant;
    auto listed = co_await call.primary.instances().list(call.who, std::move(*filter), std::move(*part));
    if (!listed) co_return listed.error();
    auto reading = is_whole ? read_directory(call, tenant) : read_directory_of(call, listed->rows);
    auto directed = co_await std::move(reading);
    if (!directed) co_return directed.error();
    auto const names = std::make_shared<directory const>(std::move(*directed));
    auto show = [names](stored<instance> const& row) -> shown_object {
        return std::optional(instance_text(row, *names));
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)), listed->total);
}

api_answer list_nodes(api_call& call) {
    auto const watches = wants_watch(call.request);
    if (!watches) co_return watches.error();
    if (*watches) co_return co_await watch_nodes(call);
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto chosen = read_selection(call.request, node_selection_fields());
    if (!chosen) co_return chosen.error();
    node_filter filter;
    filter.chosen = std::move(*chosen);
    auto listed = co_await call.primary.nodes().list(call.who, std::move(filter), std::move(*part));
    if (!listed) co_return listed.error();
    std::vector<node_id> which;
    for (auto const& each : listed->rows) which.push_back(each->id);
    auto used = co_await call.primary.nodes().usage(call.who, std::move(which));
    if (!used) co_return used.error();
    auto show = [usage = std::move(*used), next = std::size_t{0}](stored<node> const& row) mutable -> shown_object {
        return std::optional(node_text(row, usage[next++]));
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)));
}

api_answer list_events(api_call& call) {
    auto const watches = wants_watch(call.request);
    if (!watches) co_return watches.error();
    if (*watches) co_return co_await watch_events(call);
    auto const subject = co_await read_event_subject(call);
    if (!subject) co_return subject.error();
    auto filter = event_filter_of(call, *subject);
    if (!filter) co_return filter.error();
    auto chosen = read_selection(call.request, event_selection_fields());
    if (!chosen) co_return chosen.error();
    auto listed = co_await call.primary.events().list(call.who, std::move(*filter));
    if (!listed) co_return listed.error();
    auto show = [subject = *subject, chosen = std::move(*chosen)](stored<document> const& row) -> shown_object {
        auto const happened = parse_event(*row);
        if (!happened) return happened.error();
        auto const is_meant = subject.matches(*happened) && matches(chosen, *happened);
        return is_meant ? std::optional(event_text(*happened)) : std::nullopt;
    };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), std::move(show)));
}

api_answer list_tenants_of(api_call& call) {
    auto const watches = wants_watch(call.request);
    if (!watches) co_return watches.error();
    if (*watches) co_return co_await watch_tenants(call);
    auto part = read_page(call.request);
    if (!part) co_return part.error();
    auto listed = co_await call.primary.tenants().list(call.who, std::move(*part));
    if (!listed) co_return listed.error();
    auto const show = [](stored<tenant_record> const& row) -> shown_object { return std::optional(tenant_text(row)); };
    co_return list_of(listed->at, listed->next, each_of(std::move(listed->rows), show));
}

}  // namespace rik::detail
