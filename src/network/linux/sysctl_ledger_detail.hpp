// What the machine's settings were before the first of its nodes changed them: one file for all of them. Blocking.
#pragma once

#include "network/linux/netlink_detail.hpp"

#include <rik/base/log.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

/// A change holds for one boot (/run may be on a disk) and in one network namespace.
struct sysctl_scope {
    std::string boot_id;
    std::uint64_t network_namespace = 0;  ///< inode
    bool operator==(sysctl_scope const&) const = default;
};

struct sysctl_setting {
    std::string name;  ///< "net/ipv4/ip_forward"
    std::string value;
};

struct sysctl_change {
    sysctl_scope scope;
    std::string name;
    std::string former;
    std::string value;
    bool operator==(sysctl_change const&) const = default;
};

/// A line each: "BOOT NAMESPACE net/ipv4/ip_forward 0 1". Pure.
std::string write_changes(std::span<sysctl_change const> changes);

struct read_changes_result {
    std::vector<sysctl_change> changes;
    bool is_damaged = false;  ///< a line is not such, or there is none
};
read_changes_result read_changes(std::string_view text);

struct sysctl_ledger_options {
    std::filesystem::path directory;               ///< the same for all nodes of the machine
    std::filesystem::path settings = "/proc/sys";  ///< the kernel's
    log logger = {};
};

/// Who needs the settings is not written down, as that would be wrong after a node that went without a word: a node
/// needs them while its bridge exists. So it makes the bridge before it calls `set`, and deletes it before it calls
/// `restore_unless`, which looks for bridges while nobody else can set or restore. The last one that leaves restores.
///
/// Killed at any moment, a process leaves a change too many in the file, never one too few; such a change does no harm
/// as a setting is only put back if it still has our value.
class sysctl_ledger {
public:
    explicit sysctl_ledger(sysctl_ledger_options options) : options_(std::move(options)) {}

    /// Gives a setting below net/ a value, and keeps what it was unless it has that value already. Both are single
    /// words. `moved` are the settings that the kernel changes by itself with this one, and what it makes of them: they
    /// are kept too, and put back after it. Errors: not_found, there is no such setting; internal.
    result<void> set(std::string const& name, std::string const& value, std::vector<sysctl_setting> const& moved = {});

    /// Puts everything back and forgets it, unless `is_needed` says that somebody needs it. Leaves alone what is gone,
    /// and what somebody else has changed meanwhile. Errors: internal; those of `is_needed`.
    result<void> restore_unless(std::function<result<bool>()> const& is_needed);

private:
    result<descriptor> lock() const;
    result<sysctl_scope> here() const;
    result<std::vector<sysctl_change>> load(sysctl_scope const& scope) const;
    result<void> save(std::span<sysctl_change const> changes) const;
    result<std::optional<std::string>> value_after(sysctl_change const& change) const;
    result<void> restore(std::span<sysctl_change const> changes) const;

    std::filesystem::path file() const { return options_.directory / "sysctls"; }
    std::filesystem::path draft() const { return options_.directory / "sysctls.new"; }

    sysctl_ledger_options options_;
};

/// What the kernel changes when ip_forward becomes 1, and again when it becomes 0: that of all interfaces, whose
/// forwarding may have been on, and whether redirects are accepted.   Source: Linux, devinet.c, inet_forward_change
std::vector<sysctl_setting> moved_by_ip_forward(std::filesystem::path const& settings = "/proc/sys");

/// For settings that vanish with what they belong to, and need no ledger. Errors: not_found; internal.
result<void> set_sysctl(std::string const& name, std::string const& value);
result<bool> has_sysctl(std::string const& name, std::string_view value);

}  // namespace rik::detail
