#include <rik/client/json_path.hpp>
#include <rik/client/print.hpp>
#include <rik/model/labels.hpp>
#include <rik/model/yaml.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"
#include "watch_table.hpp"

namespace rikctl {

namespace {

using rik::resource_kind;

constexpr std::string_view path_form = "jsonpath=";

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
    if (text == "yaml") return output_form::yaml;
    if (text.starts_with(path_form)) return output_form::json_path;
    if (text == "json") return output_form::json;
    if (text == "name") return output_form::name;
    return output_form::table;
}

/// Is the object printed as it is, and not what is known of it?
bool is_whole(output_form form) {
    return form == output_form::json || form == output_form::yaml || form == output_form::json_path;
}

/// What is wrong with -o; empty if nothing is.
std::string check_form(std::string const& text) {
    static std::vector<std::string> const words{"table", "wide", "json", "yaml", "name"};
    if (std::ranges::find(words, text) != words.end()) return {};
    if (text.starts_with(path_form)) {
        auto const path = rik::json_path::parse(std::string_view(text).substr(path_form.size()));
        return path ? std::string() : rik::to_string(path.error());
    }
    auto const choice = fmt::format("use {}, or jsonpath=PATH", fmt::join(words, ", "));
    return fmt::format("'{}' is none of its values: {}", text, rik::command_line::suggestion(text, words, choice));
}

/// The filter that does not fit the kind, if there is one.
std::string wrong_filter(resource_kind kind, rik::list_filter const& filter) {
    if (!filter.instance.empty() && kind != resource_kind::event) return "--instance is for events";
    auto const takes_both = kind == resource_kind::instance || kind == resource_kind::event;
    if (!(filter.workload.empty() && filter.node.empty()) && !takes_both)
        return "--workload and --node are for instances and events";
    auto const has_labels = kind != resource_kind::event && kind != resource_kind::tenant;
    if (!filter.labels.empty() && !has_labels) return "-l is for workloads, instances and nodes";
    if (!filter.fields.empty() && kind == resource_kind::tenant) return "--field-selector is not for tenants";
    if (!filter.workload.empty() && !filter.instance.empty()) return "use one of --workload and --instance";
    return {};
}

bool is_filtered(rik::list_filter const& by) {
    return !(by.workload.empty() && by.node.empty() && by.labels.empty() && by.fields.empty());
}

/// `--kind` belongs to a workload's name, which may be that of an object or of a filter.
std::string wrong_kind(resource_kind kind, get_options const& options) {
    if (options.definition_kind.empty() || !options.filter.workload.empty()) return {};
    if (kind == resource_kind::workload && !options.names.empty()) return {};
    return "--kind says which workload is meant: name it, or use --workload";
}

/// What is wrong with -A.
std::string wrong_tenants(session& with, resource_kind kind, get_options const& options) {
    if (!options.filter.is_of_all_tenants) return {};
    if (!belongs_to_tenant(kind)) return fmt::format("{} belong to no tenant: leave out -A", plural(kind));
    if (!with.named_tenant().empty()) return "use one of -n and -A";
    if (!options.names.empty()) return "names are looked for in one tenant: use -n NAME instead of -A";
    return {};
}

/// The one kind of workloads that is asked for; empty: there may be several.
std::string kind_of_all(get_options const& asked) {
    if (!asked.definition_kind.empty()) return asked.definition_kind;
    auto const fields = rik::parse_field_selector(asked.filter.fields);
    if (!fields) return {};
    auto const said =
        std::ranges::find_if(*fields, [](auto const& each) { return each.field == "kind" && !each.is_negated; });
    return said == fields->end() ? std::string() : said->value;
}

/// A table that comes in parts: its columns keep their widths.
class growing_table {
public:
    growing_table(session& with, resource_kind kind, get_options const& asked)
        : with_(with),
          kind_(kind),
          options_{.wide = parse_form(asked.form) == output_form::wide,
                   .now = with.wall(),
                   .has_tenants = asked.filter.is_of_all_tenants,
                   .definition_kind = kind_of_all(asked)},
          writer_(with.has_colours()) {}

    rik::result<void> add(std::vector<std::string> const& objects) {
        std::vector<rik::table_row> rows;
        for (auto const& object : objects) {
            auto some = rik::table_rows(kind_, object, options_);
            if (!some) return some.error();
            rows.insert(rows.end(), some->begin(), some->end());
        }
        if (rows.empty()) return {};
        if (is_empty_) rows.insert(rows.begin(), rik::table_header(kind_, options_));
        is_empty_ = false;
        with_.out() << writer_.write(rows) << std::flush;
        return {};
    }

    /// A script sees the difference in the empty output, a person wants to know that it is no failure.
    void end() {
        auto const& tenant = with_.options().tenant;
        auto const is_said = belongs_to_tenant(kind_) && !options_.has_tenants && !tenant.empty();
        auto const where = is_said ? " in tenant " + tenant : std::string();
        auto const& kind = options_.definition_kind;
        auto const which = kind.empty() ? std::string() : fmt::format(" of kind {}", kind);
        // What a Deployment has in Kubernetes are its releases here.
        auto const* const hint =
            kind == "ReplicaSet" ? " Those of a Deployment are its releases: rikctl rollout history DEPLOYMENT" : "";
        if (is_empty_) with_.err() << fmt::format("There are no {}{}{}.{}\n", plural(kind_), which, where, hint);
    }

private:
    session& with_;
    resource_kind kind_;
    rik::table_options options_;
    rik::table_writer writer_;
    bool is_empty_ = true;
};

rik::result<void> print_names(session& with, std::vector<std::string> const& objects) {
    for (auto const& object : objects) {
        auto const names = rik::object_names(object);
        if (!names) return names.error();
        for (auto const& name : *names) with.out() << name << '\n';
    }
    return {};
}

/// One object or list stays as it came; of several names the objects become one list, so that the output is one text,
/// of the same shape however many of them were found.
std::string joined(std::vector<std::string> const& objects, std::size_t asked_count) {
    if (asked_count <= 1) return objects.front();
    std::string list;
    for (auto const& object : objects) list += (list.empty() ? "" : ",") + object;
    return fmt::format("{{\"items\":[{}]}}", list);
}

rik::result<void> print_whole(session& with, std::string const& object, std::string_view form) {
    if (form == "json") {
        with.out() << rik::pretty_json(object) << '\n';
        return {};
    }
    auto text = rik::result<std::string>(std::string());
    if (form == "yaml") {
        text = rik::json_to_yaml(object);
    } else {
        auto const path = rik::json_path::parse(form.substr(path_form.size()));
        text = path ? path->print(object) : path.error();
    }
    if (!text) return text.error();
    with.out() << *text;
    return {};
}

/// What was got for `names`, or a list.
exit_code print(session& with, resource_kind kind, get_options const& options,
                std::vector<std::string> const& objects) {
    auto const form = parse_form(options.form);
    rik::result<void> done;
    if (is_whole(form))
        done = print_whole(with, joined(objects, options.names.size()), options.form);
    else if (form == output_form::name)
        done = print_names(with, objects);
    else {
        growing_table table(with, kind, options);
        done = table.add(objects);
        if (done) table.end();
    }
    return done ? exit_code::ok : with.fail(done.error());
}

constexpr std::size_t page_count = 500;

/// A list of any length as names or as a table, page by page: it is never in memory as a whole.
exit_code print_pages(session& with, rik::client& server, resource_kind kind, get_options const& options) {
    auto const form = parse_form(options.form);
    growing_table table(with, kind, options);
    std::string after;
    do {
        auto part = server.list_some(kind, options.filter, page_count, after);
        if (!part) return with.fail(part.error());
        auto const done = form == output_form::name ? print_names(with, {part->text}) : table.add({part->text});
        if (!done) return with.fail(done.error());
        after = std::move(part->next);
    } while (!after.empty() && with.out().good() && !with.is_interrupted());
    if (form != output_form::name) table.end();
    return exit_code::ok;
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
    auto const code = print(with, kind, options, found);
    return worst == exit_code::ok ? code : worst;
}

/// What does not exist would be waited for without end, and without a word.
exit_code find_named(session& with, rik::client& server, resource_kind kind, get_options const& options) {
    auto worst = exit_code::ok;
    for (auto const& name : options.names) {
        auto const object = server.get(kind, name, options.definition_kind);
        auto const code = object ? exit_code::ok : with.fail(object.error());
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

exit_code watch_as_told(session& with, rik::client& server, resource_kind kind, get_options const& options) {
    if (auto const code = find_named(with, server, kind, options); code != exit_code::ok) return code;
    watch_view const view{kind, parse_form(options.form), options.names, options.filter.is_of_all_tenants,
                          kind_of_all(options)};
    if (kind == resource_kind::workload)
        return print_workloads(with, server, options.filter, options.definition_kind, view);
    auto stream = server.watch(kind, options.filter);
    if (!stream) return with.fail(stream.error());
    return print_watch(with, *stream, view);
}

/// Events outlive what they are about: so there is no such object only if there are no events either.
bool are_of_nothing(rik::client& server, get_options const& options, std::string const& list) {
    auto const names = rik::object_names(list);
    if (!names || !names->empty() || options.filter.instance.empty()) return false;
    auto const found = server.get(resource_kind::instance, options.filter.instance);
    return !found && found.error().code == rik::errc::not_found;
}

exit_code get_as_told(session& with, get_options options) {
    auto const kind = *rik::parse_resource_kind(options.kind);
    // An event has no name: `get events web-1` asks for those of an instance.
    if (kind == resource_kind::event && options.names.size() == 1 && options.filter.instance.empty())
        options.filter.instance = std::exchange(options.names, {}).front();
    if (kind == resource_kind::event && !options.names.empty())
        return with.fail_usage("events of one instance at a time");
    if (auto const wrong = wrong_filter(kind, options.filter); !wrong.empty()) return with.fail_usage(wrong);
    if (!options.names.empty() && is_filtered(options.filter)) return with.fail_usage("names or a filter, not both");
    if (auto const wrong = wrong_kind(kind, options); !wrong.empty()) return with.fail_usage(wrong);
    if (auto const wrong = wrong_tenants(with, kind, options); !wrong.empty()) return with.fail_usage(wrong);
    if (!options.filter.workload.empty()) options.filter.definition_kind = std::exchange(options.definition_kind, {});
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const form = parse_form(options.form);
    if (options.watches && (form == output_form::yaml || form == output_form::json_path))
        return with.fail_usage("--watch prints tables, names or JSON: use -o json");
    if (options.watches) return watch_as_told(with, *server, kind, options);
    if (!options.names.empty()) return get_named(with, *server, kind, options);
    auto const is_in_pages = kind != resource_kind::event && !is_whole(parse_form(options.form));
    if (is_in_pages) return print_pages(with, *server, kind, options);
    auto const list = server->list(kind, options.filter);
    if (!list) return with.fail(list.error());
    if (kind == resource_kind::event && are_of_nothing(*server, options, *list))
        return with.fail({rik::errc::not_found,
                          fmt::format("instance {} does not exist, and has no events", options.filter.instance)});
    return print(with, kind, options, {*list});
}

void add_output(CLI::App& to, get_options& options) {
    to.add_option("-o,--output", options.form,
                  "table, wide (more columns, nothing cut), json or yaml (as the API gives it), name, or jsonpath=PATH")
        ->check(check_form)
        ->type_name("FORM");
    to.add_flag("-w,--watch", options.watches, "Go on with a row for each change; with -o json a line for each");
}

void add_all_tenants(CLI::App& to, get_options& options) {
    to.add_flag("-A,--all-tenants,--all-namespaces", options.filter.is_of_all_tenants,
                "Of all tenants, with a column that tells which");
}

/// What an empty selector would mean, nobody has meant.
std::string check_labels(std::string const& text) {
    if (text.empty()) return "it is empty";
    auto const read = rik::parse_label_selector(text);
    return read ? std::string() : rik::to_string(read.error());
}

std::string check_fields(std::string const& text) {
    if (text.empty()) return "it is empty";
    auto const read = rik::parse_field_selector(text);
    return read ? std::string() : rik::to_string(read.error());
}

void add_filters(CLI::App& to, get_options& options) {
    to.add_option("--workload,--workload-id", options.filter.workload, "Only those of this workload")
        ->type_name("NAME")
        ->check(check_given);
    to.add_option("--node", options.filter.node, "Only those on this node")->type_name("NAME")->check(check_given);
    to.add_option("--instance", options.filter.instance, "Only the events of this instance")
        ->type_name("NAME")
        ->check(check_given);
}

void add_selectors(CLI::App& to, get_options& options) {
    to.add_option("-l,--selector", options.filter.labels, "Only those with these labels: app=web,tier!=db,env in (a,b)")
        ->type_name("LABELS")
        ->check(check_labels);
    to.add_option("--field-selector", options.filter.fields, "Only those with these fields: state=running,node!=a")
        ->type_name("FIELDS")
        ->check(check_fields);
}

void choose(CLI::App& command, std::shared_ptr<get_options> const& options, action& chosen) {
    command.callback([options, &chosen] { chosen = [options](session& with) { return get_as_told(with, *options); }; });
}

}  // namespace

void add_get(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("get", "List workloads, instances, nodes, events or tenants");
    command->alias("ls");
    command->footer(
        "Examples:\n"
        "  rikctl get workloads\n"
        "  rikctl get cronjobs                    those of one kind; also jobs, deployments, ...\n"
        "  rikctl get instances --workload web -o wide\n"
        "  rikctl get instances -l tier=front --field-selector state=running\n"
        "  rikctl get instance web-1 -o json\n"
        "  rikctl get i -w                        the list, then each change\n"
        "  rikctl get instances -A                of all tenants\n"
        "  rikctl get events --instance web-1\n");
    auto const options = std::make_shared<get_options>();
    add_kind(*command, options->kind,
             {resource_kind::workload, resource_kind::instance, resource_kind::node, resource_kind::event,
              resource_kind::tenant})
        ->required();
    add_names(*command, options->names, "Only these, by name or id");
    add_output(*command, *options);
    add_all_tenants(*command, *options);
    add_filters(*command, *options);
    add_selectors(*command, *options);
    add_definition_kind(*command, options->definition_kind);
    choose(*command, options, chosen);
}

void add_shortcuts(CLI::App& to, action& chosen) {
    auto* const nodes = to.add_subcommand("nodes", "Short for: get nodes");
    auto const node_options = std::make_shared<get_options>(get_options{.kind = "nodes"});
    nodes->footer(
        "Examples:\n"
        "  rikctl nodes\n"
        "  rikctl nodes a -o json\n"
        "  rikctl nodes -w\n");
    add_names(*nodes, node_options->names, "Only these, by name or id");
    add_output(*nodes, *node_options);
    choose(*nodes, node_options, chosen);

    auto* const events = to.add_subcommand("events", "Short for: get events");
    events->footer(
        "Examples:\n"
        "  rikctl events --instance web-1\n"
        "  rikctl events --workload web -o wide\n"
        "  rikctl events -w\n");
    auto const event_options = std::make_shared<get_options>(get_options{.kind = "events"});
    add_output(*events, *event_options);
    add_all_tenants(*events, *event_options);
    events->add_option("--instance,-i", event_options->filter.instance, "Only the events of this instance")
        ->type_name("NAME")
        ->check(check_given);
    events->add_option("--workload", event_options->filter.workload, "Only those of this workload")
        ->type_name("NAME")
        ->check(check_given);
    events->add_option("--node", event_options->filter.node, "Only those of this node")
        ->type_name("NAME")
        ->check(check_given);
    choose(*events, event_options, chosen);
}

}  // namespace rikctl
