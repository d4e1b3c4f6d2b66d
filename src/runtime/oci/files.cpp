#include "files_detail.hpp"
#include "unique_fd_detail.hpp"

#include <rik/base/make_directories.hpp>
#include <rik/base/shortage.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t proc_file_bytes_max = 4u << 20;

int write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return 0;
}

int read_all(int fd, std::size_t bytes_max, std::string& text) {
    std::array<char, 16u << 10> part;  // most files are small, so that their text is the only memory they need
    for (;;) {
        auto const got = ::read(fd, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return 0;
        text.append(part.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max) return EFBIG;
    }
}

bool means_gone(int number) { return number == ENOENT || number == ENODEV || number == ESRCH; }

}  // namespace

error system_error(std::filesystem::path const& subject, std::string_view step, int number) {
    auto failure = system_failure(fmt::format("{}: {}", subject.string(), step), number);
    if (means_gone(number)) failure.code = errc::not_found;
    if (number == EROFS) failure.code = errc::denied;
    return failure;
}

result<void> make_directories(std::filesystem::path const& path) {
    auto const failure = rik::make_directories(path);
    if (failure) return system_error(path, "mkdir", failure.value());
    return {};
}

result<std::string> read_file(std::filesystem::path const& path, std::size_t bytes_max) {
    unique_fd const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return system_error(path, "open", errno);
    std::string text;
    auto const failure = read_all(file.get(), bytes_max, text);
    if (failure == EFBIG) return error{errc::corrupt, fmt::format("{}: is too long", path.string())};
    if (failure != 0) return system_error(path, "read", failure);
    return text;
}

result<std::optional<std::string>> read_file_if_there(std::filesystem::path const& path, std::size_t bytes_max) {
    auto text = read_file(path, bytes_max);
    if (text) return std::optional(std::move(*text));
    if (text.error().code == errc::not_found) return std::optional<std::string>();
    return text.error();
}

std::optional<std::string> try_read_file(std::filesystem::path const& path) {
    auto text = read_file(path, proc_file_bytes_max);
    if (!text) return std::nullopt;
    return std::move(*text);
}

result<void> write_file(std::filesystem::path const& path, std::string_view text) {
    unique_fd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return system_error(path, "open", errno);
    ::fchmod(file.get(), 0644);  // whatever the umask: containers read some of these as any user
    if (auto const failure = write_all(file.get(), text)) return system_error(path, "write", failure);
    return {};
}

result<void> replace_file(std::filesystem::path const& path, std::string_view text) {
    auto next = path;
    next += fmt::format(".new-{}", ::gettid());  // two threads may write the same file
    auto written = write_file(next, text);
    if (written && ::rename(next.c_str(), path.c_str()) != 0) written = system_error(path, "rename", errno);
    if (!written) ::unlink(next.c_str());
    return written;
}

int write_control(std::filesystem::path const& path, std::string_view text) {
    unique_fd const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), text.data(), text.size()) < 0 ? errno : 0;
}

}  // namespace rik::detail
