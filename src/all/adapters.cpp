#include "adapters_detail.hpp"
#include "runtime_check_detail.hpp"

#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/image_name.hpp>
#include <rik/runtime/dns.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>
#include <boost/asio/strand.hpp>

#include <array>
#include <string>

#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t pool_thread_count = 2;
/// Each unpacked image may wait for the disk, and each look at a file for a file system that hangs; the rest is short.
constexpr std::size_t image_pool_thread_count = limits::unpacks_at_once_max + limits::pulls_per_registry_max + 2;
constexpr std::array<char const*, 3> programs{"conmon", "skopeo", "umoci"};  // packages of the same names

result<void> check_root() {
    if (::geteuid() == 0) return {};
    return error{
        errc::denied, "rik makes namespaces, cgroups, mounts and links, and this user may not", {}, "run it as root"};
}

/// The package of what is to make containers, if that is not installed. One that is named by a path has none.
std::string missing_maker(std::string const& wanted) {
    if (wanted.starts_with('/')) return {};
    if (wanted != "auto") return find_program(wanted) ? "" : wanted;
    return find_program("crun") || find_program("runc") ? "" : "runc";
}

result<void> check_programs(std::string const& oci_runtime) {
    auto missing = missing_maker(oci_runtime);
    for (auto const* const each : programs)
        if (!find_program(each)) missing += std::string(missing.empty() ? "" : " ") + each;
    if (missing.empty()) return {};
    return error{errc::not_found,
                 fmt::format("these programs are not installed, or not in PATH: {}", missing),
                 {},
                 fmt::format("apt-get install {}", missing)};
}

/// What can be told before anything is touched. Registries are then as names of images have them.
result<void> check_options(local_options& options) {
    if (!options.node_name.empty())
        if (auto const wrong = check_object_name(options.node_name, "node_name")) return *wrong;
    for (auto& each : options.insecure_registries) {
        auto parsed = parse_registry(each);
        if (!parsed) return parsed.error();
        each = std::move(*parsed);
    }
    auto const mtu = options.pod_mtu;
    if (mtu != 0 && (mtu < pod_mtu_min || mtu > pod_mtu_max))
        return error{errc::invalid, fmt::format("MTU {}: it must be {} to {}", mtu, pod_mtu_min, pod_mtu_max)};
    return check_dns_servers(options.dns_servers);
}

}  // namespace

lone_thread::~lone_thread() {
    busy_.reset();
    context_.stop();
    thread_.join();
}

adapters::adapters(asio::any_io_executor executor)
    : strand(asio::make_strand(std::move(executor))), pool(pool_thread_count), image_pool(image_pool_thread_count) {}

adapters::~adapters() {
    pool.join();
    image_pool.join();
}

awaitable<result<void>> adapters::open(local_options options) {
    if (auto const right = check_options(options); !right) co_return right;
    if (auto const may = check_root(); !may) co_return may;
    if (auto const found = check_programs(options.oci_runtime); !found) co_return found;
    if (auto const taken = place.claim(options); !taken) co_return taken;
    if (auto const usable = oci_runtime::check_file_system(place.state_dir()); !usable) co_return usable;
    auto wanted = runtime_options(options);
    auto choosing = oci_runtime::choose_program(wanted, time, options.oci_runtime);
    auto const chosen = co_await std::move(choosing);
    if (!chosen) co_return chosen.error();
    wanted.runtime_program = *chosen;
    if (auto const opened = open_runtime(std::move(wanted)); !opened) co_return opened;
    options.out.info("containers are made", {{"by", chosen->string()}});
    if (auto const fault = containers->find_name_fault())
        options.out.warning("names cannot be resolved in Pods", {{"reason", to_string(*fault)}});
    oci_images_options image_options{.state_directory = place.state_dir(),
                                     .insecure_registries = options.insecure_registries};
    auto opened_images =
        oci_images::open(strand, image_pool.get_executor(), time, std::move(image_options), options.out);
    if (!opened_images) co_return opened_images.error();
    pulled = std::move(*opened_images);
    auto checking = check_microvm(options);
    auto const machines = co_await std::move(checking);
    if (!machines.is_offered()) missing_runtimes.emplace(machines.name, lack_text(machines));
    open_network(options);
    linux_host_options host_options{
        .state_directory = place.state_dir(), .name = options.node_name, .capacity = options.capacity};
    host_options.reserve = options.reserve;
    host_options.labels = options.node_labels;
    host_options.taints = options.node_taints;
    machine.emplace(std::move(host_options));
    co_return result<void>{};
}

awaitable<result<void>> adapters::open_to_remove(local_options options) {
    if (auto const may = check_root(); !may) co_return may;
    if (auto const taken = place.claim_to_remove(options); !taken) co_return taken;
    if (auto const opened = open_runtime(runtime_options(options)); !opened) co_return opened;
    open_network(options);
    co_return result<void>{};
}

oci_options adapters::runtime_options(local_options const& options) {
    oci_options wanted{.run_dir = place.run_dir(),
                       .state_dir = place.state_dir(),
                       .tag = state_tag(place.state_dir()),
                       .executor = strand};
    wanted.pool = pool.get_executor();
    wanted.namespace_thread = namespaces.executor();
    wanted.cgroup_thread = groups.executor();
    wanted.trash_thread = trash.executor();
    wanted.dns_servers = options.dns_servers;
    wanted.log = options.out;
    return wanted;
}

result<void> adapters::open_runtime(oci_options wanted) {
    auto opened = oci_runtime::open(std::move(wanted), time);
    if (!opened) return opened.error();
    containers = std::move(*opened);
    return {};
}

void adapters::open_network(local_options const& options) {
    linux_network_options wanted{.tag = state_tag(place.state_dir())};
    wanted.namespace_executor = namespaces.executor();
    wanted.pool_executor = pool.get_executor();
    wanted.mtu = options.pod_mtu;
    wanted.logger = options.out;
    pods.emplace(std::move(wanted));
}

awaitable<result<void>> adapters::remove_all() {
    auto const contained = co_await containers->remove_all();
    auto const is_kept = !contained && contained.error().code == errc::denied && place.keeps_state();
    if ((!contained && !is_kept) || !pods) co_return contained;
    co_return co_await pods->remove_all();
}

/// A state directory that was new has never held anything; in one that is used only this start is undone.
awaitable<> adapters::clean_up(log out) {
    if (place.is_new()) {
        result<void> removed;
        if (containers) removed = co_await remove_all();
        if (removed) removed = place.remove(out);
        if (!removed)
            out.warning("not all of a refused start could be removed", {{"error", to_string(removed.error())}});
    }
    place.undo();
}

awaitable<> adapters::stop() {
    if (pulled) co_await pulled->stop();
    if (containers) co_await containers->stop();
}

}  // namespace rik::detail
