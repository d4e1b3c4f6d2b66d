#include "usage_ring_detail.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rik::detail {

void usage_ring::add(usage_sample one) {
    if (!samples_.empty() && one.seen.cpu_time < samples_.back().seen.cpu_time) samples_.clear();
    if (samples_.size() == usage_samples_max) samples_.pop_front();
    samples_.push_back(std::move(one));
}

std::optional<std::int64_t> usage_ring::cpu_milli() const {
    if (samples_.size() < 2) return std::nullopt;
    auto const& last = samples_.back();
    auto const& before = samples_[samples_.size() - 2];
    using microseconds = std::chrono::microseconds;
    auto const passed = std::chrono::duration_cast<microseconds>(last.at - before.at).count();
    auto const used = std::chrono::duration_cast<microseconds>(last.seen.cpu_time - before.seen.cpu_time).count();
    if (passed <= 0) return std::nullopt;
    return (used * 1'000 + passed / 2) / passed;
}

void instance_rings::add(instance_usage seen, time_point at) {
    auto const has_gone = [&](auto const& ring) {
        return std::ranges::find(seen.containers, ring.first, &container_usage::name) == seen.containers.end();
    };
    std::erase_if(containers_, has_gone);
    for (auto const& each : seen.containers) {
        usage_sample sample{at, each};
        containers_[each.name].add(std::move(sample));
    }
    newest_ = std::move(seen);
}

usage_row instance_rings::row() const {
    usage_row made{.instance = newest_.instance, .at = newest_.at};
    for (auto const& each : newest_.containers) {
        container_usage_row one{.name = each.name};
        one.cpu_microseconds = std::chrono::duration_cast<std::chrono::microseconds>(each.cpu_time).count();
        one.cpu_milli = containers_.at(each.name).cpu_milli();
        one.memory_bytes = each.memory_bytes;
        one.process_count = each.process_count;
        one.written_bytes = each.written_bytes;
        made.containers.push_back(std::move(one));
    }
    made.volumes = newest_.volumes;
    made.received_bytes = newest_.received_bytes;
    made.sent_bytes = newest_.sent_bytes;
    return made;
}

}  // namespace rik::detail
