// Numbers that a process tells of itself, in the text form of Prometheus.
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rik {

enum class metric_type : std::uint8_t { gauge, counter };

/// A number, or one for each set of labels.   Source: Prometheus, "Exposition formats" and "Metric and label naming"
struct metric {
    struct sample {
        double value = 0;
        std::vector<std::pair<std::string, std::string>> labels = {};
    };
    std::string name;  ///< with its unit: "rik_process_resident_memory_bytes"
    std::string help;
    metric_type type = metric_type::gauge;
    std::vector<sample> samples = {};
};

/// One number without labels.
metric make_gauge(std::string name, std::string help, double value);

/// In the order given. Precondition: no name is there twice.
std::string prometheus_text(std::vector<metric> const& all);
inline constexpr char const* prometheus_text_type = "text/plain; version=0.0.4; charset=utf-8";

/// How a role is.
struct role_health {
    result<void> ready = {};  ///< why it cannot do its work: unavailable
    std::vector<metric> metrics = {};
};

/// Adds that of another role: the first reason stays.
void add(role_health& to, role_health more);

}  // namespace rik
