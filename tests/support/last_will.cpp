#include "support/last_will.hpp"

#include <array>
#include <stdexcept>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::testing {

namespace {

/// Reads "+ DIRECTORY TAG" and "- DIRECTORY TAG" until the program has ended, in whatever way.
constexpr char const* script = R"(
declare -A left=()
while read -r sign directory tag; do
    if [[ $sign == + ]]; then left[$directory]=$tag; else unset "left[$directory]"; fi
done
for directory in "${!left[@]}"; do
    mapfile -t groups < <(find /sys/fs/cgroup -depth -type d -path "*/rik-${left[$directory]}*")
    for ((round = 0; round < 100; ++round)); do
        pids=$(cat "${groups[@]/%//cgroup.procs}" /dev/null; pgrep --full -- "$directory/")
        [[ -n $pids ]] || break
        kill -KILL $pids
        sleep 0.05
    done
    for group in "${groups[@]}"; do rmdir "$group"; done
    awk -v under="$directory/" 'index($5, under) == 1 {print $5}' /proc/self/mountinfo | sort --reverse |
        xargs --no-run-if-empty --max-args=1 umount --lazy
    rm --recursive --force --one-file-system "$directory"
done
)";

/// Begun before `main`: it is to be nobody's child, also of a test that makes itself a subreaper.
class executor_of_wills {
public:
    executor_of_wills() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::runtime_error("socketpair");
        auto const child = ::fork();
        if (child == 0) run(ends[0]);
        ::close(ends[0]);
        ::waitpid(child, nullptr, 0);
        to_ = ends[1];
    }

    void tell(std::string const& line) const {
        [[maybe_unused]] auto const sent = ::send(to_, line.data(), line.size(), MSG_NOSIGNAL);
    }

private:
    [[noreturn]] static void run(int from) {
        ::setsid();  // a signal to the group of the test is not for it
        if (::fork() != 0) ::_exit(0);
        auto const nothing = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
        ::dup2(from, STDIN_FILENO);
        ::dup2(nothing, STDOUT_FILENO);
        ::dup2(nothing, STDERR_FILENO);
        ::execl("/bin/bash", "bash", "-c", script, static_cast<char*>(nullptr));
        ::_exit(127);
    }

    int to_ = -1;
};

executor_of_wills const executor;

}  // namespace

last_will::last_will(std::filesystem::path const& directory, std::string const& tag)
    : what_(directory.string() + ' ' + tag + '\n') {
    executor.tell("+ " + what_);
}

last_will::~last_will() { executor.tell("- " + what_); }

}  // namespace rik::testing
