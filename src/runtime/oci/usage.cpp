#include "usage_detail.hpp"

#include "sandbox_detail.hpp"
#include "small_file_detail.hpp"
#include "words_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

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
std::map<std::string, std::uint32_t> newest_attempts(instance_id const& of, pod_paths const& pod) {
    std::map<std::string, std::uint32_t> newest;
    for (auto const& directory : names_below(pod.state / "containers")) {
        auto const key = parse_container_directory(of, directory);
        if (!key) continue;
        auto const entered = newest.try_emplace(key->name, key->attempt).first;
        entered->second = std::max(entered->second, key->attempt);
    }
    return newest;
}

std::int64_t log_bytes(runtime_context const& on, container_paths const& paths) {
    std::int64_t bytes = 0;
    struct stat about {};
    for (std::size_t rotation = 0; rotation < on.options.container_log_files_max; ++rotation) {
        if (::stat(rotated_log(paths.log, rotation).c_str(), &about) != 0) break;
        bytes += about.st_blocks * 512;
    }
    return bytes;
}

/// Those of the Pod, which each of its processes sees. 0 if none runs.
network_bytes network_of(container_paths const& running) {
    auto const pid = small_file(running.container_pid().native()).number();
    if (pid <= 0) return {};
    return parse_network_bytes(small_file(fmt::format("/proc/{}/net/dev", pid)).text());
}

void add_containers(runtime_context const& on, pod_paths const& pod, instance_reading& to) {
    auto const& of = to.usage.instance;
    auto has_network = !has_host_network(pod);
    for (auto const& [name, attempt] : newest_attempts(of, pod)) {
        auto const paths = on.paths.container({of, name, attempt});
        auto const used = on.groups.usage(paths.cgroup);
        to.written.push_back({.path = paths.upper(), .container = to.usage.containers.size()});
        to.usage.containers.push_back({.name = name,
                                       .cpu_time = used.cpu_time,
                                       .memory_bytes = used.memory_bytes,
                                       .process_count = used.process_count,
                                       .written_bytes = log_bytes(on, paths)});
        if (!has_network || used.process_count == 0) continue;
        auto const network = network_of(paths);
        to.usage.received_bytes = network.received;
        to.usage.sent_bytes = network.sent;
        has_network = false;  // once is enough
    }
}

std::int64_t used_of_file_system(fs::path const& path) {
    struct statvfs about {};
    if (::statvfs(path.c_str(), &about) != 0) return 0;
    return static_cast<std::int64_t>((about.f_blocks - about.f_bfree) * about.f_frsize);
}

void add_volumes(pod_paths const& pod, instance_reading& to) {
    for (auto const& name : names_below(pod.run / "volumes"))
        to.usage.volumes.push_back({.name = name, .bytes = used_of_file_system(pod.run / "volumes" / name)});
    for (auto const& name : names_below(pod.state / "volumes")) {
        auto const path = pod.state / "volumes" / name;
        to.written.push_back({.path = path, .volume = to.usage.volumes.size(), .is_volume = true});
        to.usage.volumes.push_back({.name = name});
    }
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

std::vector<instance_reading> read_usage(runtime_context const& on, std::vector<instance_id> const& of) {
    std::vector<instance_reading> all;
    for (auto const& instance : of) {
        auto const pod = on.paths.pod(instance);
        if (::access(pod.ready.c_str(), F_OK) != 0) continue;
        instance_reading found{.usage = {.instance = instance, .at = on.time.wall()}, .written = {}};
        add_containers(on, pod, found);
        add_volumes(pod, found);
        found.written_bytes.resize(found.usage.containers.size());
        all.push_back(std::move(found));
    }
    return all;
}

}  // namespace rik::detail
