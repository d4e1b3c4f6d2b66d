// Kernel settings that a node changes, and the file that remembers what they were. Blocking.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace rik::detail {

/// The former values, as "net/ipv4/ip_forward 0", a line each: pure.
std::string write_former_values(std::map<std::string, std::string> const& values);
/// Lines that are not such are skipped: a torn file must not keep a node from cleaning up.
std::map<std::string, std::string> read_former_values(std::string_view text);

class sysctl_ledger {
public:
    explicit sysctl_ledger(std::filesystem::path const& state_dir);

    /// Writes down what `name` ("net/ipv4/ip_forward") was, durably, before it changes it. The first value that was
    /// written down stays. Errors: internal.
    result<void> set(std::string const& name, std::string const& value);
    /// Puts back what was changed, and forgets it. A setting that has gone meanwhile is skipped.
    result<void> restore();
    /// Forgets it without putting it back.
    result<void> forget();

private:
    result<void> save(std::map<std::string, std::string> const& values);
    std::filesystem::path file_;
};

/// For settings that vanish with what they belong to. Errors: internal.
result<void> set_sysctl(std::string const& name, std::string const& value);

}  // namespace rik::detail
