#include "machine_parts_detail.hpp"

#include "runtime/clean_text_detail.hpp"
#include "runtime/find_program_detail.hpp"
#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/unique_fd_detail.hpp"

#include <rik/async/shield.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace rik::detail {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr char const* qemu_name = "qemu-system-x86_64";
constexpr own_program own_keeper{"rik-machine", "machines need", "install it with rik"};
constexpr duration kvm_trial_time_max = 5s;
constexpr int measure_ms = 20;
constexpr std::size_t reason_bytes_max = 200;

result<fs::path> find_or(fs::path const& given, std::string_view name) {
    return find_program(given.empty() ? name : std::string_view(given.native()));
}

result<void> check_taps() {
    constexpr char const* device = "/dev/net/tun";
    unique_fd const opened(::open(device, O_RDWR | O_CLOEXEC));
    if (opened) return {};
    auto why = system_error(device, "open", errno);
    if (why.code == errc::not_found || why.code == errc::internal) why.code = errc::unsupported;
    why.remedy = "load the kernel's module tun: modprobe tun";
    return why;
}

result<void> check_processor() {
#if defined(__x86_64__)
    return {};
#else
    return error{errc::unsupported, "machines run on x86-64 only"};
#endif
}

timespec raw_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return now;
}

/// Empty: KVM can be used. What was found is kept until the next boot, with `run_dir`.
awaitable<result<std::string>> why_no_kvm(runtime_context const& on, fs::path keeper) {
    auto const kept = on.paths.run_dir() / "no-kvm";
    if (auto known = try_read_file(kept)) co_return std::move(*known);
    command trying{.program = std::move(keeper), .arguments = {"try-kvm"}};
    auto const tried = co_await run_process(std::move(trying), on.time.now() + kvm_trial_time_max);
    if (!tried) co_return tried.error().message;  // that says nothing about the next time
    std::string why;
    if (!tried->exit.known || tried->exit.code != 0) why = clean_text(tried->out, reason_bytes_max);
    while (why.ends_with('\n')) why.pop_back();
    if (tried->exit.code != 0 && why.empty()) why = fmt::format("the trial ended with {}", tried->exit.code);
    if (auto const written = replace_file(kept, why); !written) co_return written.error();
    co_return why;
}

}  // namespace

std::uint64_t measure_tsc_khz() {
#if defined(__x86_64__)
    auto const began = raw_now();
    auto const from = __rdtsc();
    ::poll(nullptr, 0, measure_ms);
    auto const ended = raw_now();
    auto const to = __rdtsc();
    auto const nanoseconds = (ended.tv_sec - began.tv_sec) * 1'000'000'000 + ended.tv_nsec - began.tv_nsec;
    constexpr std::uint64_t per_khz = 1'000'000;  // nanoseconds of a thousandth of a second
    return nanoseconds > 0 ? (to - from) * per_khz / static_cast<std::uint64_t>(nanoseconds) : 0;
#else
    return 0;
#endif
}

result<machine_programs> find_machine_programs(microvm_options const& options) {
    if (auto const right = check_processor(); !right) return right.error();
    auto qemu = find_or(options.qemu_program, qemu_name);
    if (!qemu) return qemu.error();
    auto found_keeper = find_own_program(options.keeper_program, own_keeper);
    if (!found_keeper) return found_keeper.error();
    auto monitor = find_or(options.monitor_program, "conmon");
    if (!monitor) return monitor.error();
    if (auto const there = check_taps(); !there) return there.error();
    return machine_programs{std::move(*qemu), std::move(*found_keeper), std::move(*monitor)};
}

microvm_check check_machine_parts(microvm_options const& options) {
    microvm_check made;
    auto const note = [&](std::string_view name, result<fs::path> const& at, microvm_check::lack lack) {
        if (at)
            made.found.push_back(fmt::format("{}: {}", name, at->string()));
        else
            made.lacking.push_back(std::move(lack));
    };
    if (!check_processor()) made.lacking.push_back({"no processor of the kind x86-64", ""});
    note("QEMU", find_or(options.qemu_program, qemu_name), {fmt::format("no {}", qemu_name), "qemu-system-x86"});
    note("keeper of machines", find_own_program(options.keeper_program, own_keeper),
         {fmt::format("no {} beside rik", own_keeper.name), ""});
    note("conmon", find_or(options.monitor_program, "conmon"), {"no conmon", "conmon"});
    note("curl", find_program("curl"), {"no curl", "curl"});
    note("mke2fs", find_program("mke2fs"), {"no mke2fs", "e2fsprogs"});
    note("tar", find_program("tar"), {"no tar", "tar"});
    note("sha256sum", find_program("sha256sum"), {"no sha256sum", "coreutils"});
    auto const kernel = find_kernel(options.kernel);
    auto const image = kernel ? result<fs::path>(kernel->image) : result<fs::path>(kernel.error());
    note("kernel of machines", image, {"no kernel for machines", "linux-image-cloud-amd64"});
    auto const taps = check_taps();
    if (!taps && taps.error().code != errc::denied) made.lacking.push_back({"no /dev/net/tun", ""});
    return made;
}

awaitable<result<machine_parts>> find_machine_parts(runtime_context const& on, machine_programs programs) {
    auto why = co_await why_no_kvm(on, programs.keeper);
    if (!why) co_return why.error();
    machine_parts found;
    found.programs = std::move(programs);
    found.runs_on = why->empty() ? accelerator::kvm : accelerator::tcg;
    found.no_kvm = std::move(*why);
    co_return found;
}

result<void> complete(machine_parts& parts, microvm_options const& options) {
    if (parts.boot) return {};
    auto const kernel = find_kernel(options.kernel);
    if (!kernel) return kernel.error();
    auto boot = prepare_boot_files(*kernel, options.state_dir / "kernel");
    if (!boot) return boot.error();
    parts.tsc_khz = measure_tsc_khz();
    parts.boot = std::move(*boot);
    return {};
}

}  // namespace rik::detail
