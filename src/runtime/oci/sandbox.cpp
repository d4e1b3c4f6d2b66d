#include "sandbox_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"
#include "namespaces_detail.hpp"

#include <fmt/format.h>

#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t hostname_bytes_max = 63;  // of a DNS label; Kubernetes cuts Pod names in the same way

result<void> write_files(pod_paths const& paths, sandbox_request const& request, std::string const& resolver) {
    if (auto const done = write_file(paths.etc / "hosts", hosts_text(request)); !done) return done;
    if (auto const done = write_file(paths.etc / "resolv.conf", resolver); !done) return done;
    return write_file(paths.etc / "hostname", request.hostname + "\n");
}

result<void> make_directories_of(pod_paths const& paths) {
    for (auto const& each :
         {paths.namespaces, paths.etc, paths.shm, paths.run / "containers", paths.logs, paths.state / "containers"}) {
        if (auto const made = make_directories(each); !made) return made;
    }
    return {};
}

}  // namespace

std::string hosts_text(sandbox_request const& request) {
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

bool is_whole(pod_paths const& paths) {
    struct stat about {};
    return ::stat(paths.ready.c_str(), &about) == 0 && is_namespace(paths.network_namespace());
}

std::string fitting_hostname(std::string name) {
    if (name.size() > hostname_bytes_max) name.resize(hostname_bytes_max);
    while (!name.empty() && (name.back() == '-' || name.back() == '.')) name.pop_back();
    return name.empty() ? "localhost" : name;
}

result<void> make_sandbox(pod_paths const& paths, sandbox_request request, sandbox_settings const& settings) {
    request.hostname = fitting_hostname(std::move(request.hostname));
    if (is_whole(paths)) return write_files(paths, request, settings.resolver);
    if (::access(paths.run.c_str(), F_OK) == 0) {  // half made
        if (auto const clean = unmount_below({paths.run}); !clean) return clean;
    }
    if (auto const made = make_directories_of(paths); !made) return made;
    if (auto const pinned = pin_namespaces(paths.namespaces, request.hostname); !pinned) return pinned;
    if (auto const mounted = mount_tmpfs(paths.shm, settings.shm_bytes); !mounted) return mounted;
    if (auto const written = write_files(paths, request, settings.resolver); !written) return written;
    return write_file(paths.ready, "");
}

}  // namespace rik::detail
