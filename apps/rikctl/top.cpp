#include <rik/client/print.hpp>

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
}

}  // namespace rikctl
