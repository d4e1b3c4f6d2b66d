#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ostream>
#include <utility>

#include "commands.hpp"
#include "wait_command.hpp"
#include "wait_workload.hpp"

namespace rikctl {

namespace {

using outcome = rik::wait_verdict::what;

exit_code tell(session& with, std::string_view name, rik::wait_request const& request,
               rik::wait_verdict const& verdict) {
    auto const why = rik::printable(verdict.why);
    auto const about = fmt::format("{} {}", to_string(request.kind), name);
    switch (verdict.outcome) {
        case outcome::met:
            with.out() << fmt::format("{} is {}\n", about, to_string(request.goal)) << std::flush;
            return exit_code::ok;
        case outcome::waiting:
            with.err() << fmt::format("error: {} is not {} in time: {}\n", about, to_string(request.goal), why);
            return exit_code::timed_out;
        case outcome::impossible:
            with.err() << fmt::format("error: {} cannot become {}: {}\n", about, to_string(request.goal), why);
            return exit_code::failed;
    }
    return exit_code::failed;
}

struct wait_options {
    std::string kind;
    std::vector<std::string> names;
    std::string definition_kind;
    std::string goal;
    std::string timeout = "60s";
};

exit_code wait_as_told(session& with, wait_options const& options) {
    auto const kind = rik::parse_resource_kind(options.kind);
    auto const own = parse_deployment_condition(options.goal);
    if (own && kind != rik::resource_kind::workload)
        return with.fail_usage(fmt::format("{} is a condition of Deployments: wait deployment/NAME", own->condition));
    auto goal = own ? rik::result<rik::wait_goal>(*own) : rik::parse_wait_goal(options.goal);
    if (!goal) return with.fail_usage(to_string(goal.error()));
    // What kubectl asks of a node is its condition Ready; to RIK that is its state.
    auto const is_of_node = kind == rik::resource_kind::node && goal->condition == "Ready";
    if (is_of_node && goal->state_word == "True") goal = rik::wait_goal{rik::wait_goal::what::ready};
    if (is_of_node && goal->state_word == "False") goal = rik::wait_goal{rik::wait_goal::what::state, "notReady"};
    if (auto const fits = rik::check_wait_goal(*kind, *goal); !fits) return with.fail_usage(to_string(fits.error()));
    if (auto const wrong = wrong_definition_kind(options.kind, options.definition_kind); !wrong.empty())
        return with.fail_usage(wrong);
    if (!options.definition_kind.empty())
        if (auto const fits = rik::check_wait_goal(options.definition_kind, *goal); !fits)
            return with.fail_usage(to_string(fits.error()));
    auto const deadline = with.now() + *parse_duration(options.timeout);
    auto server = with.server_until(deadline);
    if (!server) return with.fail_address(server.error());
    std::vector<awaited_object> objects;
    for (auto const& name : options.names) objects.push_back({name, {}, options.definition_kind});
    return wait_for_all(with, *server, {*kind, std::move(objects), *goal, deadline});
}

}  // namespace

namespace {

constexpr auto patience = std::chrono::seconds(1);

/// Says what is waited for, each thing once, when it has lasted so long that somebody may wonder.
std::function<bool(std::string_view)> progress_teller(session& with) {
    return [&with, begin = with.now(), told = std::string()](std::string_view why) mutable {
        if (with.now() - begin < patience || why.empty() || why == told) return true;
        told = why;
        with.err() << fmt::format("waiting: {}\n", rik::printable(why)) << std::flush;
        return true;
    };
}

rik::wait_request request_for(session& with, awaited_object const& which, wait_for_all_request const& of,
                              rik::time_point deadline) {
    rik::wait_request one{.kind = of.kind,
                          .name = which.id.empty() ? which.name : which.id,
                          .definition_kind = which.id.empty() ? which.definition_kind : std::string(),
                          .goal = of.goal,
                          .deadline = deadline};
    if (of.tells_progress) one.on_progress = progress_teller(with);
    one.on_connection = [&with](std::string_view reason) { with.tell_connection(reason); };
    one.was_reached = of.was_reached;
    return one;
}

/// A goal that an object of its kind never meets is a mistake in the command line.
exit_code fail(session& with, rik::error const& problem) {
    return problem.code == rik::errc::invalid ? with.fail_usage(to_string(problem)) : with.fail(problem);
}

struct time_limits {
    rik::time_point deadline;
    rik::time_point stays_until = {};
};

/// Waits for each, and says how it went; those that are met are put into `holds_back` instead, if it is there.
exit_code wait_for_each(session& with, rik::client& server, wait_for_all_request const& request,
                        time_limits const& times, std::vector<awaited_object>* holds_back) {
    auto worst = exit_code::ok;
    for (auto const& each : request.objects) {
        auto one = request_for(with, each, request, times.deadline);
        one.stays_until = times.stays_until;
        one.was_reached = one.was_reached || &each != &request.objects.front();
        auto const verdict =
            is_goal_of_workload(one) ? wait_for_workload(with, server, one) : rik::wait_for(server, one);
        if (holds_back != nullptr && verdict && verdict->outcome == outcome::met) {
            holds_back->push_back(each);
            continue;
        }
        auto const code = verdict ? tell(with, each.name, one, *verdict) : fail(with, verdict.error());
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

}  // namespace

exit_code wait_for_all(session& with, rik::client& server, wait_for_all_request const& request) {
    auto const deadline = request.deadline;
    if (request.stays_for <= rik::duration{}) return wait_for_each(with, server, request, {deadline}, nullptr);
    std::vector<awaited_object> met;
    auto const first = wait_for_each(with, server, request, {deadline}, &met);
    if (met.empty()) return first;
    auto again = request;
    again.objects = std::move(met);
    again.was_reached = true;
    auto const stays_until = with.now() + request.stays_for;
    auto const second =
        wait_for_each(with, server, again, {std::max(deadline, stays_until + patience), stays_until}, nullptr);
    return first == exit_code::ok ? second : first;
}

void add_wait(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("wait", "Wait until objects are in a state");
    command->footer(
        "Ends at once, with the reason, when the state can come no more: exit code 1. Out of time: exit code 6.\n"
        "Of a workload, running, ready, started and finished mean all its instances.\n"
        "\n"
        "Examples:\n"
        "  rikctl wait instance web-1 --for ready\n"
        "  rikctl wait instance job-1 --for finished --timeout 1h\n"
        "  rikctl wait instance web-1 --for condition=Initialized\n"
        "  rikctl wait deployment/web --for ready      those that leave do not count\n"
        "  rikctl wait deployment/web --for condition=Available\n"
        "  rikctl wait workload web --for deleted\n"
        "  rikctl wait job/pi --for complete      or failed: whichever comes first ends it\n"
        "  rikctl wait job/pi --for condition=Suspended=false\n"
        "  rikctl wait node a --for ready\n");
    auto const options = std::make_shared<wait_options>();
    add_kind(*command, options->kind,
             {rik::resource_kind::workload, rik::resource_kind::instance, rik::resource_kind::node,
              rik::resource_kind::tenant})
        ->required();
    add_names(*command, options->names, "Names or ids")->required();
    command
        ->add_option("--for", options->goal,
                     "running, ready, started (runs or has run), finished, deleted, complete or failed (of a Job), "
                     "condition=TYPE (as Ready; of a Job as Suspended; of a Deployment as Available or Progressing) or "
                     "state=WORD")
        ->required()
        ->type_name("GOAL");
    add_definition_kind(*command, options->definition_kind);
    add_timeout(*command, options->timeout);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return wait_as_told(with, *options); }; });
}

}  // namespace rikctl
