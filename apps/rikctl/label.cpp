// `label` and `annotate`: what is said of workloads and tenants, and the labels of nodes.
#include <rik/client/print.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <memory>
#include <ostream>

#include "change_parts.hpp"
#include "commands.hpp"
#include "parse_json.hpp"

namespace rikctl {

namespace {

using rik::resource_kind;

struct text_options {
    std::string kind = {};
    std::vector<std::string> words = {};  ///< names, and then changes
    std::string definition_kind = {};
    bool overwrites = false;
    bool is_dry_run = false;
};

/// "labels" or "annotations" of an object.
struct text_change {
    resource_kind kind;
    std::string_view member;
    rik::label_changes changes = {};
};

bool is_change(std::string_view word) { return word.find('=') != word.npos || word.ends_with('-'); }

/// The value of an annotation may be anything.
rik::result<rik::label_changes::value_type> parse_annotation(std::string_view word) {
    auto const sign = word.find('=');
    auto const key = sign == word.npos ? word.substr(0, word.size() - 1) : word.substr(0, sign);
    if (!rik::is_label_key(key))
        return rik::error{rik::errc::invalid, fmt::format("'{}' is not a legal key of an annotation", key),
                          "annotations", std::string(rik::label_key_remedy)};
    if (sign == word.npos) return rik::label_changes::value_type(key, std::nullopt);
    return rik::label_changes::value_type(key, std::string(word.substr(sign + 1)));
}

rik::result<rik::label_changes> parse_changes(std::vector<std::string> const& words, bool are_labels) {
    rik::label_changes changes;
    for (auto const& word : words) {
        auto one = are_labels ? rik::parse_label_change(word) : parse_annotation(word);
        if (!one) return one.error();
        if (!changes.emplace(one->first, one->second).second)
            return rik::error{rik::errc::invalid, fmt::format("'{}' is given twice", one->first)};
    }
    return changes;
}

std::optional<std::string> text_at(boost::json::value const& object, std::string_view member, std::string_view key) {
    auto const* const found = object.is_object() ? object.get_object().if_contains(member) : nullptr;
    auto const* const texts = found == nullptr ? nullptr : found->if_object();
    auto const* const text = texts == nullptr ? nullptr : texts->if_contains(key);
    if (text == nullptr || !text->is_string()) return std::nullopt;
    return std::string(text->get_string());
}

/// Only what differs from what is there.
rik::label_changes needed(boost::json::value const& object, text_change const& what) {
    rik::label_changes left;
    for (auto const& [key, value] : what.changes)
        if (text_at(object, what.member, key) != value) left.emplace(key, value);
    return left;
}

/// A key that has another value is not overwritten by mistake.   Source: kubectl label.
std::optional<rik::error> overwritten(boost::json::value const& object, text_change const& what) {
    for (auto const& [key, value] : what.changes) {
        auto const now = text_at(object, what.member, key);
        if (value && now && *now != *value)
            return rik::error{rik::errc::conflict,
                              fmt::format("'{}' already has the value '{}'", key, rik::printable(*now)),
                              std::string(what.member), "use --overwrite to give it another one"};
    }
    return std::nullopt;
}

/// Both forms of definitions have them in their own place.
std::string patch_text(boost::json::value const& workload, std::string_view member, rik::label_changes const& changes) {
    boost::json::object texts;
    for (auto const& [key, value] : changes)
        texts[key] = value ? boost::json::value(*value) : boost::json::value(nullptr);
    boost::json::object patch;
    patch[member] = std::move(texts);
    auto const* const found = workload.is_object() ? workload.get_object().if_contains("definition") : nullptr;
    auto const has_metadata = found != nullptr && found->is_object() && found->get_object().contains("metadata");
    if (!has_metadata) return boost::json::serialize(patch);
    boost::json::object outer;
    outer["metadata"] = std::move(patch);
    return boost::json::serialize(outer);
}

/// Changes one object after the other.
class text_changing {
public:
    text_changing(session& with, rik::client server, text_options const& options, text_change what)
        : with_(with), server_(std::move(server)), options_(options), what_(std::move(what)) {}

    exit_code change(std::string const& name) {
        auto const found = server_.get(what_.kind, name, options_.definition_kind);
        if (!found) return with_.fail(found.error());
        auto const object = parse_json(*found);
        if (auto const taken = overwritten(object, what_); taken && !options_.overwrites)
            return with_.fail(*taken, fmt::format("{} {}", to_string(what_.kind), name));
        auto const changes = needed(object, what_);
        if (changes.empty()) return tell(name, "unchanged");
        auto const done = options_.is_dry_run ? rik::result<std::string>(std::string()) : send(name, object, changes);
        if (!done) return with_.fail(done.error());
        auto const code = tell(name, "changed");
        // The server says which instances go on as they are.
        if (what_.kind == resource_kind::workload && !done->empty())
            print_warnings(with_, fmt::format("workload {}", name), parse_json(*done));
        return code;
    }

private:
    /// Nothing that was changed meanwhile is overwritten by what was decided here.
    rik::result<std::string> send(std::string const& name, boost::json::value const& object,
                                  rik::label_changes const& changes) {
        auto const revision = static_cast<std::uint64_t>(number_at(object, "/revision"));
        if (what_.kind == resource_kind::node) return server_.change_node(name, {.labels = changes});
        if (what_.kind == resource_kind::instance) return server_.relabel_instance(name, changes, revision);
        if (what_.kind == resource_kind::tenant) {
            auto const are_labels = what_.member == "labels";
            return server_.change_tenant(name, are_labels ? changes : rik::label_changes(),
                                         are_labels ? rik::label_changes() : changes, revision);
        }
        return server_.patch_workload(name, options_.definition_kind, patch_text(object, what_.member, changes),
                                      {.revision = revision});
    }

    exit_code tell(std::string const& name, std::string_view outcome) {
        with_.out() << fmt::format("{} {} {}{}\n", to_string(what_.kind), name, outcome,
                                   options_.is_dry_run ? " (dry run)" : "")
                    << std::flush;
        return exit_code::ok;
    }

    session& with_;
    rik::client server_;
    text_options const& options_;
    text_change what_;
};

exit_code change_texts(session& with, text_options const& options, std::string_view member) {
    auto const first = std::ranges::find_if(options.words, is_change);
    std::vector<std::string> const names(options.words.begin(), first);
    std::vector<std::string> const given(first, options.words.end());
    if (names.empty()) return with.fail_usage("name what is to be changed, and then say how: NAME KEY=VALUE KEY-");
    if (given.empty()) return with.fail_usage("say what is to be changed: KEY=VALUE, or KEY- to take it off");
    if (auto const name = std::ranges::find_if_not(given, is_change); name != given.end())
        return with.fail_usage(fmt::format("'{}' is neither KEY=VALUE nor KEY-", *name));
    auto changes = parse_changes(given, member == "labels");
    if (!changes) return with.fail_usage(to_string(changes.error()));
    if (auto const wrong = wrong_definition_kind(options.kind, options.definition_kind); !wrong.empty())
        return with.fail_usage(wrong);
    auto server = with.server();
    if (!server) return with.fail_address(server.error());
    auto const kind = *rik::parse_resource_kind(options.kind);
    text_changing one(with, std::move(*server), options, {kind, member, std::move(*changes)});
    auto worst = exit_code::ok;
    for (auto const& name : names) {
        auto const code = one.change(name);
        if (worst == exit_code::ok) worst = code;
        if (code == exit_code::unreachable) break;
    }
    return worst;
}

void add_text_command(CLI::App& command, std::vector<resource_kind> kinds, std::string_view member, action& chosen) {
    auto const options = std::make_shared<text_options>();
    add_kind(command, options->kind, std::move(kinds))->required();
    command.add_option("NAME", options->words, "Names or ids, and then the changes: KEY=VALUE, or KEY- to take it off")
        ->required()
        ->type_name("")
        ->check(check_given);
    command.add_flag("--overwrite", options->overwrites, "Also give another value to what has one");
    add_dry_run(command, options->is_dry_run);
    add_definition_kind(command, options->definition_kind);
    command.callback([options, member, &chosen] {
        chosen = [options, member](session& with) { return change_texts(with, *options, member); };
    });
}

}  // namespace

void add_label(CLI::App& to, action& chosen) {
    auto* const command =
        to.add_subcommand("label", "Set and take off labels of workloads, instances, tenants and nodes");
    command->footer(
        "Examples:\n"
        "  rikctl label workload web tier=front\n"
        "  rikctl label workload web api tier=back --overwrite\n"
        "  rikctl label instance web-x2k4v app=debug --overwrite     its ReplicaSet lets go of it\n"
        "  rikctl label tenant team-a zone-\n"
        "  rikctl label node a disk=ssd\n");
    add_text_command(*command,
                     {resource_kind::workload, resource_kind::instance, resource_kind::tenant, resource_kind::node},
                     "labels", chosen);
}

void add_annotate(CLI::App& to, action& chosen) {
    auto* const command = to.add_subcommand("annotate", "Set and take off annotations of workloads and tenants");
    command->footer(
        "Examples:\n"
        "  rikctl annotate workload web owner='the web team'\n"
        "  rikctl annotate tenant team-a owner-\n");
    add_text_command(*command, {resource_kind::workload, resource_kind::tenant}, "annotations", chosen);
}

}  // namespace rikctl
