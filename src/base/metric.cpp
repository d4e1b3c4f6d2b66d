#include <rik/base/metric.hpp>

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

namespace rik {

namespace {

std::string escaped(std::string_view text, bool has_quotes) {
    std::string made;
    for (auto const c : text) {
        if (c == '\\' || (has_quotes && c == '"')) made += '\\';
        if (c == '\n')
            made += "\\n";
        else
            made += c;
    }
    return made;
}

void append_labels(std::string& to, metric::sample const& from) {
    if (from.labels.empty()) return;
    std::string_view between = "{";
    for (auto const& [name, value] : from.labels) {
        to += fmt::format("{}{}=\"{}\"", between, name, escaped(value, true));
        between = ",";
    }
    to += '}';
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
        text += fmt::format("# HELP {} {}\n# TYPE {} {}\n", each.name, escaped(each.help, false), each.name,
                            each.type == metric_type::gauge ? "gauge" : "counter");
        for (auto const& sample : each.samples) {
            text += each.name;
            append_labels(text, sample);
            text += fmt::format(" {}\n", sample.value);
        }
    }
    return text;
}

}  // namespace rik
