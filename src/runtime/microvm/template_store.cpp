#include "template_store_detail.hpp"

#include "machine_plan_detail.hpp"
#include "machine_start_detail.hpp"
#include "machine_template_detail.hpp"

#include "runtime/oci/files_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/base/hash.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view suffix = ".template";
constexpr std::string_view dummy_mac = "02:00:00:00:00:01";
constexpr std::uint32_t make_seconds_max = 120;

/// Another one of that name is told apart.
std::string identity_of(fs::path const& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) return {};
    return fmt::format("{} {} {} {}.{}", file.string(), about.st_ino, about.st_size, about.st_mtim.tv_sec,
                       about.st_mtim.tv_nsec);
}

/// The kernel and the kind of processor that templates are made on.
std::string describe_node() {
    utsname about{};
    ::uname(&about);
    auto const processors = try_read_file("/proc/cpuinfo").value_or("");
    auto const line = [&](std::string_view name) {
        auto const at = std::min(processors.find(name), processors.size());
        return processors.substr(at, processors.find('\n', at) - at);
    };
    return fmt::format("{} {} {} {:x}", about.release, about.version, line("model name"), fnv1a(line("flags")));
}

qemu_machine machine_of(machine_parts const& parts, template_kind const& kind) {
    qemu_machine made{.name = "template", .runs_on = parts.runs_on};
    made.processor_count = kind.processor_count;
    made.memory_mib = kind.memory_mib;
    if (kind.has_network) made.mac = dummy_mac;
    made.begins = beginning::become_template;
    return made;
}

machine_plan make_plan(machine_parts const& parts, template_store const& store, template_order const& what) {
    machine_plan made{.uid = what.uid, .network_namespace = {}, .tap = {}};
    made.note = store.half(what.key);
    made.program = parts.programs.qemu;
    auto machine = machine_of(parts, what.kind);
    machine.name += "-" + what.key;
    machine.tsc_khz = parts.tsc_khz;
    made.arguments = qemu_arguments(machine);
    made.files = {{kernel_descriptor, parts.boot->kernel, false},
                  {initramfs_descriptor, parts.boot->initramfs_file, false}};
    made.boot_seconds = make_seconds_max;
    made.acceleration = name_of(parts.runs_on);
    made.template_key = what.key;
    made.memory_bytes = static_cast<std::uint64_t>(what.kind.memory_mib) << 20;
    return made;
}

/// Those of templates, the one that was used last at the front.
std::vector<fs::path> by_last_use(fs::path const& directory) {
    std::vector<std::pair<fs::file_time_type, fs::path>> found;
    std::error_code failure;
    for (fs::directory_iterator each(directory, failure), end; !failure && each != end; each.increment(failure)) {
        std::error_code gone;
        auto const used_at = fs::last_write_time(each->path(), gone);
        if (!gone && each->path().extension() == suffix) found.emplace_back(used_at, each->path());
    }
    std::sort(found.rbegin(), found.rend());
    std::vector<fs::path> paths;
    for (auto& [used_at, path] : found) paths.push_back(std::move(path));
    return paths;
}

void remove_half(template_store const& store, std::string const& key) {
    for (auto const& each : {store.half(key), store.plan(key)}) ::unlink(each.c_str());
}

}  // namespace

template_kind kind_of(container_request const& request) {
    auto const size = size_of(request.definition);
    return {size.processor_count, size.memory_mib, request.network.has_value()};
}

std::string key_of(machine_parts const& parts, template_kind const& kind, std::string const& tag) {
    template_inputs from{.tag = tag,
                         .qemu = identity_of(parts.programs.qemu),
                         .kernel = identity_of(parts.boot->kernel),
                         .initramfs = fnv1a(parts.boot->initramfs),
                         .node = describe_node()};
    from.tsc_khz = parts.tsc_khz;
    from.arguments = qemu_arguments(machine_of(parts, kind));
    return template_key(from);
}

result<void> template_store::prepare() const {
    if (auto const made = make_directories(directory_); !made) return made;
    if (::chmod(directory_.c_str(), 0700) != 0) return system_error(directory_, "chmod", errno);
    std::error_code failure;
    for (fs::directory_iterator each(directory_, failure), end; !failure && each != end; each.increment(failure))
        if (each->path().extension() != suffix) ::unlink(each->path().c_str());
    return {};
}

fs::path template_store::find(std::string const& key) const {
    auto path = directory_ / (key + std::string(suffix));
    return ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0 ? path : fs::path();
}

void template_store::forget(std::string const& key) const {
    ::unlink((directory_ / (key + std::string(suffix))).c_str());
}

result<void> template_store::keep(std::string const& key, std::multiset<std::string> const& spared) const {
    auto const path = directory_ / (key + std::string(suffix));
    if (::rename(half(key).c_str(), path.c_str()) != 0) return system_error(path, "rename", errno);
    auto const all = by_last_use(directory_);
    for (std::size_t at = templates_max; at < all.size(); ++at)
        if (!spared.contains(all[at].stem())) ::unlink(all[at].c_str());
    return {};
}

fs::path template_store::half(std::string const& key) const { return directory_ / (key + ".new"); }
fs::path template_store::plan(std::string const& key) const { return directory_ / (key + ".plan"); }

awaitable<result<void>> make_template(runtime_context const& on, machine_parts const& parts,
                                      template_store const& store, template_order what,
                                      std::multiset<std::string> const& in_use) {
    auto preparing = [&]() -> result<void> {
        if (auto const written = write_file(store.half(what.key), ""); !written) return written;
        return write_file(store.plan(what.key), plan_text(make_plan(parts, store, what)));
    };
    auto const prepared = co_await offload(on.options.pool, std::move(preparing));
    if (!prepared) co_return prepared;
    command making{.program = parts.programs.keeper, .arguments = {"make-template", store.plan(what.key).string()}};
    auto const until = on.time.now() + std::chrono::seconds(make_seconds_max) + 10s;
    auto const made = co_await run_process_ok(std::move(making), until);
    auto keeping = [&, spared = in_use]() -> result<void> {
        auto const kept = made ? store.keep(what.key, spared) : result<void>(made.error());
        if (!made) reap_machines({what.uid});
        remove_half(store, what.key);
        return kept;
    };
    co_return co_await offload(on.options.pool, std::move(keeping));
}

}  // namespace rik::detail
