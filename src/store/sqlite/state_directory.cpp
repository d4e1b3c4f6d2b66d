#include "store/sqlite/state_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace rik::detail {

namespace {

/// Whom the lock file names, as text for a message.
std::string holder_of(int descriptor) {
    std::array<char, 24> text{};
    auto const size = ::pread(descriptor, text.data(), text.size(), 0);
    std::string_view const written(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    auto const digits = written.substr(0, written.find_first_not_of("0123456789"));
    return digits.empty() ? "another process" : "process " + std::string(digits);
}

/// Written over, so that it needs no room that it has not had.
result<void> sign(int descriptor, std::filesystem::path const& file) {
    auto const text = std::to_string(::getpid()) + "\n";
    if (::pwrite(descriptor, text.data(), text.size(), 0) < 0) return system_failure(file, "cannot write");
    if (::ftruncate(descriptor, static_cast<::off_t>(text.size())) != 0) return system_failure(file, "cannot truncate");
    return {};
}

}  // namespace

open_file::open_file(open_file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

open_file& open_file::operator=(open_file&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

open_file::~open_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

error system_failure(std::filesystem::path const& file, std::string_view doing) {
    auto const number = errno;
    auto code = errc::internal;
    if (number == EACCES || number == EPERM || number == EROFS || number == ELOOP) code = errc::denied;
    if (number == ENOSPC || number == EDQUOT) code = errc::exhausted;
    std::string message = file.string() + ": ";
    message.append(doing).append(": ").append(std::strerror(number));
    return error{code, std::move(message)};
}

result<void> make_directory(std::filesystem::path const& directory) {
    std::error_code failure;
    if (std::filesystem::is_directory(directory, failure)) return {};
    auto const parent = directory.parent_path();
    if (!parent.empty() && parent != directory) {
        if (auto made = make_directory(parent); !made) return made;
    }
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return system_failure(directory, "cannot create");
    return sync_directory(parent.empty() ? "." : parent);
}

result<void> make_private_file(std::filesystem::path const& file) {
    int const flags = O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    open_file const made(::open(file.c_str(), flags, 0600));
    if (!made.is_open()) return system_failure(file, "cannot create");
    if (::fchmod(made.descriptor(), 0600) != 0) return system_failure(file, "cannot protect");
    return {};
}

result<open_file> lock(std::filesystem::path const& file) {
    open_file locked(::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!locked.is_open()) return system_failure(file, "cannot open");
    if (::flock(locked.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return system_failure(file, "cannot lock");
        return error{errc::conflict,
                     file.parent_path().string() + ": in use by " + holder_of(locked.descriptor()),
                     {},
                     "stop that process, or use another directory"};
    }
    if (auto signed_by_us = sign(locked.descriptor(), file); !signed_by_us) return signed_by_us.error();
    return locked;
}

result<void> sync_directory(std::filesystem::path const& directory) {
    open_file const opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open()) return system_failure(directory, "cannot open");
    if (::fsync(opened.descriptor()) != 0) return system_failure(directory, "cannot sync");
    return {};
}

}  // namespace rik::detail
