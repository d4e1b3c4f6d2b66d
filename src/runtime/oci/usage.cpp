#include "usage_detail.hpp"

#include "sandbox_detail.hpp"
#include "words_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

/// Containers whose files stay open, four for each: no more than so many, and no more than this share of the files that
/// we may have open at once.
constexpr std::size_t open_groups_enough = 200;
constexpr std::size_t open_files_share = 20;
constexpr duration tick_max = std::chrono::seconds(2);  // of the clock of any file system
constexpr duration forgotten_after = std::chrono::minutes(1);

std::int64_t integer_in(std::string_view text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// What is in a directory; nothing if that is not there.
std::vector<std::string> names_below(fs::path const& directory) {
    std::vector<std::string> names;
    auto* const opened = ::opendir(directory.c_str());
    if (opened == nullptr) return names;
    while (auto const* const each = ::readdir(opened))
        if (each->d_name[0] != '.') names.emplace_back(each->d_name);
    ::closedir(opened);
    std::sort(names.begin(), names.end());
    return names;
}

/// The newest attempt of each container, by name.
std::map<std::string, std::uint32_t> newest_attempts(instance_id const& of, std::string const& directory) {
    std::map<std::string, std::uint32_t> newest;
    for (auto const& each : names_below(directory)) {
        auto const key = parse_container_directory(of, each);
        if (!key) continue;
        auto const entered = newest.try_emplace(key->name, key->attempt).first;
        entered->second = std::max(entered->second, key->attempt);
    }
    return newest;
}

/// Of the newest log file and of the `files_max - 1` that were rotated last.
std::int64_t log_bytes(std::string const& log, std::size_t files_max) {
    std::int64_t bytes = 0;
    struct stat about {};
    for (std::size_t rotation = 0; rotation < files_max; ++rotation) {
        auto const is_there =
            rotation == 0 ? ::stat(log.c_str(), &about) == 0 : ::stat(rotated_log(log, rotation).c_str(), &about) == 0;
        if (!is_there) break;
        bytes += about.st_blocks * 512;
    }
    return bytes;
}

std::int64_t used_of_file_system(std::string const& path) {
    struct statvfs about {};
    if (::statvfs(path.c_str(), &about) != 0) return 0;
    return static_cast<std::int64_t>((about.f_blocks - about.f_bfree) * about.f_frsize);
}

std::vector<usage_place::volume> volumes_below(fs::path const& directory) {
    std::vector<usage_place::volume> found;
    for (auto& each : names_below(directory)) {
        auto path = (directory / each).string();
        found.push_back({.name = std::move(each), .path = std::move(path)});
    }
    return found;
}

/// When something was put into a directory or taken out of it; nullopt if it is not there.
std::optional<wall_time> changed_at(std::string const& directory) {
    struct stat about {};
    if (::stat(directory.c_str(), &about) != 0) return std::nullopt;
    return wall_time(std::chrono::seconds(about.st_mtim.tv_sec) +
                     std::chrono::microseconds(about.st_mtim.tv_nsec / 1000));
}

std::size_t open_groups_max() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    return std::min<std::size_t>(limit.rlim_cur / open_files_share, open_groups_enough);
}

/// However much space is before it.
std::string_view next_number(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return next_word(line);
}

/// Of "  eth0:   10 1 0 0 0 0 0 0   20 ...": the first and the ninth number.
network_bytes bytes_of_line(std::string_view line) {
    auto const colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    auto name = line.substr(0, colon);
    if (next_number(name) == "lo") return {};
    line.remove_prefix(colon + 1);
    network_bytes found{.received = integer_in(next_number(line))};
    for (int skipped = 0; skipped < 7; ++skipped) next_number(line);
    found.sent = integer_in(next_number(line));
    return found;
}

}  // namespace

network_bytes parse_network_bytes(std::string_view net_dev) {
    network_bytes sum;
    while (!net_dev.empty()) {
        auto const end = std::min(net_dev.find('\n'), net_dev.size());
        auto const of_line = bytes_of_line(net_dev.substr(0, end));
        sum.received += of_line.received;
        sum.sent += of_line.sent;
        net_dev.remove_prefix(std::min(end + 1, net_dev.size()));
    }
    return sum;
}

std::vector<instance_usage> usage_of(std::vector<instance_reading> read) {
    std::vector<instance_usage> all;
    for (auto& each : read) {
        for (std::size_t at = 0; at < each.written_bytes.size(); ++at)
            each.usage.containers[at].written_bytes += each.written_bytes[at];
        all.push_back(std::move(each.usage));
    }
    return all;
}

usage_place::usage_place(runtime_context const& on, instance_id const& of) : on_(on), of_(of) {
    auto const pod = on.paths.pod(of);
    ready_ = pod.ready.string();
    containers_in_ = (pod.state / "containers").string();
}

std::optional<instance_reading> usage_place::read(std::size_t& open_groups_left) {
    struct stat mark {};
    if (::stat(ready_.c_str(), &mark) != 0) return std::nullopt;
    auto const now = on_.time.wall();
    look_around(now);
    instance_reading found{.usage = {.instance = of_, .at = now}, .written = {}};
    add_containers(found, open_groups_left, is_of_host_network(mark.st_size));
    for (auto const& each : in_memory_)
        found.usage.volumes.push_back({.name = each.name, .bytes = used_of_file_system(each.path)});
    for (auto const& each : on_disk_) {
        found.written.push_back({.path = each.path, .volume = found.usage.volumes.size(), .is_volume = true});
        found.usage.volumes.push_back({.name = each.name});
    }
    found.written_bytes.resize(found.usage.containers.size());
    return found;
}

/// A volume is made before the containers that may use it, so one time says of both whether there may be something new.
/// What comes within a tick of the file system's clock does not change it again: it counts once it is old.
void usage_place::look_around(wall_time now) {
    auto const changed = changed_at(containers_in_);
    if (known_as_of_ && changed == known_as_of_) return;
    auto const pod = on_.paths.pod(of_);
    auto earlier = std::exchange(containers_, {});
    for (auto const& [name, attempt] : newest_attempts(of_, containers_in_)) {
        auto const known = std::ranges::find_if(
            earlier, [&](auto const& each) { return each.name == name && each.attempt == attempt; });
        containers_.push_back(known != earlier.end() ? std::move(*known) : find_container(name, attempt));
    }
    in_memory_ = volumes_below(pod.run / "volumes");
    on_disk_ = volumes_below(pod.state / "volumes");
    auto const is_old = changed && *changed + tick_max < now;
    known_as_of_ = is_old ? changed : std::nullopt;
}

usage_place::container usage_place::find_container(std::string const& name, std::uint32_t attempt) const {
    auto const paths = on_.paths.container({of_, name, attempt});
    return {.name = name,
            .attempt = attempt,
            .upper = paths.upper().string(),
            .log = paths.log.string(),
            .pid_file = paths.container_pid().string(),
            .group = on_.groups.meter(paths.cgroup)};
}

void usage_place::add_containers(instance_reading& to, std::size_t& open_groups_left, bool has_host_network) {
    for (auto& each : containers_) {
        auto const used = each.group.read();
        if (open_groups_left > 0)
            --open_groups_left;
        else
            each.group.close();
        to.written.push_back({.path = each.upper, .container = to.usage.containers.size()});
        to.usage.containers.push_back({.name = each.name,
                                       .cpu_time = used.cpu_time,
                                       .memory_bytes = used.memory_bytes,
                                       .process_count = used.process_count,
                                       .written_bytes = log_bytes(each.log, on_.options.container_log_files_max)});
        if (has_host_network || used.process_count == 0) continue;
        // Those of the Pod, which each of its processes sees.
        if (each.pid <= 0) each.pid = static_cast<pid_t>(small_file(each.pid_file).number());
        if (each.pid <= 0) continue;
        auto const network = parse_network_bytes(small_file(fmt::format("/proc/{}/net/dev", each.pid)).text());
        to.usage.received_bytes = network.received;
        to.usage.sent_bytes = network.sent;
        has_host_network = true;  // once is enough
    }
}

usage_reader::usage_reader(runtime_context const& on) : on_(on), open_groups_max_(open_groups_max()) {}

std::vector<instance_reading> usage_reader::read(std::vector<instance_id> const& of) {
    auto const now = on_.time.now();
    auto open_groups_left = open_groups_max_;
    std::vector<instance_reading> all;
    for (auto const& instance : of) {
        auto& known = places_.try_emplace(instance, on_, instance).first->second;
        known.looked_at = now;
        auto found = known.read(open_groups_left);
        if (found)
            all.push_back(std::move(*found));
        else
            places_.erase(instance);
    }
    std::erase_if(places_, [&](auto const& each) { return each.second.looked_at + forgotten_after < now; });
    return all;
}

}  // namespace rik::detail
