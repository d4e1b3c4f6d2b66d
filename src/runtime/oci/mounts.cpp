#include "mounts_detail.hpp"

#include "files_detail.hpp"
#include "words_detail.hpp"

#include <fmt/format.h>

#include <cerrno>

#include <sys/mount.h>

namespace rik::detail {

namespace {

/// 100,000 mounts, the kernel's usual limit, with some 600 bytes each.
constexpr std::size_t mountinfo_bytes_max = 64u << 20;

/// Space, tab, newline and backslash are written as \040 and so on.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\' && at + 3 < text.size()) {
            plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

}  // namespace

result<std::string> read_mountinfo() { return read_file("/proc/thread-self/mountinfo", mountinfo_bytes_max); }

std::vector<mount_entry> parse_mounts(std::string_view mountinfo) {
    std::vector<mount_entry> found;
    while (!mountinfo.empty()) {
        auto const end = mountinfo.find('\n');
        auto line = mountinfo.substr(0, end);
        mountinfo.remove_prefix(end == std::string_view::npos ? mountinfo.size() : end + 1);
        for (int skipped = 0; skipped < 4; ++skipped) next_word(line);  // id, parent, device, root
        mount_entry entry;
        entry.mount_point = unescaped(next_word(line));
        while (!line.empty() && next_word(line) != "-") {  // options, then any number of tags, then a hyphen
        }
        entry.type = next_word(line);
        next_word(line);  // source
        entry.options = next_word(line);
        if (!entry.type.empty()) found.push_back(std::move(entry));
    }
    return found;
}

std::vector<std::string> mounts_below(std::vector<mount_entry> const& mounts, std::filesystem::path const& root) {
    auto const prefix = root.string() + "/";
    std::vector<std::string> found;
    for (auto each = mounts.rbegin(); each != mounts.rend(); ++each) {
        if (each->mount_point == root.string() || each->mount_point.starts_with(prefix)) {
            found.push_back(each->mount_point);
        }
    }
    return found;
}

result<void> mount_overlay(std::filesystem::path const& lower, std::filesystem::path const& upper,
                           std::filesystem::path const& work, std::filesystem::path const& where) {
    // Without "volatile" the last umount syncs the whole file system of `upper`: 50 ms and more when others write. What
    // a container writes here is dropped with it, and an `upper` is never mounted twice, so nothing is lost.
    auto const options =
        fmt::format("lowerdir={},upperdir={},workdir={},volatile", lower.string(), upper.string(), work.string());
    if (::mount("overlay", where.c_str(), "overlay", 0, options.c_str()) != 0) {
        return system_error(where, "mount overlay", errno);
    }
    return {};
}

result<void> mount_tmpfs(std::filesystem::path const& where, std::uint64_t bytes_max) {
    auto const options = fmt::format("mode=1777,size={}", bytes_max);
    if (::mount("shm", where.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) != 0) {
        return system_error(where, "mount tmpfs", errno);
    }
    return {};
}

result<void> unmount(std::filesystem::path const& where) {
    while (::umount2(where.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
    }
    if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) return {};  // not, or no longer, a mount point
    return system_error(where, "umount", errno);
}

result<void> unmount_below(std::vector<std::filesystem::path> const& roots) {
    auto const text = read_mountinfo();
    if (!text) return text.error();
    auto const mounts = parse_mounts(*text);
    for (auto const& root : roots) {
        for (auto const& each : mounts_below(mounts, root)) {
            if (auto const done = unmount(each); !done) return done;
        }
    }
    return {};
}

}  // namespace rik::detail
