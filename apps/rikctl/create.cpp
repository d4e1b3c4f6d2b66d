#include <rik/base/limits.hpp>
#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "change_parts.hpp"
#include "commands.hpp"
#include "named_workload.hpp"
#include "parse_json.hpp"
#include "wait_command.hpp"

namespace rikctl {

namespace {

struct workload_options {
    std::vector<std::string> paths = {};
    bool is_dry_run = false;
};

/// A Pod in Kubernetes' form comes with its instance, which has its name. Others name theirs themselves.
bool has_instance(definition const& each) {
    auto const& read = each.parsed.definition;
    return read.form == rik::definition_form::kubernetes && read.kind == rik::workload_kind::pod;
}

/// Creates one definition after the other.
class creating {
public:
    creating(session& with, rik::client& server, bool is_dry_run)
        : with_(with), server_(server), is_dry_run_(is_dry_run) {}

    exit_code create(definition const& each) { return each.tenant ? create_tenant(each) : create_workload(each); }

private:
    exit_code create_tenant(definition const& each) {
        auto const& [name, labels, annotations] = *each.tenant;
        auto const made = is_dry_run_ ? try_tenant(name) : server_.create_tenant(name, labels, annotations);
        if (made) return tell("tenant", name);
        auto problem = made.error();
        if (problem.code == rik::errc::conflict) problem.remedy = "leave it out, or use `rikctl apply -f`";
        return with_.fail(problem, each.about);
    }
    /// Whether it would be created.
    rik::result<std::string> try_tenant(std::string const& name) {
        auto found = server_.get(rik::resource_kind::tenant, name);
        if (found) return rik::error{rik::errc::conflict, fmt::format("tenant {} exists already", name)};
        if (found.error().code != rik::errc::not_found) return found;
        missing_.insert(name);
        return std::string();
    }

    exit_code create_workload(definition const& each) {
        if (missing_.contains(tenant_of(with_, each))) return tell_workload(each, each.parsed.definition.name);
        auto const created = server_for(with_, server_, each).create_workload(each.text, is_dry_run_);
        if (!created) return with_.fail(created.error(), each.about);
        print_warnings(with_, each.about, parse_json(*created));
        auto const names = rik::object_names(*created);
        if (!names) return with_.fail(names.error(), each.about);
        for (auto const& name : *names) tell_workload(each, name);
        return exit_code::ok;
    }
    exit_code tell_workload(definition const& each, std::string_view name) {
        tell("workload", name);
        return has_instance(each) ? tell("instance", name) : exit_code::ok;
    }
    exit_code tell(std::string_view what, std::string_view name) {
        with_.out() << fmt::format("{} {} created{}\n", what, name, is_dry_run_ ? " (dry run)" : "") << std::flush;
        return exit_code::ok;
    }

    session& with_;
    rik::client& server_;
    bool is_dry_run_;
    std::set<std::string> missing_ = {};  ///< tenants that a dry run does not make
};

/// Goes on after a failure, so that one run shows all that the server refuses.
exit_code create_all(session& with, rik::client& server, std::vector<definition> const& all, bool is_dry_run) {
    creating one(with, server, is_dry_run);
    auto worst = exit_code::ok;
    std::size_t created_count = 0;
    for (auto const& each : all) {
        auto const code = one.create(each);
        if (code == exit_code::ok) ++created_count;
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    if (worst != exit_code::ok && all.size() > 1)
        with.err() << fmt::format("{} of {} {} were created\n", created_count, all.size(),
                                  all.front().tenant ? "definitions" : "workloads")
                   << std::flush;
    return worst;
}

/// Everything is checked before the first is created: a mistake in the last must not leave the others made. The first
/// failure gives the exit code.
exit_code create_workloads(session& with, workload_options const& options) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    std::vector<definition> all;
    auto const worst = read_checked(with, options.paths, all);
    put_tenants_first(all);
    if (worst == exit_code::ok) return create_all(with, *server, all, options.is_dry_run);
    if (all.size() > 1 || options.paths.size() > 1) with.err() << "nothing was created\n" << std::flush;
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
        "  generate | rikctl create workload -f -\n"
        "\n"
        "Tenants that the files define (kind Tenant or Namespace) are created first.\n");
    auto const options = std::make_shared<workload_options>();
    add_files(*command, options->paths)->required();
    add_dry_run(*command, options->is_dry_run);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return create_workloads(with, *options); }; });
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

struct job_options {
    std::string from;
    std::string name = {};
};

exit_code create_job(session& with, job_options const& options) {
    auto const cron_job = named(options.from);
    if (!cron_job.kind.empty() && cron_job.kind != "CronJob")
        return with.fail_usage(fmt::format("--from names a {}: name a CronJob, as cronjob/NAME", cron_job.kind));
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const made = server->start_job(cron_job.name, "CronJob", options.name);
    if (!made) return with.fail(made.error());
    auto const names = rik::object_names(*made);
    if (!names) return with.fail(names.error());
    for (auto const& name : *names) with.out() << fmt::format("job {} created\n", name) << std::flush;
    return exit_code::ok;
}

void add_create_job(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("job", "Start a Job of a CronJob now, also of a suspended one");
    command->footer(
        "Examples:\n"
        "  rikctl create job --from cronjob/backup              a name is made up\n"
        "  rikctl create job backup-now --from cronjob/backup\n");
    auto const options = std::make_shared<job_options>();
    command->add_option("NAME", options->name, "The Job's name; one is made up without it")
        ->type_name("")
        ->check(check_given);
    command->add_option("--from", options->from, "The CronJob whose template says what the Job is: cronjob/NAME")
        ->required()
        ->check(check_given)
        ->type_name("CRONJOB");
    command->callback([options, &chosen] { chosen = [options](session& with) { return create_job(with, *options); }; });
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
    auto* const command = to.add_subcommand("create", "Create workloads, instances, Jobs of CronJobs, and tenants");
    command->require_subcommand(1);
    command->footer(
        "Examples:\n"
        "  rikctl create workload -f web.yaml\n"
        "  rikctl create instance --workload web --replicas 3 --wait\n"
        "  rikctl create job --from cronjob/backup\n"
        "  rikctl create tenant team-a\n");
    add_create_workload(*command, chosen);
    add_create_instance(*command, chosen);
    add_create_job(*command, chosen);
    add_create_tenant(*command, chosen);
}

}  // namespace rikctl
