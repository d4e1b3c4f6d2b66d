#include "lookup_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

bool may_see(caller const& who, workload const& row) {
    return !authorize(who, verb::get, object_kind::workload, row.tenant);
}
bool may_see(caller const& who, instance const& row) {
    return !authorize(who, verb::get, object_kind::instance, row.tenant());
}

template <class Row>
stored<Row> find_by_id(view const& in, caller const& who, object_ref const& which) {
    auto const id = table<Row>::key::parse(which.id_or_name);
    auto row = id ? in.find<Row>(*id) : stored<Row>();
    return row && may_see(who, *row) ? row : stored<Row>();
}

}  // namespace

error no_such_object(object_kind kind, std::string_view name) {
    return error{errc::not_found, fmt::format("{} {} does not exist", to_string(kind), name)};
}

error no_such_tenant(std::string_view name) {
    return error{errc::not_found, fmt::format("tenant {} does not exist", name), "tenant",
                 fmt::format("check the name, or create it: rikctl create tenant {}", name)};
}

std::optional<error> check_listed(view const& in, std::string_view tenant) {
    // The first start has made it, also where that is not durable yet.
    if (tenant.empty() || tenant == default_tenant) return std::nullopt;
    if (in.find<document>(tenant_key(tenant))) return std::nullopt;
    return no_such_tenant(tenant);
}

bool is_leaving(view const& in, std::string_view tenant) {
    auto const row = in.find<document>(tenant_key(tenant));
    // Nearly always that is the answer, and each creation asks.
    if (!row || row->json.find("\"deleting_since\"") == std::string::npos) return false;
    auto const parsed = parse_tenant(*row);
    return parsed && parsed->deleting_since;
}

std::optional<error> check_open(view const& in, std::string_view tenant) {
    if (auto missing = check_listed(in, tenant)) return missing;
    if (!is_leaving(in, tenant)) return std::nullopt;
    return error{errc::conflict, fmt::format("tenant {} is being deleted", tenant), "tenant",
                 fmt::format("wait until it is gone, and create it again: rikctl create tenant {}", tenant)};
}

std::string place_text(std::string_view instance, std::string_view node) {
    return fmt::format("{} is on node {}, which is not heard", instance, node);
}

std::string loss_remedy(std::string_view node) {
    return fmt::format("if the node is lost for good: rikctl node declare-dead {}", node);
}

std::string awaited_by_deletion(view const& in, workload_id const& which) {
    if (in.count<node>(unheard_index) == 0) return {};
    for (auto const& row : in.list<instance>(owner_index(which))) {
        auto const where = row->occupies_room() ? in.find<node>(row->binding()->node) : stored<node>();
        if (!where || where->state != node_state::unheard) continue;
        auto const& name = where->facts.name;
        return fmt::format("{}: it goes when the node is back; {}", place_text(row->name(), name), loss_remedy(name));
    }
    return {};
}

std::string deletion_wait(view const& in, workload_id const& which) {
    auto const awaited = awaited_by_deletion(in, which);
    return awaited.empty() ? awaited : ", and " + awaited;
}

std::string const& tenant_of(caller const& who, object_ref const& which) {
    return which.tenant.empty() ? who.tenant : which.tenant;
}

namespace {

/// In a tenant that is not there nothing is: then that is what to say.
error not_found_in(view const& in, std::string_view tenant, object_kind kind, std::string_view name) {
    if (auto missing = check_listed(in, tenant)) return std::move(*missing);
    auto told = no_such_object(kind, name);
    if (tenant != default_tenant) told.message += fmt::format(" in tenant {}", tenant);
    return told;
}

/// A tenant by its name, or by its uid, under which its events stand, too.
stored<document> find_tenant_row(view const& in, std::string_view id_or_name) {
    if (auto row = in.find<document>(tenant_key(id_or_name))) return row;
    if (!tenant_id::parse(id_or_name)) return {};
    for (auto& each : in.list<document>(about_index(id_or_name)))
        if (each->key.kind == tenant_kind) return std::move(each);
    return {};
}

}  // namespace

result<stored<tenant_record>> find_tenant(view const& in, caller const& who, object_ref const& which) {
    auto const row = find_tenant_row(in, which.id_or_name);
    if (!row || authorize(who, verb::get, object_kind::tenant, row->key.name)) return no_such_tenant(which.id_or_name);
    auto parsed = parse_tenant(*row);
    if (!parsed) return parsed.error();
    return stored<tenant_record>{std::make_shared<tenant_record const>(std::move(*parsed)), row.changed_at};
}

namespace {

constexpr std::array all_kinds{workload_kind::pod,        workload_kind::function,   workload_kind::replica_set,
                               workload_kind::deployment, workload_kind::daemon_set, workload_kind::stateful_set,
                               workload_kind::job,        workload_kind::cron_job};

}  // namespace

result<stored<workload>> find_workload(view const& in, caller const& who, object_ref const& which) {
    if (auto row = find_by_id<workload>(in, who, which)) return row;
    std::vector<stored<workload>> found;
    for (auto const kind : all_kinds) {
        if (which.kind && *which.kind != kind) continue;
        auto row = in.find_named<workload>(workload_name(tenant_of(who, which), kind, which.id_or_name));
        if (row && may_see(who, *row)) found.push_back(std::move(row));
    }
    if (found.empty()) return not_found_in(in, tenant_of(who, which), object_kind::workload, which.id_or_name);
    if (found.size() > 1) {
        std::vector<std::string_view> kinds;
        for (auto const& each : found) kinds.push_back(to_string(each->kind));
        return error{errc::conflict, fmt::format("{} names a {}", which.id_or_name, fmt::join(kinds, " and a ")),
                     "kind", "say which kind is meant"};
    }
    return std::move(found.front());
}

result<stored<instance>> find_instance(view const& in, caller const& who, object_ref const& which) {
    if (auto row = find_by_id<instance>(in, who, which)) return row;
    auto row = in.find_named<instance>(instance_name(tenant_of(who, which), which.id_or_name));
    if (row && may_see(who, *row)) return row;
    return not_found_in(in, tenant_of(who, which), object_kind::instance, which.id_or_name);
}

result<stored<node>> find_node(view const& in, object_ref const& which) {
    if (auto const id = node_id::parse(which.id_or_name))
        if (auto row = in.find<node>(*id)) return row;
    stored<node> found;
    for (auto& row : in.list_after<node>({}, which.id_or_name + "/", 2)) {
        if (row->facts.name != which.id_or_name) break;
        if (found)
            return error{
                errc::conflict, fmt::format("several nodes are named {}", which.id_or_name), {}, "name it by its id"};
        found = std::move(row);
    }
    if (!found) return no_such_object(object_kind::node, which.id_or_name);
    return found;
}

std::optional<error> check_revision(expected_revision expected, revision at, object_kind kind, std::string_view name) {
    if (!expected || *expected == at) return std::nullopt;
    auto const what = fmt::format("{} {}", to_string(kind), name);
    if (at == 0) return error{errc::conflict, what + " does not exist any more", "revision"};
    return error{errc::conflict, fmt::format("{} is at revision {}, not {}: it has changed", what, at, *expected),
                 "revision", "read it again"};
}

}  // namespace rik::detail
