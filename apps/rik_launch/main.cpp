// Starts a program in given control groups, or where one hierarchy of them is not mounted. What crun needs on machines
// with both versions of cgroups, and nothing else; a program of its own, because rik has threads and may not unshare.
// Static and without C++'s library: it takes 0.3 ms, and runs in an empty root.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace {

// Source: env(1), nohup(1): what goes wrong before the program is told from the program's own codes.
constexpr int failed = 125;
constexpr int cannot_execute = 126;
constexpr std::size_t path_bytes_max = 4096;

int fail(char const* what, char const* about) {
    std::fprintf(stderr, "rik-launch: %s %s: %s\n", what, about, std::strerror(errno));
    return failed;
}

/// "0" is whoever writes it.   Source: Linux, cgroup-v1/cgroups.rst
bool join(char const* group) {
    char file[path_bytes_max];
    auto const length = std::snprintf(file, sizeof file, "%s/cgroup.procs", group);
    if (length < 0 || static_cast<std::size_t>(length) >= sizeof file) return false;
    auto const descriptor = ::open(file, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    auto const is_written = ::write(descriptor, "0", 1) == 1;
    auto const why = errno;
    ::close(descriptor);
    errno = why;
    return is_written;
}

/// What is started has it, too.   Source: man 5 proc, /proc/[pid]/oom_score_adj
bool set_oom_score_adj(char const* value) {
    auto const descriptor = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    auto const size = std::strlen(value);
    auto const is_written = ::write(descriptor, value, size) == static_cast<ssize_t>(size);
    auto const why = errno;
    ::close(descriptor);
    errno = why;
    return is_written;
}

/// In a mount namespace of its own, whose changes nobody else sees.
bool hide(char const* mount_point) {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
           ::umount2(mount_point, MNT_DETACH) == 0;
}

int usage() {
    std::fputs(
        "usage: rik-launch [--oom-score-adj N] [--join GROUP]... [--hide MOUNT_POINT] PROGRAM [ARGUMENT...]\n"
        "Starts PROGRAM in the control groups GROUP (directories), without what is mounted at MOUNT_POINT, and lets\n"
        "the kernel's killer of processes count it by N.\n"
        "rik calls it for crun; see docs/operations.md.\n"
        "       rik-launch --nothing   ends with code 0\n",
        stderr);
    return failed;
}

}  // namespace

int main(int count, char** words) {
    int at = 1;
    for (; at + 1 < count; at += 2) {
        if (std::strcmp(words[at], "--join") == 0) {
            if (!join(words[at + 1])) return fail("cannot join", words[at + 1]);
        } else if (std::strcmp(words[at], "--oom-score-adj") == 0) {
            if (!set_oom_score_adj(words[at + 1])) return fail("cannot set oom_score_adj to", words[at + 1]);
        } else if (std::strcmp(words[at], "--hide") == 0) {
            if (!hide(words[at + 1])) return fail("cannot hide", words[at + 1]);
        } else {
            break;
        }
    }
    if (at + 1 == count && std::strcmp(words[at], "--nothing") == 0) return 0;
    if (at >= count || words[at][0] != '/') return usage();
    ::execv(words[at], words + at);
    fail("cannot start", words[at]);
    return cannot_execute;
}
