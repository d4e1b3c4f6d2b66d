#include "cgroups_detail.hpp"
#include "small_file_detail.hpp"

#include <algorithm>
#include <chrono>

namespace rik::detail {

std::int64_t working_set(std::int64_t usage_bytes, std::string_view memory_stat) {
    auto inactive = find_count(memory_stat, "total_inactive_file");  // v1's, with what is below
    if (!inactive) inactive = find_count(memory_stat, "inactive_file");
    return std::max<std::int64_t>(usage_bytes - static_cast<std::int64_t>(inactive.value_or(0)), 0);
}

group_usage cgroups::usage(std::string const& path) const {
    auto const in = [&](std::optional<std::filesystem::path> const& hierarchy, char const* file) {
        return small_file((hierarchy ? hierarchy->native() : unified_.value_or("/").native()) + path + '/' + file);
    };
    group_usage found;
    if (cpuacct_) {
        found.cpu_time =
            std::chrono::duration_cast<duration>(std::chrono::nanoseconds(in(cpuacct_, "cpuacct.usage").number()));
    } else {
        auto const used = find_count(in(cpuacct_, "cpu.stat").text(), "usage_usec");
        found.cpu_time = std::chrono::microseconds(used.value_or(0));
    }
    auto const bytes = in(memory_, memory_ ? "memory.usage_in_bytes" : "memory.current").number();
    if (bytes > 0) found.memory_bytes = working_set(bytes, in(memory_, "memory.stat").text());
    found.process_count = in(pids_, "pids.current").number();
    return found;
}

}  // namespace rik::detail
