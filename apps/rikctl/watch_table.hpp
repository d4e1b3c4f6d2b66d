// Prints a watch: what is there as a table, then each change as a row.
#pragma once

#include <rik/client/client.hpp>
#include <rik/client/print.hpp>

#include <string>
#include <vector>

#include "session.hpp"

namespace rikctl {

enum class output_form { table, wide, json, yaml, json_path, name };

struct watch_view {
    rik::resource_kind kind;
    output_form form = output_form::table;
    std::vector<std::string> names = {};  ///< only these, by name or id; empty: all
    bool has_tenants = false;             ///< a column tells of which tenant
    std::string definition_kind = {};     ///< of workloads: the one that all are of; empty: there may be several
};

/// Ends only with an error, or with the output.
exit_code print_watch(session& with, rik::watch_stream& watch, watch_view const& view);

/// The workloads of `filter`, or those that `view` names, of `definition_kind` if there are several of a name. Each
/// second they are asked for; a row is printed of those of which something that is shown has changed, and of what is
/// gone. Ends as print_watch does.
exit_code print_workloads(session& with, rik::client& server, rik::list_filter const& filter,
                          std::string const& definition_kind, watch_view const& view);

}  // namespace rikctl
