#include "namespaces_detail.hpp"

#include "files_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/base/stray_thread.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace rik::detail {

namespace {

struct kind {
    char const* file;
    int flag;
};
constexpr std::array kinds{kind{"net", CLONE_NEWNET}, kind{"ipc", CLONE_NEWIPC}, kind{"uts", CLONE_NEWUTS}};

std::span<kind const> kinds_of(pod_network network) {
    return network == pod_network::own ? std::span<kind const>(kinds) : std::span<kind const>(kinds).subspan(1);
}

std::filesystem::path const own_namespaces = "/proc/thread-self/ns";

/// Brings the thread home.
class way_back {
public:
    way_back() {
        for (std::size_t at = 0; at < kinds.size(); ++at) {
            home_[at].reset(::open((own_namespaces / kinds[at].file).c_str(), O_RDONLY | O_CLOEXEC));
        }
    }
    bool is_known() const {
        for (auto const& each : home_) {
            if (!each) return false;
        }
        return true;
    }
    void go() const {
        for (std::size_t at = 0; at < kinds.size(); ++at) {
            if (::setns(home_[at].get(), kinds[at].flag) != 0) stray_thread::mark();
        }
    }

private:
    std::array<unique_fd, kinds.size()> home_;
};

result<void> loopback_up() {
    unique_fd const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return system_error("lo", "socket", errno);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return system_error("lo", "up", errno);
    return {};
}

result<void> pin(std::filesystem::path const& directory, pod_network network) {
    for (auto const& each : kinds_of(network)) {
        auto const file = directory / each.file;
        if (auto const made = write_file(file, ""); !made) return made;
        if (::mount((own_namespaces / each.file).c_str(), file.c_str(), nullptr, MS_BIND, nullptr) != 0) {
            return system_error(file, "bind mount", errno);
        }
    }
    return {};
}

/// As in containers of Docker and of containerd 2: a user other than root may listen on any port, and ping. The Pod has
/// ports of its own, so this guards nothing. Where /proc/sys cannot be written it stays as the kernel has it.
/// Source: kernel's ip-sysctl.rst; /proc/sys/net shows the namespace of the thread that opens it.
void open_ports_to_all() {
    write_control("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    write_control("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

result<void> furnish(std::filesystem::path const& directory, std::string const& hostname, pod_network network) {
    if (::sethostname(hostname.data(), hostname.size()) != 0) return system_error(hostname, "sethostname", errno);
    if (network == pod_network::of_host) return pin(directory, network);
    if (auto const up = loopback_up(); !up) return up;
    open_ports_to_all();
    return pin(directory, network);
}

}  // namespace

result<void> pin_namespaces(std::filesystem::path const& directory, std::string const& hostname, pod_network network) {
    if (auto const here = stray_thread::check(); !here) return here;
    way_back const home;
    auto const number = errno;
    if (!home.is_known()) return system_error(own_namespaces, "open", number);
    int flags = 0;
    for (auto const& each : kinds_of(network)) flags |= each.flag;
    if (::unshare(flags) != 0) return system_error(directory, "unshare", errno);
    auto made = furnish(directory, hostname, network);
    home.go();
    if (auto const back = stray_thread::check(); !back) return back;
    return made;
}

bool is_namespace(std::filesystem::path const& path) {
    struct statfs about {};
    return ::statfs(path.c_str(), &about) == 0 && about.f_type == NSFS_MAGIC;
}

}  // namespace rik::detail
