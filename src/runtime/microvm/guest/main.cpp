// The first program of a machine: makes devices, network and root file system ready, then runs what it was told to, or
// the image's own init. Static and without C++'s library: it is all that the initial file system has beside modules.
// What it tells its keeper goes through the port "rik.control": see control_reader_detail.hpp for the words.
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace {

constexpr std::size_t settings_bytes_max = 512u << 10;
constexpr std::size_t words_max = 4096;
constexpr std::size_t name_bytes_max = 256;
constexpr unsigned long grow_ext4 = _IOW('f', 16, unsigned long long);  // EXT4_IOC_RESIZE_FS
constexpr int cannot_execute = 126;
constexpr int no_such_program = 127;
constexpr int step_us = 5'000;
constexpr int steps_max = 600;  // 3 s for a device to appear
constexpr int end_steps_max = 1'000;
constexpr char const* port_name = "rik.control";
constexpr char const* root = "/root";
// Of a template; see machine_template_detail.hpp, which has the same.
constexpr char const* template_word = "rik.template";
constexpr char const* template_ready = "rik: ready to be a template\n";
constexpr std::size_t seed_bytes = 64;
constexpr std::size_t order_bytes_max = 256;

int control = -1;

/// What the node has written for this machine.
struct machine_settings {
    char const* hostname = nullptr;
    char const* address = nullptr;
    char const* mask = nullptr;
    char const* gateway = nullptr;
    char const* mtu = nullptr;
    char const* mac = nullptr;
    char const* hosts = nullptr;
    char const* resolver = nullptr;
    char const* directory = nullptr;
    char const* uid = nullptr;
    char const* gid = nullptr;
    char* words[words_max] = {};
    std::size_t word_count = 0;
    char* variables[words_max] = {};
    std::size_t variable_count = 0;
};

machine_settings settings;
long long began_ms = 0;
long long ready_ms = 0;
char settings_text[settings_bytes_max];

void tell(char const* form, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, form);
    auto const length = std::vsnprintf(line, sizeof line, form, arguments);
    va_end(arguments);
    if (control < 0 || length <= 0) return;
    auto const size =
        static_cast<std::size_t>(length) < sizeof line ? static_cast<std::size_t>(length) : sizeof line - 1;
    [[maybe_unused]] auto const written = ::write(control, line, size);
}

/// Since the kernel began.
long long now_ms() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

/// "up", and when this program began, had all ready, and says it.
void tell_up() { tell("up %lld %lld %lld\n", began_ms, ready_ms, now_ms()); }

/// The kernel's own last words are not of the program.
void silence_kernel() {
    auto const level = ::open("/proc/sys/kernel/printk", O_WRONLY | O_CLOEXEC);
    [[maybe_unused]] auto const written = ::write(level, "0", 1);
    ::close(level);
}

[[noreturn]] void power_off() {
    silence_kernel();
    ::tcdrain(STDOUT_FILENO);  // what was written last
    ::sync();
    ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_RDONLY, nullptr);
    ::reboot(RB_POWER_OFF);
    while (true) ::pause();
}

/// This machine can do nothing of use.
[[noreturn]] void give_up(char const* what) {
    auto const why = errno;
    std::fprintf(stderr, "rik: %s: %s\n", what, std::strerror(why));
    tell("failed %s: %s\n", what, std::strerror(why));
    power_off();
}

[[noreturn]] void refuse(char const* program, int why) {
    tell("refused %s: %s\n", program, std::strerror(why));
    power_off();
}

std::size_t read_file(char const* path, char* into, std::size_t size) {
    auto const file = ::open(path, O_RDONLY | O_CLOEXEC);
    std::size_t filled = 0;
    while (file >= 0 && filled < size) {
        auto const got = ::read(file, into + filled, size - filled);
        if (got <= 0) break;
        filled += static_cast<std::size_t>(got);
    }
    if (file >= 0) ::close(file);
    return filled;
}

/// Removes what is there first: it may be a link to a file that a service of the image would make.
void write_text(char const* path, char const* text) {
    if (text == nullptr) return;
    ::unlink(path);
    auto const file = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) return;
    [[maybe_unused]] auto const written = ::write(file, text, std::strlen(text));
    ::close(file);
}

char* value_of(char* record, char const* key) {
    auto const length = std::strlen(key);
    return std::strncmp(record, key, length) == 0 && record[length] == '=' ? record + length + 1 : nullptr;
}

void take_setting(char* record) {
    struct {
        char const* key;
        char const** into;
    } const single[] = {{"hostname", &settings.hostname},   {"address", &settings.address},  {"mask", &settings.mask},
                        {"gateway", &settings.gateway},     {"mtu", &settings.mtu},          {"uid", &settings.uid},
                        {"directory", &settings.directory}, {"gid", &settings.gid},          {"mac", &settings.mac},
                        {"hosts", &settings.hosts},         {"resolver", &settings.resolver}};
    for (auto const& each : single)
        if (auto const* const value = value_of(record, each.key)) *each.into = value;
    auto* const word = value_of(record, "word");
    if (word != nullptr && settings.word_count + 1 < words_max) settings.words[settings.word_count++] = word;
    auto* const variable = value_of(record, "variable");
    if (variable != nullptr && settings.variable_count + 1 < words_max)
        settings.variables[settings.variable_count++] = variable;
}

/// Records "key=value", each with a zero at its end.
void take_settings(std::size_t size) {
    for (std::size_t at = 0; at < size; at += std::strlen(settings_text + at) + 1) take_setting(settings_text + at);
}

/// Bytes as they are written: no carriage returns, no echo.
void prepare_console() {
    auto const console = ::open("/dev/console", O_RDWR | O_NOCTTY);
    if (console < 0) return;
    termios how{};
    if (::tcgetattr(console, &how) == 0) {
        ::cfmakeraw(&how);
        ::tcsetattr(console, TCSANOW, &how);
    }
    auto const nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(console, STDOUT_FILENO);
    ::dup2(console, STDERR_FILENO);
    if (console > STDERR_FILENO) ::close(console);
    if (nothing > STDERR_FILENO) ::close(nothing);
}

bool is_template() {
    static char words[4096];
    words[read_file("/proc/cmdline", words, sizeof words - 1)] = '\0';
    return std::strstr(words, template_word) != nullptr;
}

/// False if the console has ended.
bool read_console(char* into, std::size_t size) {
    for (std::size_t filled = 0; filled < size;) {
        auto const got = ::read(STDOUT_FILENO, into + filled, size - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        filled += static_cast<std::size_t>(got);
    }
    return true;
}

int digit_of(char letter) { return letter <= '9' ? letter - '0' : letter - 'a' + 10; }

/// What all machines of a template would have in common is not random: the kernel draws anew.
/// Source: random(4), RNDADDENTROPY
void stir(char const* seed) {
    struct {  // rand_pool_info, whose last member has no size
        int entropy_count;
        int buf_size;
        unsigned char bytes[seed_bytes];
    } fresh{static_cast<int>(seed_bytes * 8), static_cast<int>(seed_bytes), {}};
    for (std::size_t at = 0; at < seed_bytes; ++at)
        fresh.bytes[at] = static_cast<unsigned char>(digit_of(seed[2 * at]) << 4 | digit_of(seed[2 * at + 1]));
    auto const pool = ::open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (::ioctl(pool, RNDADDENTROPY, &fresh) != 0 || ::ioctl(pool, RNDRESEEDCRNG) != 0) give_up("random numbers");
    ::close(pool);
}

/// A template ends here; each machine that is made from it goes on from here, and is told who it is:
/// "SIZE CLOCK SEED\n", with the bytes of the settings, the nanoseconds since 1970 and 128 hex digits, then the
/// settings.
void become_a_machine() {
    [[maybe_unused]] auto const written = ::write(STDOUT_FILENO, template_ready, std::strlen(template_ready));
    ::tcdrain(STDOUT_FILENO);
    char order[order_bytes_max] = {};
    for (std::size_t at = 0; at + 1 < sizeof order && read_console(order + at, 1) && order[at] != '\n'; ++at) {
    }
    unsigned long size = 0;
    long long clock = 0;
    char seed[2 * seed_bytes + 1] = {};
    if (std::sscanf(order, "%lu %lld %128[0-9a-f]", &size, &clock, seed) != 3 || std::strlen(seed) != 2 * seed_bytes ||
        size >= sizeof settings_text)
        give_up("what the node says of this machine");
    timespec const now{static_cast<time_t>(clock / 1'000'000'000), static_cast<long>(clock % 1'000'000'000)};
    ::clock_settime(CLOCK_REALTIME, &now);
    began_ms = now_ms();
    if (!read_console(settings_text, size)) give_up("settings");
    take_settings(size);
    stir(seed);
}

int by_name(dirent const** one, dirent const** other) { return std::strcmp((*one)->d_name, (*other)->d_name); }

/// In the order of their names, which the node has chosen.
void load_modules() {
    dirent** found = nullptr;
    auto const count = ::scandir("/modules", &found, nullptr, by_name);
    for (int at = 0; at < count; ++at) {
        char path[name_bytes_max + 16];
        if (found[at]->d_name[0] == '.') continue;
        std::snprintf(path, sizeof path, "/modules/%s", found[at]->d_name);
        auto const file = ::open(path, O_RDONLY | O_CLOEXEC);
        if (::syscall(SYS_finit_module, file, "", 0) != 0 && errno != EEXIST)
            std::fprintf(stderr, "rik: module %s: %s\n", found[at]->d_name, std::strerror(errno));
        ::close(file);
    }
}

int open_control() {
    for (int device = 0; device < 8; ++device) {
        for (int port = 0; port < 4; ++port) {
            char path[96];
            char name[64] = {};
            std::snprintf(path, sizeof path, "/sys/class/virtio-ports/vport%dp%d/name", device, port);
            if (read_file(path, name, sizeof name - 1) == 0) continue;
            if (std::strncmp(name, port_name, std::strlen(port_name)) != 0) continue;
            std::snprintf(path, sizeof path, "/dev/vport%dp%d", device, port);
            return ::open(path, O_RDWR | O_CLOEXEC);
        }
    }
    return -1;
}

sockaddr address_of(char const* text) {
    sockaddr_in made{};
    made.sin_family = AF_INET;
    ::inet_pton(AF_INET, text, &made.sin_addr);
    sockaddr plain{};
    std::memcpy(&plain, &made, sizeof plain);
    return plain;
}

ifreq request_for(char const* link) {
    ifreq made{};
    std::snprintf(made.ifr_name, sizeof made.ifr_name, "%s", link);
    return made;
}

bool set_up(int socket, char const* link) {
    auto request = request_for(link);
    if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return false;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

void set_address(int socket, unsigned long what, char const* value) {
    auto request = request_for("eth0");
    request.ifr_addr = address_of(value);
    if (::ioctl(socket, what, &request) != 0) give_up("address of eth0");
}

void set_mtu(int socket) {
    auto request = request_for("eth0");
    request.ifr_mtu = std::atoi(settings.mtu);
    ::ioctl(socket, SIOCSIFMTU, &request);
}

/// Devices of a machine that was made from a template have the address of that.
void set_mac(int socket) {
    auto request = request_for("eth0");
    unsigned bytes[6] = {};
    if (std::sscanf(settings.mac, "%x:%x:%x:%x:%x:%x", bytes, bytes + 1, bytes + 2, bytes + 3, bytes + 4, bytes + 5) !=
        6)
        return;
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    for (int at = 0; at < 6; ++at) request.ifr_hwaddr.sa_data[at] = static_cast<char>(bytes[at]);
    if (::ioctl(socket, SIOCSIFHWADDR, &request) != 0) give_up("hardware address of eth0");
}

void set_route(int socket) {
    rtentry route{};
    route.rt_dst = address_of("0.0.0.0");
    route.rt_genmask = address_of("0.0.0.0");
    route.rt_gateway = address_of(settings.gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    if (::ioctl(socket, SIOCADDRT, &route) != 0) give_up("default route");
}

void prepare_network() {
    auto const socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_up(socket, "lo");
    if (settings.address != nullptr) {
        auto request = request_for("eth0");
        for (int step = 0; step < steps_max && ::ioctl(socket, SIOCGIFINDEX, &request) != 0; ++step) ::usleep(step_us);
        if (settings.mac != nullptr) set_mac(socket);
        set_address(socket, SIOCSIFADDR, settings.address);
        set_address(socket, SIOCSIFNETMASK, settings.mask);
        if (settings.mtu != nullptr) set_mtu(socket);
        if (!set_up(socket, "eth0")) give_up("link eth0");
        if (settings.gateway != nullptr) set_route(socket);
    }
    ::close(socket);
    if (settings.hostname != nullptr) ::sethostname(settings.hostname, std::strlen(settings.hostname));
}

/// The disk may be larger than what its image had.
void grow_root() {
    auto const device = ::open("/dev/vda", O_RDONLY | O_CLOEXEC);
    auto const place = ::open(root, O_RDONLY | O_CLOEXEC);
    unsigned long long bytes = 0;
    struct statfs about {};
    if (::ioctl(device, BLKGETSIZE64, &bytes) == 0 && ::fstatfs(place, &about) == 0) {
        auto blocks = bytes / static_cast<unsigned long long>(about.f_bsize);
        // What the file system itself needs is not in f_blocks.
        auto const used = static_cast<unsigned long long>(about.f_blocks);
        if (used + used / 8 + 2048 < blocks && ::ioctl(place, grow_ext4, &blocks) != 0)
            std::fprintf(stderr, "rik: the root file system cannot grow: %s\n", std::strerror(errno));
    }
    ::close(device);
    ::close(place);
}

void mount_root() {
    int failed = -1;
    for (int step = 0; step < steps_max; ++step) {
        failed = ::mount("/dev/vda", root, "ext4", 0, nullptr);
        if (failed == 0 || (errno != ENOENT && errno != ENXIO)) break;
        ::usleep(step_us);
    }
    if (failed != 0) give_up("the root file system cannot be mounted");
    grow_root();
}

void write_hostname() {
    if (settings.hostname == nullptr) return;
    auto const file = ::open("/root/etc/hostname", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) return;
    ::dprintf(file, "%s\n", settings.hostname);
    ::close(file);
}

void enter_root() {
    for (auto const* each : {"/root/dev", "/root/proc", "/root/sys", "/root/etc", "/root/run", "/root/tmp"})
        ::mkdir(each, 0755);
    write_text("/root/etc/hosts", settings.hosts);
    write_text("/root/etc/resolv.conf", settings.resolver);
    write_hostname();
    ::mount("/dev", "/root/dev", nullptr, MS_MOVE, nullptr);
    ::mount("/proc", "/root/proc", nullptr, MS_MOVE, nullptr);
    ::mount("/sys", "/root/sys", nullptr, MS_MOVE, nullptr);
    if (::chdir(root) != 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || ::chroot(".") != 0 ||
        ::chdir("/") != 0)
        give_up("the root file system cannot be entered");
    ::mkdir("/dev/pts", 0755);
    ::mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=620,ptmxmode=666");
    ::mkdir("/dev/shm", 01777);
    ::mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    ::symlink("/proc/self/fd", "/dev/fd");
}

/// How often this kernel has killed a process for want of memory.
unsigned long count_memory_kills() {
    static char text[32u << 10];
    auto const size = read_file("/proc/vmstat", text, sizeof text - 1);
    text[size] = '\0';
    auto const* const at = std::strstr(text, "\noom_kill ");
    return at != nullptr ? std::strtoul(at + 10, nullptr, 10) : 0;
}

void reap_all() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
}

/// Are there processes beside this one and the first? The kernel's threads have no program.
bool has_others() {
    auto* const all = ::opendir("/proc");
    auto found = false;
    while (auto const* const each = all != nullptr ? ::readdir(all) : nullptr) {
        auto const number = std::atoi(each->d_name);
        if (number <= 1 || number == ::getpid()) continue;
        char path[64];
        char target[8];
        std::snprintf(path, sizeof path, "/proc/%d/exe", number);
        if (::readlink(path, target, sizeof target) > 0) found = true;
    }
    if (all != nullptr) ::closedir(all);
    return found;
}

/// All processes but this one and the first, if that is another.
void end_others() {
    ::kill(-1, SIGTERM);
    reap_all();
    for (int step = 0; step < end_steps_max && has_others(); ++step) {
        ::usleep(step_us);
        reap_all();
    }
    ::kill(-1, SIGKILL);
    reap_all();
}

bool is_told_to_stop() {
    char words[64];
    auto const size = ::read(control, words, sizeof words - 1);
    if (size <= 0) {
        ::usleep(20 * step_us);  // the keeper is not there: do not spin
        return false;
    }
    words[size] = '\0';
    return std::strstr(words, "stop") != nullptr;
}

char** environment() {
    auto has_path = false;
    auto has_home = false;
    for (std::size_t at = 0; at < settings.variable_count; ++at) {
        has_path = has_path || std::strncmp(settings.variables[at], "PATH=", 5) == 0;
        has_home = has_home || std::strncmp(settings.variables[at], "HOME=", 5) == 0;
    }
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char home[] = "HOME=/root";
    static char* all[words_max + 3];
    std::size_t count = 0;
    if (!has_path) all[count++] = path;
    if (!has_home) all[count++] = home;
    for (std::size_t at = 0; at < settings.variable_count; ++at) all[count++] = settings.variables[at];
    all[count] = nullptr;
    return all;
}

/// An image may name a directory that it does not have. What fails is told by whoever goes there.
void make_directories(char const* path) {
    char part[4096];
    for (std::size_t at = 0; path[at] != '\0' && at + 1 < sizeof part; ++at) {
        part[at] = path[at];
        part[at + 1] = '\0';
        if (at > 0 && (path[at + 1] == '/' || path[at + 1] == '\0')) ::mkdir(part, 0755);
    }
}

/// In the child. Returns why it could not be run.
int run_program() {
    ::setsid();
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (settings.directory != nullptr) make_directories(settings.directory);
    if (settings.directory != nullptr && ::chdir(settings.directory) != 0) return errno;
    if (settings.gid != nullptr && ::setgid(static_cast<gid_t>(std::atol(settings.gid))) != 0) return errno;
    if (settings.uid != nullptr && ::setuid(static_cast<uid_t>(std::atol(settings.uid))) != 0) return errno;
    auto** const variables = environment();
    for (auto** each = variables; *each != nullptr; ++each)
        if (std::strncmp(*each, "PATH=", 5) == 0) ::setenv("PATH", *each + 5, 1);
    ::execvpe(settings.words[0], settings.words, variables);
    return errno;
}

/// Its process, once it runs.
pid_t start_program() {
    int said[2];
    if (::pipe2(said, O_CLOEXEC) != 0) give_up("pipe");
    auto const child = ::fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        auto const why = run_program();
        [[maybe_unused]] auto const written = ::write(said[1], &why, sizeof why);
        ::_exit(why == ENOENT ? no_such_program : cannot_execute);
    }
    ::close(said[1]);
    int why = 0;
    auto const size = ::read(said[0], &why, sizeof why);
    ::close(said[0]);
    if (size == sizeof why) refuse(settings.words[0], why);
    return child;
}

/// Reaps whatever has ended. True if `program` is among that.
bool has_ended(pid_t program, int& status) {
    int each_status = 0;
    for (pid_t each; (each = ::waitpid(-1, &each_status, WNOHANG)) > 0;) {
        if (each != program) continue;
        status = each_status;
        return true;
    }
    return false;
}

[[noreturn]] void supervise() {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    auto const ended = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    auto const program = start_program();
    tell_up();
    int status = 0;
    while (!has_ended(program, status)) {
        pollfd events[] = {{ended, POLLIN, 0}, {control, POLLIN, 0}};
        ::poll(events, 2, -1);
        signalfd_siginfo about{};
        if (::read(ended, &about, sizeof about) > 0) continue;
        if ((events[1].revents & (POLLIN | POLLHUP)) != 0 && is_told_to_stop()) ::kill(program, SIGTERM);
    }
    auto const code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    auto const is_short = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && count_memory_kills() > 0;
    ::tcdrain(STDOUT_FILENO);
    end_others();
    tell("exit %d%s\n", code, is_short ? " memory" : "");
    power_off();
}

bool can_run(char const* path) { return ::access(path, X_OK) == 0; }

char const* find_init() {
    for (auto const* each : {"/sbin/init", "/etc/init", "/bin/init", "/init", "/bin/sh"})
        if (can_run(each)) return each;
    return nullptr;
}

/// Waits for the order to stop, beside the image's own init.
[[noreturn]] void serve_control() {
    ::setsid();
    while (!is_told_to_stop()) {
    }
    end_others();
    tell("stopped\n");
    power_off();
}

[[noreturn]] void become_init() {
    auto const* const program = find_init();
    if (program == nullptr) {
        tell("refused the root file system has no init: none of /sbin/init, /etc/init, /bin/init, /init, /bin/sh\n");
        power_off();
    }
    if (control >= 0 && ::fork() == 0) serve_control();
    tell_up();
    static char name[] = "init";
    char* const words[] = {name, nullptr};
    ::execve(program, words, environment());
    std::fprintf(stderr, "rik: %s: %s\n", program, std::strerror(errno));
    tell("exit %d\n", cannot_execute);
    power_off();
}

}  // namespace

int main() {
    began_ms = now_ms();
    for (auto const* each : {"/dev", "/proc", "/sys", root}) ::mkdir(each, 0755);
    ::mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    ::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    prepare_console();
    ::signal(SIGPIPE, SIG_IGN);
    if (is_template())
        become_a_machine();
    else
        take_settings(read_file("/rik/settings", settings_text, sizeof settings_text - 1));
    load_modules();
    for (int step = 0; step < steps_max && (control = open_control()) < 0; ++step) ::usleep(step_us);
    prepare_network();
    mount_root();
    enter_root();
    ready_ms = now_ms();
    if (settings.word_count > 0) supervise();
    become_init();
}
