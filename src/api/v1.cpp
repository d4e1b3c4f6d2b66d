// RIK's own API: instances, made, shown and removed; and the table of its routes.
#include "v1_detail.hpp"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace rik::detail {

namespace {

/// What POST /rik/v1/instances takes.
struct instances_body {
    object_ref workload = {};
    create_instances_request request = {};
};

constexpr std::array<std::string_view, 4> instances_members{"workload", "name", "replicas", "kind"};

result<std::optional<workload_kind>> kind_member(json::object const& from) {
    auto const text = text_member(from, "kind");
    if (!text) return text.error();
    if (text->empty()) return std::optional<workload_kind>();
    auto const kind = parse_workload_kind(*text);
    if (!kind)
        return error{errc::invalid, fmt::format("'{}' is no kind", *text), "kind",
                     "use Pod, Function, ReplicaSet, Deployment, DaemonSet, StatefulSet, Job or CronJob"};
    return kind;
}

result<instances_body> read_members(json::object const& from) {
    auto const workload = text_member(from, "workload");
    if (!workload) return workload.error();
    if (workload->empty()) return error{errc::invalid, "it is missing", "workload", "give a workload's name or id"};
    auto const name = text_member(from, "name");
    if (!name) return name.error();
    auto const replicas = replicas_of(from);
    if (!replicas) return replicas.error();
    auto const kind = kind_member(from);
    if (!kind) return kind.error();
    instances_body body;
    body.workload.id_or_name = *workload;
    body.workload.kind = *kind;
    body.request.name = *name;
    body.request.replicas = *replicas;
    if (auto const wrong = check(body.request)) return *wrong;
    return body;
}

api_answer create_instances(api_call& call) {
    auto const tenant = tenant_parameter(call);
    if (!tenant) co_return tenant.error();
    auto const members = object_body(call.request, instances_members);
    if (!members) co_return members.error();
    auto body = read_members(*members);
    if (!body) co_return body.error();
    body->workload.tenant = *tenant;
    auto const owner = co_await call.primary.workloads().get(call.who, std::move(body->workload));
    if (!owner) co_return owner.error();
    body->request.workload = (*owner)->id;
    auto const created = co_await call.primary.instances().create(call.who, std::move(body->request));
    if (!created) co_return created.error();
    directory names;
    names.workloads.emplace((*owner)->id, owner->row);
    std::vector<std::string> items;
    for (auto const& row : *created) items.push_back(instance_text(row, names));
    co_return json_response(201, fmt::format(R"({{"items":[{}]}})", fmt::join(items, ",")));
}

api_answer get_instance(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const found = co_await call.primary.instances().get(call.who, std::move(*which));
    if (!found) co_return found.error();
    auto const names = co_await read_directory_of(call, **found);
    if (!names) co_return names.error();
    co_return json_response(200, instance_text(*found, *names));
}

api_answer delete_instance(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const deleted = co_await call.primary.instances().remove(call.who, std::move(*which), *expected);
    if (!deleted) co_return deleted.error();
    co_return json_response(202, "{}");
}

api_answer restart_instance(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto const expected = number_parameter(call.request, "revision");
    if (!expected) co_return expected.error();
    auto const wrong = object_body(call.request, {});
    if (!wrong) co_return wrong.error();
    auto const asked = co_await call.primary.instances().restart(call.who, std::move(*which), *expected);
    if (!asked) co_return asked.error();
    auto const names = co_await read_directory_of(call, **asked);
    if (!names) co_return names.error();
    co_return json_response(202, instance_text(*asked, *names));
}

api_answer get_node(api_call& call) {
    auto which = ref_of(call);
    if (!which) co_return which.error();
    auto found = co_await call.primary.nodes().get(call.who, std::move(*which));
    if (!found) co_return found.error();
    auto showing = show_node(call, std::move(*found));
    co_return co_await std::move(showing);
}

api_answer get_version(api_call& call) {
    json::object object;
    object["version"] = call.version;
    co_return json_response(200, json::serialize(object));
}

}  // namespace

namespace {

using words = std::string_view;

constexpr std::array list_parameters{words("watch"), words("after"), words("limit"), words("continue")};
constexpr std::array workloads_parameters{words("watch"),         words("after"),         words("limit"),
                                          words("continue"),      words("tenant"),        words("allTenants"),
                                          words("labelSelector"), words("fieldSelector"), words("total")};
constexpr std::array instances_parameters{words("watch"),         words("after"),         words("limit"),
                                          words("continue"),      words("workload"),      words("node"),
                                          words("kind"),          words("tenant"),        words("allTenants"),
                                          words("labelSelector"), words("fieldSelector"), words("total")};
constexpr std::array usage_parameters{words("workload"),     words("node"),       words("kind"),
                                      words("tenant"),       words("allTenants"), words("labelSelector"),
                                      words("fieldSelector")};
constexpr std::array nodes_parameters{words("watch"),    words("after"),         words("limit"),
                                      words("continue"), words("labelSelector"), words("fieldSelector")};
constexpr std::array events_parameters{words("watch"),    words("after"),      words("instance"),
                                       words("workload"), words("node"),       words("kind"),
                                       words("tenant"),   words("allTenants"), words("fieldSelector")};
constexpr std::array creation_parameters{words("tenant"), words("dryRun")};
constexpr std::array apply_parameters{words("tenant"), words("dryRun"), words("revision")};
constexpr std::array workload_change_parameters{words("kind"), words("tenant"), words("dryRun"), words("revision")};
constexpr std::array image_parameters{words("image")};
constexpr std::array tenant_parameters{words("tenant")};
constexpr std::array workload_parameters{words("kind"), words("tenant")};
constexpr std::array workload_removal_parameters{words("kind"), words("revision"), words("tenant"), words("cascade")};
constexpr std::array upkeep_parameters{words("kind"), words("revision"), words("tenant")};
constexpr std::array workload_part_parameters{words("kind"), words("tenant"), words("limit"), words("continue"),
                                              words("total")};
constexpr std::array instance_change_parameters{words("revision"), words("tenant")};
constexpr std::array revision_parameters{words("revision")};
constexpr std::array log_parameters{words("container"), words("follow"),  words("tail"),  words("timestamps"),
                                    words("stream"),    words("whole"),   words("since"), words("after"),
                                    words("tenant"),    words("previous")};

constexpr std::array table{
    route{"GET", "/rik/v1/workloads", &list_workloads, workloads_parameters},
    route{"POST", "/rik/v1/workloads", &make_workload, creation_parameters, true},
    route{"PUT", "/rik/v1/workloads", &apply_workload, apply_parameters, true},
    route{"GET", "/rik/v1/workloads/{name}", &get_workload, workload_parameters},
    route{"GET", "/rik/v1/workloads/{name}/rollout", &get_rollout, workload_parameters},
    route{"GET", "/rik/v1/workloads/{name}/instances", &list_instances_by_index, workload_part_parameters},
    route{"GET", "/rik/v1/workloads/{name}/releases", &list_releases, workload_part_parameters},
    route{"POST", "/rik/v1/workloads/{name}/jobs", &start_job, workload_parameters, true},
    route{"POST", "/rik/v1/workloads/{name}/scale", &scale_workload, upkeep_parameters, true},
    route{"POST", "/rik/v1/workloads/{name}/pause", &pause_workload, upkeep_parameters, true},
    route{"POST", "/rik/v1/workloads/{name}/resume", &resume_workload, upkeep_parameters, true},
    route{"POST", "/rik/v1/workloads/{name}/restart", &restart_workload, upkeep_parameters, true},
    route{"PUT", "/rik/v1/workloads/{name}", &replace_workload, workload_change_parameters, true},
    route{"PATCH", "/rik/v1/workloads/{name}", &patch_workload, workload_change_parameters, true},
    route{"DELETE", "/rik/v1/workloads/{name}", &remove_workload, workload_removal_parameters, true},
    route{"GET", "/rik/v1/instances", &list_instances, instances_parameters},
    route{"POST", "/rik/v1/instances", &create_instances, tenant_parameters, true},
    route{"GET", "/rik/v1/instances/{name}", &get_instance, tenant_parameters},
    route{"DELETE", "/rik/v1/instances/{name}", &delete_instance, instance_change_parameters, true},
    route{"PATCH", "/rik/v1/instances/{name}", &relabel_instance, instance_change_parameters, true},
    route{"POST", "/rik/v1/instances/{name}/restart", &restart_instance, instance_change_parameters, true},
    route{"GET", "/rik/v1/instances/{name}/logs", &read_log, log_parameters, true},
    route{"GET", "/rik/v1/usage", &read_usage, usage_parameters, true},
    route{"GET", "/rik/v1/nodes", &list_nodes, nodes_parameters},
    route{"GET", "/rik/v1/nodes/{name}", &get_node},
    route{"PATCH", "/rik/v1/nodes/{name}", &update_node, revision_parameters, true},
    route{"DELETE", "/rik/v1/nodes/{name}", &remove_node, revision_parameters, true},
    route{"POST", "/rik/v1/nodes/{name}/drain", &drain_node, {}, true},
    route{"POST", "/rik/v1/nodes/{name}/declare-dead", &declare_node_dead, {}, true},
    route{"GET", "/rik/v1/nodes/{name}/images", &list_images_of, {}, true},
    route{"POST", "/rik/v1/nodes/{name}/images", &bring_images_to, {}, true, limits::image_call_timeout},
    route{"DELETE", "/rik/v1/nodes/{name}/images", &remove_image_of, image_parameters, true},
    route{"GET", "/rik/v1/replacement", &get_replacement},
    route{"POST", "/rik/v1/replacement/resume", &resume_replacement, {}, true},
    route{"GET", "/rik/v1/tenants", &list_tenants_of, list_parameters},
    route{"POST", "/rik/v1/tenants", &make_tenant, {}, true},
    route{"GET", "/rik/v1/tenants/{name}", &get_tenant},
    route{"PATCH", "/rik/v1/tenants/{name}", &update_tenant, revision_parameters, true},
    route{"DELETE", "/rik/v1/tenants/{name}", &remove_tenant, revision_parameters, true},
    route{"GET", "/rik/v1/events", &list_events, events_parameters},
    route{"GET", "/rik/v1/version", &get_version},
};

}  // namespace

std::span<route const> v1_routes() { return table; }

}  // namespace rik::detail
