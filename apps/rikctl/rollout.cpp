// `scale` and `rollout`: what is done with workloads that keep themselves.
#include <rik/base/limits.hpp>
#include <rik/client/print.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "change_parts.hpp"
#include "commands.hpp"
#include "named_workload.hpp"
#include "parse_json.hpp"
#include "rollout_wait.hpp"

namespace rikctl {

namespace {

namespace json = boost::json;

constexpr std::string_view restarted_at = "kubectl.kubernetes.io/restartedAt";
constexpr std::uint64_t revision_max = 4'294'967'295;

/// "2026-11-29T19:16:27Z" of "2026-11-29T19:16:27.078788Z".
std::string second_of(std::string const& time) {
    auto const fraction = time.find('.');
    return fraction == time.npos ? time : time.substr(0, fraction) + 'Z';
}

bool is_kubernetes(json::value const& definition) {
    auto const* const root = definition.if_object();
    return root != nullptr && root->contains("metadata");
}

/// `inner` at the place of what Kubernetes has in spec: RIK's form has it at the top.
json::object in_spec(bool kubernetes, json::object inner) {
    if (!kubernetes) return inner;
    json::object outer;
    outer["spec"] = std::move(inner);
    return outer;
}

json::object template_annotation(bool kubernetes, std::string_view key, std::string value) {
    json::object annotations;
    annotations[key] = std::move(value);
    json::object holder;
    holder["annotations"] = std::move(annotations);
    json::object of_template;
    if (kubernetes)
        of_template["metadata"] = std::move(holder);
    else
        of_template = std::move(holder);
    json::object inner;
    inner["template"] = std::move(of_template);
    return in_spec(kubernetes, std::move(inner));
}

/// The definition of a workload with the template of an earlier one.
std::string with_template_of(json::value const& now, json::value const& earlier) {
    auto made = now.as_object();
    auto const& from = earlier.as_object();
    if (is_kubernetes(now))
        made["spec"].as_object()["template"] = from.at("spec").as_object().at("template");
    else
        made["template"] = from.at("template");
    return json::serialize(made);
}

/// What a release makes instances of, as people read it. Errors: as of rik::json_to_yaml.
rik::result<std::string> template_yaml(json::value const& release) {
    for (auto const* const place : {"/definition/spec/template", "/definition/template"}) {
        boost::system::error_code code;
        auto const* const found = release.find_pointer(place, code);
        if (found == nullptr || !found->is_object()) continue;
        json::object shown;
        shown["template"] = *found;
        json::object holder;
        holder["definition"] = std::move(shown);
        return definition_yaml(holder);
    }
    return rik::error{rik::errc::corrupt, "the server shows a revision without a template"};
}

bool is_rollout_paused(json::value const& definition) {
    boost::system::error_code code;
    auto const* const found = definition.find_pointer(is_kubernetes(definition) ? "/spec/paused" : "/paused", code);
    return found != nullptr && found->is_bool() && found->as_bool();
}

/// Nothing would come of it before the rollouts are resumed.
rik::error is_paused_error(named_workload const& which, std::string_view what) {
    return rik::error{rik::errc::conflict,
                      fmt::format("{} cannot be {}: its rollouts are paused", which.name, what),
                      {},
                      fmt::format("resume them first: rikctl rollout resume {}", which.name)};
}

struct rollout_options {
    std::vector<std::string> names;
    std::int64_t replicas = -1;
    std::int64_t current_replicas = -1;  ///< -1: however many there are
    std::int64_t to_revision = 0;        ///< 0: the one before
    std::int64_t revision = 0;           ///< 0: all of them
    bool is_at_once = false;
    bool waits = false;
    std::string timeout = "10m";
};

/// What a new template does to the instances that are there.
std::string_view effect_words(json::value const& definition) {
    for (auto const* const place : {"/spec/updateStrategy/type", "/updateStrategy/type"})
        if (string_at(definition, place) == "OnDelete") return "its instances are replaced when they are deleted";
    return "its instances are replaced step by step";
}

/// One command on one workload.
class workload_commands {
public:
    workload_commands(session& with, rik::client server, rollout_options const& options)
        : with_(with), server_(std::move(server)), options_(options) {}

    exit_code scale(named_workload const& which) {
        auto const count = static_cast<std::uint32_t>(options_.replicas);
        std::optional<std::uint64_t> expected;
        if (options_.current_replicas >= 0) {
            auto const found = get(which);
            if (!found) return with_.fail(found.error());
            if (auto const now = number_at(*found, "/replicas"); now != options_.current_replicas)
                return with_.fail(
                    {rik::errc::conflict, fmt::format("{} wants {} instances, not {}: it is not scaled",
                                                      words_for(*found), now, options_.current_replicas)});
            expected = static_cast<std::uint64_t>(number_at(*found, "/revision"));
        }
        return told(which, server_.scale_workload(which.name, which.kind, count, expected),
                    fmt::format("scaled to {}", count));
    }

    /// To no instance, and back to as many as there were.
    exit_code set_paused(named_workload const& which, bool is_paused) {
        auto const done = is_paused ? server_.pause_workload(which.name, which.kind)
                                    : server_.resume_workload(which.name, which.kind);
        if (done && is_cron_job(parse_json(*done)))
            return told(which, done, is_paused ? "suspended: it starts no Job until it is resumed" : "resumed");
        return told(which, done, is_paused ? "paused: it wants no instance until it is resumed" : "resumed");
    }

    exit_code restart_in_place(named_workload const& which) {
        auto const done = server_.restart_workload(which.name, which.kind, options_.is_at_once);
        if (!done) return with_.fail(done.error());
        say(words_for(parse_json(*done)), options_.is_at_once
                                              ? "restarts: all its instances at once"
                                              : "restarts: its instances start again one after the other");
        return options_.waits ? wait_restarted(with_, server_, which, wait_how(true)) : exit_code::ok;
    }

    exit_code pause(named_workload const& which, bool is_paused) {
        auto const found = get(which);
        if (!found) return with_.fail(found.error());
        if (string_at(*found, "/kind") != "Deployment")
            return with_.fail(
                {rik::errc::unsupported,
                 fmt::format("{} cannot be paused: only a Deployment's rollouts can", words_for(*found))});
        if (!is_paused && !is_rollout_paused(found->at("definition")))
            return with_.fail({rik::errc::conflict, fmt::format("{} is not paused", words_for(*found))});
        json::object inner;
        inner["paused"] = is_paused;
        return patch(which, *found, std::move(inner), is_paused ? "paused" : "resumed");
    }

    exit_code restart(named_workload const& which) {
        auto const found = get(which);
        if (!found) return with_.fail(found.error());
        if (is_cron_job(*found)) return with_.fail(no_rollout(*found));
        if (string_at(*found, "/kind") == "ReplicaSet")
            return with_.fail({rik::errc::unsupported,
                               fmt::format("{} has no rollout: its instances stay as they are", words_for(*found)),
                               {},
                               fmt::format("to start them again in place: rikctl restart rs/{}", which.name)});
        if (is_rollout_paused(found->at("definition"))) return with_.fail(is_paused_error(which, "restarted"));
        auto const kubernetes = is_kubernetes(found->at("definition"));
        auto const body = template_annotation(kubernetes, restarted_at, rik::to_string(with_.wall()));
        auto const done = server_.patch_workload(which.name, which.kind, json::serialize(body));
        if (!done) return with_.fail(done.error());
        say(words_for(*found), fmt::format("restarted: {}", effect_words(found->at("definition"))));
        return options_.waits ? wait(which) : exit_code::ok;
    }

    exit_code undo(named_workload const& which) {
        auto const rollout = read_rollout(which);
        if (!rollout) return with_.fail(rollout.error());
        if (is_cron_job(*rollout)) return with_.fail(no_rollout(*rollout));
        auto const* const earlier = find_earlier(*rollout);
        if (earlier == nullptr) return with_.fail(no_earlier_revision(*rollout));
        auto const found = get(which);
        if (!found) return with_.fail(found.error());
        if (is_rollout_paused(found->at("definition"))) return with_.fail(is_paused_error(which, "taken back"));
        auto const text = with_template_of(found->at("definition"), earlier->at("definition"));
        auto const revision = static_cast<std::uint64_t>(number_at(*found, "/revision"));
        auto const done = server_.replace_workload(which.name, which.kind, text, {.revision = revision});
        if (!done) return with_.fail(done.error());
        say(words_for(*found), fmt::format("goes back to revision {}", number_at(*earlier, "/number")));
        return options_.waits ? wait(which) : exit_code::ok;
    }

    exit_code history(named_workload const& which) {
        auto const rollout = read_rollout(which);
        if (!rollout) return with_.fail(rollout.error());
        if (options_.revision != 0) return show_revision(*rollout);
        auto const current = string_at(*rollout, "/release");
        with_.out() << fmt::format("{}\n{:<10}{:<30}{}\n", words_for(*rollout), "REVISION", "CREATED", "CHANGE-CAUSE");
        for (auto const& each : rollout->at("releases").as_array()) {
            auto const cause = string_at(each, "/cause");
            with_.out() << fmt::format("{:<10}{:<30}{}{}\n", number_at(each, "/number"),
                                       second_of(string_at(each, "/createdAt")), cause.empty() ? "<none>" : cause,
                                       string_at(each, "/id") == current ? "  (current)" : "");
        }
        return exit_code::ok;
    }

    /// `was_reached` is false if nothing has been asked before.
    exit_code wait(named_workload const& which, bool was_reached = true) {
        return wait_rolled_out(with_, server_, which, wait_how(was_reached));
    }

    rik::result<json::value> get(named_workload const& which) {
        return managed(server_.get(rik::resource_kind::workload, which.name, which.kind));
    }

private:
    rollout_wait wait_how(bool was_reached) const {
        return {options_.timeout, with_.now() + *parse_duration(options_.timeout), was_reached};
    }

    exit_code told(named_workload const& which, rik::result<std::string> const& done, std::string const& outcome) {
        if (!done) return with_.fail(done.error());
        say(words_for(parse_json(*done)), outcome);
        return options_.waits ? wait(which) : exit_code::ok;
    }

    rik::result<json::value> read_rollout(named_workload const& which) {
        return managed(server_.get_rollout(which.name, which.kind));
    }

    exit_code patch(named_workload const& which, json::value const& found, json::object inner,
                    std::string const& outcome) {
        auto const body = in_spec(is_kubernetes(found.at("definition")), std::move(inner));
        auto const done = server_.patch_workload(which.name, which.kind, json::serialize(body));
        if (!done) return with_.fail(done.error());
        auto const is_same = string_at(parse_json(*done), "/outcome") == "unchanged";
        say(words_for(found), is_same ? "unchanged" : outcome);
        return exit_code::ok;
    }

    /// The one that is asked for; without a number the newest but the current one.
    json::value const* find_earlier(json::value const& rollout) const {
        json::value const* found = nullptr;
        auto const current = string_at(rollout, "/release");
        for (auto const& each : rollout.at("releases").as_array()) {
            if (string_at(each, "/id") == current) continue;
            if (options_.to_revision != 0 && number_at(each, "/number") != options_.to_revision) continue;
            found = &each;
        }
        return found;
    }

    /// The template of one release.
    exit_code show_revision(json::value const& rollout) {
        for (auto const& each : array_at(rollout, "/releases")) {
            if (number_at(each, "/number") != options_.revision) continue;
            auto const shown = template_yaml(each);
            if (!shown) return with_.fail(shown.error());
            auto const is_current = string_at(each, "/id") == string_at(rollout, "/release");
            with_.out() << fmt::format("{} revision {}{}\n", words_for(rollout), options_.revision,
                                       is_current ? " (current)" : "")
                        << rik::printable(*shown) << std::flush;
            return exit_code::ok;
        }
        return with_.fail(no_such_revision(rollout, fmt::format("has no revision {}", options_.revision)));
    }

    rik::error no_earlier_revision(json::value const& rollout) const {
        return no_such_revision(rollout, options_.to_revision == 0
                                             ? std::string("has no earlier revision")
                                             : fmt::format("has no other revision {}", options_.to_revision));
    }

    static rik::error no_such_revision(json::value const& rollout, std::string const& what) {
        return {rik::errc::not_found,
                fmt::format("{} {}", words_for(rollout), what),
                {},
                fmt::format("rikctl rollout history {}", string_at(rollout, "/name"))};
    }

    void say(std::string const& about, std::string_view what) {
        with_.out() << fmt::format("{} {}\n", about, what) << std::flush;
    }

    session& with_;
    rik::client server_;
    rollout_options const& options_;
};

using workload_verb = std::function<exit_code(workload_commands&, named_workload const&)>;

/// One after the other; the first failure gives the exit code.
exit_code for_each_named(session& with, rollout_options const& options, workload_verb const& verb) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    workload_commands commands(with, std::move(*server), options);
    auto worst = exit_code::ok;
    for (auto const& each : options.names) {
        auto const code = verb(commands, named(each));
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

void add_verb(CLI::App& command, std::shared_ptr<rollout_options> options, action& chosen, workload_verb verb) {
    add_names(command, options->names, "Workloads: NAME, or KIND/NAME such as deployment/web");
    command.callback([options = std::move(options), &chosen, verb = std::move(verb)] {
        chosen = [options, verb](session& with) { return for_each_named(with, *options, verb); };
    });
}

void add_wait_flag(CLI::App& command, rollout_options& options) {
    command.add_flag("--wait", options.waits, "Wait until it is rolled out");
    add_timeout(command, options.timeout);
}

}  // namespace

void add_scale(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("scale", "Change how many instances a workload wants");
    command->footer(
        "Examples:\n"
        "  rikctl scale web --replicas 5\n"
        "  rikctl scale deployment/web --replicas 0 --wait\n");
    auto const options = std::make_shared<rollout_options>();
    command->add_option("--replicas", options->replicas, "How many instances")
        ->required()
        ->check(whole_number(0, rik::limits::replicas_per_workload_max));
    command
        ->add_option("--current-replicas", options->current_replicas,
                     "Only if it wants so many now; otherwise nothing is changed, and the exit code is 4")
        ->check(whole_number(0, rik::limits::replicas_per_workload_max))
        ->type_name("N");
    add_wait_flag(*command, *options);
    add_verb(*command, options, chosen, [](auto& on, auto const& which) { return on.scale(which); });
}

void add_pause(CLI::App& to, action& chosen) {
    auto* const command =
        to.add_subcommand("pause", "Let workloads want no instance, and remember how many there were");
    command->footer(
        "Examples:\n"
        "  rikctl pause web --wait               until its instances are gone\n"
        "  rikctl pause deployment/web daemonset/logs\n");
    auto const options = std::make_shared<rollout_options>();
    add_wait_flag(*command, *options);
    add_verb(*command, options, chosen, [](auto& on, auto const& which) { return on.set_paused(which, true); });
}

void add_resume(CLI::App& to, action& chosen) {
    auto* const command =
        to.add_subcommand("resume", "Let workloads want as many instances as before they were paused");
    auto const options = std::make_shared<rollout_options>();
    add_wait_flag(*command, *options);
    add_verb(*command, options, chosen, [](auto& on, auto const& which) { return on.set_paused(which, false); });
}

void add_suspend(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("suspend", "The same as pause, in the words of Jobs");
    command->footer(
        "Examples:\n"
        "  rikctl suspend job/pi                 its instances go, and do not count as failed\n"
        "  rikctl suspend cronjob/backup         it starts no Job; those that run go on\n"
        "  rikctl resume job/pi\n");
    add_verb(*command, std::make_shared<rollout_options>(), chosen,
             [](auto& on, auto const& which) { return on.set_paused(which, true); });
}

exit_code restart_workloads(session& with, workload_restarts const& what) {
    rollout_options options;
    options.names = what.names;
    options.is_at_once = what.is_at_once;
    options.waits = what.waits;
    options.timeout = what.timeout;
    return for_each_named(with, options, [](auto& on, auto const& which) { return on.restart_in_place(which); });
}

void add_rollout(CLI::App& to, action& chosen) {
    auto* const group =
        to.add_subcommand("rollout", "How instances come to a new template: status, history, undo, ...");
    group->require_subcommand(1);
    auto const add = [&](char const* name, char const* help) {
        return std::pair(group->add_subcommand(name, help), std::make_shared<rollout_options>());
    };
    auto const [status, status_options] = add("status", "Say how far it is, until it is rolled out or has failed");
    add_timeout(*status, status_options->timeout);
    add_verb(*status, status_options, chosen, [](auto& on, auto const& which) { return on.wait(which, false); });
    auto const [history, history_options] = add("history", "List the revisions that are kept");
    history->add_option("--revision", history_options->revision, "Show the template of this one")
        ->check(whole_number(1, revision_max))
        ->type_name("N");
    add_verb(*history, history_options, chosen, [](auto& on, auto const& which) { return on.history(which); });
    auto const [undo, undo_options] = add("undo", "Go back to the template of an earlier revision");
    undo->add_option("--to-revision", undo_options->to_revision,
                     "Which one (0, the default: the newest but the current)")
        ->check(whole_number(0, revision_max));
    add_wait_flag(*undo, *undo_options);
    add_verb(*undo, undo_options, chosen, [](auto& on, auto const& which) { return on.undo(which); });
    auto const [pause, pause_options] = add("pause", "Let a new template wait");
    add_verb(*pause, pause_options, chosen, [](auto& on, auto const& which) { return on.pause(which, true); });
    auto const [resume, resume_options] = add("resume", "Go on with what has waited");
    add_verb(*resume, resume_options, chosen, [](auto& on, auto const& which) { return on.pause(which, false); });
    auto const [restart, restart_options] = add("restart", "Replace all instances, step by step");
    add_wait_flag(*restart, *restart_options);
    add_verb(*restart, restart_options, chosen, [](auto& on, auto const& which) { return on.restart(which); });
}

}  // namespace rikctl
