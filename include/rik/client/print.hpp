// What rikctl prints of the API's objects: pure functions from JSON to text.
#pragma once

#include <rik/base/result.hpp>
#include <rik/base/time.hpp>
#include <rik/client/resource_kind.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik {

/// Returns `text` without what a terminal would act upon. Control characters other than line ends and tabs become
/// blanks, and what is not UTF-8 becomes U+FFFD.
std::string printable(std::string_view text);

enum class tone : std::uint8_t { plain, good, busy, bad };

struct table_cell {
    std::string text;
    tone how = tone::plain;
};
using table_row = std::vector<table_cell>;

struct table_options {
    bool wide = false;
    wall_time now = {};        ///< ages are counted up to here
    bool has_tenants = false;  ///< a column tells the tenant of what belongs to one
    /// Of workloads: "CronJob" gives columns of its own, and all are of that kind; others do not differ.
    std::string definition_kind = {};
    bool has_whole_reasons = false;  ///< no reason is cut; the wide form cuts none anyway
};

table_row table_header(resource_kind kind, table_options const& options);

/// Returns a row of usual widths, for table_writer::widen.
table_row table_sample(resource_kind kind, table_options const& options);

/// Returns one row for each object of a list, or for one object.
/// Errors: corrupt, `json` is no object or list of objects.
result<std::vector<table_row>> table_rows(resource_kind kind, std::string_view json, table_options const& options);

/// What is in use on the machines of nodes, from the list of nodes. Errors: corrupt.
table_row load_header();
result<std::vector<table_row>> load_rows(std::string_view json, table_options const& options);

struct usage_table_options {
    bool has_tenants = false;
    bool has_containers = false;  ///< a row for each, in place of one for each instance
};
table_row usage_header(usage_table_options const& options);
/// What instances use, from the answer of /rik/v1/usage. Errors: corrupt.
result<std::vector<table_row>> usage_rows(std::string_view json, usage_table_options const& options);
/// A line for each node whose part of the answer is missing: "node a: it is not heard". Errors: corrupt.
result<std::vector<std::string>> silent_nodes(std::string_view json);

table_row image_header();
/// Returns the images of a node as the API lists them: a row for each name, and one for an image that has none.
/// Errors: corrupt.
result<std::vector<table_row>> image_rows(std::string_view node, std::string_view json, table_options const& options);

/// Aligns columns. It keeps its widths from one call to the next, so that later rows of a watch stand below earlier
/// ones.
class table_writer {
public:
    explicit table_writer(bool has_colours) : has_colours_(has_colours) {}
    /// Makes the columns at least as wide as these cells, for a watch that begins with little.
    void widen(table_row const& cells);
    /// Returns lines without trailing blanks, each ending in a newline.
    std::string write(std::span<table_row const> rows);

private:
    std::vector<std::size_t> widths_;
    bool has_colours_;
};

/// Returns the name of an object, or those of all objects of a list. Errors: corrupt.
result<std::vector<std::string>> object_names(std::string_view json);
/// Returns the id of an object. Errors: corrupt, it has none.
result<std::string> object_id(std::string_view json);

/// Returns the same JSON with line breaks and two blanks of indentation. Members, their order and numbers stay the
/// same.
std::string pretty_json(std::string_view json);
/// Returns the same JSON on one line.
std::string compact_json(std::string_view json);

/// Describes an object, and then what happened to it and when. `events` is the list of its events; `workload` is the
/// instance's workload, or empty. If one of these parts is an error, the text says why it cannot be read. Nothing is
/// cut, but of a workload's instances 30 are shown: those that have failed first, then those that are not ready, and
/// of a Job those that are done last. Errors: corrupt.
result<std::string> describe_instance(std::string_view instance, result<std::string> const& workload,
                                      result<std::string> const& events, wall_time now);
result<std::string> describe_workload(std::string_view workload, result<std::string> const& instances,
                                      result<std::string> const& events, wall_time now);
/// The newest failures of a Job, from its rollout: which instance, which exit code, what followed. Empty if there are
/// none. Errors: corrupt.
result<std::string> describe_failures(std::string_view rollout, wall_time now);
/// A CronJob's Jobs, from their list, the newest first. If that is an error, the text says why it cannot be read.
std::string describe_jobs(result<std::string> const& jobs, wall_time now);
/// What is in a tenant, and what has happened to it.
struct tenant_parts {
    result<std::string> workloads;
    result<std::string> instances;
    result<std::string> events;
};
result<std::string> describe_tenant(std::string_view tenant, tenant_parts const& parts, wall_time now);
result<std::string> describe_node(std::string_view node, result<std::string> const& instances,
                                  result<std::string> const& events, wall_time now);

}  // namespace rik
