// Who a container runs as: the image's user looked up in the image's own /etc/passwd and /etc/group.
#pragma once

#include <rik/base/result.hpp>
#include <rik/model/definition.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rik::detail {

struct container_user {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> additional_gids = {};
    std::string home = "/";
    friend bool operator==(container_user const&, container_user const&) = default;
};

/// `wanted` is "", "uid", "name", "uid:gid", "name:group" and so on. A number need not be listed; then its group is 0.
/// Source: OCI image-spec, config.md, User; the behaviour of Docker for what that leaves open.
/// Errors: invalid, a name is not listed, or has no number there.
result<container_user> resolve_user(std::string_view wanted, std::string_view passwd, std::string_view group);

/// Who it is by an image and what a definition says on top: the group of a user that the definition names is that of
/// the passwd, not the image's; `groups` come on top of the user's.   Source: containerd, pkg/cri, WithUser and
/// WithAdditionalGIDs.
struct user_wish {
    std::string_view of_image;
    container_rights const& rights;
    std::vector<std::int64_t> const& groups;
};
result<container_user> resolve_user(user_wish const& wish, std::string_view passwd, std::string_view group);

/// The same with the files of the unpacked image `tree`. Its symbolic links cannot lead out of it, and what is not a
/// regular file counts as missing.   Source: man openat2, RESOLVE_IN_ROOT
result<container_user> resolve_user_in(std::filesystem::path const& tree, user_wish const& wish);

}  // namespace rik::detail
