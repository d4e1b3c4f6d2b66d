#include <rik/client/print.hpp>
#include <rik/model/labels.hpp>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "commands.hpp"

namespace rikctl {

namespace {

struct top_options {
    std::string form = "table";
};

exit_code show_nodes(session& with, top_options const& options) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const list = server->list(rik::resource_kind::node);
    if (!list) return with.fail(list.error());
    if (options.form == "json") {
        with.out() << rik::pretty_json(*list) << '\n';
        return exit_code::ok;
    }
    auto rows = rik::load_rows(*list, {.wide = false, .now = with.wall()});
    if (!rows) return with.fail(rows.error());
    if (rows->empty()) with.err() << "There are no nodes.\n";
    if (rows->empty()) return exit_code::ok;
    rows->insert(rows->begin(), rik::load_header());
    with.out() << rik::table_writer(with.has_colours()).write(*rows);
    return exit_code::ok;
}

struct top_instances_options {
    std::string form = "table";
    rik::list_filter filter = {};
    bool has_containers = false;
};

/// What is missing is said beside the table, so that a script can tell the two apart.
rik::result<void> print_usage(session& with, std::string const& report, top_instances_options const& options) {
    auto const silent = rik::silent_nodes(report);
    if (!silent) return silent.error();
    for (auto const& each : *silent) with.err() << "not known: " << each << '\n';
    rik::usage_table_options const how{.has_tenants = options.filter.is_of_all_tenants,
                                       .has_containers = options.has_containers};
    auto rows = rik::usage_rows(report, how);
    if (!rows) return rows.error();
    if (rows->empty()) with.err() << "No instance that runs was measured yet: that is done every 15 s.\n";
    if (rows->empty()) return {};
    rows->insert(rows->begin(), rik::usage_header(how));
    with.out() << rik::table_writer(with.has_colours()).write(*rows);
    return {};
}

exit_code show_instances(session& with, top_instances_options const& options) {
    if (options.filter.is_of_all_tenants && !with.named_tenant().empty())
        return with.fail_usage("use one of -n and -A");
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const report = server->usage(options.filter);
    if (!report) return with.fail(report.error());
    if (options.form == "json") {
        with.out() << rik::pretty_json(*report) << '\n';
        return exit_code::ok;
    }
    auto const printed = print_usage(with, *report, options);
    return printed ? exit_code::ok : with.fail(printed.error());
}

std::string check_labels(std::string const& text) {
    if (text.empty()) return "it is empty";
    auto const read = rik::parse_label_selector(text);
    return read ? std::string() : rik::to_string(read.error());
}

void add_top_instances(CLI::App& top, action& chosen) {
    auto* const instances = top.add_subcommand("instances", "Show what the instances that run use");
    for (auto const* each : {"instance", "pods", "pod"}) instances->alias(each);
    instances->footer(
        "CPU is in thousandths of a core, of the last 15 s; MEMORY is what could not be taken back at once.\n"
        "A node that is not heard is named, and its instances are missing.\n");
    auto const options = std::make_shared<top_instances_options>();
    instances->add_flag("--containers", options->has_containers, "A line for each container");
    instances->add_flag("-A,--all-tenants,--all-namespaces", options->filter.is_of_all_tenants,
                        "Of all tenants, with a column that tells which");
    instances->add_option("-l,--selector", options->filter.labels, "Only those with these labels: app=web,tier!=db")
        ->type_name("LABELS")
        ->check(check_labels);
    instances->add_option("--node", options->filter.node, "Only those on this node")
        ->type_name("NAME")
        ->check(check_given);
    instances->add_option("-o,--output", options->form, "table or json")
        ->check(rik::command_line::one_of({"table", "json"}))
        ->type_name("FORM");
    instances->callback(
        [options, &chosen] { chosen = [options](session& with) { return show_instances(with, *options); }; });
}

}  // namespace

void add_top(CLI::App& to, action& chosen) {
    auto* const top = to.add_subcommand("top", "Show what is in use");
    top->require_subcommand(1);
    auto* const nodes =
        top->add_subcommand("nodes", "Show what is in use on the machines of the nodes, by all programs");
    nodes->alias("node");
    nodes->footer(
        "A node measures every 5 s, and tells when something has changed by a step, or after a minute.\n"
        "What is promised to instances is shown by: rikctl get nodes\n");
    auto const options = std::make_shared<top_options>();
    nodes->add_option("-o,--output", options->form, "table or json (the whole nodes)")
        ->check(rik::command_line::one_of({"table", "json"}))
        ->type_name("FORM");
    nodes->callback([options, &chosen] { chosen = [options](session& with) { return show_nodes(with, *options); }; });
    add_top_instances(*top, chosen);
}

}  // namespace rikctl
