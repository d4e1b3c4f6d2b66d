// What instances use.
#include "v1_detail.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace rik::detail {

namespace {

json::object container_object(container_usage_row const& from) {
    json::object object;
    object["name"] = from.name;
    object["cpuMilli"] = from.cpu_milli ? json::value(*from.cpu_milli) : json::value(nullptr);
    object["cpuMicroseconds"] = from.cpu_microseconds;
    object["memoryBytes"] = from.memory_bytes;
    object["processes"] = from.process_count;
    object["writtenBytes"] = from.written_bytes;
    return object;
}

json::array volumes_array(std::vector<volume_usage> const& from) {
    json::array all;
    for (auto const& each : from) {
        json::object object;
        object["name"] = each.name;
        object["bytes"] = each.bytes;
        all.push_back(std::move(object));
    }
    return all;
}

json::object row_object(usage_report::measured const& from, directory const& names) {
    json::object object;
    object["id"] = from.who->id().text();
    object["name"] = from.who->name();
    object["tenant"] = from.who->tenant();
    auto const node = names.nodes.find(from.who->binding()->node);
    object["node"] = node == names.nodes.end() ? json::value(nullptr) : json::value(node->second->facts.name);
    object["measuredAt"] = to_string(from.used.at);
    json::array containers;
    for (auto const& each : from.used.containers) containers.push_back(container_object(each));
    object["containers"] = std::move(containers);
    object["volumes"] = volumes_array(from.used.volumes);
    object["receivedBytes"] = from.used.received_bytes;
    object["sentBytes"] = from.used.sent_bytes;
    return object;
}

json::object report_object(usage_report const& from, directory const& names) {
    json::array items;
    for (auto const& each : from.rows) items.push_back(row_object(each, names));
    json::array missing;
    for (auto const& each : from.missing) {
        json::object object;
        object["node"] = each.name;
        object["reason"] = each.reason;
        missing.push_back(std::move(object));
    }
    json::object answer;
    answer["items"] = std::move(items);
    answer["missingNodes"] = std::move(missing);
    return answer;
}

void sort(usage_report& report) {
    auto const place = [](usage_report::measured const& each) {
        return std::pair(each.who->tenant(), each.who->name());
    };
    std::ranges::sort(report.rows, {}, place);
    std::ranges::sort(report.missing, {}, &usage_report::silent_node::name);
}

}  // namespace

api_answer read_usage(api_call& call) {
    auto filter = co_await read_instance_filter(call);
    if (!filter) co_return filter.error();
    auto report = co_await call.primary.usages().read(call.who, std::move(*filter));
    if (!report) co_return report.error();
    sort(*report);
    std::vector<stored<instance>> rows;
    for (auto const& each : report->rows) rows.push_back(each.who);
    auto const names = co_await read_directory_of(call, rows);
    if (!names) co_return names.error();
    co_return json_response(200, json::serialize(report_object(*report, *names)));
}

}  // namespace rik::detail
