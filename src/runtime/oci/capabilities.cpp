#include "capabilities_detail.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace rik::detail {

namespace {

/// Each at the place of its number.   Source: linux/capability.h
constexpr std::array<std::string_view, 41> capability_names{"CAP_CHOWN",
                                                            "CAP_DAC_OVERRIDE",
                                                            "CAP_DAC_READ_SEARCH",
                                                            "CAP_FOWNER",
                                                            "CAP_FSETID",
                                                            "CAP_KILL",
                                                            "CAP_SETGID",
                                                            "CAP_SETUID",
                                                            "CAP_SETPCAP",
                                                            "CAP_LINUX_IMMUTABLE",
                                                            "CAP_NET_BIND_SERVICE",
                                                            "CAP_NET_BROADCAST",
                                                            "CAP_NET_ADMIN",
                                                            "CAP_NET_RAW",
                                                            "CAP_IPC_LOCK",
                                                            "CAP_IPC_OWNER",
                                                            "CAP_SYS_MODULE",
                                                            "CAP_SYS_RAWIO",
                                                            "CAP_SYS_CHROOT",
                                                            "CAP_SYS_PTRACE",
                                                            "CAP_SYS_PACCT",
                                                            "CAP_SYS_ADMIN",
                                                            "CAP_SYS_BOOT",
                                                            "CAP_SYS_NICE",
                                                            "CAP_SYS_RESOURCE",
                                                            "CAP_SYS_TIME",
                                                            "CAP_SYS_TTY_CONFIG",
                                                            "CAP_MKNOD",
                                                            "CAP_LEASE",
                                                            "CAP_AUDIT_WRITE",
                                                            "CAP_AUDIT_CONTROL",
                                                            "CAP_SETFCAP",
                                                            "CAP_MAC_OVERRIDE",
                                                            "CAP_MAC_ADMIN",
                                                            "CAP_SYSLOG",
                                                            "CAP_WAKE_ALARM",
                                                            "CAP_BLOCK_SUSPEND",
                                                            "CAP_AUDIT_READ",
                                                            "CAP_PERFMON",
                                                            "CAP_BPF",
                                                            "CAP_CHECKPOINT_RESTORE"};
constexpr std::uint64_t all_capabilities = (std::uint64_t{1} << capability_names.size()) - 1;
constexpr std::string_view capability_prefix = "CAP_";

/// Docker's default set.   Source: docs.docker.com, "Runtime privilege and Linux capabilities"
constexpr std::uint64_t usual_capabilities = [] {
    std::uint64_t bits = 0;
    for (auto const bit : {0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31}) bits |= std::uint64_t{1} << bit;
    return bits;
}();

bool has_all(std::vector<std::string> const& list) { return std::ranges::find(list, "ALL") != list.end(); }

/// A definition has no others: they were checked.
std::uint64_t bits_of(std::vector<std::string> const& list) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < capability_names.size(); ++i)
        if (std::ranges::find(list, capability_names[i].substr(capability_prefix.size())) != list.end())
            bits |= std::uint64_t{1} << i;
    return bits;
}

std::vector<std::string_view> capabilities_in(std::uint64_t bits) {
    std::vector<std::string_view> found;
    for (std::size_t i = 0; i < capability_names.size(); ++i)
        if ((bits >> i & 1) != 0) found.push_back(capability_names[i]);
    return found;
}

error not_held(std::string_view name) {
    return error{
        errc::unsupported,
        fmt::format("capability {}: rik itself does not have it on this node", name.substr(capability_prefix.size())),
        "securityContext.capabilities.add", "leave it out, or start rik with it"};
}

}  // namespace

result<std::vector<std::string_view>> capabilities_of(container_rights const& rights, std::uint64_t held) {
    auto bits = has_all(rights.added_capabilities) ? all_capabilities : usual_capabilities;
    if (has_all(rights.dropped_capabilities)) bits = 0;
    auto const dropped = bits_of(rights.dropped_capabilities);
    auto const added = bits_of(rights.added_capabilities) & ~dropped;
    if (auto const missing = capabilities_in(added & ~held); !missing.empty()) return not_held(missing.front());
    return capabilities_in(((bits & ~dropped) | added) & held);
}

}  // namespace rik::detail
