#include <rik/client/print.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <ostream>

#include "command_line.hpp"
#include "commands.hpp"

namespace rikctl {

namespace {

struct images_options {
    std::string node = {};
    std::string form = "table";
    std::vector<std::string> names = {};
    std::string path = {};
    std::string name = {};
};

rik::result<std::vector<std::string>> nodes_of(rik::client& server, images_options const& options) {
    if (!options.node.empty()) return std::vector<std::string>{options.node};
    auto const list = server.list(rik::resource_kind::node);
    if (!list) return list.error();
    return rik::object_names(*list);
}

/// The node that is to do something: one that is not named is the only one.
rik::result<std::string> node_of(rik::client& server, images_options const& options) {
    auto const nodes = nodes_of(server, options);
    if (!nodes) return nodes.error();
    if (nodes->size() == 1) return nodes->front();
    if (nodes->empty()) return rik::error{rik::errc::not_found, "there are no nodes"};
    return rik::error{rik::errc::invalid, "there are several nodes: say which", "--node",
                      fmt::format("one of: {}", fmt::join(*nodes, ", "))};
}

struct node_images {
    std::string node;
    std::string json;
};

exit_code print_table(session& with, std::vector<node_images> const& all, bool is_wide) {
    rik::table_options const options{.wide = is_wide, .now = with.wall()};
    std::vector<rik::table_row> rows;
    for (auto const& each : all) {
        auto some = rik::image_rows(each.node, each.json, options);
        if (!some) return with.fail(some.error());
        rows.insert(rows.end(), some->begin(), some->end());
    }
    if (rows.empty()) with.err() << "There are no images.\n";
    if (rows.empty()) return exit_code::ok;
    rows.insert(rows.begin(), rik::image_header());
    with.out() << rik::table_writer(with.has_colours()).write(rows);
    return exit_code::ok;
}

exit_code print(session& with, std::vector<node_images> const& all, std::string const& form) {
    if (form != "json") return print_table(with, all, form == "wide");
    std::string list;
    for (auto const& each : all) list += (list.empty() ? "" : ",") + each.json;
    with.out() << rik::pretty_json(all.size() == 1 ? all.front().json : fmt::format("[{}]", list)) << '\n';
    return exit_code::ok;
}

exit_code list_as_told(session& with, images_options const& options) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const nodes = nodes_of(*server, options);
    if (!nodes) return with.fail(nodes.error());
    auto worst = exit_code::ok;
    std::vector<node_images> all;
    for (auto const& node : *nodes) {
        auto json = server->list_images(node);
        auto const code = json ? exit_code::ok : with.fail(json.error());
        if (worst == exit_code::ok) worst = code;
        if (json) all.push_back({node, std::move(*json)});
    }
    if (all.empty() && worst != exit_code::ok) return worst;
    auto const code = print(with, all, options.form);
    return worst == exit_code::ok ? code : worst;
}

/// "NAME DIGEST" for each image of the answer, for people and scripts.
exit_code print_brought(session& with, std::string const& json) {
    auto const rows = rik::image_rows({}, json, {.wide = true});
    if (!rows) return with.fail(rows.error());
    for (auto const& row : *rows) with.out() << fmt::format("{} {}\n", row[1].text, row[2].text) << std::flush;
    return exit_code::ok;
}

using image_action = rik::result<std::string> (*)(rik::client&, std::string const& node, std::string const& name);

/// Of several names the first failure counts; the others are still done.
exit_code act_on_each(session& with, images_options const& options, image_action act) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const node = node_of(*server, options);
    if (!node) return with.fail(node.error());
    auto worst = exit_code::ok;
    for (auto const& name : options.names) {
        auto const answer = act(*server, *node, name);
        auto const code = answer ? print_brought(with, *answer) : with.fail(answer.error());
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

rik::result<std::string> pull_one(rik::client& server, std::string const& node, std::string const& name) {
    return server.pull_image(node, name);
}

exit_code remove_as_told(session& with, images_options const& options) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const node = node_of(*server, options);
    if (!node) return with.fail(node.error());
    auto worst = exit_code::ok;
    for (auto const& name : options.names) {
        auto const gone = server->remove_image(*node, name);
        auto const code = gone ? exit_code::ok : with.fail(gone.error());
        if (gone) with.out() << fmt::format("{} is removed\n", name) << std::flush;
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

exit_code load_as_told(session& with, images_options const& options) {
    std::error_code wrong;
    auto const path = std::filesystem::absolute(options.path, wrong).lexically_normal();
    if (wrong) return with.fail_usage(fmt::format("{}: {}", options.path, wrong.message()));
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const node = node_of(*server, options);
    if (!node) return with.fail(node.error());
    auto const loaded = server->load_images(*node, {.path = path.string(), .name = options.name});
    return loaded ? print_brought(with, *loaded) : with.fail(loaded.error());
}

using options_ptr = std::shared_ptr<images_options>;

void choose(CLI::App& command, options_ptr const& options, action& chosen,
            exit_code (*act)(session&, images_options const&)) {
    command.callback(
        [options, &chosen, act] { chosen = [options, act](session& with) { return act(with, *options); }; });
}

void add_node(CLI::App& to, images_options& options) {
    to.add_option("--node", options.node, "The node, by name or id; needed where there are several")
        ->type_name("NAME")
        ->check(check_given);
}

void add_image_names(CLI::App& to, images_options& options, std::string_view help) {
    to.add_option("IMAGE", options.names, std::string(help))->required()->type_name("")->check(check_given);
}

void add_output(CLI::App& to, images_options& options) {
    to.add_option("-o,--output", options.form, "table, wide (whole digests, and who uses them) or json")
        ->check(rik::command_line::one_of({"table", "wide", "json"}))
        ->type_name("FORM");
}

}  // namespace

void add_images(CLI::App& to, action& chosen) {
    auto* const images = to.add_subcommand("images", "List, pull, remove and load the images of a node");
    images->footer(
        "Examples:\n"
        "  rikctl images                                  the list of all nodes\n"
        "  rikctl images pull alpine:3.20                 asks the registry, also for what is there\n"
        "  rikctl images load app.tar                     what docker save wrote, or an OCI archive or layout\n"
        "  rikctl images load layout --name team/app:1\n"
        "  rikctl images remove alpine:3.19               or a digest; what an instance uses stays\n");
    images->require_subcommand(0, 1);
    auto const options = std::make_shared<images_options>();
    add_node(*images, *options);
    add_output(*images, *options);
    images->callback([images, options, &chosen] {
        if (images->get_subcommands().empty())
            chosen = [options](session& with) { return list_as_told(with, *options); };
    });
    auto* const list = images->add_subcommand("list", "List them: names, digest, size, age, how many instances use it");
    add_node(*list, *options);
    add_output(*list, *options);
    choose(*list, options, chosen, list_as_told);
    auto* const pull = images->add_subcommand("pull", "Pull an image, or what its tag means now");
    add_node(*pull, *options);
    add_image_names(*pull, *options, "Names, as in a definition");
    choose(*pull, options, chosen,
           [](session& with, images_options const& of) { return act_on_each(with, of, pull_one); });
    auto* const gone = images->add_subcommand("remove", "Remove an image that no instance uses");
    gone->alias("rm");
    add_node(*gone, *options);
    add_image_names(*gone, *options, "Names or whole digests");
    choose(*gone, options, chosen, remove_as_told);
    auto* const load = images->add_subcommand("load", "Load images from an archive on the node's machine");
    add_node(*load, *options);
    load->add_option("PATH", options->path,
                     "What docker save wrote, an OCI archive or the directory of an OCI layout; on the node's machine")
        ->required()
        ->type_name("")
        ->check(check_given);
    load->add_option("--name", options->name, "The name for the one image in it; without it the names that it has")
        ->type_name("NAME")
        ->check(check_given);
    choose(*load, options, chosen, load_as_told);
}

}  // namespace rikctl
