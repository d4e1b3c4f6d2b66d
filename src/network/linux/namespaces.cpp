#include "network/linux/namespaces_detail.hpp"

#include <rik/base/assert.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace rik::detail {

namespace {

// /proc/self/ns/net would be the main thread's, which may be elsewhere.
constexpr char const* own_namespace = "/proc/thread-self/ns/net";

ino_t inode_of_own_namespace() {
    struct stat found {};
    RIK_ASSERT(::stat(own_namespace, &found) == 0);
    return found.st_ino;
}

}  // namespace

result<descriptor> open_namespace(std::filesystem::path const& path) {
    descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
        auto const code = errno == ENOENT ? errc::not_found : errc::internal;
        return error{code,
                     fmt::format("network namespace {}: {}", path.string(), std::generic_category().message(errno))};
    }
    // An ordinary file: its pin was unmounted, by a reboot for one.
    if (::ioctl(opened.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return error{errc::invalid, fmt::format("{} is not a network namespace", path.string())};
    }
    return opened;
}

result<netlink_socket> open_socket_in(descriptor const& network_namespace) {
    descriptor const own(::open(own_namespace, O_RDONLY | O_CLOEXEC));
    if (!own)
        return error{errc::internal, fmt::format("{}: {}", own_namespace, std::generic_category().message(errno))};
    auto const home = inode_of_own_namespace();
    if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) {
        return error{errc::internal, fmt::format("setns: {}", std::generic_category().message(errno))};
    }
    auto socket = netlink_socket::open();
    RIK_ASSERT(::setns(own.get(), CLONE_NEWNET) == 0);
    RIK_ASSERT(inode_of_own_namespace() == home);
    return socket;
}

}  // namespace rik::detail
