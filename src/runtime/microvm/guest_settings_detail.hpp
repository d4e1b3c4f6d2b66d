// What a machine's first program is told, as a file of its initial file system, or by its console: pure.
#pragma once

#include <rik/base/result.hpp>
#include <rik/runtime/runtime.hpp>

#include <string>
#include <string_view>

namespace rik::detail {

/// Files of the sandbox that a machine gets as they are.
struct guest_files {
    std::string hostname;
    std::string hosts;
    std::string resolver;
};

/// Of a root file system with an init of its own nothing need be said: an image that says nothing runs that.
/// Errors: invalid, a reference in the definition, or it is too long.
result<std::string> guest_settings(container_request const& request, guest_files const& files);

/// The archive with those settings that follows the kernel's modules.
std::string settings_archive(std::string_view settings);

/// "255.255.255.0" of 24.
std::string netmask_text(unsigned prefix_bits);

}  // namespace rik::detail
