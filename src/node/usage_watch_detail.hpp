// Measures what the instances of a node use.
#pragma once

#include "usage_ring_detail.hpp"

#include <rik/async/clock.hpp>
#include <rik/base/log.hpp>
#include <rik/base/metric.hpp>
#include <rik/link/link.hpp>
#include <rik/runtime/runtime.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rik::detail {

inline constexpr duration usage_period = std::chrono::seconds(15);

/// An instance that runs, and what runs it.
struct measured_instance {
    instance_id id;
    std::string tenant;
    std::string name;
    runtime* by = nullptr;
};

/// Use it from the node's strand only.
class usage_watch {
public:
    using lister = std::function<std::vector<measured_instance>()>;

    usage_watch(clock& time, log out, lister running)
        : time_(time), out_(std::move(out)), running_(std::move(running)) {}

    /// Measures again and again. What does not run any more is forgotten.
    awaitable<> run();
    awaitable<> measure();

    /// In the order of ids.
    std::vector<usage_row> rows() const;
    /// By the names of cAdvisor, which dashboards know.   Source: cAdvisor, "Monitoring cAdvisor with Prometheus"
    std::vector<metric> metrics() const;
    /// Sends `rows` as one text. Returns why it could not.
    awaitable<> send(byte_stream& to) const;

private:
    struct subject {
        std::string tenant;
        std::string name;
        instance_rings rings;
    };

    void take(std::vector<instance_usage> seen, std::map<instance_id, measured_instance> const& of);

    clock& time_;
    log out_;
    lister running_;
    bool has_complained_ = false;
    std::map<instance_id, subject> subjects_;
};

}  // namespace rik::detail
