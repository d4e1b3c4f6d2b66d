// Taps: interfaces of the node that a machine is behind. Whoever may administer the network opens them, by name.
#include "network/linux/interfaces_detail.hpp"
#include "network/linux/link_messages_detail.hpp"

#include <rik/base/shortage.hpp>
#include <rik/base/stray_thread.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

namespace rik::detail {

namespace {

constexpr char const* device = "/dev/net/tun";

/// One that stays when it is closed. With the headers that spare a machine checksums and small packets.
/// Source: Linux, Documentation/networking/tuntap.rst; rtnetlink makes none.
result<void> make_persistent(std::string const& name) {
    descriptor const opened(::open(device, O_RDWR | O_CLOEXEC));
    if (!opened) {
        auto problem = system_failure(device, errno);
        problem.remedy = "load the kernel's module tun";
        return problem;
    }
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
    if (::ioctl(opened.get(), TUNSETIFF, &request) != 0 || ::ioctl(opened.get(), TUNSETPERSIST, 1) != 0)
        return system_failure(fmt::format("tap {}", name), errno);
    return {};
}

}  // namespace

result<void> node_interfaces::create_tap(pod_veth const& pod) {
    if (auto const here = stray_thread::check(); !here) return here.error();
    auto const removed = remove(pod.name);  // of a former try
    if (!removed) return removed;
    if (auto const made = make_persistent(pod.name); !made) return made;
    auto const link = find(pod.name);
    if (!link) return link.error();
    if (!*link) return error{errc::internal, fmt::format("tap {}: vanished", pod.name)};
    auto const index = (*link)->index;
    // The group first: by it whoever comes later finds what is left of this.
    if (auto const grouped = set_group(index, groups_.live); !grouped) return grouped;
    auto const sized = socket_->request(detail::set_mtu(index, mtu_));
    if (!sized) return to_error(sized.error(), fmt::format("tap {}: MTU {}", pod.name, mtu_));
    auto const joined = socket_->request(set_master(index, bridge_index_));
    if (!joined) return to_error(joined.error(), fmt::format("tap {}", pod.name));
    return open_port(pod.name);
}

result<void> node_interfaces::attach_tap(pod_veth const& pod) {
    auto const created = create_tap(pod);
    if (!created) (void)remove(pod.name);  // the first error is the one to tell
    return created;
}

}  // namespace rik::detail
