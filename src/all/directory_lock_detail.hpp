// One rik per state directory.
#pragma once

#include <rik/base/result.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace rik::detail {

/// Held while it lives; the kernel lets go of it when the process dies, however it dies.   Source: man flock
class directory_lock {
public:
    directory_lock() = default;
    directory_lock(directory_lock const&) = delete;
    directory_lock& operator=(directory_lock const&) = delete;
    ~directory_lock() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// Makes `directory` if it is missing.
    /// Errors: conflict, another process holds it; denied; internal.
    result<void> take(std::filesystem::path const& directory) {
        std::error_code failure;
        std::filesystem::create_directories(directory, failure);
        auto const file = directory / "lock";
        if (!failure) fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (failure || fd_ < 0)
            return error{errc::denied,
                         fmt::format("{}: {}", directory.string(), failure ? failure.message() : std::strerror(errno)),
                         {},
                         "run rik as root, or choose another --state-dir"};
        if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return {};
        if (errno != EWOULDBLOCK)
            return error{errc::internal, fmt::format("{}: {}", file.string(), std::strerror(errno))};
        return error{errc::conflict,
                     fmt::format("another rik uses the state directory {}", directory.string()),
                     {},
                     "stop it, or give this one its own --state-dir"};
    }

private:
    int fd_ = -1;
};

}  // namespace rik::detail
