#include <rik/base/quantity.hpp>
#include <rik/client/print.hpp>

#include "client/json_view.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace rik {

namespace {

using namespace detail;
using boost::json::object;

/// Of one container, or of all that an instance has.
struct totals {
    std::optional<std::int64_t> cpu_milli = {};
    std::int64_t memory_bytes = 0;
};

totals totals_of(object const& container) {
    return {number_at(container, "cpuMilli"), number_at(container, "memoryBytes").value_or(0)};
}

/// Of a container that was measured once nothing is known, and so nothing of the sum.
totals sum_of(std::vector<object const*> const& containers) {
    totals sum{.cpu_milli = 0};
    for (auto const* each : containers) {
        auto const one = totals_of(*each);
        if (!one.cpu_milli) sum.cpu_milli.reset();
        if (sum.cpu_milli) *sum.cpu_milli += *one.cpu_milli;
        sum.memory_bytes += one.memory_bytes;
    }
    if (containers.empty()) sum.cpu_milli.reset();
    return sum;
}

/// As `kubectl top` has it, so that columns can be compared.
std::string cpu_text(std::optional<std::int64_t> milli) { return milli ? fmt::format("{}m", *milli) : "-"; }
std::string memory_text(std::int64_t bytes) { return fmt::format("{}Mi", (bytes + (1 << 19)) >> 20); }

table_row row_of(object const& item, std::optional<std::string> container, totals const& used,
                 usage_table_options const& options) {
    table_row row;
    if (options.has_tenants) row.push_back({text_at(item, "tenant")});
    row.push_back({text_at(item, "name")});
    if (container) row.push_back({std::move(*container)});
    row.push_back({text_at(item, "node")});
    row.push_back({cpu_text(used.cpu_milli)});
    row.push_back({memory_text(used.memory_bytes)});
    return row;
}

void add_rows(object const& item, usage_table_options const& options, std::vector<table_row>& to) {
    auto const containers = objects_at(item, "containers");
    if (!options.has_containers) return to.push_back(row_of(item, std::nullopt, sum_of(containers), options));
    for (auto const* each : containers) to.push_back(row_of(item, text_at(*each, "name"), totals_of(*each), options));
}

}  // namespace

table_row usage_header(usage_table_options const& options) {
    table_row row;
    if (options.has_tenants) row.push_back({"TENANT"});
    row.push_back({"NAME"});
    if (options.has_containers) row.push_back({"CONTAINER"});
    for (auto const* each : {"NODE", "CPU", "MEMORY"}) row.push_back({each});
    return row;
}

result<std::vector<table_row>> usage_rows(std::string_view json, usage_table_options const& options) {
    auto const list = parse_object(json);
    if (!list) return list.error();
    std::vector<table_row> rows;
    for (auto const* each : objects_at(*list, "items")) add_rows(*each, options, rows);
    return rows;
}

result<std::vector<std::string>> silent_nodes(std::string_view json) {
    auto const list = parse_object(json);
    if (!list) return list.error();
    std::vector<std::string> all;
    for (auto const* each : objects_at(*list, "missingNodes"))
        all.push_back(fmt::format("node {}: {}", text_at(*each, "node"), text_at(*each, "reason")));
    return all;
}

}  // namespace rik
