// What the commands share that change things: definitions that are checked first, and how a change is told.
#pragma once

#include <CLI/CLI.hpp>

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "session.hpp"

namespace rikctl {

/// The definitions of all files, each checked; says what is wrong with them. The first failure gives the exit code.
exit_code read_checked(session& with, std::vector<std::string> const& paths, std::vector<definition>& into);

/// A definition that names its tenant wins over a tenant that was not said with the command.
rik::client server_for(session& with, rik::client const& server, definition const& each);

/// The tenant in which that makes a workload.
std::string tenant_of(session const& with, definition const& each);

/// What is in a tenant may stand before it in the files.
void put_tenants_first(std::vector<definition>& all);

/// "pod web", "tenant team-a"
std::string words_for(definition const& each);
/// "pod web" of a workload as the server shows it.
std::string words_for(boost::json::value const& workload);

/// The definition of a workload as the server shows it, as compact JSON.
std::string definition_of(boost::json::value const& workload);
/// Definitions as people read them. Errors: as of rik::json_to_yaml.
rik::result<std::string> definition_yaml(boost::json::value const& workload);

/// Prints the warnings in an answer.
void print_warnings(session& with, std::string_view about, boost::json::value const& answer);
/// "pod web changed", and a line for each change of a field. `answer` is that of a change.
void print_change(session& with, std::string_view about, std::string_view what, boost::json::value const& answer,
                  bool is_dry_run);

/// Options that several of them have.
CLI::Option* add_files(CLI::App& to, std::vector<std::string>& into);
CLI::Option* add_dry_run(CLI::App& to, bool& into);

}  // namespace rikctl
