#include "change_parts.hpp"

#include <rik/client/print.hpp>
#include <rik/model/definition_change.hpp>
#include <rik/model/yaml.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <ostream>

#include "parse_json.hpp"

namespace rikctl {

namespace {

namespace json = boost::json;

std::string lower(std::string_view text) {
    std::string made(text);
    std::ranges::transform(made, made.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return made;
}

json::array const& array_in(json::value const& from, std::string_view name) {
    static json::array const none;
    auto const* const object = from.if_object();
    auto const* const found = object == nullptr ? nullptr : object->if_contains(name);
    return found != nullptr && found->is_array() ? found->get_array() : none;
}

/// As people write it. null stands for what is not there.
std::optional<std::string> shown_value(json::value const& change, std::string_view name) {
    auto const* const object = change.if_object();
    auto const* const found = object == nullptr ? nullptr : object->if_contains(name);
    if (found == nullptr || found->is_null()) return std::nullopt;
    return rik::printable(json::serialize(*found));
}

/// Adds the definitions of a file. Says what is wrong with them.
exit_code add_checked(session& with, std::string const& path, std::vector<definition>& to) {
    auto found = read_definitions(with, path);
    if (!found) return with.fail(found.error());
    auto worst = exit_code::ok;
    for (auto& each : *found) {
        if (!each.parsed.found.empty()) worst = with.fail(rik::summarize(each.parsed.found), each.about);
        to.push_back(std::move(each));
    }
    return worst;
}

}  // namespace

exit_code read_checked(session& with, std::vector<std::string> const& paths, std::vector<definition>& into) {
    auto worst = exit_code::ok;
    for (auto const& path : paths) {
        auto const code = add_checked(with, path, into);
        if (worst == exit_code::ok) worst = code;
    }
    return worst;
}

rik::client server_for(session& with, rik::client const& server, definition const& each) {
    auto const says_it_itself = !each.parsed.definition.tenant.empty() && with.named_tenant().empty();
    return says_it_itself ? server.in_tenant({}) : server;
}

std::string tenant_of(session const& with, definition const& each) {
    auto const& named = each.parsed.definition.tenant;
    return named.empty() ? with.options().tenant : named;
}

void put_tenants_first(std::vector<definition>& all) {
    std::ranges::stable_partition(all, [](definition const& each) { return each.tenant.has_value(); });
}

std::string words_for(definition const& each) {
    if (each.tenant) return "tenant " + each.tenant->name;
    auto const& read = each.parsed.definition;
    return fmt::format("{} {}", lower(to_string(read.kind)), read.name);
}

std::string words_for(json::value const& workload) {
    return rik::printable(fmt::format("{} {}", lower(string_at(workload, "/kind")), string_at(workload, "/name")));
}

std::string definition_of(json::value const& workload) {
    auto const* const object = workload.if_object();
    auto const* const found = object == nullptr ? nullptr : object->if_contains("definition");
    if (found == nullptr || !found->is_object()) return "{}";
    // With the numbers as people write them.
    auto text = rik::merge_patched("{}", json::serialize(*found));
    return text ? std::move(*text) : std::string("{}");
}

rik::result<std::string> definition_yaml(json::value const& workload) {
    return rik::json_to_yaml(definition_of(workload));
}

void print_warnings(session& with, std::string_view about, json::value const& answer) {
    for (auto const& each : array_in(answer, "warnings"))
        if (each.is_string()) with.warn(fmt::format("{}: {}", about, std::string_view(each.get_string())));
}

void print_change(session& with, std::string_view about, std::string_view what, json::value const& answer,
                  bool is_dry_run) {
    auto const outcome = rik::printable(string_at(answer, "/outcome"));
    with.out() << fmt::format("{} {}{}\n", what, outcome, is_dry_run ? " (dry run)" : "");
    for (auto const& each : array_in(answer, "changes")) {
        rik::field_change const change{rik::printable(string_at(each, "/path")), shown_value(each, "before"),
                                       shown_value(each, "after")};
        with.out() << "  " << to_string(change) << '\n';
    }
    with.out() << std::flush;
    print_warnings(with, about, answer);
}

CLI::Option* add_files(CLI::App& to, std::vector<std::string>& into) {
    return to.add_option("-f,--file", into, "Definitions, or - for the standard input; may be given several times")
        ->allow_extra_args(false)
        ->type_name("FILE");
}

CLI::Option* add_dry_run(CLI::App& to, bool& into) {
    return to.add_flag("--dry-run", into, "Check everything, say what would be done, and do nothing");
}

}  // namespace rikctl
