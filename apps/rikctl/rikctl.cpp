#include "rikctl.hpp"

#include <rik/client/print.hpp>
#include <rik/model/tenant.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "spelled_out.hpp"

namespace rikctl {

namespace {

constexpr auto description =
    "rikctl - talk to RIK, the orchestrator\n"
    "\n"
    "Examples:\n"
    "  rikctl run nginx:1.25 --port 8080:80        one container, now\n"
    "  rikctl apply -f web.yaml                    a definition, made or changed\n"
    "  rikctl create instance --workload web --replicas 3 --wait\n"
    "  rikctl get instances -w                     what runs, as it changes\n"
    "  rikctl describe instance web-1              its story: states, times, reasons\n"
    "  rikctl logs -f web-1\n"
    "  rikctl delete workload web --wait\n";

constexpr auto server_help =
    "Where rik listens: unix:///path, /path, http://host:port or host:port. "
    "Without it: RIK_CLUSTER_SERVER, then cluster.server in the file RIKCONFIG (or ~/.rik/config.yaml), "
    "then unix:///run/rik/rik.sock";

constexpr auto tenant_help =
    "The tenant in which names are looked for and things are made. Without it: RIK_TENANT, then cluster.tenant in the "
    "file that the server is taken from, then default";

void add_commands(CLI::App& app, action& chosen) {
    add_create(app, chosen);
    add_apply(app, chosen);
    add_diff(app, chosen);
    add_edit(app, chosen);
    add_label(app, chosen);
    add_annotate(app, chosen);
    add_get(app, chosen);
    add_describe(app, chosen);
    add_logs(app, chosen);
    add_restart(app, chosen);
    add_scale(app, chosen);
    add_pause(app, chosen);
    add_suspend(app, chosen);
    add_resume(app, chosen);
    add_rollout(app, chosen);
    add_delete(app, chosen);
    add_wait(app, chosen);
    add_shortcuts(app, chosen);
    add_node_commands(app, chosen);
    add_top(app, chosen);
    add_images(app, chosen);
    add_explain(app, chosen);
    add_validate(app, chosen);
    add_version(app, chosen);
    add_completion(app, chosen);
}

exit_code fail_parse(CLI::App& app, CLI::ParseError const& problem, surroundings& around) {
    if (problem.get_exit_code() == 0) {
        app.exit(problem, around.out, around.err);
        return exit_code::ok;
    }
    auto const why = rik::printable(rik::command_line::explain(app, problem));
    around.err << fmt::format("error: {}\n", why) << "Run with --help for more.\n";
    return exit_code::usage;
}

}  // namespace

namespace {

std::string_view with_short_form(rik::resource_kind kind) {
    switch (kind) {
        case rik::resource_kind::workload: return "workload (wl)";
        case rik::resource_kind::instance: return "instance (i)";
        case rik::resource_kind::node: return "node (n)";
        case rik::resource_kind::event: return "event (e)";
        case rik::resource_kind::tenant: return "tenant (ns)";
    }
    return {};
}

/// "workload, instance or node"
template <class Word>
std::string alternatives(std::vector<rik::resource_kind> const& kinds, Word word) {
    std::string text;
    for (std::size_t at = 0; at < kinds.size(); ++at) {
        if (at > 0) text += at + 1 == kinds.size() ? " or " : ", ";
        text += word(kinds[at]);
    }
    return text;
}

std::vector<std::string> names_of(std::vector<rik::resource_kind> const& kinds) {
    std::vector<std::string> words;
    for (auto const each : kinds) {
        words.emplace_back(to_string(each));
        words.emplace_back(plural(each));
    }
    return words;
}

}  // namespace

CLI::Option* add_kind(CLI::App& to, std::string& into, std::vector<rik::resource_kind> kinds,
                      std::string (*otherwise)(rik::resource_kind)) {
    auto* const option =
        to.add_option("KIND", into, fmt::format("{}; plurals too", alternatives(kinds, with_short_form)));
    return option->type_name("")->check([kinds = std::move(kinds), otherwise](std::string const& text) -> std::string {
        auto const kind = rik::parse_resource_kind(text);
        if (kind && std::ranges::count(kinds, *kind) > 0) return {};
        auto const use = "use " + alternatives(kinds, [](rik::resource_kind each) { return to_string(each); });
        if (!kind && text.find('/') != std::string::npos)
            return fmt::format("'{}': objects of several kinds are not named in one command: name those of one kind",
                               text);
        if (!kind) {
            auto const remedy = rik::command_line::suggestion(text, names_of(kinds), use);
            return fmt::format("'{}' is no kind of object: {}", text, remedy);
        }
        auto const said = otherwise == nullptr ? std::string() : otherwise(*kind);
        return fmt::format("this is not for {}: {}", plural(*kind), said.empty() ? use : said);
    });
}

std::string check_tenant(std::string const& text) {
    auto const wrong = rik::check_tenant_name(text, {});
    return wrong ? rik::to_string(*wrong) : std::string();
}

std::string check_given(std::string const& text) { return text.empty() ? "a name is empty" : ""; }

CLI::Option* add_names(CLI::App& to, std::vector<std::string>& into, std::string_view help) {
    return to.add_option("NAME", into, std::string(help))->type_name("")->check(check_given);
}

CLI::Validator whole_number(std::uint64_t min, std::uint64_t max) {
    auto check = [min, max](std::string const& text) -> std::string {
        std::uint64_t number = 0;
        auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
        auto const is_number = code == std::errc() && end == text.data() + text.size();
        if (is_number && number >= min && number <= max) return {};
        if (max == std::numeric_limits<std::uint64_t>::max())
            return fmt::format("'{}' is no whole number from {}", text, min);
        return fmt::format("'{}' is no whole number from {} to {}", text, min, max);
    };
    return CLI::Validator(std::move(check), "");
}

CLI::Option* add_timeout(CLI::App& to, std::string& into) {
    return to.add_option("--timeout", into, "How long to wait: 90s, 5m, 1h")
        ->capture_default_str()
        ->check([](std::string const& text) -> std::string {
            auto const parsed = parse_duration(text);
            return parsed ? std::string() : rik::to_string(parsed.error());
        });
}

CLI::Option* add_definition_kind(CLI::App& to, std::string& into) {
    return to.add_option("--kind", into, "Pod, Function, Job, ...: where workloads of several kinds have the name")
        ->check(rik::command_line::one_of(
            {"Pod", "Function", "ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob"}))
        ->type_name("KIND");
}

std::string wrong_definition_kind(std::string_view kind, std::string_view definition_kind) {
    auto const is_needless = rik::parse_resource_kind(kind) != rik::resource_kind::workload;
    return is_needless && !definition_kind.empty() ? "--kind says which workload is meant" : "";
}

namespace {

bool is_run(std::vector<std::string> const& arguments) {
    auto const place = command_place(arguments);
    return place < arguments.size() && arguments[place] == "run";
}

/// Takes the command of the container, which is what comes after "--": CLI11 would read lists into "[a,b]".
std::vector<std::string> take_container_command(std::vector<std::string>& arguments) {
    auto const mark = std::ranges::find(arguments, "--");
    std::vector<std::string> before(arguments.begin(), mark);
    if (mark == arguments.end() || !is_run(before)) return {};
    std::vector<std::string> command(mark + 1, arguments.end());
    arguments = std::move(before);
    return command;
}

exit_code parse_and_run(std::vector<std::string> arguments, surroundings& around) {
    CLI::App app(description, "rikctl");
    app.footer(exit_code_help());
    app.require_subcommand(1);
    app.fallthrough();
    app.get_formatter()->column_width(34);
    app.add_option("-s,--server", around.sources.flag, server_help)
        ->type_name("ADDRESS")
        ->check([](std::string const& text) { return text.empty() ? "it is empty" : ""; });
    app.add_option("-n,--tenant,--namespace", around.sources.tenant_flag, tenant_help)
        ->type_name("NAME")
        ->check(check_tenant);
    action chosen;
    add_run(app, take_container_command(arguments), chosen);
    add_commands(app, chosen);
    spell_out_kinds(arguments);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    try {
        app.parse(arguments);
    } catch (CLI::ParseError const& problem) {
        return fail_parse(app, problem, around);
    }
    session with(around);
    return chosen(with);
}

}  // namespace

int run_rikctl(std::vector<std::string> arguments, surroundings& around) {
    auto code = parse_and_run(std::move(arguments), around);
    around.out.flush();
    if (code == exit_code::ok && !around.out.good())
        code = session(around).fail({rik::errc::internal, "cannot write the output"});
    return static_cast<int>(code);
}

}  // namespace rikctl
