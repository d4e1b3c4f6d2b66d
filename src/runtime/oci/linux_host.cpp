#include <rik/runtime/oci/linux_host.hpp>

#include "runtime/oci/cgroup_limits_detail.hpp"
#include "runtime/oci/image_layout_detail.hpp"
#include "runtime/oci/machine_load_detail.hpp"
#include "runtime/oci/unique_fd_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rik {

namespace fs = std::filesystem;

namespace {

error cannot_read(fs::path const& what) {
    return error{errc::internal, fmt::format("{}: it cannot be read", what.string())};
}

result<std::string> host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return error{errc::internal, fmt::format("host name: {}", std::strerror(errno))};
    }
    return std::string(name.data());
}

result<std::string> boot_id(fs::path const& proc) {
    auto const file = proc / "sys/kernel/random/boot_id";
    std::string id;
    if (std::ifstream in(file); !(in >> id)) return cannot_read(file);
    return id;
}

/// Processors that this process may run on; machines with more than CPU_SETSIZE need a larger set.
result<std::int64_t> processors() {
    for (int most = CPU_SETSIZE; most <= 1 << 16; most *= 2) {
        auto* const set = CPU_ALLOC(static_cast<std::size_t>(most));
        if (set == nullptr) break;
        auto const size = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
        auto const got = ::sched_getaffinity(0, size, set);
        auto const count = got == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return error{errc::internal, "the processors of this machine cannot be counted"};
}

result<std::int64_t> memory_bytes(fs::path const& proc) {
    std::ifstream in(proc / "meminfo");
    for (std::string line; std::getline(in, line);) {  // "MemTotal:  24689432 kB", man 5 proc
        long long kilobytes = 0;
        if (std::sscanf(line.c_str(), "MemTotal: %lld kB", &kilobytes) == 1) return std::int64_t{kilobytes} * 1024;
    }
    return cannot_read(proc / "meminfo");
}

std::string read_file(fs::path const& file) {
    std::ifstream in(file);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/// The bridge of some rik on this machine: "rk" and its tag.
bool is_pod_bridge(std::string_view link) {
    return link.size() == 10 && link.starts_with("rk") && link.find_first_not_of("0123456789abcdef", 2) == link.npos;
}

/// The address from which this machine reaches others by its default route. Nothing is sent.
std::optional<std::string> outward_address() {
    detail::unique_fd const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ::sockaddr_in far{.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {}, .sin_zero = {}};
    ::inet_pton(AF_INET, "192.0.2.1", &far.sin_addr);  // of the documentation's network, so never a neighbour
    ::sockaddr_in own{};
    ::socklen_t size = sizeof own;
    auto const is_known = socket && ::connect(socket.get(), reinterpret_cast<::sockaddr*>(&far), sizeof far) == 0 &&
                          ::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&own), &size) == 0;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (!is_known || ::inet_ntop(AF_INET, &own.sin_addr, text.data(), text.size()) == nullptr) return std::nullopt;
    return text.data();
}

void put_first(std::vector<std::string>& list, std::optional<std::string> const& which) {
    auto const found = which ? std::ranges::find(list, *which) : list.end();
    if (found != list.end()) std::rotate(list.begin(), found, found + 1);
}

std::vector<std::string> addresses() {
    std::vector<std::string> found;
    ::ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return found;
    for (auto const* each = list; each != nullptr; each = each->ifa_next) {
        auto const is_wanted = each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET &&
                               (each->ifa_flags & IFF_LOOPBACK) == 0 && (each->ifa_flags & IFF_UP) != 0 &&
                               !is_pod_bridge(each->ifa_name);
        if (!is_wanted) continue;
        ::sockaddr_in address{};
        std::memcpy(&address, each->ifa_addr, sizeof address);
        std::array<char, INET_ADDRSTRLEN> text{};
        if (::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()) != nullptr)
            found.emplace_back(text.data());
    }
    ::freeifaddrs(list);
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    put_first(found, outward_address());
    return found;
}

result<resources> measure(linux_host_options const& options) {
    auto const cores = processors();
    if (!cores) return cores.error();
    auto const memory = memory_bytes(options.proc);
    if (!memory) return memory.error();
    auto const storage = detail::measure_disk({}, options.state_directory);
    if (!storage) return storage.error();
    auto const limits = detail::read_cgroup_limits(options.proc, options.cgroups);
    auto const cpu_milli = *cores * 1000;
    resources capacity;
    capacity.set(resource::cpu, std::min(cpu_milli, limits.cpu_milli.value_or(cpu_milli)));
    capacity.set(resource::memory, std::min(*memory, limits.memory_bytes.value_or(*memory)));
    capacity.set(resource::storage, storage->total_bytes);
    capacity.set(resource::pods, options.pods_max);
    return capacity;
}

result<void> take_reserve(resources& from, resources const& reserve) {
    for (auto const& [name, amount] : reserve.entries()) {
        auto const left = from.get(name) - amount;
        if (left < 0)
            return error{errc::invalid, fmt::format("the reserve of {} ({}) is more than the machine has ({})", name,
                                                    amount, from.get(name))};
        from.set(name, left);
    }
    return {};
}

result<node_facts> gather(linux_host_options const& options) {
    auto const machine = host_name();
    if (!machine) return machine.error();
    auto boot = boot_id(options.proc);
    if (!boot) return boot.error();
    auto capacity = options.capacity ? result<resources>(*options.capacity) : measure(options);
    if (!capacity) return capacity.error();
    if (auto const fits = take_reserve(*capacity, options.reserve); !fits) return fits.error();
    node_facts facts;
    facts.name = options.name.empty() ? *machine : options.name;
    facts.boot_id = std::move(*boot);
    facts.capacity = std::move(*capacity);
    for (std::string const prefix : {"kubernetes.io/", "rik.dev/"}) {
        facts.labels[prefix + "arch"] = detail::machine_architecture();
        facts.labels[prefix + "hostname"] = facts.name;
        facts.labels[prefix + "os"] = "linux";
    }
    for (auto const& [key, value] : options.labels) facts.labels[key] = value;
    facts.taints = options.taints;
    facts.addresses = addresses();
    return facts;
}

}  // namespace

linux_host::linux_host(linux_host_options options) : options_(std::move(options)) {}

awaitable<result<machine_load>> linux_host::measure() { co_return measure_now(); }

result<machine_load> linux_host::measure_now() {
    auto const cpu = detail::parse_cpu_times(read_file(options_.proc / "stat"));
    if (!cpu) return cpu.error();
    auto const memory = detail::parse_memory(read_file(options_.proc / "meminfo"));
    if (!memory) return memory.error();
    auto const cores = processors();
    if (!cores) return cores.error();
    machine_load now;
    now.metrics.cpu_total = *cores;
    now.metrics.cpu_free_percent = detail::idle_percent(std::exchange(cpu_before_, *cpu), *cpu);
    now.metrics.memory_total_bytes = memory->total_bytes;
    now.metrics.memory_free_bytes = memory->available_bytes;
    now.metrics.disks = detail::measure_disks(read_file(options_.proc / "self" / "mountinfo"));
    auto of_state = detail::measure_room(options_.state_directory);
    if (of_state) now.of_state = std::move(*of_state);
    return now;
}

awaitable<result<disk_room>> linux_host::measure_room() { co_return detail::measure_room(options_.state_directory); }

awaitable<result<node_facts>> linux_host::describe() { co_return gather(options_); }

}  // namespace rik
