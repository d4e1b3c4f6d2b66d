#include "trash_detail.hpp"

#include "files_detail.hpp"
#include "mounts_detail.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>

namespace rik::detail {

namespace {

namespace fs = std::filesystem;

/// One per file system: renaming does not cross them.
fs::path trash_of(runtime_context const& on, fs::path const& path) {
    auto const is_run = path.native().starts_with(on.paths.run_dir().native() + '/');
    return is_run ? on.paths.run_trash() : on.paths.state_trash();
}

}  // namespace

result<void> discard(runtime_context const& on, fs::path const& path) {
    auto const now = on.time.now().time_since_epoch().count();
    auto const name = fmt::format("{}-{}", path.filename().string(), now);
    if (::rename(path.c_str(), (trash_of(on, path) / name).c_str()) == 0 || errno == ENOENT) return {};
    return remove_tree(path);
}

void empty_trash(runtime_context const& on, std::stop_token const& stop) {
    for (auto const& trash : {on.paths.run_trash(), on.paths.state_trash()}) {
        // A mount that was made meanwhile would have moved along with its directory, and is not ours to delete.
        if (!unmount_below({trash})) continue;
        std::error_code failure;
        for (fs::directory_iterator each(trash, failure), end; !failure && each != end; each.increment(failure)) {
            if (stop.stop_requested()) return;
            // What cannot be deleted now is tried again the next time.
            [[maybe_unused]] auto const removed = remove_tree(each->path(), stop);
        }
    }
}

}  // namespace rik::detail
