#include <rik/client/print.hpp>

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "commands.hpp"
#include "watch_table.hpp"

namespace rikctl {

namespace {

using rik::resource_kind;

struct get_options {
    std::string kind = {};
    std::vector<std::string> names = {};
    rik::list_filter filter = {};
    std::string definition_kind = {};
    std::string form = "table";
    bool watches = false;
};

output_form parse_form(std::string_view text) {
    if (text == "wide") return output_form::wide;
    if (text == "json") return output_form::json;
    if (text == "name") return output_form::name;
    return output_form::table;
}

/// The filter that does not fit the kind, if there is one.
std::string wrong_filter(resource_kind kind, rik::list_filter const& filter) {
    if (!filter.instance.empty() && kind != resource_kind::event) return "--instance is for events";
    auto const takes_both = kind == resource_kind::instance || kind == resource_kind::event;
    if (!(filter.workload.empty() && filter.node.empty()) && !takes_both)
        return "--workload and --node are for instances and events";
    if (!filter.workload.empty() && !filter.instance.empty()) return "use one of --workload and --instance";
    return {};
}

/// `--kind` belongs to a workload's name, which may be that of an object or of a filter.
std::string wrong_kind(resource_kind kind, get_options const& options) {
    if (options.definition_kind.empty() || !options.filter.workload.empty()) return {};
    if (kind == resource_kind::workload && !options.names.empty() && !options.watches) return {};
    return "--kind says which workload is meant: name it, or use --workload";
}

rik::result<void> print_table(session& with, resource_kind kind, std::vector<std::string> const& objects,
                              bool is_wide) {
    rik::table_options const options{.wide = is_wide, .now = with.wall()};
    std::vector<rik::table_row> rows;
    for (auto const& object : objects) {
        auto some = rik::table_rows(kind, object, options);
        if (!some) return some.error();
        rows.insert(rows.end(), some->begin(), some->end());
    }
    // A script sees the difference in the empty output, a person wants to know that it is no failure.
    if (rows.empty()) with.err() << fmt::format("There are no {}.\n", plural(kind));
    if (rows.empty()) return {};
    rows.insert(rows.begin(), rik::table_header(kind, options));
    with.out() << rik::table_writer(with.has_colours()).write(rows);
    return {};
}

rik::result<void> print_names(session& with, std::vector<std::string> const& objects) {
    for (auto const& object : objects) {
        auto const names = rik::object_names(object);
        if (!names) return names.error();
        for (auto const& name : *names) with.out() << name << '\n';
    }
    return {};
}

/// One object or list is printed as it came; several objects become one list, so that the output is one JSON text.
void print_json(session& with, std::vector<std::string> const& objects) {
    if (objects.size() == 1) {
        with.out() << rik::pretty_json(objects.front()) << '\n';
        return;
    }
    std::string list;
    for (auto const& object : objects) list += (list.empty() ? "" : ",") + object;
    with.out() << rik::pretty_json(fmt::format("{{\"items\":[{}]}}", list)) << '\n';
}

exit_code print(session& with, resource_kind kind, output_form form, std::vector<std::string> const& objects) {
    rik::result<void> done;
    if (form == output_form::json)
        print_json(with, objects);
    else if (form == output_form::name)
        done = print_names(with, objects);
    else
        done = print_table(with, kind, objects, form == output_form::wide);
    return done ? exit_code::ok : with.fail(done.error());
}

exit_code get_named(session& with, rik::client& server, resource_kind kind, get_options const& options) {
    std::vector<std::string> found;
    auto worst = exit_code::ok;
    for (auto const& name : options.names) {
        auto object = server.get(kind, name, options.definition_kind);
        auto const code = object ? exit_code::ok : with.fail(object.error());
        if (worst == exit_code::ok) worst = code;
        if (object) found.push_back(std::move(*object));
    }
    if (found.empty()) return worst;
    auto const code = print(with, kind, parse_form(options.form), found);
    return worst == exit_code::ok ? code : worst;
}

exit_code get_as_told(session& with, get_options options) {
    auto const kind = *rik::parse_resource_kind(options.kind);
    // An event has no name: `get events web-1` asks for those of an instance.
    if (kind == resource_kind::event && options.names.size() == 1 && options.filter.instance.empty())
        options.filter.instance = std::exchange(options.names, {}).front();
    if (kind == resource_kind::event && !options.names.empty())
        return with.fail_usage("events of one instance at a time");
    if (auto const wrong = wrong_filter(kind, options.filter); !wrong.empty()) return with.fail_usage(wrong);
    if (auto const wrong = wrong_kind(kind, options); !wrong.empty()) return with.fail_usage(wrong);
    if (!options.filter.workload.empty()) options.filter.definition_kind = std::exchange(options.definition_kind, {});
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    if (options.watches) {
        auto watch = server->watch(kind, options.filter);
        if (!watch) return with.fail(watch.error());
        return print_watch(with, *watch, {kind, parse_form(options.form), options.names});
    }
    if (!options.names.empty()) return get_named(with, *server, kind, options);
    auto const list = server->list(kind, options.filter);
    if (!list) return with.fail(list.error());
    return print(with, kind, parse_form(options.form), {*list});
}

void add_output(CLI::App& to, get_options& options) {
    to.add_option("-o,--output", options.form,
                  "table, wide (more columns, nothing cut), json (as the API gives it) or name")
        ->check(CLI::IsMember({"table", "wide", "json", "name"}))
        ->type_name("FORM");
    to.add_flag("-w,--watch", options.watches, "Go on with a row for each change; with -o json a line for each");
}

void add_filters(CLI::App& to, get_options& options) {
    to.add_option("--workload,--workload-id", options.filter.workload, "Only those of this workload")
        ->type_name("NAME");
    to.add_option("--node", options.filter.node, "Only those on this node")->type_name("NAME");
    to.add_option("--instance", options.filter.instance, "Only the events of this instance")->type_name("NAME");
}

void choose(CLI::App& command, std::shared_ptr<get_options> const& options, action& chosen) {
    command.callback([options, &chosen] { chosen = [options](session& with) { return get_as_told(with, *options); }; });
}

}  // namespace

void add_get(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("get", "List workloads, instances, nodes or events");
    command->alias("ls");
    command->footer(
        "Examples:\n"
        "  rikctl get workloads\n"
        "  rikctl get instances --workload web -o wide\n"
        "  rikctl get instance web-1 -o json\n"
        "  rikctl get i -w                        the list, then each change\n"
        "  rikctl get events --instance web-1\n");
    auto const options = std::make_shared<get_options>();
    add_kind(*command, options->kind)->required();
    command->add_option("NAME", options->names, "Only these, by name or id")->type_name("");
    add_output(*command, *options);
    add_filters(*command, *options);
    add_definition_kind(*command, options->definition_kind);
    choose(*command, options, chosen);
}

void add_shortcuts(CLI::App& to, action& chosen) {
    auto* const nodes = to.add_subcommand("nodes", "Short for: get nodes");
    auto const node_options = std::make_shared<get_options>(get_options{.kind = "nodes"});
    nodes->add_option("NAME", node_options->names, "Only these, by name or id")->type_name("");
    add_output(*nodes, *node_options);
    choose(*nodes, node_options, chosen);

    auto* const events = to.add_subcommand("events", "Short for: get events");
    auto const event_options = std::make_shared<get_options>(get_options{.kind = "events"});
    add_output(*events, *event_options);
    events->add_option("--instance,-i", event_options->filter.instance, "Only the events of this instance")
        ->type_name("NAME");
    events->add_option("--workload", event_options->filter.workload, "Only those of this workload")->type_name("NAME");
    events->add_option("--node", event_options->filter.node, "Only those of this node")->type_name("NAME");
    choose(*events, event_options, chosen);
}

}  // namespace rikctl
