#include "network/linux/namespaces_detail.hpp"

#include <rik/base/shortage.hpp>
#include <rik/base/stray_thread.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>

namespace rik::detail {

namespace {

// /proc/self/ns/net would be the main thread's, which may be elsewhere.
constexpr char const* own_namespace = "/proc/thread-self/ns/net";

}  // namespace

result<descriptor> open_namespace(std::filesystem::path const& path) {
    descriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) {
        auto const number = errno;
        auto problem = system_failure(fmt::format("network namespace {}", path.string()), number);
        if (number == ENOENT) problem.code = errc::not_found;
        return problem;
    }
    // An ordinary file: its pin was unmounted, by a reboot for one.
    if (::ioctl(opened.get(), NS_GET_NSTYPE) != CLONE_NEWNET) {
        return error{errc::invalid, fmt::format("{} is not a network namespace", path.string())};
    }
    return opened;
}

result<netlink_socket> open_socket_in(descriptor const& network_namespace) {
    if (auto const here = stray_thread::check(); !here) return here.error();
    descriptor const own(::open(own_namespace, O_RDONLY | O_CLOEXEC));
    if (!own) return system_failure(own_namespace, errno);
    if (::setns(network_namespace.get(), CLONE_NEWNET) != 0) {
        return system_failure("setns", errno);
    }
    auto socket = netlink_socket::open();
    if (::setns(own.get(), CLONE_NEWNET) != 0) stray_thread::mark();
    if (auto const back = stray_thread::check(); !back) return back.error();
    return socket;
}

}  // namespace rik::detail
