// The directory of a journal: made, locked, and made to last.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string>

namespace rik::detail {

/// An owned file descriptor.
class open_file {
public:
    open_file() = default;
    explicit open_file(int descriptor) : descriptor_(descriptor) {}
    open_file(open_file&& other) noexcept;
    open_file& operator=(open_file&& other) noexcept;
    ~open_file();
    int descriptor() const { return descriptor_; }
    bool is_open() const { return descriptor_ >= 0; }

private:
    int descriptor_ = -1;
};

/// Makes `directory` (mode 0700) and what is above it, if missing. Errors: denied; exhausted; internal.
result<void> make_directory(std::filesystem::path const& directory);

/// Makes an empty file that only its owner may read, in place of any that is there.
result<void> make_private_file(std::filesystem::path const& file);

/// Holds `file` for as long as the result lives; a process that dies lets go of it.
/// Errors: conflict, somebody else has it; denied; internal.
result<open_file> lock(std::filesystem::path const& file);

/// Makes the names in `directory` survive power loss.
result<void> sync_directory(std::filesystem::path const& directory);

/// The error for errno.
error system_failure(std::filesystem::path const& file, std::string_view doing);

}  // namespace rik::detail
