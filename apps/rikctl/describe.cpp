#include <rik/client/print.hpp>

#include <boost/json.hpp>

#include <memory>
#include <ostream>

#include "commands.hpp"

namespace rikctl {

namespace {

using rik::resource_kind;

struct describe_options {
    std::string kind;
    std::vector<std::string> names;
    std::string definition_kind;
};

/// A part that a description can do without.
std::string or_empty(rik::result<std::string> const& found) { return found ? *found : std::string(); }

std::string workload_id_of(std::string_view instance) {
    boost::system::error_code code;
    auto const parsed = boost::json::parse({instance.data(), instance.size()}, code);
    auto const id = parsed.find_pointer("/workload/id", code);
    return id != nullptr && id->is_string() ? std::string(id->get_string().c_str()) : std::string();
}

rik::result<std::string> describe_instance(rik::client& server, std::string const& name, rik::wall_time now) {
    auto const instance = server.get(resource_kind::instance, name);
    if (!instance) return instance;
    auto const workload_id = workload_id_of(*instance);
    std::string workload;
    if (!workload_id.empty()) workload = or_empty(server.get(resource_kind::workload, workload_id));
    auto const events = or_empty(server.list(resource_kind::event, {.instance = name}));
    return rik::describe_instance(*instance, workload, events, now);
}

rik::result<std::string> describe(session& with, rik::client& server, describe_options const& options,
                                  std::string const& name) {
    auto const kind = *rik::parse_resource_kind(options.kind);
    if (kind == resource_kind::instance) return describe_instance(server, name, with.wall());
    auto const object = server.get(kind, name, options.definition_kind);
    if (!object) return object;
    rik::list_filter filter;
    (kind == resource_kind::node ? filter.node : filter.workload) = name;
    auto const instances = or_empty(server.list(resource_kind::instance, filter));
    auto const events = or_empty(server.list(resource_kind::event, filter));
    if (kind == resource_kind::node) return rik::describe_node(*object, instances, events, with.wall());
    return rik::describe_workload(*object, instances, events, with.wall());
}

exit_code describe_all(session& with, describe_options const& options) {
    if (rik::parse_resource_kind(options.kind) == resource_kind::event)
        return with.fail_usage("events are lines: see `rikctl events`");
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto worst = exit_code::ok;
    auto is_first = true;
    for (auto const& name : options.names) {
        auto const text = describe(with, *server, options, name);
        auto const code = text ? exit_code::ok : with.fail(text.error());
        if (worst == exit_code::ok) worst = code;
        if (!text) continue;
        if (!std::exchange(is_first, false)) with.out() << '\n';
        with.out() << *text;
    }
    return worst;
}

}  // namespace

void add_describe(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("describe", "Tell all about an object, and its story");
    command->alias("d");
    command->footer(
        "Examples:\n"
        "  rikctl describe instance web-1     states, containers, addresses, and its events with times\n"
        "  rikctl describe workload web\n"
        "  rikctl describe node a\n");
    auto const options = std::make_shared<describe_options>();
    add_kind(*command, options->kind)->required();
    command->add_option("NAME", options->names, "Names or ids")->required()->type_name("");
    command->add_option("--kind", options->definition_kind, "Pod or Function, where workloads of both have the name")
        ->type_name("KIND");
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return describe_all(with, *options); }; });
}

}  // namespace rikctl
