#include "machine_files_detail.hpp"

#include "guest_settings_detail.hpp"
#include "machine_plan_detail.hpp"
#include "machine_size_detail.hpp"
#include "machine_template_detail.hpp"
#include "qcow2_overlay_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/sandbox_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t disk_step_bytes = 4096;
constexpr std::int64_t room_bytes_default = std::int64_t{1} << 30;
constexpr std::int64_t processes_max = 256;  // threads of QEMU and its keeper

result<void> make_directories_of(container_paths const& paths) {
    for (auto const& each : {paths.state, paths.upper(), paths.exit_dir(), paths.bundle})
        if (::mkdir(each.c_str(), 0755) != 0 && errno != EEXIST) return system_error(each, "mkdir", errno);
    return {};
}

guest_files read_guest_files(pod_paths const& pod) {
    guest_files found;
    found.hostname = try_read_file(pod.etc / "hostname").value_or("");
    if (found.hostname.ends_with('\n')) found.hostname.pop_back();
    found.hosts = try_read_file(pod.etc / "hosts").value_or("");
    found.resolver = try_read_file(pod.etc / "resolv.conf").value_or("");
    return found;
}

/// Only the machine's own user may read or write it.
result<void> write_private(fs::path const& path, std::string_view bytes, std::uint32_t uid) {
    if (auto const written = write_file(path, bytes); !written) return written;
    if (::chmod(path.c_str(), 0600) != 0 || ::chown(path.c_str(), uid, uid) != 0)
        return system_error(path, "give it to the machine", errno);
    return {};
}

result<std::int64_t> disk_bytes_of(fs::path const& base, std::int64_t asked) {
    struct stat about {};
    if (::stat(base.c_str(), &about) != 0) return system_error(base, "stat", errno);
    auto const least = std::max<std::int64_t>(about.st_size, disk_step_bytes);
    auto const bytes = asked > 0 ? std::max(asked, least) : least + room_bytes_default;
    if (bytes > disk_bytes_max) return error{errc::invalid, fmt::format("a disk of {} bytes is too large", bytes)};
    return (bytes + disk_step_bytes - 1) / disk_step_bytes * disk_step_bytes;
}

result<void> make_disks(container_request const& request, container_paths const& paths, machine_size const& size,
                        std::uint32_t uid) {
    auto const bytes = disk_bytes_of(request.from->tree, size.disk_bytes);
    if (!bytes) return bytes.error();
    return write_private(disk_of(paths), qcow2_overlay(*bytes), uid);
}

/// Where every process of the machine is, in each hierarchy. Returns the files by which it is entered.
result<std::vector<std::string>> make_groups(runtime_context const& on, container_paths const& paths,
                                             machine_size const& size) {
    std::vector<std::string> found;
    auto const pod = paths.cgroup.substr(0, paths.cgroup.rfind('/'));
    for (auto const& hierarchy : on.groups.hierarchies()) {
        // A new group of cpuset takes nobody until it is given processors; it is the one that does not matter.
        if (hierarchy.filename() == "cpuset") continue;
        for (auto const& each : {pod, paths.cgroup})
            if (auto const made = on.groups.make_pod(hierarchy, each); !made) return made.error();
        auto const group = hierarchy.native() + paths.cgroup;
        write_control(group + "/pids.max", std::to_string(processes_max));  // where there is one
        found.push_back(group + "/cgroup.procs");
    }
    if (auto const limited = on.groups.limit_pod(paths.cgroup, size.limits); !limited) return limited.error();
    return found;
}

/// What its first program is told: in a file of the initial file system of one that boots, by the keeper else.
result<void> write_settings(machine_parts const& parts, container_paths const& paths, std::string_view settings,
                            start_rules const& rules) {
    if (!rules.warm_from.empty()) return write_private(settings_of(paths), settings, 0);
    return write_private(paths.bundle / "initramfs", parts.boot->initramfs + settings_archive(settings), rules.uid);
}

machine_plan make_plan(machine_parts const& parts, container_request const& request, container_paths const& paths,
                       start_rules const& rules) {
    auto const size = size_of(request.definition);
    auto const is_warm = !rules.warm_from.empty();
    qemu_machine machine{.name = paths.id, .runs_on = parts.runs_on, .tsc_khz = parts.tsc_khz};
    machine.processor_count = size.processor_count;
    machine.memory_mib = size.memory_mib;
    machine.begins = is_warm ? beginning::restore : beginning::boot;
    machine_plan made;
    made.uid = rules.uid;
    made.boot_cpu_seconds = rules.boot_cpu_seconds;
    auto const began = std::chrono::duration_cast<std::chrono::milliseconds>(rules.began_at.time_since_epoch());
    made.began_ms = static_cast<std::uint64_t>(began.count());
    made.acceleration = name_of(parts.runs_on);
    made.note = note_of(paths);
    made.program = parts.programs.qemu;
    if (request.network) {
        machine.mac = request.network->mac;
        made.tap = request.network->interface;
    }
    made.arguments = qemu_arguments(machine);
    made.files = {{base_descriptor, request.from->tree, false}, {overlay_descriptor, disk_of(paths), true}};
    if (is_warm) {
        made.warm_from = rules.warm_from;
        made.template_key = rules.template_key;
        made.settings = settings_of(paths);
        made.memory_bytes = static_cast<std::uint64_t>(size.memory_mib) << 20;
    } else {
        made.files.push_back({kernel_descriptor, parts.boot->kernel, false});
        made.files.push_back({initramfs_descriptor, paths.bundle / "initramfs", false});
    }
    return made;
}

}  // namespace

result<void> make_machine_files(runtime_context const& on, machine_parts const& parts, container_request const& request,
                                start_rules rules) {
    auto const pod = on.paths.pod(request.key.instance);
    auto const paths = on.paths.container(request.key);
    if (!is_whole(pod))
        return error{errc::conflict, fmt::format("instance {}: has no sandbox", request.key.instance.text())};
    auto const files = read_guest_files(pod);
    auto const settings = guest_settings(request, files);
    if (!settings) return settings.error();
    if (settings->size() > told_bytes_max) rules.warm_from.clear();
    if (auto const made = make_directories_of(paths); !made) return made;
    auto const size = size_of(request.definition);
    if (auto const made = make_disks(request, paths, size, rules.uid); !made) return made;
    if (auto const made = write_settings(parts, paths, *settings, rules); !made) return made;
    if (auto const made = write_file(note_of(paths), ""); !made) return made;
    if (auto const made = write_file(memory_file_of(paths), std::to_string(size.memory_mib << 20)); !made) return made;
    auto groups = make_groups(on, paths, size);
    if (!groups) return groups.error();
    auto plan = make_plan(parts, request, paths, rules);
    plan.network_namespace = pod.network_namespace();
    plan.groups = std::move(*groups);
    return write_file(plan_of(paths), plan_text(plan));
}

}  // namespace rik::detail
