#include "cpio_detail.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace rik::detail {

void cpio_archive::pad(std::size_t to) {
    while (bytes_.size() % to != 0) bytes_ += '\0';
}

void cpio_archive::add(std::string_view path, std::uint32_t mode, std::string_view content, device_number device) {
    constexpr std::uint32_t link_count = 1;
    auto const inode = next_inode_++;
    // Magic, inode, mode, uid, gid, links, time, size, device (two), special device (two), name with its zero,
    // checksum.
    fmt::format_to(std::back_inserter(bytes_),
                   "070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}", inode, mode,
                   0, 0, link_count, 0, content.size(), 0, 0, device.major, device.minor, path.size() + 1, 0);
    bytes_ += path;
    bytes_ += '\0';
    pad(4);
    bytes_ += content;
    pad(4);
}

std::string cpio_archive::finish() {
    add("TRAILER!!!", 0, {}, {});
    pad(512);
    return std::move(bytes_);
}

}  // namespace rik::detail
