#include <rik/client/print.hpp>
#include <rik/client/wait.hpp>
#include <rik/model/tenant.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <memory>
#include <ostream>
#include <utility>

#include "commands.hpp"
#include "parse_json.hpp"
#include "wait_command.hpp"

namespace rikctl {

namespace {

struct node_options {
    std::vector<std::string> names = {};
    std::string name = {};
    std::vector<std::string> changes = {};
    bool forces = false;
    bool is_confirmed = false;
    std::string timeout = "5m";
};

/// What a server lists under a member of its answer.
std::vector<boost::json::value> objects_of(std::string const& answer, std::string_view member) {
    auto const parsed = parse_json(answer);
    auto const* const object = parsed.if_object();
    auto const* const found = object == nullptr ? nullptr : object->if_contains(member);
    if (found == nullptr || !found->is_array()) return {};
    return {found->get_array().begin(), found->get_array().end()};
}

/// "web-1", or "web-1 of tenant team-a".
std::string name_of(boost::json::value const& object) {
    auto const tenant = string_at(object, "/tenant");
    auto const is_said = !tenant.empty() && tenant != rik::default_tenant;
    return rik::printable(string_at(object, "/name") + (is_said ? " of tenant " + tenant : std::string()));
}

/// Of several names the first failure counts; the others are still done.
template <class Act>
exit_code act_on_nodes(session& with, std::vector<std::string> const& names, Act act) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto worst = exit_code::ok;
    for (auto const& name : names) {
        auto const code = act(*server, name);
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

exit_code change_one(session& with, rik::client& server, std::string const& name, rik::node_changes_wanted const& what,
                     std::string_view done) {
    auto const changed = server.change_node(name, what);
    if (!changed) return with.fail(changed.error());
    with.out() << fmt::format("node {} is {}\n", name, done) << std::flush;
    return exit_code::ok;
}

exit_code set_cordoned(session& with, node_options const& options, bool is_cordoned) {
    return act_on_nodes(with, options.names, [&](rik::client& server, std::string const& name) {
        return change_one(with, server, name, {.is_cordoned = is_cordoned}, is_cordoned ? "cordoned" : "uncordoned");
    });
}

exit_code cordon_as_told(session& with, node_options const& options) { return set_cordoned(with, options, true); }
exit_code uncordon_as_told(session& with, node_options const& options) { return set_cordoned(with, options, false); }

/// All is checked before the first request.
exit_code label_as_told(session& with, node_options const& options) {
    rik::node_changes_wanted wanted;
    for (auto const& each : options.changes) {
        auto label = rik::parse_label_change(each);
        if (!label) return with.fail_usage(to_string(label.error()));
        wanted.labels.insert_or_assign(label->first, label->second);
    }
    return act_on_nodes(with, {options.name}, [&](rik::client& server, std::string const& name) {
        return change_one(with, server, name, wanted, "labelled");
    });
}

exit_code taint_as_told(session& with, node_options const& options) {
    for (auto const& each : options.changes)
        if (auto const parsed = rik::parse_taint_change(each); !parsed)
            return with.fail_usage(to_string(parsed.error()));
    rik::node_changes_wanted const wanted{.taints = options.changes};
    return act_on_nodes(with, {options.name}, [&](rik::client& server, std::string const& name) {
        return change_one(with, server, name, wanted, "changed");
    });
}

exit_code forget_as_told(session& with, node_options const& options) {
    return act_on_nodes(with, options.names, [&](rik::client& server, std::string const& name) {
        auto const removed = server.remove(rik::resource_kind::node, name);
        if (!removed) return with.fail(removed.error());
        auto const left = server.get(rik::resource_kind::node, name);
        auto const is_leaving = left && left->find("\"rik.io/leaving\"") != left->npos;  // the taint
        auto const* const what =
            is_leaving ? "leaves: it is forgotten when what DaemonSets have there has ended" : "is removed";
        with.out() << fmt::format("node {} {}\n", name, what) << std::flush;
        return exit_code::ok;
    });
}

exit_code wait_until_gone(session& with, rik::client& server, std::vector<boost::json::value> const& leaving,
                          rik::time_point deadline) {
    wait_for_all_request wanted{.kind = rik::resource_kind::instance,
                                .objects = {},
                                .goal = {rik::wait_goal::what::deleted},
                                .deadline = deadline};
    for (auto const& each : leaving) wanted.objects.push_back({name_of(each), string_at(each, "/id")});
    wanted.tells_progress = true;
    wanted.was_reached = true;
    return wait_for_all(with, server, wanted);
}

/// What stays keeps the node from being empty, so it is a failure.
exit_code tell_kept(session& with, std::string const& node, std::vector<boost::json::value> const& kept) {
    if (kept.empty()) return exit_code::ok;
    for (auto const& each : kept)
        with.err() << fmt::format("instance {} stays: {}\n", name_of(each), rik::printable(string_at(each, "/why")));
    return with.fail({rik::errc::conflict,
                      fmt::format("node {} is cordoned, and not empty: {} {}", node, kept.size(),
                                  kept.size() == 1 ? "instance stays" : "instances stay"),
                      {},
                      "--force removes them for good"});
}

exit_code drain_one(session& with, rik::client& server, std::string const& name, node_options const& options,
                    rik::time_point deadline) {
    auto const answer = server.drain_node(name, options.forces);
    if (!answer) return with.fail(answer.error());
    auto const leaving = objects_of(*answer, "leaving");
    with.out() << fmt::format("node {} is cordoned\n", name);
    for (auto const& each : leaving) with.out() << fmt::format("instance {} is being deleted\n", name_of(each));
    with.out() << std::flush;
    auto const left = wait_until_gone(with, server, leaving, deadline);
    auto const kept = tell_kept(with, name, objects_of(*answer, "kept"));
    if (left != exit_code::ok || kept != exit_code::ok) return left != exit_code::ok ? left : kept;
    with.out() << fmt::format("node {} is drained; to forget it: rikctl node remove {}\n", name, name) << std::flush;
    return exit_code::ok;
}

exit_code drain_as_told(session& with, node_options const& options) {
    auto const deadline = with.now() + *parse_duration(options.timeout);
    return act_on_nodes(with, options.names, [&](rik::client& server, std::string const& name) {
        return drain_one(with, server, name, options, deadline);
    });
}

/// Says what is at stake, and lets somebody type the name: then it is meant.
exit_code ask(session& with, rik::client& server, std::string const& name, std::string& confirmation) {
    auto const refused = server.declare_node_dead(name, "");
    if (refused) return with.fail({rik::errc::internal, "the server has not asked for a confirmation"});
    if (refused.error().code != rik::errc::invalid) return with.fail(refused.error());
    with.err() << fmt::format("{}\nThis cannot be undone. Type the name of the node to go on: ",
                              rik::printable(refused.error().message))
               << std::flush;
    std::getline(with.in(), confirmation);
    if (confirmation == name) return exit_code::ok;
    with.err() << fmt::format("\nnode {} was not declared dead\n", name) << std::flush;
    return exit_code::failed;
}

exit_code declare_one_dead(session& with, rik::client& server, std::string const& name_or_id, bool is_confirmed) {
    auto const object = server.get(rik::resource_kind::node, name_or_id);
    if (!object) return with.fail(object.error());
    auto const name = string_at(parse_json(*object), "/name");
    auto confirmation = is_confirmed ? name : std::string();
    if (!is_confirmed)
        if (auto const code = ask(with, server, name, confirmation); code != exit_code::ok) return code;
    auto const id = rik::object_id(*object);
    if (!id) return with.fail(id.error());
    auto const done = server.declare_node_dead(*id, confirmation);
    if (!done) return with.fail(done.error());
    for (auto const& each : objects_of(*done, "givenUp"))
        with.out() << fmt::format("instance {} is given up\n", name_of(each));
    with.out() << fmt::format("node {} is declared dead\n", name) << std::flush;
    return exit_code::ok;
}

exit_code declare_dead_as_told(session& with, node_options const& options) {
    if (!options.is_confirmed && !with.can_ask())
        return with.fail_usage("nobody is there to be asked if the node is dead: say --yes");
    return act_on_nodes(with, options.names, [&](rik::client& server, std::string const& name) {
        return declare_one_dead(with, server, name, options.is_confirmed);
    });
}

using node_options_ptr = std::shared_ptr<node_options>;

CLI::App& add_verb(CLI::App& to, std::string const& verb, std::string const& help, node_options_ptr const& options,
                   action& chosen, exit_code (*act)(session&, node_options const&)) {
    auto* const command = to.add_subcommand(verb, help);
    command->callback(
        [options, &chosen, act] { chosen = [options, act](session& with) { return act(with, *options); }; });
    return *command;
}

void add_node_names(CLI::App& to, node_options& options) {
    to.add_option("NODE", options.names, "Names or ids")->required()->type_name("")->check(check_given);
}

void add_node_changes(CLI::App& to, node_options& options, std::string const& word, std::string const& help) {
    to.add_option("NODE", options.name, "Its name or id")->required()->type_name("")->check(check_given);
    to.add_option(word, options.changes, help)->required()->type_name("")->check(check_given);
}

void add_drain(CLI::App& to, node_options_ptr const& options, action& chosen) {
    auto& drain = add_verb(to, "drain", "Cordon nodes, and remove what is on them", options, chosen, drain_as_told);
    drain.footer(
        "Each instance has its grace period to end. One that nobody replaces - of a Pod or a Function - stays, unless\n"
        "it has ended or --force is given; then the exit code is 4. Asked again, it goes on.\n");
    add_node_names(drain, *options);
    drain.add_flag("--force", options->forces, "Also instances that nobody replaces: they are deleted for good");
    add_timeout(drain, options->timeout);
}

void add_declare_dead(CLI::App& to, node_options_ptr const& options, action& chosen) {
    auto& dead = add_verb(to, "declare-dead", "Give up nodes whose machines are gone for good, with all on them",
                          options, chosen, declare_dead_as_told);
    dead.footer(
        "Only of a node that is unheard. What is on it is gone at once, with its names. If the machine still runs, so\n"
        "do its instances, beside what takes their place: make sure that it is off. Should it come back, it destroys\n"
        "them, and takes new ones only then. Then `rikctl node remove` forgets the node.\n");
    add_node_names(dead, *options);
    dead.add_flag("--yes", options->is_confirmed, "Do not ask");
}

exit_code resume_replacement_as_told(session& with, node_options const&) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const done = server->resume_replacement();
    if (!done) return with.fail(done.error());
    with.out() << fmt::format("what was on the nodes that are not heard is replaced ({} of {} were gone)\n",
                              number_at(parse_json(*done), "/unheardNodes"), number_at(parse_json(*done), "/nodes"))
               << std::flush;
    return exit_code::ok;
}

}  // namespace

void add_node_commands(CLI::App& to, action& chosen) {
    auto* const node = to.add_subcommand("node", "Cordon, drain, label, taint, remove a node, or give it up");
    node->require_subcommand(1);
    node->footer(
        "Examples:\n"
        "  rikctl node cordon a                       it takes no new instances; uncordon ends that\n"
        "  rikctl node drain a --force                and what is on it leaves\n"
        "  rikctl node label a zone=north disk-       sets one label, and takes one off\n"
        "  rikctl node taint a gpu=yes:NoSchedule old-\n"
        "  rikctl node remove a                       it is forgotten; one that still runs joins anew\n"
        "  rikctl node declare-dead a                 its machine is gone for good\n"
        "  rikctl node resume-replacement             more than a third were gone at once, and they are lost\n");
    auto const options = std::make_shared<node_options>();
    add_node_names(add_verb(*node, "cordon", "Let nodes take no new instances", options, chosen, cordon_as_told),
                   *options);
    add_node_names(add_verb(*node, "uncordon", "Let nodes take instances again", options, chosen, uncordon_as_told),
                   *options);
    add_drain(*node, options, chosen);
    add_node_changes(add_verb(*node, "label", "Set labels of a node", options, chosen, label_as_told), *options,
                     "LABEL", "key=value sets a label, key- takes it off");
    add_node_changes(add_verb(*node, "taint", "Set taints of a node", options, chosen, taint_as_told), *options,
                     "TAINT",
                     "key=value:Effect or key:Effect sets a taint; key:Effect- or key- takes it off. The effects are "
                     "NoSchedule, PreferNoSchedule and NoExecute");
    add_node_names(add_verb(*node, "remove", "Forget nodes that are drained, or gone", options, chosen, forget_as_told),
                   *options);
    add_declare_dead(*node, options, chosen);
    add_verb(*node, "resume-replacement",
             "Replace what was on nodes that are not heard, although more than a third of all are gone at once",
             options, chosen, resume_replacement_as_told);
}

}  // namespace rikctl
