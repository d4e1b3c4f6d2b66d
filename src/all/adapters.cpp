#include "adapters_detail.hpp"
#include "runtime_check_detail.hpp"

#include <rik/async/strand.hpp>
#include <rik/base/limits.hpp>
#include <rik/model/definition.hpp>
#include <rik/model/image_name.hpp>
#include <rik/runtime/dns.hpp>
#include <rik/runtime/process.hpp>

#include <fmt/format.h>

#include <string>

#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t pool_thread_count = 2;
/// Each unpacked image may wait for the disk, and each look at a file for a file system that hangs; the rest is short.
constexpr std::size_t image_pool_thread_count = limits::unpacks_at_once_max + limits::pulls_per_registry_max + 2;

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
    for (auto const each : container_programs)
        if (!find_program(each)) missing.append(missing.empty() ? "" : " ").append(each);
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
    : strand(make_strand_of(executor)), pool(pool_thread_count), image_pool(image_pool_thread_count) {}

adapters::~adapters() {
    pool.join();
    image_pool.join();
}

awaitable<result<void>> adapters::open(local_options options) {
    if (auto const right = check_options(options); !right) co_return right;
    if (auto const may = check_root(); !may) co_return may;
    if (auto const found = check_programs(options.oci_runtime); !found) co_return found;
    if (auto const taken = place.claim(options); !taken) co_return taken;
    auto const usable = oci_runtime::check_file_system(place.state_dir());
    // A disk that is full now says nothing of its file system, and whoever fills it may be ours to end.
    if (!usable && usable.error().code != errc::exhausted) co_return usable;
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
    auto const with_machines = co_await open_machines(options);
    if (!with_machines) {
        auto const code = with_machines.error().code;
        if (code != errc::not_found && code != errc::unsupported && code != errc::denied)
            co_return with_machines.error();  // it is no reason to forget machines that run
        auto const checked = check_microvm();
        auto const why = checked.is_offered() ? to_string(with_machines.error()) : lack_text(checked);
        options.out.info("this node runs no machines", {{"why", why}});
        missing_runtimes.emplace("microvm", why);
    }
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
    std::error_code failure;
    auto const wanted = machine_options(options);
    if (std::filesystem::exists(wanted.run_dir, failure) || std::filesystem::exists(wanted.state_dir, failure)) {
        auto opened = microvm_runtime::open_to_remove(wanted, time);
        if (!opened) co_return opened.error();
        machines = std::move(*opened);
    }
    open_network(options);
    co_return result<void>{};
}

/// What every runtime gets.
template <class Options>
Options adapters::equipped(Options wanted, local_options const& options) {
    wanted.tag = state_tag(place.state_dir());
    wanted.executor = strand;
    wanted.pool = pool.get_executor();
    wanted.namespace_thread = namespaces.executor();
    wanted.cgroup_thread = groups.executor();
    wanted.trash_thread = trash.executor();
    wanted.dns_servers = options.dns_servers;
    wanted.log = options.out;
    return wanted;
}

microvm_options adapters::machine_options(local_options const& options) {
    microvm_options wanted;
    wanted.run_dir = place.run_dir() / "microvm";
    wanted.state_dir = place.state_dir() / "microvm";
    wanted.has_templates = options.function_templates;
    return equipped(std::move(wanted), options);
}

/// Errors: as of microvm_runtime::open and rootfs_store::open. Then nothing of it is open.
awaitable<result<void>> adapters::open_machines(local_options options) {
    auto opening = microvm_runtime::open(machine_options(options), time);
    auto opened = co_await std::move(opening);
    if (!opened) co_return opened.error();
    machines = std::move(*opened);
    rootfs_store_options wanted{.state_directory = place.state_dir() / "microvm" / "images"};
    wanted.containers = pulled.get();
    auto store = rootfs_store::open(strand, image_pool.get_executor(), time, std::move(wanted), options.out);
    if (!store) {
        co_await machines->stop();
        machines.reset();
        co_return store.error();
    }
    root_file_systems = std::move(*store);
    auto const by = machines->accelerated();
    options.out.info("machines are run", {{"by", by.name}, {"why", by.reason}});
    co_return result<void>{};
}

std::vector<node_runtime> adapters::other_runtimes() {
    if (!machines || !root_file_systems) return {};
    return {{*machines, *root_file_systems}};
}

/// Before the containers: they are in the same cgroup.
awaitable<result<void>> adapters::remove_machines() {
    if (!machines) co_return result<void>{};
    co_return co_await machines->remove_all();
}

oci_options adapters::runtime_options(local_options const& options) {
    oci_options wanted;
    wanted.run_dir = place.run_dir();
    wanted.state_dir = place.state_dir();
    return equipped(std::move(wanted), options);
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
    auto const emptied = co_await remove_machines();
    if (!emptied && !(emptied.error().code == errc::denied && place.keeps_state())) co_return emptied;
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
        if (removed) removed = place.remove_half_made();
        if (removed) removed = place.remove(out);
        if (!removed)
            out.warning("not all of a refused start could be removed", {{"error", to_string(removed.error())}});
    }
    place.undo();
}

awaitable<> adapters::stop() {
    if (root_file_systems) co_await root_file_systems->stop();
    if (machines) co_await machines->stop();
    if (pulled) co_await pulled->stop();
    if (containers) co_await containers->stop();
}

}  // namespace rik::detail
