#include "usage_watch_detail.hpp"

#include <rik/base/limits.hpp>

#include <chrono>
#include <utility>

namespace rik::detail {

namespace {

using labels = std::vector<std::pair<std::string, std::string>>;

double seconds(duration length) { return std::chrono::duration<double>(length).count(); }

metric counter(std::string name, std::string help) {
    return {.name = std::move(name), .help = std::move(help), .type = metric_type::counter};
}

metric gauge(std::string name, std::string help) { return {.name = std::move(name), .help = std::move(help)}; }

void add(metric& to, double value, labels const& of) { to.samples.push_back({value, of}); }

/// The ids, by what runs them.
std::map<runtime*, std::vector<instance_id>> by_runtime(std::map<instance_id, measured_instance> const& all) {
    std::map<runtime*, std::vector<instance_id>> made;
    for (auto const& [id, each] : all) made[each.by].push_back(id);
    return made;
}

}  // namespace

awaitable<> usage_watch::run() {
    for (;;) {
        co_await measure();
        co_await time_.sleep_for(usage_period);
    }
}

awaitable<> usage_watch::measure() {
    std::map<instance_id, measured_instance> now;
    for (auto& each : running_()) now.emplace(each.id, std::move(each));
    std::erase_if(subjects_, [&](auto const& each) { return !now.contains(each.first); });
    auto const asked = by_runtime(now);
    for (auto at = asked.begin(); at != asked.end(); ++at) {
        auto ids = at->second;
        auto seen = co_await at->first->measure_usage(std::move(ids));
        if (seen)
            take(std::move(*seen), now);
        else if (!std::exchange(has_complained_, true))
            out_.error("what instances use cannot be measured", {{"error", to_string(seen.error())}});
    }
}

void usage_watch::take(std::vector<instance_usage> seen, std::map<instance_id, measured_instance> const& of) {
    auto const at = time_.now();
    for (auto& each : seen) {
        auto const who = of.find(each.instance);
        if (who == of.end()) continue;
        auto& mine = subjects_[each.instance];
        mine.tenant = who->second.tenant;
        mine.name = who->second.name;
        mine.rings.add(std::move(each), at);
    }
}

std::vector<usage_row> usage_watch::rows() const {
    std::vector<usage_row> all;
    all.reserve(subjects_.size());
    for (auto const& [id, each] : subjects_) all.push_back(each.rings.row());
    return all;
}

std::vector<metric> usage_watch::metrics() const {
    auto cpu = counter("container_cpu_usage_seconds_total", "Processor time that a container has used.");
    auto memory =
        gauge("container_memory_working_set_bytes", "Memory that could not be taken from a container at once.");
    auto processes = gauge("container_processes", "Processes and threads of a container.");
    auto written = gauge("container_fs_usage_bytes", "What a container has written on disk, with its logs.");
    auto received = counter("container_network_receive_bytes_total", "Bytes that a Pod has received.");
    auto sent = counter("container_network_transmit_bytes_total", "Bytes that a Pod has sent.");
    for (auto const& [id, each] : subjects_) {
        auto const& seen = each.rings.newest();
        labels of{{"namespace", each.tenant}, {"pod", each.name}};
        add(received, static_cast<double>(seen.received_bytes), of);
        add(sent, static_cast<double>(seen.sent_bytes), of);
        of.emplace_back("container", "");
        for (auto const& one : seen.containers) {
            of.back().second = one.name;
            add(cpu, seconds(one.cpu_time), of);
            add(memory, static_cast<double>(one.memory_bytes), of);
            add(processes, static_cast<double>(one.process_count), of);
            add(written, static_cast<double>(one.written_bytes), of);
        }
    }
    if (subjects_.empty()) return {};
    std::vector<metric> all;
    for (auto* const each : {&cpu, &memory, &processes, &written, &received, &sent}) all.push_back(std::move(*each));
    return all;
}

awaitable<> usage_watch::send(byte_stream& to) const {
    auto const text = encode(rows());
    for (std::size_t at = 0; at < text.size(); at += limits::container_log_chunk_bytes_max) {
        auto const written = co_await to.write(text.substr(at, limits::container_log_chunk_bytes_max));
        if (!written) co_return;  // nobody reads any more
    }
}

}  // namespace rik::detail
