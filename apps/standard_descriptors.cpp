#include "standard_descriptors.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace rik::app {

namespace {

bool is_closed(int descriptor) { return ::fcntl(descriptor, F_GETFD) == -1 && errno == EBADF; }

/// The lowest free number is taken, so this one if those below it are open.
bool hold(int descriptor, int mode) { return ::open("/dev/null", mode) == descriptor; }

}  // namespace

bool occupy_standard_descriptors() {
    if (is_closed(STDIN_FILENO) && !hold(STDIN_FILENO, O_WRONLY)) return false;
    if (is_closed(STDOUT_FILENO) && !hold(STDOUT_FILENO, O_RDONLY)) return false;
    return !is_closed(STDERR_FILENO) || hold(STDERR_FILENO, O_WRONLY);
}

namespace {

/// Before the initializers of libraries, which may open files: that of gRPC does. `main` asks again, and can fail.
[[gnu::constructor(101)]] void occupy_first() { (void)occupy_standard_descriptors(); }

}  // namespace

int exit_code_with_output(int code, char const* program) {
    if (code != 0 || (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)) return code;
    std::fprintf(stderr, "%s: cannot write the output\n", program);
    return 1;
}

}  // namespace rik::app
