#include "container_config_detail.hpp"

#include "argument_limits_detail.hpp"
#include "capabilities_detail.hpp"
#include "program_check_detail.hpp"
#include "seccomp_profile_detail.hpp"

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>

namespace rik::detail {

namespace {

namespace json = boost::json;

constexpr std::uint64_t open_files_soft = 65'536;
constexpr std::uint64_t open_files_hard = 1'048'576;
constexpr std::int64_t cpu_shares_min = 2;
constexpr std::int64_t cpu_shares_max = 262'144;

template <class... Texts>
json::array texts(Texts... each) {
    return json::array{json::value(std::string_view(each))...};
}

json::array to_array(std::vector<std::string> const& from) { return json::array(from.begin(), from.end()); }

json::object mount_of(std::string_view destination, std::string_view type, std::string_view source,
                      json::array options) {
    return {{"destination", destination}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

json::object bind_of(std::string_view destination, std::filesystem::path const& source,
                     std::optional<std::string_view> more = {}) {
    auto options = texts("bind", "rw", "nosuid", "nodev", "rprivate");
    if (more) options.emplace_back(*more);
    return mount_of(destination, "bind", source.string(), std::move(options));
}

/// The three files of /etc can be written to, as with Docker: images add to their hosts when they start. So they are on
/// the disk, as all that a container writes; in run_dir, which is in memory, it could fill the host's /run with them.
json::array own_mounts(pod_paths const& pod) {
    return {mount_of("/proc", "proc", "proc", texts("nosuid", "noexec", "nodev")),
            mount_of("/dev", "tmpfs", "tmpfs", texts("nosuid", "strictatime", "mode=755", "size=65536k")),
            mount_of("/dev/pts", "devpts", "devpts",
                     texts("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5")),
            mount_of("/dev/mqueue", "mqueue", "mqueue", texts("nosuid", "noexec", "nodev")),
            mount_of("/sys", "sysfs", "sysfs", texts("nosuid", "noexec", "nodev", "ro")),
            mount_of("/sys/fs/cgroup", "cgroup", "cgroup", texts("nosuid", "noexec", "nodev", "relatime", "ro")),
            bind_of("/dev/shm", pod.shm, "noexec"),  // a bind mount has only the flags that it is given
            bind_of("/etc/hosts", pod.etc / "hosts"),
            bind_of("/etc/hostname", pod.etc / "hostname"),
            bind_of("/etc/resolv.conf", pod.etc / "resolv.conf")};
}

/// "/a/b" and "a//b/" are the same place.
std::string plain_path(std::string_view path) {
    auto const plain = (std::filesystem::path("/") / path).lexically_normal().string();
    return plain.size() > 1 && plain.back() == '/' ? plain.substr(0, plain.size() - 1) : plain;
}

json::object mount_of(mounted_volume const& volume) {
    return mount_of(plain_path(volume.path), "bind", volume.source.string(),
                    texts("bind", volume.is_read_only ? "ro" : "rw", "nosuid", "nodev", "rprivate"));
}

std::string_view destination_of(json::value const& mount) { return mount.at("destination").get_string(); }

/// A volume takes the place of what would be there by itself, and a mount comes before those that are within it.
/// Source: Kubernetes, kubelet's makeMounts; containerd, its order of mounts.
json::array mounts_of(config_input const& input) {
    std::vector<json::value> all;
    for (auto& each : own_mounts(input.pod)) {
        auto const is_same = [&](auto const& volume) { return plain_path(volume.path) == destination_of(each); };
        if (std::ranges::none_of(input.mounts, is_same)) all.push_back(std::move(each));
    }
    for (auto const& each : input.mounts) all.emplace_back(mount_of(each));
    std::ranges::stable_sort(all, {}, [](auto const& each) { return std::ranges::count(destination_of(each), '/'); });
    return json::array(all.begin(), all.end());
}

json::object namespace_of(std::string_view type) { return {{"type", type}}; }
json::object namespace_of(std::string_view type, std::filesystem::path const& path) {
    return {{"type", type}, {"path", path.string()}};
}

/// What is not named is shared with runc, and so with us.
json::array namespaces_of(config_input const& input) {
    auto const& pinned = input.pod.namespaces;
    json::array found{namespace_of("mount"), namespace_of("pid"), namespace_of("cgroup"),
                      namespace_of("ipc", pinned / "ipc"), namespace_of("uts", pinned / "uts")};
    if (!input.has_host_network) found.push_back(namespace_of("network", input.pod.network_namespace()));
    return found;
}

/// A container's user other than root has no capability until it runs a program that gives one, as with Docker.
json::object capability_sets(config_input const& input, std::vector<std::string_view> const& granted) {
    json::array const names(granted.begin(), granted.end());
    if (input.user.uid != 0) return {{"bounding", names}, {"effective", json::array{}}, {"permitted", json::array{}}};
    return {{"bounding", names}, {"effective", names}, {"permitted", names}};
}

/// The first to go when memory is short are those that asked for none.   Source: Kubernetes, "Node out of memory
/// behavior". Never below our own.
int oom_score_adj_of(config_input const& input) {
    auto const& definition = input.request.definition;
    auto memory = input.request.memory_request_bytes;
    if (memory == 0) memory = definition.requests.get(resource::memory);
    if (memory == 0) memory = definition.limits.get(resource::memory);
    if (memory == 0 || input.host.memory_bytes <= 0) return 1000;
    auto const share = 1000 * std::min(memory, input.host.memory_bytes) / input.host.memory_bytes;
    return std::max(static_cast<int>(std::clamp<std::int64_t>(1000 - share, 2, 999)), input.host.oom_score_adj);
}

json::object resources_of(config_input const& input) {
    auto const& definition = input.request.definition;
    json::object devices{{"allow", false}, {"access", "rwm"}};  // runc adds /dev/null and its like
    json::object found{{"devices", json::array{std::move(devices)}}, {"pids", {{"limit", input.processes_max}}}};
    if (auto const bytes = definition.limits.get(resource::memory); bytes > 0) {
        json::object memory{{"limit", bytes}};
        if (input.host.limits_swap) memory["swap"] = bytes;  // memory and swap together: no swap
        found["memory"] = std::move(memory);
    }
    return found;
}

json::object user_of(container_user const& user) {
    json::array gids(user.additional_gids.begin(), user.additional_gids.end());
    return {{"uid", user.uid}, {"gid", user.gid}, {"additionalGids", std::move(gids)}};
}

std::string working_dir_of(config_input const& input) {
    auto const& wanted = input.request.definition.working_dir;
    auto found = !wanted.empty() ? wanted : input.request.from->config.working_dir;
    if (found.empty() || found.front() != '/') found.insert(found.begin(), '/');
    return found;
}

json::object process_of(config_input const& input, std::vector<std::string> const& arguments,
                        std::vector<std::string> const& environment, std::vector<std::string_view> const& granted) {
    auto const hard = std::min(open_files_hard, input.host.open_files_max);
    json::object open_files{{"type", "RLIMIT_NOFILE"}, {"hard", hard}, {"soft", std::min(hard, open_files_soft)}};
    return {{"terminal", false},
            {"user", user_of(input.user)},
            {"args", to_array(arguments)},
            {"env", to_array(environment)},
            {"cwd", working_dir_of(input)},
            {"capabilities", capability_sets(input, granted)},
            {"rlimits", json::array{std::move(open_files)}},
            {"noNewPrivileges", true},
            {"oomScoreAdj", oom_score_adj_of(input)}};
}

/// Source: the defaults of Docker and containerd: what shows or changes the machine and not the container.
json::array masked_paths() {
    return texts("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                 "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
                 "/sys/devices/virtual/powercap");
}

json::array readonly_paths() { return texts("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"); }

/// Most containers have the usual capabilities: their profile is made once.
json::object seccomp_of(config_input const& input, std::vector<std::string_view> const& granted) {
    static auto const usual = seccomp_profile({});
    if (input.request.definition.rights.added_capabilities.empty()) return usual;
    return seccomp_profile(granted);
}

json::object linux_of(config_input const& input, std::vector<std::string_view> const& granted) {
    return {{"cgroupsPath", input.container.cgroup}, {"namespaces", namespaces_of(input)},
            {"resources", resources_of(input)},      {"maskedPaths", masked_paths()},
            {"readonlyPaths", readonly_paths()},     {"seccomp", seccomp_of(input, granted)}};
}

json::object root_directory_of(config_input const& input) {
    return {{"path", "rootfs"}, {"readonly", input.request.definition.rights.has_read_only_root}};
}

json::object annotations_of(config_input const& input) {
    json::object made;
    for (auto const& [key, value] : input.request.annotations) made.emplace(key, value);
    return made;
}

/// Puts "name=value" in the place of an earlier one of that name, or at the end.
void set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
    auto const prefix = fmt::format("{}=", name);
    auto const same = [&](std::string const& each) { return each.starts_with(prefix); };
    auto const found = std::ranges::find_if(environment, same);
    if (found != environment.end()) {
        *found = prefix + std::string(value);
    } else {
        environment.push_back(prefix + std::string(value));
    }
}

void set_default(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
    auto const prefix = fmt::format("{}=", name);
    auto const same = [&](std::string const& each) { return each.starts_with(prefix); };
    if (std::ranges::none_of(environment, same)) environment.push_back(prefix + std::string(value));
}

}  // namespace

cpu_limits cpu_limits_of(container_definition const& definition) {
    auto const limit = definition.limits.get(resource::cpu);
    auto const wanted = definition.requests.get(resource::cpu);
    auto const milli = std::min(wanted > 0 ? wanted : limit, cpu_shares_max);  // times 1024 it fits
    auto found = quota_of(limit);
    found.shares = std::clamp(milli * 1024 / 1000, cpu_shares_min, cpu_shares_max);
    return found;
}

namespace {

/// ENTRYPOINT [""] is how an image drops that of the image it is made from.   Source: Docker, "docker run --entrypoint"
bool is_dropped(std::vector<std::string> const& entrypoint) { return entrypoint.size() == 1 && entrypoint[0].empty(); }

error nothing_to_run() {
    return error{errc::invalid, "neither it nor its image says what to run", "command", "give a command"};
}

/// `first` is where the words come from.
error nameless_program(std::string_view first) {
    return error{errc::invalid, fmt::format("the first word of {} is empty: it names no program", first), "command",
                 "give a command that begins with a program"};
}

}  // namespace

result<std::vector<std::string>> merged_arguments(expanded_texts const& written, image_config const& image) {
    auto const has_command = !written.command.empty();  // an empty list says nothing
    auto const has_args = !written.args.empty();
    auto const has_entrypoint = !image.entrypoint.empty() && !is_dropped(image.entrypoint);
    std::vector<std::string> arguments;
    if (has_command) arguments = written.command;
    if (!has_command && has_entrypoint) arguments = image.entrypoint;
    auto const& more = has_args ? written.args : image.cmd;
    if (has_args || !has_command) arguments.insert(arguments.end(), more.begin(), more.end());
    if (arguments.empty()) return nothing_to_run();
    if (!arguments.front().empty()) return arguments;
    if (has_command) return nameless_program("its command");
    if (has_entrypoint) return nameless_program("its image's entrypoint");
    return nameless_program(has_args ? "its args" : "its image's command");
}

namespace {

/// "NAME=value": the image's, then rik's, then the definition's, the last of a name winning in the first one's place;
/// PATH, HOME and HOSTNAME if nobody set them.
std::vector<std::string> merged_environment(config_input const& input, expanded_texts const& written) {
    std::vector<std::string> environment;
    for (auto const& each : input.request.from->config.env) {
        auto const equals = each.find('=');
        if (equals == std::string::npos || equals == 0) continue;
        set_variable(environment, std::string_view(each).substr(0, equals), std::string_view(each).substr(equals + 1));
    }
    for (auto const& [name, value] : input.request.environment) set_variable(environment, name, value);
    for (auto const& each : written.env) set_variable(environment, each.name, each.value);
    set_default(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    set_default(environment, "HOME", input.user.home);
    set_default(environment, "HOSTNAME", input.hostname);
    return environment;
}

error of_container(container_definition const& which, error why) {
    why.message = fmt::format("container {}: {}", which.name, why.message);
    return why;
}

}  // namespace

result<json::object> container_config(config_input const& input) {
    auto const& definition = input.request.definition;
    auto const written = expand_references(definition, input.request.environment);
    if (!written) return of_container(definition, written.error());
    auto const arguments = merged_arguments(*written, input.request.from->config);
    if (!arguments) return of_container(definition, arguments.error());
    auto const environment = merged_environment(input, *written);
    auto const fits = check_arguments(*arguments, environment, input.host.stack_bytes_max);
    if (!fits) return of_container(definition, fits.error());
    auto const directory = working_dir_of(input);
    program_request const program{arguments->front(), directory, environment};
    auto const runs = check_program(input.request.from->tree, program);
    if (!runs) return of_container(definition, runs.error());
    auto const granted = capabilities_of(definition.rights, input.host.capabilities);
    if (!granted) return of_container(definition, granted.error());
    return json::object{{"ociVersion", "1.0.2"},
                        {"process", process_of(input, *arguments, environment, *granted)},
                        {"root", root_directory_of(input)},
                        {"mounts", mounts_of(input)},
                        {"annotations", annotations_of(input)},
                        {"linux", linux_of(input, *granted)}};
}

}  // namespace rik::detail
