#include "cgroups_detail.hpp"

#include <algorithm>
#include <chrono>

namespace rik::detail {

std::int64_t working_set(std::int64_t usage_bytes, std::string_view memory_stat) {
    auto inactive = find_count(memory_stat, "total_inactive_file");  // v1's, with what is below
    if (!inactive) inactive = find_count(memory_stat, "inactive_file");
    return std::max<std::int64_t>(usage_bytes - static_cast<std::int64_t>(inactive.value_or(0)), 0);
}

group_meter cgroups::meter(std::string const& path) const {
    auto const in = [&](std::optional<std::filesystem::path> const& hierarchy, char const* file) {
        return kept_file((hierarchy ? hierarchy->native() : unified_.value_or("/").native()) + path + '/' + file);
    };
    group_meter made;
    made.counts_nanoseconds_ = cpuacct_.has_value();
    made.cpu_ = in(cpuacct_, cpuacct_ ? "cpuacct.usage" : "cpu.stat");
    made.memory_ = in(memory_, memory_ ? "memory.usage_in_bytes" : "memory.current");
    made.memory_stat_ = in(memory_, "memory.stat");
    made.processes_ = in(pids_, "pids.current");
    return made;
}

group_usage group_meter::read() {
    group_usage found;
    auto const used = cpu_.read();
    if (counts_nanoseconds_)
        found.cpu_time = std::chrono::duration_cast<duration>(std::chrono::nanoseconds(used.number()));
    else
        found.cpu_time = std::chrono::microseconds(find_count(used.text(), "usage_usec").value_or(0));
    auto const bytes = memory_.read().number();
    if (bytes > 0) found.memory_bytes = working_set(bytes, memory_stat_.read().text());
    found.process_count = processes_.read().number();
    return found;
}

void group_meter::close() {
    for (auto* const each : {&cpu_, &memory_, &memory_stat_, &processes_}) each->close();
}

}  // namespace rik::detail
