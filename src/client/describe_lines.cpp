#include "client/describe_lines.hpp"

#include <rik/client/print.hpp>

#include "client/object_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rik::detail {

namespace {

constexpr std::size_t name_width = 14;

}  // namespace

void describe_lines::add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out_.append(depth_, ' ');
    auto const width = std::max(name_width - std::min(name_width, depth_), name.size() + 2);  // a colon and a blank
    out_ += fmt::format("{:<{}}", fmt::format("{}:", name), width);
    auto const shown = printable(value);
    for (std::string_view rest = shown;;) {
        auto const end = rest.find('\n');
        out_ += rest.substr(0, end);
        out_ += '\n';
        if (end == std::string_view::npos || end + 1 == rest.size()) return;
        rest.remove_prefix(end + 1);
        out_.append(std::max(name_width, depth_ + 1), ' ');
    }
}

void describe_lines::add_time(std::string_view name, std::optional<wall_time> when) {
    if (when) add(name, fmt::format("{} ago ({})", age_of(when, now_), date_text(*when)));
}

void describe_lines::heading(std::string_view text) {
    out_.append(depth_, ' ');
    out_ += printable(text);
    out_ += '\n';
}

void describe_lines::text(std::string_view block) {
    while (!block.empty()) {
        auto const end = std::min(block.find('\n'), block.size() - 1);
        out_.append(depth_, ' ');
        out_ += block.substr(0, end + 1);
        block.remove_prefix(end + 1);
    }
}

std::string date_text(wall_time when) {
    auto const text = to_string(when);
    return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 8));
}

}  // namespace rik::detail
