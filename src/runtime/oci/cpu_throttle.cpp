#include "cpu_throttle_detail.hpp"

#include "files_detail.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t lifted_period_us = 1'000;  // the kernel's least

/// What a group may use of the processors. v1 has two files for it, v2 one.
struct cpu_bandwidth {
    fs::path file;  ///< takes the period
    bool takes_both = false;
    std::int64_t quota_us = 0;  ///< not above 0: no limit
    std::int64_t period_us = 0;
};

std::int64_t number_at(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// nullopt: there is no such group, or nothing limits it.
std::optional<cpu_bandwidth> read_bandwidth(fs::path const& group) {
    cpu_bandwidth found{.file = group / "cpu.cfs_period_us"};
    if (auto const quota = try_read_file(group / "cpu.cfs_quota_us")) {
        found.quota_us = number_at(*quota);
        if (found.quota_us > 0) found.period_us = number_at(try_read_file(found.file).value_or(""));
    } else if (auto const both = try_read_file(group / "cpu.max")) {  // "20000 100000", or "max 100000"
        found.file = group / "cpu.max";
        found.takes_both = true;
        found.quota_us = number_at(*both);
        found.period_us = number_at(std::string_view(*both).substr(both->find(' ') + 1));
    }
    if (found.quota_us <= 0) return std::nullopt;
    return found;
}

void set_period(fs::path const& group, std::int64_t period_us) {
    auto const now = read_bandwidth(group);
    if (!now || now->period_us == period_us) return;
    auto const period = std::to_string(period_us);
    write_control(now->file, now->takes_both ? fmt::format("{} {}", now->quota_us, period) : period);
}

}  // namespace

void lift_cpu_limit(fs::path const& directory) {
    set_period(directory.parent_path(), lifted_period_us);  // first: v1 refuses what is above the parent's share
    set_period(directory, lifted_period_us);
}

void restore_cpu_limit(fs::path const& directory) {
    set_period(directory, cpu_period_us);
    set_period(directory.parent_path(), cpu_period_us);
}

}  // namespace rik::detail
