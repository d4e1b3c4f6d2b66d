// What the parts of v1 share.
#pragma once

#include "call.hpp"
#include "json_detail.hpp"
#include "list_body.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// The tenant that `tenant` of the query names; empty: the caller's own. Errors: invalid.
result<std::string> tenant_parameter(api_call const& call);
/// The tenant that a list keeps to: the caller's own if the query names none; empty, with `allTenants`: every one that
/// the caller may see. Errors: invalid.
result<std::string> tenant_of_list(api_call const& call);

/// Names of the workloads of `tenant` (empty: of all) and of the nodes that are there now. Errors: those of operations.
awaitable<result<directory>> read_directory(api_call& call, std::string tenant);
/// Only those that `row` refers to.
awaitable<result<directory>> read_directory_of(api_call& call, instance const& row);
/// `rows` must outlive the call.
awaitable<result<directory>> read_directory_of(api_call& call, std::vector<stored<instance>> const& rows);

/// The object that the first {..} of the pattern names, of the `kind` and in the `tenant` that the query says.
result<object_ref> ref_of(api_call const& call);

/// `workload` and `node` of the query, found by name or id, and the tenant of the list. Errors: invalid; not_found.
awaitable<result<instance_filter>> read_instance_filter(api_call& call);

/// Whose events are asked for by `instance`, `workload` or `node` of the query. `name` is set, and `id` is not, if
/// that object is gone: its events are still there.
struct event_subject {
    std::string id = {};
    std::string kind = {};
    std::string name = {};

    bool matches(event const& happened) const;
};
awaitable<result<event_subject>> read_event_subject(api_call& call);
/// What to ask for, to find the events of `subject`. Errors: invalid.
result<event_filter> event_filter_of(api_call const& call, event_subject const& subject);

// --- bodies

/// An empty body is an empty object. Errors: invalid, it is no JSON object, or has a member that is not `known`.
result<json::object> object_body(http_request const& request, std::span<std::string_view const> known);
/// Empty if it is missing or null. Errors: invalid, it is no string.
result<std::string> text_member(json::object const& from, std::string_view name);
/// nullopt if it is missing or null. Errors: invalid, it is neither true nor false.
result<std::optional<bool>> flag_member(json::object const& from, std::string_view name);
/// An object of strings, and null for what is taken off. Errors: invalid.
result<label_changes> changes_member(json::object const& from, std::string_view name);

/// Is the list asked for as a watch? Errors: invalid, `watch` or `after` is wrong, or `after` is there without a watch.
result<bool> wants_watch(http_request const& request);
/// The part of a list that `limit` and `continue` of the query ask for. Errors: invalid.
result<page> read_page(http_request const& request);

/// {"revision":N,"position":"...","continue":"...","items":[...]}, and the total if it was asked for.
result<http_response> list_of(store_position const& at, std::string const& next, object_source items,
                              std::optional<std::size_t> total = {});

/// `labelSelector` and `fieldSelector` of the query; the fields are some of `known`. Errors: invalid.
result<selection> read_selection(http_request const& request, std::span<std::string_view const> known);

// Lists, or with `watch` in the query the streams below.
api_answer list_workloads(api_call& call);
api_answer list_instances(api_call& call);
api_answer list_nodes(api_call& call);
api_answer list_events(api_call& call);
api_answer list_tenants_of(api_call& call);

// Streams of changes, one for each list.
api_answer watch_workloads(api_call& call);
api_answer watch_instances(api_call& call);
api_answer watch_nodes(api_call& call);
api_answer watch_events(api_call& call);
api_answer watch_tenants(api_call& call);

api_answer read_log(api_call& call);

/// A node as `row` says, with what is promised on it.
api_answer show_node(api_call& call, stored<node> row);

// What operators do with a node.
api_answer update_node(api_call& call);
api_answer drain_node(api_call& call);
api_answer remove_node(api_call& call);
api_answer declare_node_dead(api_call& call);

// Workloads.
api_answer make_workload(api_call& call);
api_answer apply_workload(api_call& call);
api_answer get_workload(api_call& call);
api_answer get_rollout(api_call& call);
api_answer replace_workload(api_call& call);
api_answer patch_workload(api_call& call);
api_answer remove_workload(api_call& call);

/// How far it is; nullopt: not known. Errors: those of operations.
awaitable<result<std::optional<workload_progress>>> progress_of(api_call& call, workload_id which);
/// `row`, with its state and how far it is.
api_answer show_workload(api_call& call, stored<workload> row, std::vector<std::string> warnings, unsigned status);

// Workloads that keep their instances themselves.
api_answer scale_workload(api_call& call);
api_answer pause_workload(api_call& call);
api_answer resume_workload(api_call& call);
api_answer restart_workload(api_call& call);
api_answer start_job(api_call& call);
api_answer list_instances_by_index(api_call& call);
api_answer list_releases(api_call& call);
api_answer relabel_instance(api_call& call);
api_answer get_replacement(api_call& call);
api_answer resume_replacement(api_call& call);

// Tenants.
api_answer make_tenant(api_call& call);
api_answer get_tenant(api_call& call);
api_answer update_tenant(api_call& call);
api_answer remove_tenant(api_call& call);

// What instances use.
api_answer read_usage(api_call& call);

// The images of a node.
api_answer list_images_of(api_call& call);
api_answer bring_images_to(api_call& call);
api_answer remove_image_of(api_call& call);

}  // namespace rik::detail
