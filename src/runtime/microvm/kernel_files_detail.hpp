// The kernel of machines and its modules, found on this machine and made ready: once for each kernel. Blocking.
#pragma once

#include <rik/base/result.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace rik::detail {

struct found_kernel {
    std::filesystem::path image;    ///< vmlinuz-RELEASE
    std::filesystem::path modules;  ///< lib/modules/RELEASE
    std::string release;
};

/// The newest of these names of files "vmlinuz-RELEASE" that is of the flavour for clouds; empty if there is none.
/// Pure.
std::string newest_cloud_kernel(std::vector<std::string> const& names);

/// `wanted`, or the newest there is. Errors: not_found, with what to install; invalid.
result<found_kernel> find_kernel(std::filesystem::path const& wanted);

struct boot_files {
    std::filesystem::path kernel;
    std::filesystem::path initramfs_file;
    std::string initramfs;  ///< its bytes: each machine's settings follow
};

/// Makes them in `cache`, or takes what is there. What is of another kernel there is removed.
/// Errors: unsupported, the modules are compressed; those of files.
result<boot_files> prepare_boot_files(found_kernel const& from, std::filesystem::path const& cache);

}  // namespace rik::detail
