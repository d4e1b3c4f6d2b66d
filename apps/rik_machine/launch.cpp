#include "launch.hpp"

#include "template_files.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rik::machine_program {

namespace {

constexpr int first_free = 64;  // above all descriptors that a plan names
constexpr int cannot_execute = 126;
constexpr rlim_t open_files_max = 256;
constexpr unsigned capabilities_max = 64;

std::string failure(std::string const& subject) { return subject + ": " + std::strerror(errno); }

/// Of the other end of a pipe.   Source: poll(2), POLLERR
bool nobody_reads(int pipe) {
    pollfd look{.fd = pipe, .events = POLLOUT, .revents = 0};
    return ::poll(&look, 1, 0) == 1 && (look.revents & POLLERR) != 0;
}

}  // namespace

std::string launch::prepare() {
    ends_.note = ::open(plan_.note.c_str(), O_RDWR | O_CLOEXEC);
    if (ends_.note < 0) return failure(plan_.note);
    auto why = open_files();
    if (why.empty()) why = open_tap();
    if (why.empty()) why = connect(ends_.console, detail::console_descriptor);
    if (why.empty()) why = connect(ends_.control, detail::control_descriptor);
    if (why.empty()) why = connect(ends_.monitor, detail::monitor_descriptor);
    std::array<int, 2> pipe{};
    if (why.empty() && ::pipe2(pipe.data(), O_CLOEXEC) != 0) why = failure("pipe");
    ends_.complaints = pipe[0];
    errors_ = pipe[1];
    if (why.empty()) why = join_groups();
    if (why.empty()) why = open_memory();  // in the groups: it counts as the machine's
    if (why.empty()) why = enter_namespaces();
    if (why.empty()) why = drop_rights();
    return why;
}

std::string launch::open_files() {
    for (auto const& each : plan_.files) {
        auto const file = ::open(each.path.c_str(), (each.is_writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0) return failure(each.path);
        given_.push_back({file, each.descriptor});
    }
    return {};
}

/// The interface is there, and stays: this only takes hold of its other end. Where it is, is the node's network.
std::string launch::open_tap() {
    if (plan_.tap.empty()) return {};
    if (::if_nametoindex(plan_.tap.c_str()) == 0) return failure("link " + plan_.tap);  // else one would be made
    auto const tap = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap < 0) return failure("/dev/net/tun");
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    std::strncpy(request.ifr_name, plan_.tap.c_str(), IFNAMSIZ - 1);
    if (::ioctl(tap, TUNSETIFF, &request) != 0) return failure("link " + plan_.tap);
    given_.push_back({tap, detail::tap_descriptor});
    return {};
}

/// Files that are in memory only: they go with QEMU, whatever ends it, and nobody else sees them.
std::string launch::open_memory() {
    if (plan_.memory_bytes == 0) return {};
    auto const is_restored = !plan_.warm_from.empty();
    template_files made;
    auto why = is_restored ? copy_template(plan_, made) : make_memory(plan_.memory_bytes, made);
    if (!why.empty()) return why;
    given_.push_back({made.memory, detail::memory_descriptor});
    if (is_restored) {
        given_.push_back({made.state, detail::state_descriptor});
        return read_small_file(plan_.settings, settings_);
    }
    ends_.memory = ::fcntl(made.memory, F_DUPFD_CLOEXEC, 0);
    ends_.state = made.state;
    return {};
}

std::string launch::connect(int& our_end, int their_number) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return failure("socketpair");
    our_end = ends[0];
    ::fcntl(our_end, F_SETFL, O_NONBLOCK);
    given_.push_back({ends[1], their_number});
    return {};
}

/// "0" is whoever writes it.   Source: Linux, cgroup-v1/cgroups.rst
std::string launch::join_groups() const {
    for (auto const& each : plan_.groups) {
        auto const file = ::open(each.c_str(), O_WRONLY | O_CLOEXEC);
        if (file < 0 || ::write(file, "0", 1) != 1) return failure(each);
        ::close(file);
    }
    return {};
}

/// What is forked from now on is in a PID namespace of its own, and sees no process to signal.
std::string launch::enter_namespaces() const {
    auto const has_network = !plan_.network_namespace.empty();
    if (has_network) {
        auto const network = ::open(plan_.network_namespace.c_str(), O_RDONLY | O_CLOEXEC);
        if (network < 0 || ::setns(network, CLONE_NEWNET) != 0) return failure(plan_.network_namespace);
        ::close(network);
    }
    auto const own = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | (has_network ? 0 : CLONE_NEWNET);
    if (::unshare(own) != 0) return failure("namespaces");
    return {};
}

std::string launch::drop_rights() const {
    rlimit const none{0, 0};
    rlimit const files{open_files_max, open_files_max};
    if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::setrlimit(RLIMIT_NOFILE, &files) != 0) return failure("limits");
    for (unsigned each = 0; each < capabilities_max; ++each)
        if (::prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0 && errno != EINVAL) return failure("capabilities");
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // A user other than root has no capabilities from here on.
    if (::setgroups(0, nullptr) != 0 || ::setresgid(plan_.uid, plan_.uid, plan_.uid) != 0 ||
        ::setresuid(plan_.uid, plan_.uid, plan_.uid) != 0)
        return failure("user " + std::to_string(plan_.uid));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failure("no_new_privs");
    // QEMU, which has the same user, cannot get at the keeper.
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failure("dumpable");
    return {};
}

std::string launch::start(pid_t& qemu) {
    std::array<int, 2> told{};
    if (::pipe2(told.data(), O_CLOEXEC) != 0) return failure("pipe");
    qemu = ::fork();
    if (qemu < 0) return failure("fork");
    if (qemu == 0) {
        ::close(told[0]);
        become_qemu(told[1]);
    }
    ::close(told[1]);
    int number = 0;
    auto const size = ::read(told[0], &number, sizeof number);
    ::close(told[0]);
    for (auto const& each : given_) ::close(each.ours);
    ::close(errors_);
    if (size != sizeof number) return {};
    errno = number;
    return failure(plan_.program);
}

void launch::become_qemu(int told) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);      // nobody else would end it
    if (nobody_reads(told)) ::_exit(cannot_execute);  // whoever started it was killed before that
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    auto const nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    auto const keep = [](int from, int to) { return ::dup2(::fcntl(from, F_DUPFD_CLOEXEC, first_free), to) == to; };
    auto is_kept = keep(nothing, STDIN_FILENO) && keep(nothing, STDOUT_FILENO) && keep(errors_, STDERR_FILENO);
    told = ::fcntl(told, F_DUPFD_CLOEXEC, first_free);
    std::vector<given> copies;
    for (auto const& each : given_) copies.push_back({::fcntl(each.ours, F_DUPFD_CLOEXEC, first_free), each.theirs});
    for (auto const& each : copies) is_kept = is_kept && ::dup2(each.ours, each.theirs) == each.theirs;
    std::vector<char*> words{const_cast<char*>(plan_.program.c_str())};
    for (auto const& each : plan_.arguments) words.push_back(const_cast<char*>(each.c_str()));
    words.push_back(nullptr);
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::array<char*, 2> environment{path, nullptr};
    if (is_kept) ::execve(plan_.program.c_str(), words.data(), environment.data());
    auto const why = errno;
    [[maybe_unused]] auto const written = ::write(told, &why, sizeof why);
    ::_exit(cannot_execute);
}

}  // namespace rik::machine_program
