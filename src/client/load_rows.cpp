#include <rik/base/quantity.hpp>
#include <rik/client/print.hpp>

#include "client/json_view.hpp"
#include "client/load_text.hpp"
#include "client/object_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik {

namespace detail {

namespace {

using boost::json::object;

double real_at(object const& in, std::string_view path) {
    auto const* const value = find(in, path);
    if (value == nullptr || !value->is_number()) return 0;
    return value->to_number<double>();
}

struct share {
    double used = 0;
    double total = 0;
    double percent() const { return total > 0 ? used / total * 100 : 0; }
};

/// Of an object with `total` and `free`.
share used_of(object const& what) {
    auto const total = real_at(what, "total");
    return {std::max(0.0, total - real_at(what, "free")), total};
}

std::string bytes_used_text(object const& what) {
    auto const used = used_of(what);
    return fmt::format("{} of {} ({:.0f}%)", bytes_text(static_cast<std::int64_t>(used.used)),
                       bytes_text(static_cast<std::int64_t>(used.total)), used.percent());
}

}  // namespace

std::string cpu_load_text(object const& metrics) {
    auto const cores = real_at(metrics, "cpu.total");
    auto const used = std::clamp(100 - real_at(metrics, "cpu.free"), 0.0, 100.0);
    return fmt::format("{:.1f} of {:.0f} cores ({:.0f}%)", cores * used / 100, cores, used);
}

std::string memory_load_text(object const& metrics) { return bytes_used_text(object_at(metrics, "memory")); }

std::string disk_load_text(object const& disk) { return bytes_used_text(disk); }

}  // namespace detail

namespace {

using namespace detail;

/// The disk that is fullest: the one that somebody has to look at.
std::string fullest_disk(boost::json::object const& metrics) {
    auto const disks = objects_at(metrics, "disks");
    auto const percent = [](boost::json::object const* disk) { return used_of(*disk).percent(); };
    auto const fullest = std::ranges::max_element(disks, {}, percent);
    if (fullest == disks.end()) return {};
    return fmt::format("{} {:.0f}%", text_at(**fullest, "disk_name"), percent(*fullest));
}

table_row row_of(boost::json::object const& node, table_options const& options) {
    auto const& metrics = object_at(node, "metrics");
    if (metrics.empty()) return {{text_at(node, "name")}, {"-"}, {"-"}, {"-"}, {"-"}};
    return {{text_at(node, "name")},
            {cpu_load_text(metrics)},
            {memory_load_text(metrics)},
            {fullest_disk(metrics)},
            {age_of(time_at(metrics, "measuredAt"), options.now)}};
}

}  // namespace

table_row load_header() { return {{"NODE"}, {"CPU"}, {"MEMORY"}, {"FULLEST-DISK"}, {"MEASURED"}}; }

result<std::vector<table_row>> load_rows(std::string_view json, table_options const& options) {
    auto const list = parse_object(json);
    if (!list) return list.error();
    std::vector<table_row> rows;
    for (auto const* each : items_of(*list)) rows.push_back(row_of(*each, options));
    return rows;
}

}  // namespace rik
