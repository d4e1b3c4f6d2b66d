#include "commands.hpp"

#include <rik/base/limits.hpp>
#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include <memory>
#include <ostream>

#include "parse_json.hpp"
#include "wait_command.hpp"

namespace rikctl {

namespace {

void print_warnings(session& with, std::string_view about, boost::json::value const& workload) {
    auto const* object = workload.if_object();
    auto const* warnings = object == nullptr ? nullptr : object->if_contains("warnings");
    if (warnings == nullptr || !warnings->is_array()) return;
    for (auto const& each : warnings->get_array()) {
        if (each.is_string()) with.warn(fmt::format("{}: {}", about, std::string_view(each.get_string())));
    }
}

/// A definition that names its tenant wins over a tenant that was not said with the command.
rik::client server_for(session& with, rik::client const& server, definition const& each) {
    auto const says_it_itself = !each.parsed.definition.tenant.empty() && with.named_tenant().empty();
    return says_it_itself ? server.in_tenant({}) : server;
}

exit_code create_one(session& with, rik::client& server, definition const& each) {
    auto const created = server_for(with, server, each).create_workload(each.text);
    if (!created) return with.fail(created.error(), each.about);
    print_warnings(with, each.about, parse_json(*created));
    auto const names = rik::object_names(*created);
    if (!names) return with.fail(names.error(), each.about);
    for (auto const& name : *names) with.out() << fmt::format("workload {} created\n", name) << std::flush;
    return exit_code::ok;
}

/// Adds the definitions of a file. Says what is wrong with them.
exit_code add_checked(session& with, std::string const& path, std::vector<definition>& to) {
    auto found = read_definitions(with, path);
    if (!found) return with.fail(found.error());
    auto worst = exit_code::ok;
    for (auto& each : *found) {
        if (!each.parsed.found.empty()) worst = with.fail(rik::summarize(each.parsed.found), each.about);
        to.push_back(std::move(each));
    }
    return worst;
}

/// Goes on after a failure, so that one run shows all that the server refuses.
exit_code create_all(session& with, rik::client& server, std::vector<definition> const& all) {
    auto worst = exit_code::ok;
    std::size_t created_count = 0;
    for (auto const& each : all) {
        auto const code = create_one(with, server, each);
        if (code == exit_code::ok) ++created_count;
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    if (worst != exit_code::ok && all.size() > 1)
        with.err() << fmt::format("{} of {} workloads were created\n", created_count, all.size()) << std::flush;
    return worst;
}

/// Everything is checked before the first is created: a mistake in the last must not leave the others made. The first
/// failure gives the exit code.
exit_code create_workloads(session& with, std::vector<std::string> const& paths) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    std::vector<definition> all;
    auto worst = exit_code::ok;
    for (auto const& path : paths) {
        auto const code = add_checked(with, path, all);
        if (worst == exit_code::ok) worst = code;
    }
    if (worst == exit_code::ok) return create_all(with, *server, all);
    if (all.size() > 1 || paths.size() > 1) with.err() << "nothing was created\n" << std::flush;
    return worst;
}

/// A program that ends at once has run, too; whoever waits for it wants to hear of its end.
constexpr auto running_for_min = std::chrono::milliseconds(500);

struct instance_options {
    rik::instances_wanted wanted = {};
    bool waits = false;
    std::string timeout = "5m";
};

exit_code create_instances(session& with, instance_options const& options) {
    if (options.wanted.replicas > 1 && !options.wanted.name.empty())
        return with.fail_usage("--name is for one instance: leave it out, or leave out --replicas");
    auto const deadline = with.now() + *parse_duration(options.timeout);
    auto server = options.waits ? with.server_until(deadline) : with.server();
    if (!server) return with.fail_address(server.error());
    auto const created = server->create_instances(options.wanted);
    if (!created) return with.fail(created.error());
    auto const names = rik::object_names(*created);
    if (!names) return with.fail(names.error());
    for (auto const& name : *names) with.out() << fmt::format("instance {} created\n", name) << std::flush;
    if (!options.waits) return exit_code::ok;
    std::vector<awaited_object> objects;
    for (auto const& name : *names) objects.push_back({name});
    wait_for_all_request wanted{.kind = rik::resource_kind::instance,
                                .objects = std::move(objects),
                                .goal = {rik::wait_goal::what::running},
                                .deadline = deadline};
    wanted.was_reached = true;
    wanted.stays_for = running_for_min;
    return wait_for_all(with, *server, wanted);
}

void add_create_workload(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("workload", "Create workloads from definitions in JSON or YAML");
    command->alias("workloads")->alias("wl");
    command->footer(
        "Examples:\n"
        "  rikctl create workload -f web.yaml\n"
        "  rikctl create workload -f web.yaml -f db.json\n"
        "  generate | rikctl create workload -f -\n");
    auto const paths = std::make_shared<std::vector<std::string>>();
    command->add_option("-f,--file", *paths, "A definition, or - for the standard input; may be given several times")
        ->required()
        ->allow_extra_args(false)
        ->type_name("FILE");
    command->callback([paths, &chosen] { chosen = [paths](session& with) { return create_workloads(with, *paths); }; });
}

void add_create_instance(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("instance", "Create instances of a workload");
    command->alias("instances")->alias("i");
    command->footer(
        "Examples:\n"
        "  rikctl create instance --workload web\n"
        "  rikctl create instance --workload web --name web-blue --wait\n"
        "  rikctl create instance --workload web --replicas 3 --wait --timeout 2m\n");
    auto const options = std::make_shared<instance_options>();
    command->add_option("-w,--workload,--workload-id", options->wanted.workload, "The workload's name or id")
        ->required()
        ->type_name("NAME");
    command->add_option("--name", options->wanted.name, "The instance's name; one is made up without it")
        ->type_name("NAME");
    command->add_option("-r,--replicas", options->wanted.replicas, "How many instances")
        ->check(whole_number(1, rik::limits::replicas_per_request_max))
        ->capture_default_str()
        ->type_name("N");
    add_definition_kind(*command, options->wanted.kind);
    command->add_flag("--wait", options->waits, "Wait until they run; exits with 1 if one ends within half a second");
    add_timeout(*command, options->timeout);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return create_instances(with, *options); }; });
}

struct tenant_options {
    std::vector<std::string> names;
    std::vector<std::string> labels;
};

/// "key=value"
std::string check_new_label(std::string const& text) {
    auto const parsed = rik::parse_label_change(text);
    if (!parsed) return rik::to_string(parsed.error());
    return parsed->second ? "" : "a new tenant has no label to take off";
}

exit_code create_tenants(session& with, tenant_options const& options) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    rik::string_map labels;
    for (auto const& each : options.labels) {
        auto const parsed = rik::parse_label_change(each);
        labels.emplace(parsed->first, *parsed->second);
    }
    auto worst = exit_code::ok;
    for (auto const& name : options.names) {
        auto const created = server->create_tenant(name, labels);
        auto const code = created ? exit_code::ok : with.fail(created.error());
        if (created) with.out() << fmt::format("tenant {} created\n", name) << std::flush;
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

void add_create_tenant(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("tenant", "Create tenants, in which names are apart from those of others");
    command->alias("tenants")->alias("namespace")->alias("namespaces")->alias("ns");
    command->footer(
        "Examples:\n"
        "  rikctl create tenant team-a\n"
        "  rikctl create tenant team-a --label zone=north\n"
        "  rikctl -n team-a create workload -f web.yaml\n");
    auto const options = std::make_shared<tenant_options>();
    command->add_option("NAME", options->names, "Their names")->required()->type_name("")->check(check_tenant);
    command->add_option("-l,--label", options->labels, "A label; repeat it for more")
        ->allow_extra_args(false)
        ->check(check_new_label)
        ->type_name("KEY=VALUE");
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return create_tenants(with, *options); }; });
}

}  // namespace

void add_create(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("create", "Create workloads, instances and tenants");
    command->require_subcommand(1);
    command->footer(
        "Examples:\n"
        "  rikctl create workload -f web.yaml\n"
        "  rikctl create instance --workload web --replicas 3 --wait\n"
        "  rikctl create tenant team-a\n");
    add_create_workload(*command, chosen);
    add_create_instance(*command, chosen);
    add_create_tenant(*command, chosen);
}

}  // namespace rikctl
