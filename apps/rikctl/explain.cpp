// What fields of definitions are for, and whether a file is right: without a server.
#include <rik/controllers/cron_job.hpp>
#include <rik/model/definition_place.hpp>
#include <rik/model/fields.hpp>

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"

namespace rikctl {

namespace {

struct explain_options {
    std::string path = {};
    std::string form = "kubernetes";
    bool is_recursive = false;
    bool is_schema = false;
};

rik::definition_form form_of(explain_options const& options) {
    return options.form == "rik" ? rik::definition_form::rik : rik::definition_form::kubernetes;
}

exit_code explain(session& with, explain_options const& options) {
    if (options.is_schema) {
        with.out() << rik::json_schema(form_of(options));
        return exit_code::ok;
    }
    if (options.path.empty()) return with.fail_usage("name a field, for example pod.spec.containers, or use --schema");
    auto const text = rik::explain_field(options.path, form_of(options), options.is_recursive);
    if (!text) return with.fail(text.error());
    with.out() << *text;
    return exit_code::ok;
}

std::string title_of(definition const& each) {
    if (each.tenant) return fmt::format("tenant {}", each.tenant->name);
    auto const& read = each.parsed.definition;
    return fmt::format("{} {}", to_string(read.kind), read.name);
}

exit_code validate_one(session& with, definition const& each) {
    for (auto const& warning : each.parsed.warnings) with.warn(fmt::format("{}: {}", each.about, warning));
    if (!each.parsed.found.empty()) return with.fail(rik::summarize(each.parsed.found), each.about);
    if (auto wrong = rik::check_cron_job(each.parsed.definition)) {
        rik::tell_place(*wrong, each.text);
        // This machine may know no time zones, and the server all.
        if (wrong->code != rik::errc::unsupported) return with.fail(*wrong, each.about);
        with.warn(fmt::format("{}: {}", each.about, rik::to_string(*wrong)));
    }
    with.out() << fmt::format("{}: {} is valid\n", each.about, title_of(each)) << std::flush;
    return exit_code::ok;
}

exit_code validate(session& with, std::vector<std::string> const& paths) {
    auto worst = exit_code::ok;
    for (auto const& path : paths) {
        auto const all = read_definitions(with, path);
        auto code = all ? exit_code::ok : with.fail(all.error());
        if (all)
            for (auto const& each : *all)
                if (auto const one = validate_one(with, each); code == exit_code::ok) code = one;
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

}  // namespace

void add_explain(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("explain", "Say what a field of definitions is for, without a server");
    command->footer(
        "Examples:\n"
        "  rikctl explain pod.spec.containers.env\n"
        "  rikctl explain pod --recursive\n"
        "  rikctl explain function.spec.function --form rik\n"
        "  rikctl explain --schema --form rik > schema-v1.json     a JSON schema, for editors\n");
    auto const options = std::make_shared<explain_options>();
    command->add_option("FIELD", options->path, "A kind, and fields below it: pod.spec.containers")->type_name("");
    command->add_flag("-r,--recursive", options->is_recursive, "All fields below it, one a line");
    command->add_flag("--schema", options->is_schema, "Print the JSON schema of the form");
    command->add_option("--form", options->form, "The form of definitions: kubernetes or rik")
        ->check(rik::command_line::one_of({"kubernetes", "rik"}))
        ->capture_default_str()
        ->type_name("FORM");
    command->callback([options, &chosen] { chosen = [options](session& with) { return explain(with, *options); }; });
}

void add_validate(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("validate", "Say what is wrong with definitions, without a server");
    command->footer(
        "Examples:\n"
        "  rikctl validate -f web.yaml -f db.yaml\n"
        "  generate | rikctl validate -f -\n");
    auto const paths = std::make_shared<std::vector<std::string>>();
    command->add_option("-f,--file", *paths, "Definitions, or - for the standard input; may be given several times")
        ->required()
        ->allow_extra_args(false)
        ->type_name("FILE");
    command->callback([paths, &chosen] { chosen = [paths](session& with) { return validate(with, *paths); }; });
}

}  // namespace rikctl
