#include <rik/client/print.hpp>

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "commands.hpp"
#include "parse_json.hpp"

namespace rikctl {

namespace {

using rik::resource_kind;

struct describe_options {
    std::string kind;
    std::vector<std::string> names;
    std::string definition_kind;
};

/// A description, and the first failure to read a part of it.
struct description {
    rik::result<std::string> text;
    exit_code code = exit_code::ok;
};

/// The definition that an instance was made from; empty if its workload is gone.
rik::result<std::string> workload_of(rik::client& server, std::string_view instance) {
    auto const id = string_at(parse_json(instance), "/workload/id");
    if (id.empty()) return std::string();
    auto found = server.get(resource_kind::workload, id);
    if (!found && found.error().code == rik::errc::not_found) return std::string();
    return found;
}

exit_code code_of(rik::result<std::string> const& first, rik::result<std::string> const& second) {
    if (!first) return exit_code_of(first.error().code);
    return second ? exit_code::ok : exit_code_of(second.error().code);
}

description describe_instance(rik::client& server, std::string const& instance, std::string const& id,
                              rik::wall_time now) {
    auto const workload = workload_of(server, instance);
    auto const events = server.list(resource_kind::event, {.instance = id});
    return {rik::describe_instance(instance, workload, events, now), code_of(workload, events)};
}

description describe_tenant(rik::client const& server, std::string const& tenant, rik::wall_time now) {
    auto const name = string_at(parse_json(tenant), "/name");
    auto inside = server.in_tenant(name);
    rik::list_filter about_itself;
    about_itself.fields = fmt::format("kind=tenant,name={}", name);
    rik::tenant_parts const parts{inside.list(resource_kind::workload), inside.list(resource_kind::instance),
                                  inside.list(resource_kind::event, about_itself)};
    auto const code = code_of(parts.workloads, parts.instances);
    return {rik::describe_tenant(tenant, parts, now),
            code == exit_code::ok ? code_of(parts.events, parts.events) : code};
}

/// Why it fails stands before its instances.
description describe_job(rik::client& server, std::string const& job, rik::result<std::string> const& instances,
                         rik::result<std::string> const& events, rik::wall_time now) {
    auto told = rik::describe_workload(job, instances, events, now);
    if (!told) return {told};
    auto const rollout = server.get_rollout(string_at(parse_json(job), "/id"));
    auto const failures = rollout ? rik::describe_failures(*rollout, now) : rik::result<std::string>(rollout.error());
    if (!failures) return {told, exit_code_of(failures.error().code)};
    auto const place = told->find("\nInstances:");
    told->insert(place == std::string::npos ? told->size() : place + 1, *failures);
    return {told, code_of(instances, events)};
}

/// Its Jobs stand before its events.
description describe_cron_job(rik::client& server, std::string const& cron_job, rik::result<std::string> const& events,
                              rik::wall_time now) {
    auto told = rik::describe_workload(cron_job, std::string(), events, now);
    if (!told) return {told};
    auto const parsed = parse_json(cron_job);
    rik::list_filter own;
    own.fields = fmt::format("kind=Job,owner={}", string_at(parsed, "/id"));
    auto const jobs = server.in_tenant(string_at(parsed, "/tenant")).list(resource_kind::workload, own);
    auto const place = told->find("\nEvents:");
    told->insert(place == std::string::npos ? told->size() : place + 1, rik::describe_jobs(jobs, now));
    return {told, code_of(jobs, events)};
}

/// The parts are asked for by the id of what was read: another object may have the same name.
description describe(session& with, rik::client& server, describe_options const& options, std::string const& name) {
    auto const kind = *rik::parse_resource_kind(options.kind);
    auto const object = server.get(kind, name, options.definition_kind);
    if (!object) return {object};
    auto const id = rik::object_id(*object);
    if (!id) return {id};
    if (kind == resource_kind::instance) return describe_instance(server, *object, *id, with.wall());
    if (kind == resource_kind::tenant) return describe_tenant(server, *object, with.wall());
    rik::list_filter filter;
    filter.is_of_all_tenants = kind == resource_kind::node;  // an id finds its workload in whatever tenant
    (kind == resource_kind::node ? filter.node : filter.workload) = *id;
    auto const instances = server.list(resource_kind::instance, filter);
    auto const events = server.list(resource_kind::event, filter);
    if (kind == resource_kind::workload && string_at(parse_json(*object), "/kind") == "Job")
        return describe_job(server, *object, instances, events, with.wall());
    if (kind == resource_kind::workload && string_at(parse_json(*object), "/kind") == "CronJob")
        return describe_cron_job(server, *object, events, with.wall());
    auto const tell = kind == resource_kind::node ? rik::describe_node : rik::describe_workload;
    return {tell(*object, instances, events, with.wall()), code_of(instances, events)};
}

exit_code describe_all(session& with, describe_options const& options) {
    if (auto const wrong = wrong_definition_kind(options.kind, options.definition_kind); !wrong.empty())
        return with.fail_usage(wrong);
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto worst = exit_code::ok;
    auto is_first = true;
    for (auto const& name : options.names) {
        auto const [text, part_code] = describe(with, *server, options, name);
        auto const code = text ? part_code : with.fail(text.error());
        if (worst == exit_code::ok) worst = code;
        if (!text) continue;
        if (!std::exchange(is_first, false)) with.out() << '\n';
        with.out() << *text;
    }
    return worst;
}

}  // namespace

void add_describe(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("describe", "Tell all about an object, and its story");
    command->alias("d");
    command->footer(
        "Examples:\n"
        "  rikctl describe instance web-1     states, containers, addresses, and its events with times\n"
        "  rikctl describe workload web\n"
        "  rikctl describe node a\n"
        "  rikctl describe tenant team-a      what is in it\n");
    auto const options = std::make_shared<describe_options>();
    add_kind(*command, options->kind,
             {resource_kind::workload, resource_kind::instance, resource_kind::node, resource_kind::tenant})
        ->required();
    add_names(*command, options->names, "Names or ids")->required();
    add_definition_kind(*command, options->definition_kind);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return describe_all(with, *options); }; });
}

}  // namespace rikctl
