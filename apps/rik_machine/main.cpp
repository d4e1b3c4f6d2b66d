// rik-machine: starts a machine as conmon starts a container, and stays with it. conmon calls it as it would call an
// OCI runtime; what a machine is, stands in the file "machine" of its bundle.
#include "keeper.hpp"
#include "kvm_trial.hpp"
#include "launch.hpp"
#include "template_maker.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace rik;
using namespace rik::machine_program;

constexpr std::size_t plan_bytes_max = 1u << 20;
constexpr int failed = 1;
constexpr int usage_error = 2;

struct create_words {
    std::string bundle;
    std::string pid_file;
    std::string plan;  ///< of a template
};

int fail(std::string_view why) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(why.size()), why.data());
    return failed;
}

int usage() {
    std::fputs(
        "usage: rik-machine [--root DIRECTORY] create --bundle DIRECTORY --pid-file FILE ID\n"
        "       rik-machine make-template PLAN\n"
        "       rik-machine try-kvm\n"
        "create starts the machine that the file \"machine\" in the bundle describes, and stays with it until it has\n"
        "ended. make-template starts one up to where it loads its first module, and saves it. try-kvm tells whether "
        "KVM can be used here: code 0, or 1 with the reason.\n"
        "rik calls it; see docs/operations.md.\n",
        stderr);
    return usage_error;
}

result<detail::machine_plan> read_plan(std::string const& path) {
    auto const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return error{errc::not_found, path + ": " + std::strerror(errno)};
    std::string text(plan_bytes_max, '\0');
    std::size_t size = 0;
    for (ssize_t got = 1; got > 0 && size < text.size(); size += static_cast<std::size_t>(got))
        got = std::max<ssize_t>(::read(file, text.data() + size, text.size() - size), 0);
    ::close(file);
    return detail::parse_plan(std::string_view(text).substr(0, size));
}

/// What the process that stays says once QEMU is ready. If it says nothing, it was killed.
constexpr std::string_view ready_word = "ready";

/// In the process that stays. `told`: where the one that waits hears `ready_word`, or why QEMU is not ready.
int keep(detail::machine_plan const& plan, int told) {
    ::setsid();
    launch start(plan);
    pid_t qemu = -1;
    auto why = start.prepare();
    if (why.empty()) why = start.start(qemu);
    if (!why.empty()) {
        [[maybe_unused]] auto const written = ::write(told, why.data(), why.size());
        return failed;
    }
    keeper with(plan, start.ends(), qemu, start.take_settings());
    why = with.wait_for_qemu();
    auto const said = why.empty() ? ready_word : std::string_view(why);
    [[maybe_unused]] auto const written = ::write(told, said.data(), said.size());
    ::close(told);
    return why.empty() ? with.run() : failed;
}

std::string hear(int from) {
    std::string said;
    std::array<char, 4096> buffer;
    for (ssize_t got; (got = ::read(from, buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR);)
        if (got > 0) said.append(buffer.data(), static_cast<std::size_t>(got));
    return said;
}

int create(create_words const& words) {
    auto const plan = read_plan(words.bundle + "/machine");
    if (!plan) return fail(plan.error().message);
    std::array<int, 2> said{};
    if (::pipe2(said.data(), O_CLOEXEC) != 0) return fail("pipe");
    auto const child = ::fork();
    if (child < 0) return fail("fork");
    if (child == 0) {
        ::close(said[0]);
        ::_exit(keep(*plan, said[1]));
    }
    ::close(said[1]);
    auto const heard = hear(said[0]);
    if (heard != ready_word) {
        ::waitpid(child, nullptr, 0);
        return fail(heard.empty() ? "the keeper of the machine was killed" : heard);
    }
    auto const file = ::open(words.pid_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0 || ::dprintf(file, "%d", child) < 0) return fail(words.pid_file);
    return 0;
}

int make_template(std::string const& plan_path) {
    auto const plan = read_plan(plan_path);
    if (!plan) return fail(plan.error().message);
    launch start(*plan);
    auto why = start.prepare();
    pid_t qemu = -1;
    if (why.empty()) why = start.start(qemu);
    if (why.empty()) why = template_maker(*plan, start.ends(), qemu).make();
    return why.empty() ? 0 : fail(why);
}

int try_kvm_here() {
    auto const why = try_kvm();
    if (why.empty()) return 0;
    std::printf("%s\n", why.c_str());
    return failed;
}

}  // namespace

int main(int count, char** words) {
    create_words wanted;
    std::string verb;
    for (int at = 1; at < count; ++at) {
        std::string_view const word = words[at];
        auto const has_value = at + 1 < count;
        if (word == "--root" && has_value)
            ++at;
        else if (word == "--bundle" && has_value)
            wanted.bundle = words[++at];
        else if (word == "--pid-file" && has_value)
            wanted.pid_file = words[++at];
        else if (verb.empty())
            verb = word;
        else if (verb == "make-template")
            wanted.plan = word;
    }
    if (verb == "try-kvm") return try_kvm_here();
    if (verb == "make-template" && !wanted.plan.empty()) return make_template(wanted.plan);
    if (verb != "create" || wanted.bundle.empty() || wanted.pid_file.empty()) return usage();
    ::close_range(STDERR_FILENO + 1, ~0u, 0);  // whatever conmon has open
    return create(wanted);
}
