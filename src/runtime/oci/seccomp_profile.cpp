#include "seccomp_profile_detail.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace rik::detail {

namespace {

namespace json = boost::json;

#if defined(__x86_64__)
constexpr std::string_view architecture = "SCMP_ARCH_X86_64";
constexpr std::array<std::string_view, 2> of_architecture{"arch_prctl", "modify_ldt"};
#elif defined(__aarch64__)
constexpr std::string_view architecture = "SCMP_ARCH_AARCH64";
constexpr std::array<std::string_view, 1> of_architecture{"sync_file_range2"};
#else
#error "name this architecture here: see seccomp_arch in libseccomp"
#endif

/// In this order, because people look for one of them. Those that a kernel or a libseccomp does not know are skipped
/// by runc. Left out on purpose: what needs CAP_SYS_ADMIN and its like (mount, setns, bpf, ...; see below), the
/// kernel's keys, userfaultfd, io_uring, memory policies, and what only old 32-bit programs call.
constexpr std::string_view allowed = R"(
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chroot clock_adjtime
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create
epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat
faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync
fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv futimesat
get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer
getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid
getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1
inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl ioprio_get ioprio_set kill
landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr
llistxattr lremovexattr lseek lsetxattr lstat madvise membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod
mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend
mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat
open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl
pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev
pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename
renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam
sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto
set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority
setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown
sigaltstack signalfd signalfd4 socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs
sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4
waitid write writev
)";

/// What a capability is for, and the list above leaves out.
struct calls_of_capability {
    std::string_view capability;
    std::string_view calls;
};
constexpr std::string_view administration = "CAP_SYS_ADMIN";
constexpr std::array of_capabilities{
    calls_of_capability{"CAP_DAC_READ_SEARCH", "open_by_handle_at"},
    calls_of_capability{administration,
                        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount "
                        "mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname "
                        "sethostname setns syslog umount umount2 unshare"},
    calls_of_capability{"CAP_SYS_BOOT", "reboot"},
    calls_of_capability{"CAP_SYS_MODULE", "delete_module finit_module init_module"},
    calls_of_capability{"CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"},
    calls_of_capability{"CAP_SYS_PACCT", "acct"},
    calls_of_capability{"CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise"},
    calls_of_capability{"CAP_SYS_RAWIO", "ioperm iopl"},
    calls_of_capability{"CAP_SYS_TIME", "clock_settime settimeofday"},
    calls_of_capability{"CAP_SYS_TTY_CONFIG", "vhangup"},
    calls_of_capability{"CAP_SYSLOG", "syslog"},
    calls_of_capability{"CAP_BPF", "bpf"},
    calls_of_capability{"CAP_PERFMON", "perf_event_open"}};

constexpr std::uint64_t namespace_flags =
    0x7E020000;  // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET

/// All families of sockets up to 47 but AF_VSOCK, 40, a way to the hypervisor past every network namespace: a family is
/// allowed if its bits of `mask` are `value`. Only 32 bits are looked at, since the kernel cuts the number to an int:
/// "anything but 40" would let 2^32 + 40 pass.
struct family_range {
    std::uint64_t mask;
    std::uint64_t value;
};
constexpr std::array families{family_range{0xffffffe0, 0}, family_range{0xfffffff8, 32}, family_range{0xffffffff, 41},
                              family_range{0xfffffffe, 42}, family_range{0xfffffffc, 44}};

/// Linux, its 32-bit and its "no randomization" forms, and the question which one it is.   Source: man personality
constexpr std::array<std::uint64_t, 5> personalities{0, 0x0008, 0x20000, 0x20008, 0xffffffff};

json::object rule(json::array names, std::string_view action) {
    return {{"names", std::move(names)}, {"action", action}};
}

json::object allow_if(std::string_view name, json::object argument) {
    auto made = rule({name}, "SCMP_ACT_ALLOW");
    made["args"] = json::array{std::move(argument)};
    return made;
}

json::object first_is(std::uint64_t value) {
    return {{"index", 0}, {"value", value}, {"valueTwo", 0}, {"op", "SCMP_CMP_EQ"}};
}

json::object first_is(std::uint64_t value, std::uint64_t mask) {
    return {{"index", 0}, {"value", mask}, {"valueTwo", value}, {"op", "SCMP_CMP_MASKED_EQ"}};
}

json::array words(std::string_view text) {
    json::array found;
    for (auto start = text.find_first_not_of(" \n"); start != std::string_view::npos;) {
        auto const end = std::min(text.find_first_of(" \n", start), text.size());
        found.emplace_back(text.substr(start, end - start));
        start = text.find_first_not_of(" \n", end);
    }
    return found;
}

/// Each once: runc takes no call twice.
void add_calls(json::array& names, std::string_view calls) {
    for (auto const& each : words(calls))
        if (std::find(names.begin(), names.end(), each) == names.end()) names.push_back(each);
}

/// clone with none of the flags; clone3's flags are behind a pointer, so the C library must be sent back to clone.
void add_clone(json::array& rules) {
    rules.push_back(allow_if("clone", first_is(0, namespace_flags)));
    auto no_clone3 = rule({"clone3"}, "SCMP_ACT_ERRNO");
    no_clone3["errnoRet"] = ENOSYS;
    rules.push_back(std::move(no_clone3));
}

json::array rules(std::vector<std::string_view> const& capabilities) {
    auto const has = [&](std::string_view name) {
        return std::find(capabilities.begin(), capabilities.end(), name) != capabilities.end();
    };
    auto names = words(allowed);
    names.insert(names.end(), of_architecture.begin(), of_architecture.end());
    for (auto const& each : of_capabilities)
        if (has(each.capability)) add_calls(names, each.calls);
    json::array made{rule(std::move(names), "SCMP_ACT_ALLOW")};
    for (auto const each : personalities) {
        made.push_back(allow_if("personality", first_is(each)));
    }
    for (auto const& each : families) made.push_back(allow_if("socket", first_is(each.value, each.mask)));
    if (!has(administration)) add_clone(made);
    return made;
}

}  // namespace

json::object seccomp_profile(std::vector<std::string_view> const& capabilities) {
    return {{"defaultAction", "SCMP_ACT_ERRNO"},
            {"defaultErrnoRet", EPERM},
            {"architectures", json::array{architecture}},
            {"syscalls", rules(capabilities)}};
}

}  // namespace rik::detail
