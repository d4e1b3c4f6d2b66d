#include <rik/async/clock.hpp>
#include <rik/client/print.hpp>
#include <rik/client/run_definition.hpp>
#include <rik/client/wait.hpp>

#include <fmt/format.h>
#include <boost/json/value.hpp>

#include <memory>
#include <optional>
#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "log_copy.hpp"
#include "parse_json.hpp"

namespace rikctl {

namespace {

using outcome = rik::wait_verdict::what;

struct run_command_options {
    rik::run_options run;
    bool removes = false;
    bool detaches = false;
    bool is_quiet = false;
    std::string timeout = "10m";
};

/// What `run` needs to know of its instance.
struct run_state {
    std::string state;
    std::string addresses;
    std::string exposed_port;  ///< of a Function
    std::string story;
    std::optional<int> exit_status;
};

rik::result<run_state> state_of(rik::client& server, std::string const& name) {
    auto const text = server.get(rik::resource_kind::instance, name);
    if (!text) return text.error();
    auto const object = parse_json(*text);
    run_state state{
        string_at(object, "/state"), string_at(object, "/addresses/0"), {}, string_at(object, "/reason"), {}};
    boost::system::error_code code;
    auto const* const exposed = object.find_pointer("/exposure/port", code);
    if (exposed != nullptr && exposed->is_int64()) state.exposed_port = std::to_string(exposed->get_int64());
    if (auto const message = string_at(object, "/message"); !message.empty())
        state.story += (state.story.empty() ? "" : ": ") + message;
    auto const* exit_status = object.find_pointer("/containers/0/exitCode", code);
    if (exit_status != nullptr && exit_status->is_int64())
        state.exit_status = static_cast<int>(exit_status->get_int64());
    return state;
}

/// One run: what it made and must look after. The instance and its workload have the same name.
class runner {
public:
    runner(session& with, rik::client& server, run_command_options const& options)
        : with_(with), server_(server), options_(options), name_(options.run.name) {}

    exit_code run() {
        // First: a server that is slow to answer would leave behind what --rm is to remove.
        if (!options_.detaches) with_.catch_interrupts();
        if (auto const code = create(); code != exit_code::ok) return code;
        if (!options_.detaches && must_stop()) return stopped();
        auto const started = wait_for(rik::wait_goal::what::started, with_.now() + *parse_duration(options_.timeout));
        if (!started) return give_up(started.error());
        if (must_stop()) return stopped();
        if (started->outcome != outcome::met) {
            auto const is_late = started->outcome == outcome::waiting;
            auto const code = is_late ? rik::errc::timed_out : rik::errc::internal;
            return give_up({code, fmt::format("{}{}", is_late ? "not started in time: " : "", of_it(started->why))});
        }
        return options_.detaches ? detach() : follow();
    }

private:
    std::string kind() const { return options_.run.is_function ? "Function" : "Pod"; }

    exit_code create() {
        auto const definition = rik::run_definition(options_.run);
        if (!definition) return own_failure(with_.fail(definition.error()));
        if (auto const made = server_.create_workload(*definition); !made) return own_failure(with_.fail(made.error()));
        auto const made = server_.create_instances({.workload = name_, .name = name_, .kind = kind()});
        if (made) return exit_code::ok;
        auto const code = with_.fail(made.error());
        (void)server_.remove(rik::resource_kind::workload, name_, kind());  // nobody would want it without its instance
        return own_failure(code);
    }

    rik::result<rik::wait_verdict> wait_for(rik::wait_goal::what goal, rik::time_point deadline) {
        rik::wait_request request{
            .kind = rik::resource_kind::instance, .name = name_, .goal = {goal}, .deadline = deadline};
        request.on_progress = [this](std::string_view why) {
            tell(why);
            return !must_stop();
        };
        request.on_connection = [this](std::string_view reason) {
            if (!options_.is_quiet) with_.tell_connection(reason);
        };
        request.lost_max = with_.options().reconnect_for;
        request.was_reached = true;
        return rik::wait_for(server_, request);
    }

    /// Says what is being waited for, each thing once.
    void tell(std::string_view why) {
        if (options_.is_quiet || options_.detaches || is_started_ || why.empty() || why == told_) return;
        told_ = why;
        with_.err() << rik::printable(why) << '\n' << std::flush;
    }

    exit_code detach() {
        auto const state = state_of(server_, name_);
        if (!state) return own_failure(with_.fail(state.error()));
        if (!was_ever_up(*state))
            return give_up({rik::errc::internal, fmt::format("{}: {}", state->state, state->story)});
        with_.out() << name_;
        for (auto const* const each : {&state->addresses, &state->exposed_port})
            if (!each->empty()) with_.out() << ' ' << *each;
        with_.out() << '\n';
        return exit_code::ok;
    }

    static bool was_ever_up(run_state const& state) { return state.state != "failed" || state.exit_status.has_value(); }

    exit_code follow() {
        is_started_ = true;
        auto const state = state_of(server_, name_);
        if (!state) return give_up(state.error());
        if (!was_ever_up(*state))
            return give_up({rik::errc::internal, fmt::format("{}: {}", state->state, state->story)});
        if (!options_.is_quiet && !state->addresses.empty())
            with_.err() << fmt::format(
                               "{} runs at {}{}\n", name_, state->addresses,
                               state->exposed_port.empty()
                                   ? std::string()
                                   : fmt::format(", and is reached at port {} of its node", state->exposed_port))
                        << std::flush;
        rik::container_log_follower log(server_, {.instance = name_, .how = {.follow = true}}, with_.options(),
                                        log_teller());
        auto copied = log.open();
        if (copied) copied = copy_log(with_, log, errors_to::errors);
        if (!copied) with_.warn(fmt::format("no more logs: {}", to_string(copied.error())));
        if (must_stop()) return stopped();
        return finish();
    }

    /// What is missing is told in any case.
    rik::container_log_follower::teller log_teller() {
        return [this, tell = notice_teller(with_)](rik::container_log_notice const& notice) {
            if (!options_.is_quiet || notice.kind == rik::container_log_notice::what::missing) tell(notice);
        };
    }

    exit_code finish() {
        constexpr auto no_limit = std::chrono::hours(24 * 365);
        auto const ended = wait_for(rik::wait_goal::what::finished, with_.now() + no_limit);
        if (must_stop()) return stopped();
        if (!ended) return give_up(ended.error());
        if (ended->outcome != outcome::met) return give_up({rik::errc::internal, of_it(ended->why)});
        auto const state = state_of(server_, name_);
        clean_up();
        if (!state) return own_failure(with_.fail(state.error()));
        if (!state->exit_status) {
            with_.err() << fmt::format("error: {} is {}: {}\n", name_, state->state, rik::printable(state->story));
            return exit_code::run_failed;
        }
        tell_memory(state->story);
        return static_cast<exit_code>(*state->exit_status);
    }

    /// What the kernel killed could not say why in its output.
    void tell_memory(std::string const& story) {
        auto const was_killed = story.starts_with("OOMKilled") || story.find("had been killed because") != story.npos;
        if (was_killed && !options_.is_quiet)
            with_.err() << fmt::format("{}: {}\n", name_, rik::printable(story)) << std::flush;
    }

    /// A reader that went away is as good as Ctrl-C; a full disk is not.
    bool must_stop() const { return with_.is_interrupted() || !with_.out().good(); }
    bool has_lost_output() const { return !with_.is_interrupted() && !with_.is_reader_gone(); }

    exit_code stopped() {
        auto const is_failure = has_lost_output();
        if (is_failure) with_.fail({rik::errc::internal, "cannot write the output"});
        auto const before = is_failure ? "" : "\n";
        if (options_.removes)
            with_.err() << fmt::format("{}{} is being deleted\n", before, name_);
        else
            with_.err() << fmt::format("{0}{1} goes on: rikctl{2} logs -f {1}; rikctl{2} delete workload {1}\n", before,
                                       name_, with_.tenant_words());
        clean_up();
        return is_failure ? exit_code::run_failed : exit_code::interrupted;
    }

    void clean_up() {
        if (!options_.removes) return;
        auto const removed = server_.remove(rik::resource_kind::workload, name_, kind());
        if (!removed) with_.fail(removed.error(), "--rm");
    }

    exit_code give_up(rik::error const& problem) {
        auto const code = with_.fail(problem, name_);
        if (!options_.removes)
            with_.err() << fmt::format("See: rikctl{} describe instance {}\n", with_.tenant_words(), name_);
        clean_up();
        return own_failure(code);
    }

    /// A verdict names the instance, and so does every failure of `run`.
    std::string of_it(std::string why) const {
        if (why.starts_with(name_ + " is ")) why.replace(0, name_.size(), "it");
        return why;
    }

    /// In the foreground the small codes are the container's.
    exit_code own_failure(exit_code code) const { return options_.detaches ? code : exit_code::run_failed; }

    session& with_;
    rik::client& server_;
    run_command_options const& options_;
    std::string name_;
    std::string told_;
    bool is_started_ = false;
};

exit_code run_as_told(session& with, run_command_options options) {
    if (options.removes && options.detaches)
        return with.fail_usage("--rm is for the foreground: nobody would be there to delete");
    if (options.run.name.empty()) {
        auto const random = rik::system_entropy().next();
        options.run.name = fmt::format("{}-{:04x}", rik::name_from_image(options.run.image), random & 0xFFFF);
    }
    if (auto const checked = rik::run_definition(options.run); !checked)
        return with.fail_usage(to_string(checked.error()));
    auto server = with.server();
    if (!server) {
        auto const code = with.fail_address(server.error());
        return options.detaches ? code : exit_code::run_failed;
    }
    return runner(with, *server, options).run();
}

void add_run_options(CLI::App& command, run_command_options& options) {
    command.add_option("IMAGE", options.run.image, "The image, as in a definition; of a Function the root file system")
        ->required()
        ->type_name("");
    command.add_option("CMD", options.run.command, "Command for the image's entrypoint; write -- before it")
        ->type_name("");
    command.add_flag("--function", options.run.is_function, "Run a microVM from a root file system");
    command.add_option("--name", options.run.name, "Name of the workload and its instance")->type_name("NAME");
    command
        .add_option(
            "-p,--port", options.run.ports,
            "A port of the node that leads to one of the container; repeat it for more. Of a Function one: without "
            "HOST: a free one is chosen")
        ->allow_extra_args(false)
        ->type_name("HOST:CONTAINER[/udp]");
    command.add_option("-e,--env", options.run.env, "An environment variable; repeat it for more")
        ->allow_extra_args(false)
        ->type_name("NAME=VALUE");
    command.add_option("--cpu", options.run.cpu, "Limit of processor time, as 500m or 2")->type_name("QUANTITY");
    command.add_option("--memory", options.run.memory, "Limit of memory, as 64Mi")->type_name("QUANTITY");
    command.add_option("--pull", options.run.pull, "When to ask the registry; without it always for the tag latest")
        ->check(rik::command_line::one_of({"always", "missing", "never"}))
        ->type_name("always|missing|never");
    command.add_flag("--rm", options.removes, "Delete it when it ends, Ctrl-C is pressed or the output fails");
    command.add_flag("-d,--detach", options.detaches, "Only wait until it runs; print its name and address");
    command.add_flag("-q,--quiet", options.is_quiet, "Print nothing but the container's output");
    add_timeout(command, options.timeout)->description("How long it may take to start");
}

}  // namespace

void add_run(CLI::App& to, std::vector<std::string> container_command, action& chosen) {
    auto* const command =
        to.add_subcommand("run", "Run one container, or one Function: makes a workload and an instance of it");
    command->footer(
        "In the foreground it prints what the container writes, each stream to its own, until that ends, and exits "
        "with\n"
        "the container's exit code, or with 125 when it could not be run. Ctrl-C, or an output that cannot be "
        "written,\n"
        "leaves the container running, or with --rm deletes it.\n"
        "\n"
        "Examples:\n"
        "  rikctl run --rm alpine:3.20 -- sh -c 'echo hello; exit 3'\n"
        "  rikctl run -d --name web --port 8080:80 nginx:1.25\n"
        "  rikctl run --rm --env MODE=fast --cpu 500m --memory 64Mi registry:5000/job:1\n"
        "  rikctl run -d --name fn --function -p 8080:80 https://example.org/rootfs.ext4\n");
    auto const options = std::make_shared<run_command_options>();
    add_run_options(*command, *options);
    command->callback([options, after = std::move(container_command), &chosen] {
        auto& words = options->run.command;
        words.insert(words.end(), after.begin(), after.end());
        chosen = [options](session& with) { return run_as_told(with, *options); };
    });
}

}  // namespace rikctl
