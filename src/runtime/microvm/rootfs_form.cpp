#include "rootfs_form_detail.hpp"

#include <fmt/format.h>

#include <array>

namespace rik::detail {

namespace {

using namespace std::string_view_literals;

struct form_mark {
    std::size_t at;
    std::string_view bytes;
};

bool has(std::string_view beginning, form_mark const& what) {
    return beginning.size() >= what.at + what.bytes.size() &&
           beginning.substr(what.at, what.bytes.size()) == what.bytes;
}

struct known_rootfs {
    form_mark what;
    rootfs_form form;
};
constexpr std::array known_rootfs_forms{
    known_rootfs{{0x438, "\x53\xef"sv}, rootfs_form::ext4}, known_rootfs{{257, "ustar"sv}, rootfs_form::tar},
    known_rootfs{{0, "\x1f\x8b"sv}, rootfs_form::gzip}, known_rootfs{{0, "\x28\xb5\x2f\xfd"sv}, rootfs_form::zstd},
    known_rootfs{{0,
                  "\xfd"
                  "7zXZ\0"sv},
                 rootfs_form::xz}};

constexpr std::string_view names_files = "it can name other files of the node as parts of it";
constexpr std::string_view not_ext4 = "machines have ext4";

struct refused_form {
    form_mark what;
    std::string_view name;
    std::string_view why;
};
constexpr std::array refused_forms{
    refused_form{{0, "QFI\xfb"sv}, "a disk image of the form qcow2", names_files},
    refused_form{{0, "KDMV"sv}, "a disk image of the form vmdk", names_files},
    refused_form{{0, "# Disk DescriptorFile"sv}, "a disk image of the form vmdk", names_files},
    refused_form{{0, "vhdxfile"sv}, "a disk image of the form vhdx", names_files},
    refused_form{{0, "conectix"sv}, "a disk image of the form vhd", names_files},
    refused_form{{64, "\x7f\x10\xda\xbe"sv}, "a disk image of the form vdi", names_files},
    refused_form{{0, "hsqs"sv}, "a squashfs", not_ext4},
    refused_form{{0, "XFSB"sv}, "an xfs", not_ext4},
    refused_form{{0x10040, "_BHRfS_M"sv}, "a btrfs", not_ext4},
    refused_form{{0, "PK\x03\x04"sv}, "a zip archive", "archives are of tar"},
    refused_form{{0, "BZh"sv}, "packed by bzip2", "gzip, zstd and xz are known"},
    refused_form{{0, "070701"sv}, "a cpio archive", "archives are of tar"},
    refused_form{{0,
                  "\x7f"
                  "ELF"sv},
                 "a program",
                 "a root file system is a whole tree"},
    refused_form{{0, "<!DOCTYPE"sv}, "a page for people", "the address leads to another thing than the file"},
    refused_form{{0, "<html"sv}, "a page for people", "the address leads to another thing than the file"},
    refused_form{{510, "\x55\xaa"sv}, "a disk with partitions", "a root file system is the file system alone"}};

std::uint32_t little_number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i > 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
    return number;
}

/// As long as its superblock says.
result<rootfs_form> check_ext4(std::string_view beginning, std::int64_t size) {
    constexpr std::size_t superblock = 1024;
    constexpr std::uint32_t block_bits_max = 6;  // of 64 KiB
    constexpr std::uint32_t is_64_bit = 0x80;
    auto const block_bits = little_number_at(beginning, superblock + 24);
    if (block_bits > block_bits_max)
        return error{errc::corrupt, "it looks like ext4, but its superblock makes no sense"};
    std::uint64_t blocks = little_number_at(beginning, superblock + 4);
    if ((little_number_at(beginning, superblock + 96) & is_64_bit) != 0)
        blocks |= static_cast<std::uint64_t>(little_number_at(beginning, superblock + 0x150)) << 32;
    constexpr std::uint64_t blocks_max = std::uint64_t{1} << 45;
    auto const wanted = blocks << (10 + block_bits);
    if (blocks == 0 || blocks > blocks_max || wanted > static_cast<std::uint64_t>(size))
        return error{errc::corrupt,
                     fmt::format("it is cut off: the file system has {} bytes, and the file {}", wanted, size)};
    return rootfs_form::ext4;
}

}  // namespace

result<rootfs_form> form_of(std::string_view beginning, std::int64_t size) {
    if (size == 0) return error{errc::corrupt, "it is empty"};
    for (auto const& [what, form] : known_rootfs_forms) {
        if (!has(beginning, what)) continue;
        if (form != rootfs_form::ext4) return form;
        // The magic number alone is two bytes: an archive may have them there, too.
        if (has(beginning, {257, "ustar"sv})) return rootfs_form::tar;
        return check_ext4(beginning, size);
    }
    for (auto const& [what, name, why] : refused_forms)
        if (has(beginning, what))
            return error{errc::unsupported, fmt::format("it is {}, which is refused: {}", name, why)};
    return error{errc::unsupported,
                 "it is neither a file system ext4 nor an archive of tar",
                 {},
                 "make one: mke2fs -t ext4 -d DIRECTORY FILE SIZE, or tar"};
}

}  // namespace rik::detail
