#include <rik/base/metric.hpp>

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

namespace rik {

namespace {

void append_escaped(std::string& to, std::string_view text, bool has_quotes) {
    for (auto const c : text) {
        if (c == '\\' || (has_quotes && c == '"')) to += '\\';
        if (c == '\n')
            to += "\\n";
        else
            to += c;
    }
}

void append_labels(std::string& to, metric::sample const& from) {
    if (from.labels.empty()) return;
    auto between = '{';
    for (auto const& [name, value] : from.labels) {
        to += between;
        to.append(name).append("=\"");
        append_escaped(to, value, true);
        to += '"';
        between = ',';
    }
    to += '}';
}

void append_head(std::string& to, metric const& of) {
    to.append("# HELP ").append(of.name) += ' ';
    append_escaped(to, of.help, false);
    to.append("\n# TYPE ").append(of.name);
    to += of.type == metric_type::gauge ? " gauge\n" : " counter\n";
}

}  // namespace

metric make_gauge(std::string name, std::string help, double value) {
    metric made{.name = std::move(name), .help = std::move(help)};
    made.samples.push_back({value});
    return made;
}

void add(role_health& to, role_health more) {
    if (to.ready) to.ready = std::move(more.ready);
    std::move(more.metrics.begin(), more.metrics.end(), std::back_inserter(to.metrics));
}

std::string prometheus_text(std::vector<metric> const& all) {
    std::string text;
    for (auto const& each : all) {
        append_head(text, each);
        for (auto const& sample : each.samples) {
            text += each.name;
            append_labels(text, sample);
            fmt::format_to(std::back_inserter(text), " {}\n", sample.value);
        }
    }
    return text;
}

}  // namespace rik
