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

std::string_view next_line(std::string_view& text) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

bool is_server(std::string_view line) { return line.starts_with("nameserver") && line.size() > 11; }

bool is_loopback_server(std::string_view line) {
    auto const at = line.find_first_not_of(" \t", 10);
    auto const address = at == std::string_view::npos ? std::string_view{} : line.substr(at);
    return address.starts_with("127.") || address == "::1";
}

/// The lines without loopback servers, and whether a server is left.
std::pair<std::string, bool> usable_lines(std::string_view text) {
    std::string kept;
    bool has_server = false;
    while (!text.empty()) {
        auto const line = next_line(text);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (is_server(line)) {
            if (is_loopback_server(line)) continue;
            has_server = true;
        }
        kept.append(line).push_back('\n');
    }
    return {std::move(kept), has_server};
}

std::string resolver_for(sandbox_request const& request) {
    return resolver_text(request.dns_servers, try_read_file("/etc/resolv.conf").value_or(""),
                         try_read_file("/run/systemd/resolve/resolv.conf").value_or(""));
}

result<void> write_files(pod_paths const& paths, sandbox_request const& request) {
    if (auto const done = write_file(paths.etc / "hosts", hosts_text(request)); !done) return done;
    if (auto const done = write_file(paths.etc / "resolv.conf", resolver_for(request)); !done) return done;
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

std::string resolver_text(std::vector<std::string> const& servers, std::string_view host, std::string_view upstream) {
    if (!servers.empty()) {
        std::string text;
        for (auto const& each : servers) text += fmt::format("nameserver {}\n", each);
        return text;
    }
    auto [text, has_server] = usable_lines(host);
    if (has_server) return text;
    auto [other, other_has_server] = usable_lines(upstream);
    return other_has_server ? other : text;
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

result<void> make_sandbox(pod_paths const& paths, sandbox_request request, std::uint64_t shm_bytes) {
    request.hostname = fitting_hostname(std::move(request.hostname));
    if (is_whole(paths)) return write_files(paths, request);
    if (::access(paths.run.c_str(), F_OK) == 0) {  // half made
        if (auto const clean = unmount_below({paths.run}); !clean) return clean;
    }
    if (auto const made = make_directories_of(paths); !made) return made;
    if (auto const pinned = pin_namespaces(paths.namespaces, request.hostname); !pinned) return pinned;
    if (auto const mounted = mount_tmpfs(paths.shm, shm_bytes); !mounted) return mounted;
    if (auto const written = write_files(paths, request); !written) return written;
    return write_file(paths.ready, "");
}

}  // namespace rik::detail
