#include "runtime/oci/machine_load_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <system_error>

#include <sys/statvfs.h>

namespace rik::detail {

namespace fs = std::filesystem;

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t begin = line.find_first_not_of(' '); begin < line.size();) {
        auto const end = std::min(line.find(' ', begin), line.size());
        words.push_back(line.substr(begin, end - begin));
        begin = std::min(line.find_first_not_of(' ', end), line.size());
    }
    return words;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::optional<std::uint64_t> number_of(std::string_view word) {
    std::uint64_t number = 0;
    auto const [end, failure] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failure != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number;
}

/// "MemTotal:  24689432 kB"
std::optional<std::int64_t> kibibytes_of(std::vector<std::string_view> const& lines, std::string_view name) {
    for (auto const& line : lines) {
        auto const words = words_of(line);
        if (words.size() < 2 || words[0] != name) continue;
        if (auto const number = number_of(words[1])) return static_cast<std::int64_t>(*number);
    }
    return std::nullopt;
}

/// The kernel writes a blank, a tab, a line end and a backslash as three octal digits.
std::string unescaped(std::string_view text) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const digits = text.substr(std::min(i + 1, text.size()), 3);
        auto const is_escape =
            text[i] == '\\' && digits.size() == 3 && digits.find_first_not_of("01234567") == digits.npos;
        if (!is_escape) {
            made += text[i];
            continue;
        }
        made += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
        i += 3;
    }
    return made;
}

}  // namespace

result<cpu_times> parse_cpu_times(std::string_view stat) {
    constexpr std::size_t idle = 4;  // user nice system idle iowait irq softirq steal guest guest_nice
    constexpr std::size_t waiting = 5;
    constexpr std::size_t counted = 9;  // guest times are in user and nice already
    auto const words = words_of(stat.substr(0, stat.find('\n')));
    if (words.size() < counted || words[0] != "cpu")
        return error{errc::internal, "/proc/stat: it has not the form of man 5 proc"};
    cpu_times times;
    for (std::size_t i = 1; i < counted; ++i) {
        auto const ticks = number_of(words[i]).value_or(0);
        times.all += ticks;
        if (i == idle || i == waiting) times.idle += ticks;
    }
    return times;
}

double idle_percent(cpu_times const& before, cpu_times const& now) {
    if (now.all <= before.all || now.idle < before.idle) return 100;
    auto const share = static_cast<double>(now.idle - before.idle) / static_cast<double>(now.all - before.all);
    return std::clamp(share, 0.0, 1.0) * 100;
}

result<memory_in_use> parse_memory(std::string_view meminfo) {
    auto const lines = lines_of(meminfo);
    auto const total = kibibytes_of(lines, "MemTotal:");
    auto const available = kibibytes_of(lines, "MemAvailable:");
    if (!total || !available) return error{errc::internal, "/proc/meminfo: it names no MemTotal or MemAvailable"};
    return memory_in_use{*total * 1024, *available * 1024};
}

std::vector<mounted_disk> parse_disks(std::string_view mountinfo) {
    std::map<std::string, fs::path> found;
    for (auto const& line : lines_of(mountinfo)) {
        // "36 35 98:0 /root /mnt rw,noatime master:1 - ext4 /dev/sda1 rw"
        auto const words = words_of(line);
        auto const separator = std::ranges::find(words, "-");
        if (words.size() < 5 || words.end() - separator < 3) continue;
        auto const source = separator[2];
        if (source.starts_with("/dev/") && !source.starts_with("/dev/loop"))
            found.emplace(unescaped(source), unescaped(words[4]));
    }
    std::vector<mounted_disk> disks;
    for (auto& [name, directory] : found) disks.push_back({name, std::move(directory)});
    return disks;
}

result<disk_metrics> measure_disk(std::string name, fs::path directory) {
    std::error_code failure;
    auto space = fs::space(directory, failure);
    while (failure && directory.has_relative_path()) {
        directory = directory.parent_path();
        space = fs::space(directory, failure);
    }
    if (failure) return error{errc::internal, fmt::format("{}: {}", directory.string(), failure.message())};
    return disk_metrics{std::move(name), static_cast<std::int64_t>(space.capacity),
                        static_cast<std::int64_t>(space.available)};
}

result<disk_room> measure_room(fs::path const& directory) {
    struct statvfs about {};
    auto place = directory;
    while (::statvfs(place.c_str(), &about) != 0) {
        if (errno != ENOENT || !place.has_relative_path())
            return error{errc::internal, fmt::format("{}: {}", place.string(), std::generic_category().message(errno))};
        place = place.parent_path();
    }
    auto const bytes = [&](::fsblkcnt_t blocks) { return static_cast<std::int64_t>(blocks * about.f_frsize); };
    return disk_room{directory.string(), bytes(about.f_blocks), bytes(about.f_bavail),
                     static_cast<std::int64_t>(about.f_files), static_cast<std::int64_t>(about.f_favail)};
}

std::vector<disk_metrics> measure_disks(std::string_view mountinfo) {
    std::vector<disk_metrics> all;
    for (auto& each : parse_disks(mountinfo))
        if (auto measured = measure_disk(std::move(each.name), std::move(each.directory)))
            all.push_back(std::move(*measured));
    return all;
}

}  // namespace rik::detail
