#include "editor.hpp"

#include <fmt/format.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace rikctl {

namespace {

/// Ctrl-C is the editor's while it runs.
class ignored_interrupts {
public:
    ignored_interrupts() : before_(std::signal(SIGINT, SIG_IGN)) {}
    ignored_interrupts(ignored_interrupts const&) = delete;
    ignored_interrupts& operator=(ignored_interrupts const&) = delete;
    ~ignored_interrupts() { std::signal(SIGINT, before_); }

private:
    void (*before_)(int);
};

/// As git does, so that EDITOR may have options.
rik::result<pid_t> start_shell(std::string line, std::string path) {
    std::string shell = "sh", option = "-c", name = "rikctl edit";
    std::array<char*, 6> arguments{shell.data(), option.data(), line.data(), name.data(), path.data(), nullptr};
    posix_spawnattr_t attributes;
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &interrupts);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    pid_t child = 0;
    auto const failed = ::posix_spawn(&child, "/bin/sh", nullptr, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    if (failed == 0) return child;
    return rik::error{rik::errc::internal,
                      fmt::format("the editor cannot be started: {}", std::generic_category().message(failed))};
}

}  // namespace

rik::result<void> run_editor(std::string const& editor, std::string const& path) {
    ignored_interrupts const held;
    auto const child = start_shell(editor + " \"$1\"", path);
    if (!child) return child.error();
    int status = 0;
    while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return rik::error{
        rik::errc::invalid, fmt::format("the editor has failed: {}", editor), {}, "say by EDITOR which is to be used"};
}

}  // namespace rikctl
