// An archive of the form "newc", which the kernel unpacks as its first file system: pure.
// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rik::detail {

class cpio_archive {
public:
    struct device_number {
        std::uint32_t major = 0;
        std::uint32_t minor = 0;
    };
    void add_directory(std::string_view path) { add(path, 0040755, {}, {}); }
    void add_file(std::string_view path, std::string_view content) { add(path, 0100644, content, {}); }
    void add_program(std::string_view path, std::string_view content) { add(path, 0100755, content, {}); }
    void add_character_device(std::string_view path, device_number which) { add(path, 0020600, {}, which); }

    /// With its end. Archives can stand one behind the other. Nothing can be added afterwards.
    std::string finish();

private:
    void add(std::string_view path, std::uint32_t mode, std::string_view content, device_number device);
    void pad(std::size_t to);

    std::string bytes_;
    std::uint32_t next_inode_ = 1;
};

}  // namespace rik::detail
