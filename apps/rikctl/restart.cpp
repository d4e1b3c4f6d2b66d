#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "commands.hpp"
#include "named_workload.hpp"
#include "parse_json.hpp"
#include "wait_command.hpp"

namespace rikctl {

namespace {

struct restart_options {
    std::vector<std::string> names;
    bool is_at_once = false;
    bool waits = false;
    bool is_quiet = false;
    std::string timeout = "60s";
};

/// One that was asked to start again, and the number that says that its node has obeyed.
struct restarting {
    awaited_object which;
    std::uint64_t restarts = 0;
};

exit_code restart_one(session& with, rik::client& server, std::string const& name, std::vector<restarting>& asked) {
    auto const answer = server.restart_instance(name);
    if (!answer) return with.fail(answer.error());
    auto const of = parse_json(*answer);
    asked.push_back(
        {{string_at(of, "/name"), string_at(of, "/id")}, static_cast<std::uint64_t>(number_at(of, "/restarts"))});
    with.out() << fmt::format("instance {} is started again\n", asked.back().which.name) << std::flush;
    return exit_code::ok;
}

exit_code wait_for_one(session& with, rik::client& server, restarting const& one, rik::time_point deadline,
                       restart_options const& options) {
    rik::wait_goal goal{rik::wait_goal::what::restarted};
    goal.restarts = one.restarts;
    wait_for_all_request request{rik::resource_kind::instance, {one.which}, std::move(goal), deadline};
    request.tells_progress = !options.is_quiet;
    request.was_reached = true;
    return wait_for_all(with, server, request);
}

exit_code restart_instances(session& with, restart_options const& options) {
    auto const deadline = with.now() + *parse_duration(options.timeout);
    auto server = options.waits ? with.server_until(deadline) : with.server();
    if (!server) return with.fail_address(server.error());
    auto worst = exit_code::ok;
    std::vector<restarting> asked;
    for (auto const& name : options.names) {
        auto const code = restart_one(with, *server, name, asked);
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) return worst;
    }
    for (auto const& each : asked) {
        if (!options.waits) break;
        auto const code = wait_for_one(with, *server, each, deadline, options);
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

bool is_workload(std::string const& name) { return named(name).name != name; }

/// Workloads are told from instances by their kind.
exit_code restart_as_told(session& with, restart_options options) {
    auto const first = std::stable_partition(options.names.begin(), options.names.end(), is_workload);
    std::vector<std::string> const workloads(options.names.begin(), first);
    options.names.erase(options.names.begin(), first);
    if (options.is_at_once && workloads.empty())
        return with.fail_usage("--at-once is for workloads: KIND/NAME, such as deployment/web");
    auto const code = workloads.empty()
                          ? exit_code::ok
                          : restart_workloads(with, {workloads, options.is_at_once, options.waits, options.timeout});
    if (options.names.empty() || code == exit_code::unreachable) return code;
    auto const of_instances = restart_instances(with, options);
    return code == exit_code::ok ? of_instances : code;
}

}  // namespace

void add_restart(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("restart", "Start instances again in place, or all of a workload");
    command->footer(
        "An instance that is started again stays on its node, and keeps its name, its address and its volumes; its "
        "init\n"
        "containers do not run again. If its node is not heard, that is done when it is.\n"
        "\n"
        "Examples:\n"
        "  rikctl restart web-1\n"
        "  rikctl restart web-1 web-2 --wait      until they have started again and are ready\n"
        "  rikctl restart deployment/web          all its instances, one after the other\n"
        "  rikctl restart workload/web --at-once  all at once\n");
    auto const options = std::make_shared<restart_options>();
    command->add_option("NAME", options->names, "Instances by name or id; workloads as KIND/NAME")
        ->required()
        ->type_name("")
        ->check(check_given);
    command->add_flag("--at-once", options->is_at_once, "All instances of a workload at once, not one after the other");
    command->add_flag("--wait", options->waits, "Wait until they have started again and are ready");
    command->add_flag("-q,--quiet", options->is_quiet, "Do not say what it waits for");
    add_timeout(*command, options->timeout);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return restart_as_told(with, *options); }; });
}

}  // namespace rikctl
