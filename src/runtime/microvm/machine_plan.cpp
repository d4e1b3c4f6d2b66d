#include "machine_plan_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace rik::detail {

namespace {

error is_corrupt(std::string_view record) {
    return error{errc::corrupt, fmt::format("plan of a machine: it makes no sense: {}", record)};
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, into);
    return failure == std::errc{} && end == last;
}

/// "16 r /path" or "17 w /path".
bool read_opened(std::string_view text, opened_file& into) {
    auto const first = text.find(' ');
    if (first == text.npos || text.size() < first + 4 || text[first + 2] != ' ') return false;
    std::uint32_t number = 0;
    if (!read_number(text.substr(0, first), number) || number > static_cast<std::uint32_t>(descriptor_max))
        return false;
    into.descriptor = static_cast<int>(number);
    into.is_writable = text[first + 1] == 'w';
    into.path = text.substr(first + 3);
    return true;
}

bool take_record(std::string_view key, std::string_view value, machine_plan& into) {
    if (key == "uid") return read_number(value, into.uid);
    if (key == "boot_cpu_seconds") return read_number(value, into.boot_cpu_seconds);
    if (key == "boot_seconds") return read_number(value, into.boot_seconds);
    if (key == "began_ms") return read_number(value, into.began_ms);
    if (key == "memory_bytes") return read_number(value, into.memory_bytes);
    if (key == "file") return read_opened(value, into.files.emplace_back());
    if (key == "network_namespace")
        into.network_namespace = value;
    else if (key == "tap")
        into.tap = value;
    else if (key == "acceleration")
        into.acceleration = value;
    else if (key == "warm_from")
        into.warm_from = value;
    else if (key == "template_key")
        into.template_key = value;
    else if (key == "settings")
        into.settings = value;
    else if (key == "note")
        into.note = value;
    else if (key == "program")
        into.program = value;
    else if (key == "group")
        into.groups.emplace_back(value);
    else if (key == "argument")
        into.arguments.emplace_back(value);
    else
        return false;
    return true;
}

}  // namespace

std::string plan_text(machine_plan const& plan) {
    std::string text;
    auto const put = [&](std::string_view key, auto const& value) {
        fmt::format_to(std::back_inserter(text), "{}={}", key, value);
        text += '\0';
    };
    put("uid", plan.uid);
    put("network_namespace", plan.network_namespace);
    put("tap", plan.tap);
    put("note", plan.note);
    put("program", plan.program);
    put("boot_cpu_seconds", plan.boot_cpu_seconds);
    put("boot_seconds", plan.boot_seconds);
    put("acceleration", plan.acceleration);
    put("began_ms", plan.began_ms);
    put("warm_from", plan.warm_from);
    put("template_key", plan.template_key);
    put("settings", plan.settings);
    put("memory_bytes", plan.memory_bytes);
    for (auto const& each : plan.groups) put("group", each);
    for (auto const& each : plan.arguments) put("argument", each);
    for (auto const& each : plan.files)
        put("file", fmt::format("{} {} {}", each.descriptor, each.is_writable ? 'w' : 'r', each.path));
    return text;
}

result<machine_plan> parse_plan(std::string_view text) {
    machine_plan plan;
    while (!text.empty()) {
        auto const end = text.find('\0');
        auto const record = text.substr(0, end);
        auto const equals = record.find('=');
        if (end == text.npos || equals == record.npos) return is_corrupt(record);
        if (!take_record(record.substr(0, equals), record.substr(equals + 1), plan)) return is_corrupt(record);
        text.remove_prefix(end + 1);
    }
    if (plan.uid == 0 || plan.program.empty() || plan.note.empty()) return is_corrupt("a part is missing");
    return plan;
}

}  // namespace rik::detail
