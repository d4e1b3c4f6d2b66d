#include <rik/base/stray_thread.hpp>

namespace rik {

namespace {

thread_local bool is_stray = false;

}  // namespace

void stray_thread::mark() { is_stray = true; }

result<void> stray_thread::check() {
    if (!is_stray) return {};
    return error{errc::internal, "the thread for namespaces could not come back to its own", {}, "start rik again"};
}

}  // namespace rik
