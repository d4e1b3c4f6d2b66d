#include "context_detail.hpp"

#include "oci_program_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"

#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t log_files_min = 2;  // one that is written and one that a reader is still in
constexpr std::size_t boot_id_bytes_max = 4096;

/// Overlay's mount options are separated by commas and colons, with \ as their escape, and conmon's log option by the
/// colon. Spaces, newlines and quotes would only have to be escaped wherever a path is shown.
result<void> check_directory(fs::path const& path, std::string_view name) {
    constexpr std::size_t path_bytes_max = 512;  // three of them fit into the page that mount options may take
    if (path.is_absolute() && path.native().find_first_of(",:\\ \n\"") == std::string::npos &&
        path.native().size() <= path_bytes_max) {
        return {};
    }
    return error{errc::invalid, fmt::format("{} {}: is not absolute, too long, or has a space, a newline or one of , : "
                                            "\\ \" in it",
                                            name, path.string())};
}

result<void> check(oci_options const& options) {
    if (auto const checked = check_directory(options.run_dir, "run directory"); !checked) return checked;
    if (auto const checked = check_directory(options.state_dir, "state directory"); !checked) return checked;
    auto const is_hex = [](char each) { return (each >= '0' && each <= '9') || (each >= 'a' && each <= 'f'); };
    if (options.tag.size() != 8 || !std::ranges::all_of(options.tag, is_hex)) {
        return error{errc::invalid, fmt::format("tag {}: is not eight hex digits", options.tag)};
    }
    return {};
}

/// What is in run_dir means something for one boot only; /run may be on a disk. Mounts do not outlive a boot: where
/// there are some it is still the same one, whatever has become of the file that says so.
result<void> forget_earlier_boots(layout const& paths, std::string const& boot_id,
                                  std::vector<mount_entry> const& mounts) {
    auto const known = read_file_if_there(paths.boot_id(), boot_id_bytes_max);
    if (!known && known.error().code != errc::corrupt) return known.error();
    if (known && *known == boot_id) return {};
    if (!mounts_below(mounts, paths.run_pods()).empty()) return replace_file(paths.boot_id(), boot_id);
    for (auto const& each : {paths.run_pods(), paths.runtime_root()}) {
        if (auto const removed = remove_tree(each); !removed) return removed;
    }
    if (auto const made = make_directories(paths.run_dir()); !made) return made;
    return replace_file(paths.boot_id(), boot_id);
}

result<void> make_private(fs::path const& path) {
    if (auto const made = make_directories(path); !made) return made;
    ::chmod(path.c_str(), 0700);  // images may have programs with the set-user-ID bit
    return {};
}

result<void> prepare_directories(layout const& paths, std::string const& boot_id,
                                 std::vector<mount_entry> const& mounts) {
    if (auto const done = forget_earlier_boots(paths, boot_id, mounts); !done) return done;
    for (auto const& each : {paths.run_pods(), paths.runtime_root(), paths.run_trash()}) {
        if (auto const made = make_private(each); !made) return made;
    }
    return {};
}

result<void> prepare_state(layout const& paths) {
    for (auto const& each : {paths.state_pods(), paths.state_trash()}) {
        if (auto const made = make_private(each); !made) return made;
    }
    return {};
}

result<fs::path> program(fs::path const& given, std::string_view name) {
    if (!given.empty()) return given;
    return find_program(name);
}

/// Mounts are known by the paths that /proc shows, which have no symbolic links.
fs::path without_links(fs::path const& path) {
    std::error_code failure;
    auto canonical = fs::weakly_canonical(path, failure);
    return failure ? path : canonical;
}

std::uint64_t own_capabilities() {
    auto const status = try_read_file("/proc/self/status").value_or("");
    auto const at = status.find("CapEff:\t");
    std::uint64_t bits = 0;
    if (at != std::string::npos) std::from_chars(status.data() + at + 8, status.data() + status.size(), bits, 16);
    return bits;
}

}  // namespace

host_limits read_host_limits(cgroups const& groups) {
    host_limits found;
    rlimit open_files{};
    if (::getrlimit(RLIMIT_NOFILE, &open_files) == 0) found.open_files_max = open_files.rlim_max;
    rlimit stack{};
    if (::getrlimit(RLIMIT_STACK, &stack) == 0) found.stack_bytes_max = stack.rlim_cur;
    auto const score = try_read_file("/proc/self/oom_score_adj").value_or("0");
    std::from_chars(score.data(), score.data() + score.size(), found.oom_score_adj);
    found.capabilities = own_capabilities();
    struct sysinfo info {};
    if (::sysinfo(&info) == 0) found.memory_bytes = static_cast<std::int64_t>(info.totalram) * info.mem_unit;
    found.limits_swap = groups.limits_swap();
    return found;
}

result<runtime_context> open_context(oci_options options, clock& time) {
    if (auto const checked = check(options); !checked) return checked.error();
    options.run_dir = without_links(options.run_dir);
    options.state_dir = without_links(options.state_dir);
    if (auto const checked = check(options); !checked) return checked.error();
    options.container_log_files_max = std::max(options.container_log_files_max, log_files_min);
    auto const mountinfo = read_mountinfo();
    if (!mountinfo) return mountinfo.error();
    auto groups = cgroups::find(*mountinfo);
    if (!groups) return groups.error();
    layout paths(options.run_dir, options.state_dir, options.tag);
    auto boot_id = read_file("/proc/sys/kernel/random/boot_id", boot_id_bytes_max);
    if (!boot_id) return boot_id.error();
    if (boot_id->ends_with('\n')) boot_id->pop_back();
    if (auto const done = prepare_directories(paths, *boot_id, parse_mounts(*mountinfo)); !done) return done.error();
    // On a file system that cannot be written a removal goes on: it takes what is in the kernel.
    auto const prepared = prepare_state(paths);
    if (!prepared && prepared.error().code != errc::denied) return prepared.error();
    auto const host = read_host_limits(*groups);
    auto runtime =
        find_oci_program(options, options.runtime_program.empty() ? "runc" : options.runtime_program.native());
    auto monitor_program = program(options.monitor_program, "conmon");
    return runtime_context{.options = std::move(options),
                           .time = time,
                           .paths = std::move(paths),
                           .groups = std::move(*groups),
                           .host = host,
                           .boot_id = std::move(*boot_id),
                           .runtime = std::move(runtime),
                           .monitor_program = std::move(monitor_program)};
}

}  // namespace rik::detail
