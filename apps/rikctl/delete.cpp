#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/labels.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>

#include "commands.hpp"
#include "parse_json.hpp"
#include "wait_command.hpp"

namespace rikctl {

namespace {

struct delete_options {
    std::string kind;
    std::vector<std::string> names;
    std::vector<std::string> workload_ids;
    std::vector<std::string> instance_ids;
    std::vector<std::string> files;
    std::string definition_kind;
    std::string labels;
    std::string cascade;
    bool waits = false;
    bool is_quiet = false;
    std::string timeout = "5m";
};

struct target {
    rik::resource_kind kind;
    std::string name;
    std::string definition_kind = {};
    std::string id = {};      ///< once it is known
    std::string tenant = {};  ///< that its definition names; empty: that of the command
};

/// Does it leave open what the definition is of? Others do not matter here: what it made is to be removed.
bool hides_identity(rik::error const& problem) {
    return problem.field.empty() || problem.field == "name" || problem.field == "kind" || problem.field == "tenant" ||
           problem.field == "metadata" || problem.field.starts_with("metadata.");
}

rik::error two_tenants(std::string_view by_command, std::string_view by_definition) {
    return {rik::errc::invalid,
            fmt::format("the command names the tenant {}, the definition {}", by_command, by_definition), "tenant",
            "leave out -n, or name the same"};
}

/// Adds what the definitions of a file are called.
exit_code add_from_file(session& with, std::string const& path, std::vector<target>& to) {
    auto all = read_definitions(with, path);
    if (!all) return with.fail(all.error());
    auto worst = exit_code::ok;
    for (auto& each : *all) {
        if (each.tenant && check_tenant(each.tenant->name).empty()) {
            to.push_back({rik::resource_kind::tenant, each.tenant->name});
            continue;
        }
        auto& found = each.parsed.found;
        std::erase_if(found, [](rik::error const& problem) { return !hides_identity(problem); });
        auto const& meant = each.parsed.definition;
        auto const& named = meant.tenant;
        auto const differs = !named.empty() && !with.named_tenant().empty() && named != with.named_tenant();
        if (!found.empty())
            worst = with.fail(rik::summarize(found), each.about);
        else if (differs)
            worst = with.fail(two_tenants(with.named_tenant(), named), each.about);
        else
            to.push_back({rik::resource_kind::workload, meant.name, std::string(to_string(meant.kind)), {}, named});
    }
    return worst;
}

std::string counted(std::int64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// Says what goes with it.
exit_code delete_tenant(session& with, rik::client& server, target const& what) {
    auto const going = server.remove_tenant(what.id.empty() ? what.name : what.id);
    if (!going) return with.fail(going.error());
    auto const object = parse_json(*going);
    with.out() << fmt::format("tenant {} is being deleted, with {} and {}\n", what.name,
                              counted(number_at(object, "/workloads"), "workload"),
                              counted(number_at(object, "/instances"), "instance"))
               << std::flush;
    return exit_code::ok;
}

rik::client server_for(rik::client const& server, target const& what) {
    return what.tenant.empty() ? server : server.in_tenant(what.tenant);
}

/// What an orphaned workload leaves: "; its instances stay", of a CronJob its Jobs. Asked before it is gone.
std::string orphan_words(rik::client& server, target const& what) {
    auto kind = what.definition_kind;
    if (kind.empty())
        if (auto const found = server.get(what.kind, what.id.empty() ? what.name : what.id); found)
            kind = string_at(parse_json(*found), "/kind");
    return kind == "CronJob" ? "; its Jobs stay" : "; its instances stay";
}

exit_code delete_one(session& with, rik::client& server, target const& what, std::string const& cascade) {
    if (what.kind == rik::resource_kind::tenant) return delete_tenant(with, server, what);
    auto const& name = what.id.empty() ? what.name : what.id;
    auto const is_workload = what.kind == rik::resource_kind::workload;
    auto const rest = is_workload && cascade == "orphan" ? orphan_words(server, what) : std::string();
    auto const done = server.remove(what.kind, name, what.id.empty() ? what.definition_kind : std::string(),
                                    is_workload ? cascade : std::string());
    if (!done) return with.fail(done.error());
    with.out() << fmt::format("{} {} is being deleted{}\n", to_string(what.kind), what.name, rest) << std::flush;
    return exit_code::ok;
}

/// Adds what the labels select, by id: what has a name when it is listed may be another object when it is deleted.
exit_code add_selected(session& with, rik::resource_kind kind, delete_options const& options, std::vector<target>& to) {
    constexpr std::size_t page_count = 500;
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    rik::list_filter filter{.labels = options.labels};
    if (!options.definition_kind.empty()) filter.fields = "kind=" + options.definition_kind;
    std::string after;
    do {
        auto part = server->list_some(kind, filter, page_count, after);
        if (!part) return with.fail(part.error());
        auto const list = parse_json(part->text);
        auto const* const items = list.is_object() ? list.get_object().if_contains("items") : nullptr;
        if (items != nullptr && items->is_array())
            for (auto const& each : items->get_array())
                to.push_back({kind, rik::printable(string_at(each, "/name")), {}, string_at(each, "/id")});
        after = std::move(part->next);
    } while (!after.empty());
    if (to.empty()) with.err() << fmt::format("There are no {} with these labels.\n", plural(kind)) << std::flush;
    return exit_code::ok;
}

/// What is in a tenant goes before it, wherever it stands in the files.
void put_tenants_last(std::vector<target>& all) {
    std::ranges::stable_partition(all, [](target const& each) { return each.kind != rik::resource_kind::tenant; });
}

/// Fixes which object the name means, so that what is waited for is what was deleted.
exit_code find_id(session& with, rik::client& server, target& what) {
    if (!what.id.empty()) return exit_code::ok;
    auto const object = server.get(what.kind, what.name, what.definition_kind);
    if (!object) return with.fail(object.error());
    auto const id = rik::object_id(*object);
    if (!id) return with.fail(id.error());
    what.id = *id;
    return exit_code::ok;
}

exit_code delete_all(session& with, std::vector<target> targets, delete_options const& options) {
    auto const deadline = with.now() + *parse_duration(options.timeout);
    auto const waits = options.waits || options.cascade == "foreground";
    auto server = waits ? with.server_until(deadline) : with.server();
    if (!server) return with.fail_address(server.error());
    auto worst = exit_code::ok;
    std::vector<target> deleted;
    for (auto& each : targets) {
        auto there = server_for(*server, each);
        auto code = waits ? find_id(with, there, each) : exit_code::ok;
        if (code == exit_code::ok) code = delete_one(with, there, each, options.cascade);
        if (code == exit_code::ok) deleted.push_back(each);
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) return worst;
    }
    for (auto const& each : deleted) {
        if (!waits) break;
        wait_for_all_request request{each.kind, {{each.name, each.id}}, {rik::wait_goal::what::deleted}, deadline};
        request.tells_progress = !options.is_quiet;
        request.was_reached = true;
        auto const code = wait_for_all(with, *server, request);
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

exit_code delete_as_told(session& with, delete_options const& options) {
    std::vector<target> targets;
    auto const kind = rik::parse_resource_kind(options.kind);
    if (!kind && !options.names.empty())
        return with.fail_usage("say what is to be deleted: workload, instance or tenant");
    for (auto const& name : options.names) targets.push_back({*kind, name, options.definition_kind});
    for (auto const& id : options.workload_ids) targets.push_back({rik::resource_kind::workload, id});
    for (auto const& id : options.instance_ids) targets.push_back({rik::resource_kind::instance, id});
    if (auto const wrong = wrong_definition_kind(options.kind, options.definition_kind);
        !(options.names.empty() && options.labels.empty()) && !wrong.empty())
        return with.fail_usage(wrong);
    if (!options.labels.empty() && !(targets.empty() && options.files.empty()))
        return with.fail_usage("names, files or labels: one of them");
    if (!options.labels.empty() && !(kind && *kind != rik::resource_kind::tenant))
        return with.fail_usage("-l selects workloads or instances: say which");
    if (targets.empty() && options.files.empty() && options.labels.empty())
        return with.fail_usage("say what is to be deleted: names, -l LABELS, or -f FILE");
    auto worst = options.labels.empty() ? exit_code::ok : add_selected(with, *kind, options, targets);
    for (auto const& path : options.files) {
        auto const code = add_from_file(with, path, targets);
        if (worst == exit_code::ok) worst = code;
    }
    if (targets.empty()) return worst;
    auto const is_workload = [](target const& each) { return each.kind == rik::resource_kind::workload; };
    if (!options.cascade.empty() && std::ranges::none_of(targets, is_workload))
        return with.fail_usage("--cascade is for workloads");
    put_tenants_last(targets);
    auto const code = delete_all(with, std::move(targets), options);
    return worst == exit_code::ok ? code : worst;
}

/// What is deleted in other words, or not at all.
std::string instead_of_delete(rik::resource_kind kind) {
    return kind == rik::resource_kind::node ? "rikctl node drain NODE, and then rikctl node remove NODE" : "";
}

/// Without a condition it would select everything.
std::string check_selector(std::string const& text) {
    auto const read = rik::parse_label_selector(text);
    if (!read) return rik::to_string(read.error());
    return read->is_empty() ? "it is empty" : "";
}

}  // namespace

void add_delete(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("delete", "Delete workloads, with their instances, instances, or tenants");
    command->alias("rm");
    command->footer(
        "Examples:\n"
        "  rikctl delete instance web-1 web-2\n"
        "  rikctl delete workload web --wait\n"
        "  rikctl delete workload web --cascade orphan     its instances run on, and are nobody's\n"
        "  rikctl delete -f web.yaml\n"
        "  rikctl delete instances -l tier=front\n"
        "  rikctl delete tenant team-a --wait     with all that is in it\n"
        "  rikctl get instances -o name | xargs -r rikctl delete instances\n");
    auto const options = std::make_shared<delete_options>();
    add_kind(*command, options->kind,
             {rik::resource_kind::workload, rik::resource_kind::instance, rik::resource_kind::tenant},
             instead_of_delete);
    add_names(*command, options->names, "Names or ids");
    command->add_option("-l,--selector", options->labels, "Those with these labels: app=web,tier!=db")
        ->type_name("LABELS")
        ->check(check_selector);
    command->add_option("-f,--file", options->files, "What these definitions are of; - for the standard input")
        ->allow_extra_args(false)
        ->type_name("FILE");
    command->add_option("--workload-id", options->workload_ids, "A workload by its id")
        ->check(check_given)
        ->allow_extra_args(false)
        ->type_name("ID");
    command->add_option("--instance-id", options->instance_ids, "An instance by its id")
        ->check(check_given)
        ->allow_extra_args(false)
        ->type_name("ID");
    command->add_option("--id", options->names, "The same as NAME")
        ->check(check_given)
        ->allow_extra_args(false)
        ->type_name("ID");
    add_definition_kind(*command, options->definition_kind);
    command
        ->add_option("--cascade", options->cascade,
                     "What becomes of a workload's instances, or a CronJob's Jobs: background, they go; foreground, "
                     "this also waits until "
                     "they are gone; orphan, they stay")
        ->check(CLI::IsMember({"background", "foreground", "orphan"}))
        ->type_name("HOW");
    command->add_flag("--wait", options->waits, "Wait until they are gone, and say what it waits for");
    command->add_flag("-q,--quiet", options->is_quiet, "Do not say what it waits for");
    add_timeout(*command, options->timeout);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return delete_as_told(with, *options); }; });
}

}  // namespace rikctl
