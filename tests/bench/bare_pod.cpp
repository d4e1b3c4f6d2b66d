#include "bare_pod.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <random>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::bench {

namespace {

using detail::descriptor;

void must(bool succeeded, std::string_view what) {
    if (!succeeded) throw std::runtime_error(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

void must(result<void> const& done) {
    if (!done) throw std::runtime_error(to_string(done.error()));
}

void write_file(fs::path const& file, std::string_view text) {
    descriptor const opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    must(opened && ::write(opened.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), file.string());
}

void set_loopback_up() {
    descriptor const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
    request.ifr_flags = IFF_UP;
    must(::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0, "lo up");
}

constexpr std::array<char const*, 3> shared_namespaces{"net", "ipc", "uts"};
constexpr int sync_descriptor = 3;
constexpr int start_descriptor = 4;
constexpr int first_free_descriptor = 10;  // so that no number is both one of ours and one of the child's

struct pipe_ends {
    descriptor read;
    descriptor write;
};

pipe_ends make_pipe() {
    std::array<int, 2> ends{};
    must(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
    descriptor const low_read(ends[0]);
    descriptor const low_write(ends[1]);
    return {descriptor(::fcntl(ends[0], F_DUPFD_CLOEXEC, first_free_descriptor)),
            descriptor(::fcntl(ends[1], F_DUPFD_CLOEXEC, first_free_descriptor))};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> made;
    for (auto& each : texts) made.push_back(each.data());
    made.push_back(nullptr);
    return made;
}

/// `descriptors`: (ours, the child's).
pid_t spawn(std::vector<std::string> arguments, std::vector<std::string> environment,
            std::initializer_list<std::pair<int, int>> descriptors) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (auto const standard : {0, 1, 2})
        ::posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
    for (auto const& [ours, theirs] : descriptors) ::posix_spawn_file_actions_adddup2(&actions, ours, theirs);
    pid_t child = -1;
    auto const failed = ::posix_spawn(&child, arguments.front().c_str(), &actions, nullptr, pointers(arguments).data(),
                                      pointers(environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    errno = failed;
    must(failed == 0, arguments.front());
    return child;
}

int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) must(errno == EINTR, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_line(descriptor const& from) {
    std::string line;
    std::array<char, 4096> buffer;
    while (line.find('\n') == std::string::npos) {
        auto const size = ::read(from.get(), buffer.data(), buffer.size());
        if (size <= 0) break;
        line.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return line;
}

constexpr char const* config_text = R"({{
"ociVersion":"1.0.2",
"process":{{"user":{{"uid":0,"gid":0}},"args":["sleep","100000"],"cwd":"/","noNewPrivileges":true,
"env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin","HOME=/root"],
"capabilities":{{"bounding":["CAP_CHOWN","CAP_KILL","CAP_SETUID","CAP_SETGID","CAP_NET_BIND_SERVICE"],
"effective":["CAP_CHOWN","CAP_KILL","CAP_SETUID","CAP_SETGID","CAP_NET_BIND_SERVICE"],
"permitted":["CAP_CHOWN","CAP_KILL","CAP_SETUID","CAP_SETGID","CAP_NET_BIND_SERVICE"]}}}},
"root":{{"path":"{dir}/rootfs"}},
"mounts":[{{"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec","nodev"]}},
{{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]}},
{{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["nosuid","noexec","newinstance","ptmxmode=0666"]}},
{{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]}},
{{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]}},
{{"destination":"/dev/shm","type":"bind","source":"{dir}/shm","options":["rbind","rw"]}},
{{"destination":"/etc/hosts","type":"bind","source":"{lasting}/hosts","options":["rbind","rw"]}},
{{"destination":"/etc/hostname","type":"bind","source":"{lasting}/hostname","options":["rbind","rw"]}},
{{"destination":"/etc/resolv.conf","type":"bind","source":"{lasting}/resolv.conf","options":["rbind","rw"]}}],
"linux":{{"cgroupsPath":"/{group}/{id}",
"resources":{{"devices":[{{"allow":false,"access":"rwm"}}],"cpu":{{"shares":102}},"memory":{{"limit":67108864}},"pids":{{"limit":1024}}}},
"namespaces":[{{"type":"mount"}},{{"type":"pid"}},{{"type":"network","path":"{dir}/net"}},{{"type":"ipc","path":"{dir}/ipc"}},
{{"type":"uts","path":"{dir}/uts"}}],
"maskedPaths":["/proc/acpi","/proc/kcore","/proc/keys","/proc/timer_list","/sys/firmware"],
"readonlyPaths":["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]}}
}})";

constexpr char const* runc = "/usr/sbin/runc";
constexpr char const* conmon = "/usr/bin/conmon";

}  // namespace

bare_pod::bare_pod(bare_options const& options, int number)
    : options_(options),
      number_(number),
      id_(fmt::format("{}-{}", options.tag, number)),
      directory_(options.root / std::to_string(number)),
      lasting_(options.disk.empty() ? directory_ / "lasting" : options.disk / std::to_string(number)) {}

void bare_pod::start(detail::node_interfaces& links) {
    make_directories();
    pin_namespaces();
    // The first two addresses of the subnet are the network's and the gateway's.
    auto const address =
        ipv4_subnet::parse(options_.subnet).value().network() + 2 + static_cast<std::uint32_t>(number_);
    must(links.attach({.name = fmt::format("rv{}{}", options_.tag.substr(0, 7), number_),
                       .network_namespace = directory_ / "net",
                       .address = address}));
    write_files();
    mount_all();
    container_ = create();
    start_container();
}

void bare_pod::make_directories() const {
    for (auto const& each : {directory_, lasting_, directory_ / "rootfs", directory_ / "shm", lasting_ / "upper",
                             lasting_ / "work", lasting_ / "exits"})
        must(::mkdir(each.c_str(), 0755) == 0, each.string());
}

void bare_pod::pin_namespaces() const {
    std::array<descriptor, shared_namespaces.size()> home;
    auto const path = [](char const* name) { return fmt::format("/proc/thread-self/ns/{}", name); };
    for (std::size_t i = 0; i < home.size(); ++i) {
        home[i] = descriptor(::open(path(shared_namespaces[i]).c_str(), O_RDONLY | O_CLOEXEC));
    }
    must(::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) == 0, "unshare");
    must(::sethostname(id_.data(), id_.size()) == 0, "sethostname");
    set_loopback_up();
    for (auto const* each : shared_namespaces) {
        write_file(directory_ / each, "");
        must(::mount(path(each).c_str(), (directory_ / each).c_str(), nullptr, MS_BIND, nullptr) == 0, "pin");
    }
    for (auto const& each : home) must(::setns(each.get(), 0) == 0, "setns");
}

void bare_pod::write_files() const {
    write_file(lasting_ / "hosts", "127.0.0.1 localhost\n");
    write_file(lasting_ / "hostname", id_ + "\n");
    write_file(lasting_ / "resolv.conf", "nameserver 127.0.0.1\n");
    write_file(directory_ / "config.json",
               fmt::format(config_text, fmt::arg("dir", directory_.string()), fmt::arg("lasting", lasting_.string()),
                           fmt::arg("group", "rik-bare-" + options_.tag), fmt::arg("id", id_)));
}

void bare_pod::mount_all() const {
    auto const shm = directory_ / "shm";
    must(::mount("shm", shm.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k") == 0, "shm");
    auto const options = fmt::format("lowerdir={},upperdir={}/upper,workdir={}/work,volatile", options_.rootfs.string(),
                                     lasting_.string(), lasting_.string());
    must(::mount("overlay", (directory_ / "rootfs").c_str(), "overlay", 0, options.c_str()) == 0, "overlay");
}

std::vector<std::string> bare_pod::conmon_arguments() const {
    auto const below = [this](char const* name) { return (directory_ / name).string(); };
    return {conmon,
            "--api-version",
            "1",
            "--cid",
            id_,
            "--cuuid",
            id_,
            "--name",
            id_,
            "--runtime",
            runc,
            "--runtime-arg",
            "--root",
            "--runtime-arg",
            (options_.root / "runc").string(),
            "--bundle",
            directory_.string(),
            "--container-pidfile",
            below("pid"),
            "--conmon-pidfile",
            below("conmon.pid"),
            "--log-path",
            "k8s-file:" + (lasting_ / "log").string(),
            "--exit-dir",
            (lasting_ / "exits").string(),
            "--full-attach",
            "--no-sync-log",
            "--log-level",
            "error"};
}

pid_t bare_pod::create() const {
    auto said = make_pipe();
    auto go = make_pipe();
    auto const child = spawn(conmon_arguments(),
                             {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", fmt::format("_OCI_SYNCPIPE={}", sync_descriptor),
                              fmt::format("_OCI_STARTPIPE={}", start_descriptor)},
                             {{said.write.get(), sync_descriptor}, {go.read.get(), start_descriptor}});
    said.write = descriptor();
    must(::write(go.write.get(), "s", 1) == 1, "start pipe");
    auto const line = read_line(said.read);  // {"data": 1234}
    wait_for(child);
    auto const at = line.find_first_of("0123456789-");
    pid_t container = -1;
    if (at != std::string::npos) std::from_chars(line.data() + at, line.data() + line.size(), container);
    if (container <= 0) throw std::runtime_error("conmon: " + line);
    return container;
}

void bare_pod::start_container() const {
    if (options_.start == start_step::runc) {
        auto const code = run_program({runc, "--root", (options_.root / "runc").string(), "start", id_});
        if (code != 0) throw std::runtime_error(fmt::format("runc start: exit {}", code));
        return;
    }
    auto const fifo = options_.root / "runc" / id_ / "exec.fifo";
    descriptor const opened(::open(fifo.c_str(), O_RDONLY | O_CLOEXEC));
    char byte = 0;
    must(opened && ::read(opened.get(), &byte, 1) == 1, fifo.string());
    must(::unlink(fifo.c_str()) == 0, fifo.string());
}

void bare_pod::remove() noexcept try {
    if (container_ > 0) {
        descriptor const process(static_cast<int>(::syscall(SYS_pidfd_open, container_, 0)));
        if (process) {
            ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
            pollfd waiting{.fd = process.get(), .events = POLLIN, .revents = 0};
            ::poll(&waiting, 1, 5000);
        }
    }
    if (fs::exists(options_.root / "runc" / id_)) {
        run_program({runc, "--root", (options_.root / "runc").string(), "delete", "--force", id_});
    }
    for (auto const* each : {"rootfs", "shm", "net", "ipc", "uts"}) ::umount2((directory_ / each).c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove_all(lasting_, ignored);
    fs::remove_all(directory_, ignored);
} catch (std::exception const& failure) {
    fmt::print(stderr, "{}: {}\n", id_, failure.what());
}

void make_busybox_rootfs(fs::path const& where) {
    for (auto const* each : {"bin", "dev", "etc", "proc", "sys", "tmp"}) fs::create_directories(where / each);
    for (auto const* each : {"hosts", "hostname", "resolv.conf"}) write_file(where / "etc" / each, "");
    fs::copy_file("/bin/busybox", where / "bin" / "busybox");
    for (auto const* each : {"sh", "sleep"}) fs::create_symlink("busybox", where / "bin" / each);
}

int run_program(std::vector<std::string> const& arguments) {
    return wait_for(spawn(arguments, {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, {}));
}

std::vector<std::string> free_ranges(int count) {
    constexpr unsigned first_octet = 10;
    std::set<unsigned> taken;
    std::ifstream routes("/proc/net/route");  // proc(5): interface and destination, in hexadecimal, lowest octet first
    routes.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    std::string interface;
    for (std::uint32_t to = 0; routes >> interface >> std::hex >> to;) {
        if ((to & 0xffU) == first_octet) taken.insert(to >> 8 & 0xffU);
        routes.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    std::vector<std::string> found;
    std::mt19937 chance(std::random_device{}());
    std::uniform_int_distribution<unsigned> numbers(1, 96);  // labs (scripts/lib/lab.sh) have 100 to 249
    while (static_cast<int>(found.size()) < count) {
        auto const number = numbers(chance);
        if (taken.insert(number).second) found.push_back(fmt::format("{}.{}.0.0/16", first_octet, number));
    }
    return found;
}

void remove_cgroups(std::string_view name) noexcept try {
    for (auto const& hierarchy : fs::directory_iterator("/sys/fs/cgroup")) {
        for (auto const& top : {hierarchy.path() / name, fs::path("/sys/fs/cgroup") / name}) {
            std::error_code ignored;
            std::vector<fs::path> found{top};
            for (auto const& each : fs::recursive_directory_iterator(top, ignored)) {
                if (each.is_directory()) found.push_back(each.path());
            }
            for (auto each = found.rbegin(); each != found.rend(); ++each) ::rmdir(each->c_str());
        }
    }
} catch (std::exception const& failure) {
    fmt::print(stderr, "cgroups: {}\n", failure.what());
}

}  // namespace rik::bench
