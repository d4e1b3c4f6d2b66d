#include "rootfs_files_detail.hpp"

#include "runtime/oci/files_detail.hpp"
#include "runtime/oci/unique_fd_detail.hpp"

#include <rik/base/hash.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::detail {

namespace {

constexpr std::size_t record_bytes_max = 64u << 10;

}  // namespace

std::string record_text(rootfs_record const& record) {
    return fmt::format("{}\n{}\n{}\n{}\n", record.name, record.digest, record.version, to_string(record.fetched_at));
}

result<rootfs_record> parse_rootfs_record(std::string_view text) {
    std::array<std::string_view, 4> lines;
    for (auto& each : lines) {
        auto const end = text.find('\n');
        if (end == text.npos) return error{errc::corrupt, "record of a root file system: a line is missing"};
        each = text.substr(0, end);
        text.remove_prefix(end + 1);
    }
    auto const when = parse_wall_time(lines[3]);
    if (lines[0].empty() || !lines[1].starts_with("sha256:") || !when)
        return error{errc::corrupt, "record of a root file system: it makes no sense"};
    return rootfs_record{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), *when};
}

std::filesystem::path rootfs_files::base(std::string_view digest) const {
    return bases() / fmt::format("{}.ext4", digest.substr(digest.find(':') + 1));
}

std::filesystem::path rootfs_files::record(std::string_view name) const {
    return records() / fmt::format("{:016x}", fnv1a(name));
}

result<void> rootfs_files::prepare() const {
    // The directory itself stays: on a full disk another one could not be made.
    std::error_code failure;
    for (std::filesystem::directory_iterator each(work(), failure), end; !failure && each != end;
         each.increment(failure))
        if (auto const removed = remove_tree(each->path()); !removed) return removed;
    for (auto const& each : {root_, bases(), records(), work()}) {
        if (auto const made = make_directories(each); !made) return made;
        if (::chmod(each.c_str(), 0700) != 0) return system_error(each, "chmod", errno);
    }
    return {};
}

std::map<std::string, rootfs_record> rootfs_files::read_records() const {
    std::map<std::string, rootfs_record> all;
    std::error_code failure;
    std::filesystem::directory_iterator each(records(), failure);
    for (std::filesystem::directory_iterator end; !failure && each != end; each.increment(failure)) {
        auto const text = read_file(each->path(), record_bytes_max);
        auto const found = text ? parse_rootfs_record(*text) : text.error();
        if (found && ::access(base(found->digest).c_str(), F_OK) == 0) all[found->name] = *found;
    }
    return all;
}

result<void> rootfs_files::keep(std::filesystem::path const& made, std::string_view digest) const {
    unique_fd const file(::open(made.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::fsync(file.get()) != 0) return system_error(made, "sync", errno);
    if (::fchmod(file.get(), 0444) != 0) return system_error(made, "chmod", errno);
    if (::rename(made.c_str(), base(digest).c_str()) != 0) return system_error(made, "rename", errno);
    return {};
}

result<void> rootfs_files::write(rootfs_record const& of) const {
    return replace_file(record(of.name), record_text(of));
}

}  // namespace rik::detail
