#include "network/linux/sysctl_detail.hpp"

#include "network/linux/netlink_detail.hpp"

#include <rik/base/shortage.hpp>

#include <array>
#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace rik::detail {

namespace {

std::filesystem::path file_of(std::string const& name) { return std::filesystem::path("/proc/sys") / name; }

error failure(std::filesystem::path const& file, int number) {
    auto problem = system_failure(file.string(), number);
    if (number == ENOENT) problem.code = errc::not_found;
    return problem;
}

/// Without the line's end.
result<std::string> read_setting(std::filesystem::path const& file) {
    descriptor const opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) return failure(file, errno);
    std::array<char, 256> bytes;
    auto const size = ::read(opened.get(), bytes.data(), bytes.size());  // the kernel gives a single word at once
    if (size < 0) return failure(file, errno);
    std::string text(bytes.data(), static_cast<std::size_t>(size));
    text.erase(text.find_last_not_of(" \t\n") + 1);
    return text;
}

}  // namespace

result<void> set_sysctl(std::string const& name, std::string_view value) {
    auto const file = file_of(name);
    auto const present = read_setting(file);
    if (!present) return present.error();
    if (*present == value) return {};  // /proc/sys may be read-only where it is set already, as in a container
    descriptor const opened(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!opened) return failure(file, errno);
    if (::write(opened.get(), value.data(), value.size()) < 0) return failure(file, errno);
    return {};
}

result<bool> has_sysctl(std::string const& name, std::string_view value) {
    auto const present = read_setting(file_of(name));
    if (!present && present.error().code == errc::exhausted) return present.error();
    return present && *present == value;
}

}  // namespace rik::detail
