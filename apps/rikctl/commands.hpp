// The commands of rikctl: each adds itself to the command line and sets `chosen` when it is the one that was given.
#pragma once

#include <CLI/CLI.hpp>

#include <rik/client/resource_kind.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "session.hpp"

namespace rikctl {

void add_create(CLI::App& to, action& chosen);
void add_apply(CLI::App& to, action& chosen);
void add_diff(CLI::App& to, action& chosen);
void add_edit(CLI::App& to, action& chosen);
void add_label(CLI::App& to, action& chosen);
void add_annotate(CLI::App& to, action& chosen);
void add_get(CLI::App& to, action& chosen);
/// `nodes` and `events`, short for `get`.
void add_shortcuts(CLI::App& to, action& chosen);
void add_describe(CLI::App& to, action& chosen);
void add_delete(CLI::App& to, action& chosen);
void add_logs(CLI::App& to, action& chosen);
void add_restart(CLI::App& to, action& chosen);
void add_scale(CLI::App& to, action& chosen);
void add_pause(CLI::App& to, action& chosen);
void add_suspend(CLI::App& to, action& chosen);
void add_resume(CLI::App& to, action& chosen);
/// Restarts the instances of workloads in place.
struct workload_restarts {
    std::vector<std::string> names;
    bool is_at_once = false;
    bool waits = false;
    std::string timeout;
};
exit_code restart_workloads(session& with, workload_restarts const& what);
void add_rollout(CLI::App& to, action& chosen);
void add_wait(CLI::App& to, action& chosen);
/// `command` is what stands after "--".
void add_run(CLI::App& to, std::vector<std::string> command, action& chosen);
void add_node_commands(CLI::App& to, action& chosen);
void add_top(CLI::App& to, action& chosen);
void add_images(CLI::App& to, action& chosen);
/// `explain` and `validate`, which need no server.
void add_explain(CLI::App& to, action& chosen);
void add_validate(CLI::App& to, action& chosen);
void add_version(CLI::App& to, action& chosen);
void add_completion(CLI::App& to, action& chosen);

/// For options that hold a kind of object or a duration: refuses what is none, as a usage error.
/// `otherwise` is said of a kind that these are not, if it has something to say of it.
CLI::Option* add_kind(CLI::App& to, std::string& into, std::vector<rik::resource_kind> kinds,
                      std::string (*otherwise)(rik::resource_kind) = nullptr);
/// The names of objects. An empty one is refused: it is a script's variable that was not set.
CLI::Option* add_names(CLI::App& to, std::vector<std::string>& into, std::string_view help);
/// For an option that holds a name.
std::string check_given(std::string const& text);
/// For an option that holds the name of a tenant.
std::string check_tenant(std::string const& text);
/// A whole number in a range.
CLI::Validator whole_number(std::uint64_t min, std::uint64_t max);
CLI::Option* add_timeout(CLI::App& to, std::string& into);
/// `--kind`, which says which of two workloads of one name.
CLI::Option* add_definition_kind(CLI::App& to, std::string& into);
/// What is wrong with a `--kind` beside objects of `kind` ("instances"), whose names need none; empty if nothing is.
std::string wrong_definition_kind(std::string_view kind, std::string_view definition_kind);

}  // namespace rikctl
