// The syntax of image names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rik::detail {

inline constexpr std::string_view image_remedy =
    "write [docker://][registry/]name[:tag][@sha256:digest], oci:/path[:tag] or docker-archive:/path[:tag]";

/// What is wrong with `image`, if anything: plain names as in a registry, "docker://NAME", "oci:PATH[:TAG]",
/// "docker-archive:PATH[:TAG]".   Source: the distribution project's reference grammar; containers-transports(5).
std::optional<std::string> image_problem(std::string_view image);

}  // namespace rik::detail
