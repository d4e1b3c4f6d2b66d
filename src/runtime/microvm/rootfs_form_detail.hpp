// What a file is, by what is in it: pure. Its name says nothing.
// Source: Linux, fs/ext4/ext4.h; POSIX, pax; the magic numbers of file(1)
#pragma once

#include <rik/base/result.hpp>

#include <cstdint>
#include <string_view>

namespace rik::detail {

enum class rootfs_form : std::uint8_t { ext4, tar, gzip, zstd, xz };

/// So many bytes of its beginning are enough, unless it has less.
inline constexpr std::size_t form_bytes = 4096;

/// `beginning` of a file of `size` bytes. Errors: unsupported, saying what it is and why that is refused; corrupt, it
/// is cut off.
result<rootfs_form> form_of(std::string_view beginning, std::int64_t size);

}  // namespace rik::detail
