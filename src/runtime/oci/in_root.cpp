#include "in_root_detail.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace rik::detail {

unique_fd open_in_root(unique_fd const& root, char const* path, int flags) {
    open_how how{};
    how.flags = static_cast<decltype(how.flags)>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    return unique_fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path, &how, sizeof how)));
}

}  // namespace rik::detail
