// `apply` makes what definitions say; `diff` shows what that would change.
#include <rik/client/print.hpp>
#include <rik/client/text_diff.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <ostream>
#include <set>

#include "change_parts.hpp"
#include "commands.hpp"
#include "parse_json.hpp"
#include "rollout_wait.hpp"

namespace rikctl {

namespace {

struct apply_options {
    std::vector<std::string> paths = {};
    bool is_dry_run = false;
    bool waits = false;
    std::string timeout = "10m";
};

/// What of `wanted` differs from the texts under `pointer` of an object.
rik::label_changes differing(boost::json::value const& object, std::string_view member, rik::string_map const& wanted) {
    rik::label_changes changes;
    auto const* const found = object.is_object() ? object.get_object().if_contains(member) : nullptr;
    auto const* const texts = found == nullptr ? nullptr : found->if_object();
    for (auto const& [key, value] : wanted) {
        auto const* const now = texts == nullptr ? nullptr : texts->if_contains(key);
        if (now == nullptr || !now->is_string() || std::string_view(now->get_string()) != value)
            changes.emplace(key, value);
    }
    return changes;
}

/// Applies one definition after the other.
class applying {
public:
    applying(session& with, rik::client server, apply_options const& options)
        : with_(with), server_(std::move(server)), options_(options) {}

    exit_code apply(definition const& each) { return each.tenant ? apply_tenant(each) : apply_workload(each); }

    /// Until those of the workloads that were applied are rolled out that keep instances. They are waited for together.
    exit_code wait() {
        rollout_wait const how{options_.timeout, with_.now() + *parse_duration(options_.timeout)};
        auto worst = exit_code::ok;
        for (auto const& each : kept_) {
            auto const code = wait_rolled_out(with_, server_, each, how);
            if (worst == exit_code::ok) worst = code;
        }
        return worst;
    }

private:
    exit_code apply_tenant(definition const& each) {
        auto const there = server_.get(rik::resource_kind::tenant, each.tenant->name);
        if (there) return change_tenant(each, parse_json(*there));
        if (there.error().code != rik::errc::not_found) return with_.fail(there.error(), each.about);
        if (options_.is_dry_run) {
            missing_.insert(each.tenant->name);
            return tell(each, "created");
        }
        auto const made = server_.create_tenant(each.tenant->name, each.tenant->labels, each.tenant->annotations);
        return made ? tell(each, "created") : with_.fail(made.error(), each.about);
    }

    exit_code change_tenant(definition const& each, boost::json::value const& there) {
        auto const labels = differing(there, "labels", each.tenant->labels);
        auto const annotations = differing(there, "annotations", each.tenant->annotations);
        if (labels.empty() && annotations.empty()) return tell(each, "unchanged");
        if (!options_.is_dry_run) {
            auto const done = server_.change_tenant(each.tenant->name, labels, annotations);
            if (!done) return with_.fail(done.error(), each.about);
        }
        auto const code = tell(each, "changed");
        for (auto const& [key, value] : labels) with_.out() << fmt::format("  labels.{}: set to \"{}\"\n", key, *value);
        for (auto const& [key, value] : annotations)
            with_.out() << fmt::format("  annotations.{}: set to \"{}\"\n", key, *value);
        with_.out() << std::flush;
        return code;
    }

    exit_code apply_workload(definition const& each) {
        if (missing_.contains(tenant_of(with_, each))) return tell(each, "created");
        rik::change_wanted const how{.is_dry_run = options_.is_dry_run};
        auto const done = server_for(with_, server_, each).apply_workload(each.text, how);
        if (!done) return with_.fail(done.error(), each.about);
        auto const answer = parse_json(*done);
        print_change(with_, each.about, words_for(each), answer, options_.is_dry_run);
        // An id finds its workload in every tenant.
        auto const is_kept = keeps_instances(string_at(answer, "/workload/kind"));
        if (is_kept) kept_.push_back({string_at(answer, "/workload/id"), {}});
        return exit_code::ok;
    }

    exit_code tell(definition const& each, std::string_view outcome) {
        with_.out() << fmt::format("{} {}{}\n", words_for(each), outcome, options_.is_dry_run ? " (dry run)" : "")
                    << std::flush;
        return exit_code::ok;
    }

    session& with_;
    rik::client server_;
    apply_options const& options_;
    std::set<std::string> missing_ = {};  ///< tenants that a dry run does not make
    std::vector<named_workload> kept_ = {};
};

exit_code apply_as_told(session& with, apply_options const& options) {
    if (options.waits && options.is_dry_run)
        return with.fail_usage("--wait is not for --dry-run, which makes nothing to wait for");
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    std::vector<definition> all;
    if (auto const wrong = read_checked(with, options.paths, all); wrong != exit_code::ok) {
        if (all.size() > 1 || options.paths.size() > 1) with.err() << "nothing was applied\n" << std::flush;
        return wrong;
    }
    put_tenants_first(all);
    applying one(with, std::move(*server), options);
    auto worst = exit_code::ok;
    for (auto const& each : all) {
        auto const code = one.apply(each);
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) return worst;
    }
    if (!options.waits) return worst;
    auto const code = one.wait();
    return worst == exit_code::ok ? code : worst;
}

// --- diff

/// As of diff: 1 says that something differs, so that a failure must be something else.
exit_code trouble(exit_code code) { return code == exit_code::failed ? exit_code::usage : code; }

/// Nothing is there: everything is new.
rik::result<std::string> yaml_now(rik::client& server, definition const& each) {
    auto const& read = each.parsed.definition;
    auto const found = server.get(rik::resource_kind::workload, read.name, to_string(read.kind));
    if (!found && found.error().code == rik::errc::not_found && found.error().field != "tenant") return std::string();
    if (!found) return found.error();
    return definition_yaml(parse_json(*found));
}

exit_code diff_workload(session& with, rik::client const& server, definition const& each) {
    auto there = server_for(with, server, each);
    if (!each.parsed.definition.tenant.empty()) there = server.in_tenant(each.parsed.definition.tenant);
    auto const now = yaml_now(there, each);
    if (!now) return trouble(with.fail(now.error(), each.about));
    auto const applied = there.apply_workload(each.text, {.is_dry_run = true});
    if (!applied) return trouble(with.fail(applied.error(), each.about));
    auto const answer = parse_json(*applied);
    auto const* const workload = answer.is_object() ? answer.get_object().if_contains("workload") : nullptr;
    auto const then = definition_yaml(workload == nullptr ? boost::json::value() : *workload);
    if (!then) return trouble(with.fail(then.error(), each.about));
    print_warnings(with, each.about, answer);
    auto const text = rik::unified_diff(*now, *then, words_for(each) + " (now)", words_for(each) + " (applied)");
    with.out() << rik::printable(text) << std::flush;
    return text.empty() ? exit_code::ok : exit_code::failed;
}

std::string tenant_lines(boost::json::value const& object) {
    std::string text;
    for (auto const* member : {"labels", "annotations"}) {
        auto const* const found = object.is_object() ? object.get_object().if_contains(member) : nullptr;
        if (found == nullptr || !found->is_object()) continue;
        for (auto const& each : found->get_object())
            if (each.value().is_string())
                text += fmt::format("{}.{}: {}\n", member, std::string_view(each.key()),
                                    std::string_view(each.value().get_string()));
    }
    return text;
}

exit_code diff_tenant(session& with, rik::client& server, definition const& each) {
    auto const found = server.get(rik::resource_kind::tenant, each.tenant->name);
    if (!found && found.error().code != rik::errc::not_found) return trouble(with.fail(found.error(), each.about));
    auto now = found ? parse_json(*found) : boost::json::value(boost::json::object());
    auto then = now;
    for (auto const* member : {"labels", "annotations"}) {
        auto& texts = then.get_object()[member];
        if (!texts.is_object()) texts = boost::json::object();
        auto const& wanted = *member == 'l' ? each.tenant->labels : each.tenant->annotations;
        for (auto const& [key, value] : wanted) texts.get_object()[key] = value;
    }
    auto const name = fmt::format("name: {}\n", each.tenant->name);
    auto const text = rik::unified_diff(found ? name + tenant_lines(now) : "", name + tenant_lines(then),
                                        words_for(each) + " (now)", words_for(each) + " (applied)");
    with.out() << rik::printable(text) << std::flush;
    return text.empty() ? exit_code::ok : exit_code::failed;
}

/// A failure counts more than a difference, which is none.
exit_code diff_as_told(session& with, std::vector<std::string> const& paths) {
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    std::vector<definition> all;
    if (auto const wrong = read_checked(with, paths, all); wrong != exit_code::ok) return trouble(wrong);
    put_tenants_first(all);
    auto worst = exit_code::ok;
    for (auto const& each : all) {
        auto const code = each.tenant ? diff_tenant(with, *server, each) : diff_workload(with, *server, each);
        if (worst == exit_code::ok || worst == exit_code::failed) worst = std::max(worst, code);
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

}  // namespace

void add_apply(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("apply", "Make what definitions say: create, or change what is there");
    command->footer(
        "Examples:\n"
        "  rikctl apply -f web.yaml\n"
        "  rikctl apply -f web.yaml --wait --timeout 5m\n"
        "  rikctl apply -f team.yaml -f web.yaml --dry-run\n"
        "  generate | rikctl apply -f -\n"
        "\n"
        "--wait waits for Deployments, DaemonSets and StatefulSets as `rollout status` does, and for ReplicaSets as\n"
        "`scale --wait`. Pods, Functions, Jobs, CronJobs and tenants are not waited for.\n"
        "\n"
        "A new template of what keeps its instances is rolled out. Of Pods and Functions a change touches no instance\n"
        "that is there: it is for those made from then on.\n");
    auto const options = std::make_shared<apply_options>();
    add_files(*command, options->paths)->required();
    add_dry_run(*command, options->is_dry_run);
    command->add_flag("--wait", options->waits, "Wait until what keeps instances is rolled out");
    add_timeout(*command, options->timeout);
    command->callback(
        [options, &chosen] { chosen = [options](session& with) { return apply_as_told(with, *options); }; });
}

void add_diff(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("diff", "Show what `apply` would change, and change nothing");
    command->footer(
        "Examples:\n"
        "  rikctl diff -f web.yaml\n"
        "  generate | rikctl diff -f -\n"
        "\n"
        "Exits with 0 if nothing differs, with 1 if something does, and with more if it could not be told.\n");
    auto const paths = std::make_shared<std::vector<std::string>>();
    add_files(*command, *paths)->required();
    command->callback([paths, &chosen] { chosen = [paths](session& with) { return diff_as_told(with, *paths); }; });
}

}  // namespace rikctl
