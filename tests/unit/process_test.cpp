// Child processes: exit codes, descriptors, bounds, deadlines and cancellation, with real programs.
#include <rik/async/clock.hpp>
#include <rik/async/task_group.hpp>
#include <rik/runtime/process.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace rik;
using namespace std::chrono_literals;
using rik::testing::run;

template <class T>
awaitable<> store_result(awaitable<T> work, std::optional<T>& out) {
    out.emplace(co_await std::move(work));
}

time_point in(duration length) { return std::chrono::steady_clock::now() + length; }

command shell(std::string script) { return command{.program = "/bin/sh", .arguments = {"-c", std::move(script)}}; }

result<process_output> run_shell(std::string script, duration limit = 20s) {
    asio::io_context io;
    return run(io, run_process(shell(std::move(script)), in(limit)));
}

/// True when this test has no child left, running or zombie.
bool is_childless() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

/// A zombie is dead: when its parent reaps it is not our matter.
bool lives(pid_t process) {
    std::ifstream file("/proc/" + std::to_string(process) + "/stat");
    std::string number, name, state;
    return file >> number >> name >> state && state != "Z";
}

bool ends_soon(pid_t process) {
    for (int i = 0; i < 300 && lives(process); ++i) ::usleep(10'000);
    return !lives(process);
}

pid_t read_number(std::string const& file) {
    pid_t number = -1;
    for (int i = 0; i < 300 && number <= 0; ++i) {
        if (i != 0) ::usleep(10'000);
        std::ifstream(file) >> number;
    }
    return number;
}

struct temporary_file {
    temporary_file() { ::close(::mkstemp(name.data())); }
    ~temporary_file() { ::unlink(name.c_str()); }
    std::string name = "/tmp/rik-process-XXXXXX";
};

}  // namespace

TEST_CASE("a child's output and exit code are values", "[process]") {
    auto const output = run_shell("echo out; echo err >&2; exit 7");
    REQUIRE(output.has_value());
    CHECK(output->exit.code == 7);
    CHECK(output->exit.known);
    CHECK(output->out == "out\n");
    CHECK(output->err == "err\n");
    CHECK(is_childless());
}

TEST_CASE("a signal is told apart from an exit by 128", "[process]") {
    auto const output = run_shell("kill -9 $$");
    REQUIRE(output.has_value());
    CHECK(output->exit.code == 137);
}

TEST_CASE("a failed child is an error of run_process_ok with the end of its stderr", "[process]") {
    asio::io_context io;
    auto const output = run(io, run_process_ok(shell("echo first >&2; echo it broke >&2; exit 3"), in(20s)));
    REQUIRE(!output);
    CHECK(output.error().code == errc::internal);
    CHECK(output.error().message == "sh: exit code 3: first\nit broke");
    CHECK(run(io, run_process_ok(shell("exit 0"), in(20s))).has_value());
}

TEST_CASE("a missing program and a missing directory are told apart", "[process]") {
    asio::io_context io;
    auto const missing = run(io, run_process(command{.program = "/no/such/program"}, in(20s)));
    REQUIRE(!missing);
    CHECK(missing.error().code == errc::not_found);
    auto const lost = run(io, run_process(command{.program = "/bin/true", .working_dir = "/no/such/dir"}, in(20s)));
    REQUIRE(!lost);
    CHECK(lost.error().code == errc::internal);
    CHECK(lost.error().message.find("/no/such/dir") != std::string::npos);
}

TEST_CASE("a child gets its environment and directory and nothing else", "[process]") {
    asio::io_context io;
    command env{.program = "/usr/bin/env", .environment = {"A=1", "B=two words"}, .working_dir = "/usr"};
    auto const output = run(io, run_process(std::move(env), in(20s)));
    REQUIRE(output.has_value());
    CHECK(output->out == "A=1\nB=two words\n");
    command pwd{.program = "/bin/pwd", .working_dir = "/usr"};
    CHECK(run(io, run_process(std::move(pwd), in(20s)))->out == "/usr\n");
    CHECK(run_shell("cat; echo $HOME")->out == "/root\n");  // stdin is at its end
}

TEST_CASE("a child has a mask of its own, whatever ours is", "[process]") {
    auto const ours = ::umask(0027);
    CHECK(run_shell("umask")->out == "0022\n");
    auto inheriting = shell("umask");
    inheriting.creation_mask.reset();
    boost::asio::io_context io;
    CHECK(run(io, run_process(std::move(inheriting), in(20s)))->out == "0027\n");
    CHECK(::umask(ours) == 0027);  // nothing has changed it
}

TEST_CASE("only named descriptors reach a child", "[process]") {
    int const leaky = ::open("/dev/null", O_RDONLY);  // no CLOEXEC, as a careless host program has them
    int const high = ::fcntl(leaky, F_DUPFD, 200);
    asio::io_context io;
    command plain{.program = "/bin/ls", .arguments = {"/proc/self/fd"}};
    CHECK(run(io, run_process(plain, in(20s)))->out == "0\n1\n2\n3\n");  // 3 is the directory that ls lists
    command mapped{.program = "/bin/ls", .arguments = {"/proc/self/fd"}, .descriptors = {{leaky, 5}, {high, 7}}};
    CHECK(run(io, run_process(mapped, in(20s)))->out == "0\n1\n2\n3\n5\n7\n");
    ::close(leaky);
    ::close(high);
}

TEST_CASE("descriptors can be swapped and keep their number without closing on exec", "[process]") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    command swapped = shell("echo through >&" + std::to_string(ends[0]));
    swapped.descriptors = {{ends[1], ends[0]}, {ends[0], ends[1]}};
    asio::io_context io;
    REQUIRE(run(io, run_process(swapped, in(20s)))->exit.code == 0);
    char text[16] = {};
    CHECK(::read(ends[0], text, sizeof text) == 8);
    command same = shell("echo again >&" + std::to_string(ends[1]));
    same.descriptors = {{ends[1], ends[1]}};
    REQUIRE(run(io, run_process(same, in(20s)))->exit.code == 0);
    CHECK(::read(ends[0], text, sizeof text) == 6);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a child starts with default signals and none blocked", "[process]") {
    auto const before = std::signal(SIGUSR1, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigset_t old;
    ::pthread_sigmask(SIG_BLOCK, &all, &old);
    auto const output = run_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2");
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
    std::signal(SIGUSR1, before);
    REQUIRE(output.has_value());
    // glibc ignores its own two signals, 32 and 33, in every child of posix_spawn.
    CHECK(output->out == "0000000000000000\n0000000180000000\n");
}

TEST_CASE("output past the bound is dropped and does not block the child", "[process]") {
    auto what = shell("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 4");
    what.output_bytes_max = 1000;
    asio::io_context io;
    auto const output = run(io, run_process(std::move(what), in(20s)));
    REQUIRE(output.has_value());
    CHECK(output->exit.code == 4);
    CHECK(output->out.size() == 1000);
    CHECK(output->err.size() == 1000);
}

TEST_CASE("large output arrives whole", "[process]") {
    auto const output = run_shell("head -c 900000 /dev/zero");
    REQUIRE(output.has_value());
    CHECK(output->out.size() == 900'000);
}

TEST_CASE("a grandchild that keeps the output open is not waited for", "[process]") {
    temporary_file pid;
    auto const before = std::chrono::steady_clock::now();
    auto const output = run_shell("echo before; setsid sleep 60 & echo $! >" + pid.name);
    REQUIRE(output.has_value());
    CHECK(output->out == "before\n");
    CHECK(std::chrono::steady_clock::now() - before < 5s);
    auto const sleeper = read_number(pid.name);
    CHECK(lives(sleeper));
    ::kill(sleeper, SIGKILL);
}

TEST_CASE("the deadline kills the child and its group", "[process]") {
    temporary_file pid;
    auto const output = run_shell("sleep 60 & echo $! >" + pid.name + "; wait", 300ms);
    REQUIRE(!output);
    CHECK(output.error().code == errc::timed_out);
    CHECK(ends_soon(read_number(pid.name)));
    CHECK(is_childless());
}

namespace {

awaitable<> run_until_cancelled(std::string script, bool& was_cancelled) {
    try {
        auto const output = co_await run_process(shell(std::move(script)), in(60s));
        CHECK(!output);
    } catch (...) {
        was_cancelled = is_cancellation(std::current_exception());
    }
}

awaitable<> cancel_after(task_group& victims, std::string file) {
    system_clock time;
    for (pid_t number = -1; number <= 0; std::ifstream(file) >> number) co_await time.sleep_for(10ms);
    victims.cancel();
    victims.cancel();  // a second cancel must not break the clean-up of the first
    co_await victims.stop();
}

}  // namespace

TEST_CASE("a cancelled caller leaves neither process nor zombie", "[process]") {
    temporary_file pid;
    asio::io_context io;
    bool was_cancelled = false;
    task_group victims(io.get_executor());
    task_group killer(io.get_executor());
    victims.spawn(run_until_cancelled("sleep 60 & echo $! >" + pid.name + "; wait", was_cancelled));
    killer.spawn(cancel_after(victims, pid.name));
    io.run();
    CHECK(was_cancelled);
    CHECK(ends_soon(read_number(pid.name)));
    CHECK(is_childless());
}

TEST_CASE("a hundred children at once all end with their own code", "[process]") {
    asio::io_context io;
    task_group tasks(io.get_executor());
    std::vector<std::optional<result<process_output>>> outputs(100);
    for (int i = 0; i < 100; ++i) {
        auto what = shell("echo " + std::to_string(i) + "; exit " + std::to_string(i));
        tasks.spawn(store_result(run_process(std::move(what), in(60s)), outputs[static_cast<std::size_t>(i)]));
    }
    io.run();
    for (int i = 0; i < 100; ++i) {
        auto const& output = outputs[static_cast<std::size_t>(i)];
        REQUIRE(output.has_value());
        REQUIRE(output->has_value());
        CHECK((*output)->exit.code == i);
        CHECK((*output)->out == std::to_string(i) + "\n");
    }
    CHECK(is_childless());
}

namespace {

awaitable<result<process_exit>> start_and_terminate(pid_t& number) {
    auto const executor = co_await asio::this_coro::executor;
    auto child = child_process::start(executor, shell("sleep 60"));
    if (!child) co_return child.error();
    number = child->pid();
    CHECK(::getpgid(number) == number);
    if (auto const sent = child->signal(SIGTERM); !sent) co_return sent.error();
    auto ended = co_await child->wait();
    CHECK(child->signal(SIGTERM).error().code == errc::not_found);
    co_return ended;
}

}  // namespace

TEST_CASE("a started child leads its group, takes a signal and is reaped by wait", "[process]") {
    asio::io_context io;
    pid_t number = -1;
    auto const ended = run(io, start_and_terminate(number));
    REQUIRE(ended.has_value());
    CHECK(ended->code == 128 + SIGTERM);
    CHECK(is_childless());
}

TEST_CASE("an exit that the host program took is unknown, not invented", "[process]") {
    auto const before = std::signal(SIGCHLD, SIG_IGN);
    auto const output = run_shell("exit 5");
    std::signal(SIGCHLD, before);
    REQUIRE(output.has_value());
    CHECK(!output->exit.known);
}

TEST_CASE("programs are found in the sbin directories too, and their package is named", "[process]") {
    CHECK(find_program("sh").has_value());
    CHECK(find_program("/bin/sh").value() == "/bin/sh");
    auto const missing = find_program("no-such-program");
    REQUIRE(!missing);
    CHECK(missing.error().code == errc::not_found);
    CHECK(!find_program("../bin/sh"));
    CHECK(!find_program(""));
}
