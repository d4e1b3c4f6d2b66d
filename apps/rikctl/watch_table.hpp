// Prints a watch: what is there as a table, then each change as a row.
#pragma once

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

}  // namespace rikctl
