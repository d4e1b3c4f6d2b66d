#include "sandbox_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "namespaces_detail.hpp"
#include "volumes_detail.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cerrno>
#include <optional>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t hostname_bytes_max = 63;  // of a DNS label; Kubernetes cuts Pod names in the same way

/// Of the file `ready`, which is empty for a Pod with a network of its own. Only its size is looked at: it can be asked
/// for also while there are no descriptors.
constexpr std::string_view host_network_mark = "host network\n";

std::optional<std::int64_t> bytes_of_mark(std::filesystem::path const& file) {
    struct stat about {};
    if (::stat(file.c_str(), &about) != 0) return std::nullopt;
    return about.st_size;
}

result<void> write_files(pod_paths const& paths, sandbox_request const& request, sandbox_settings const& settings) {
    auto const hosts = hosts_text(request, settings.host_hosts);
    if (auto const done = write_file(paths.etc / "hosts", hosts); !done) return done;
    if (auto const done = write_file(paths.etc / "resolv.conf", settings.resolver); !done) return done;
    return write_file(paths.etc / "hostname", request.hostname + "\n");
}

/// What may differ from one call to the next.
result<void> complete(pod_paths const& paths, sandbox_request const& request, sandbox_settings const& settings) {
    auto const made = make_volumes(paths, request, settings.machine_memory_bytes);
    return made ? write_files(paths, request, settings) : made;
}

std::string own_hosts(sandbox_request const& request) {
    std::string text =
        "127.0.0.1\tlocalhost\n"
        "::1\tlocalhost ip6-localhost ip6-loopback\n"
        "fe00::\tip6-localnet\n"
        "ff00::\tip6-mcastprefix\n"
        "ff02::1\tip6-allnodes\n"
        "ff02::2\tip6-allrouters\n";
    for (auto const& address : request.addresses) text += fmt::format("{}\t{}\n", address, request.hostname);
    if (request.addresses.empty()) text += fmt::format("127.0.1.1\t{}\n", request.hostname);
    return text;
}

result<void> make_directories_of(pod_paths const& paths) {
    for (auto const& each :
         {paths.namespaces, paths.etc, paths.shm, paths.run / "containers", paths.logs, paths.state / "containers"}) {
        if (auto const made = make_directories(each); !made) return made;
    }
    return {};
}

}  // namespace

std::string hosts_text(sandbox_request const& request, std::string_view host) {
    auto text = request.has_host_network ? std::string(host) : own_hosts(request);
    if (!text.empty() && text.back() != '\n') text += '\n';
    for (auto const& each : request.host_aliases)
        if (!each.names.empty()) text += fmt::format("{}\t{}\n", each.address, fmt::join(each.names, "\t"));
    return text;
}

bool is_whole(pod_paths const& paths) {
    auto const mark_bytes = bytes_of_mark(paths.ready);
    if (!mark_bytes) return false;
    return is_namespace(is_of_host_network(*mark_bytes) ? paths.namespaces / "uts" : paths.network_namespace());
}

bool is_of_host_network(std::int64_t mark_bytes) { return mark_bytes > 0; }

bool has_host_network(pod_paths const& paths) { return is_of_host_network(bytes_of_mark(paths.ready).value_or(0)); }

std::string host_hostname() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::string fitting_hostname(std::string name) {
    if (name.size() > hostname_bytes_max) name.resize(hostname_bytes_max);
    while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
    return name.empty() ? "localhost" : name;
}

result<void> make_sandbox(pod_paths const& paths, sandbox_request request, sandbox_settings const& settings) {
    auto const network = request.has_host_network ? pod_network::of_host : pod_network::own;
    if (network == pod_network::own) request.hostname = fitting_hostname(std::move(request.hostname));
    if (is_whole(paths)) return complete(paths, request, settings);
    if (::access(paths.run.c_str(), F_OK) == 0) {  // half made
        if (auto const clean = unmount_below({paths.run}); !clean) return clean;
    }
    if (auto const made = make_directories_of(paths); !made) return made;
    if (auto const pinned = pin_namespaces(paths.namespaces, request.hostname, network); !pinned) return pinned;
    if (auto const mounted = mount_tmpfs(paths.shm, settings.shm_bytes); !mounted) return mounted;
    if (auto const written = complete(paths, request, settings); !written) return written;
    return write_file(paths.ready, network == pod_network::of_host ? host_network_mark : "");
}

}  // namespace rik::detail
