// What goes wrong around containers and must not harm them.
#include <rik/async/task_group.hpp>
#include <rik/base/hash.hpp>
#include <rik/runtime/process.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/read_text.hpp"
#include "support/run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rik::testing {

using namespace std::chrono_literals;

namespace {

/// While it lives this process can open no descriptor with this number or above.
class few_descriptors {
public:
    explicit few_descriptors(int limit) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit const now{.rlim_cur = static_cast<rlim_t>(limit), .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    few_descriptors(few_descriptors const&) = delete;
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// For a thread that then ends, in a mount namespace of its own: opens a runtime beside so many mounts that their list
/// has 5 MB and more. 0 if that succeeds; its standard error says why it does not.
int open_beside_many_mounts(std::filesystem::path const& root, std::string const& tag) {
    if (::unshare(CLONE_FS | CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
        return 2;
    auto where = root;
    while (where.native().size() < 3500) where /= std::string(250, 'd');
    std::filesystem::create_directories(where);
    for (int count = 0; count < 1500; ++count) {
        if (::mount("many", where.c_str(), "tmpfs", 0, "size=4k") != 0) return 3;
    }
    asio::io_context io;
    system_clock time;
    auto const opened = oci_runtime::open({.run_dir = root / "run",
                                           .state_dir = root / "state",
                                           .tag = tag,
                                           .executor = io.get_executor(),
                                           .pool = io.get_executor(),
                                           .namespace_thread = io.get_executor()},
                                          time);
    if (!opened) {
        std::cerr << opened.error() << '\n';
        return 4;
    }
    run(io, (*opened)->stop());
    return 0;
}

std::string unified_group(std::string const& file) {
    auto const text = "\n" + read_text(file);
    auto const at = text.find("\n0::");
    return text.substr(at + 4, text.find('\n', at + 1) - at - 4);
}

std::string unified_root() {
    auto const* const hybrid = "/sys/fs/cgroup/unified";
    return std::filesystem::exists(hybrid) ? hybrid : "/sys/fs/cgroup";
}

/// Within two seconds.
template <class Condition>
bool comes_true(Condition condition) {
    for (int round = 0; round < 200 && !condition(); ++round) ::usleep(10'000);
    return condition();
}

/// Children of this process that have ended and that nobody has waited for.
int zombies() {
    int count = 0;
    auto const parent = " Z " + std::to_string(::getpid()) + " ";
    for (auto const& each : std::filesystem::directory_iterator("/proc")) {
        if (each.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
        if (read_text(each.path() / "stat").find(parent) != std::string::npos) ++count;
    }
    return count;
}

awaitable<> start(oci_world& world, container_request request) {
    auto const started = co_await world.runtime().start_container(std::move(request));
    (void)started;
}

/// Cancels a start after `patience`.
awaitable<> start_and_leave(oci_world& world, container_request request, duration patience) {
    task_group starting(world.executor());
    starting.spawn(start(world, std::move(request)));
    co_await world.time().sleep_for(patience);
    co_await starting.stop();
}

}  // namespace

TEST_CASE("who is short of descriptors takes no container for ended", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const request = world.request(pod, {"sleep", "1000"});
    auto const key = world.start(request);
    int const lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(lowest);
    for (int more = 0; more < 8; ++more) {
        few_descriptors const while_we_look(lowest + more);
        auto const found = world.run(world.runtime().list());
        auto const stays = !found || (found->size() == 1 && found->front().containers.size() == 1 &&
                                      found->front().is_whole && found->front().containers[0].running);
        CHECK(stays);
        if (!found) CHECK(found.error().code == errc::exhausted);
    }
    {
        few_descriptors const none(STDERR_FILENO + 1);
        CHECK(world.failure(world.runtime().list()).code == errc::exhausted);
        CHECK(world.failure(world.runtime().wait_container(key)).code == errc::exhausted);
        CHECK(world.failure(world.runtime().stop_container(key)).code == errc::exhausted);
        CHECK(world.failure(world.runtime().start_container(request)).code == errc::exhausted);
    }
    auto const after = world.get(world.runtime().list());
    REQUIRE(after.size() == 1);
    REQUIRE(after[0].containers.size() == 1);
    CHECK(after[0].containers[0].running);
}

TEST_CASE("a machine with very many mounts is opened", "[e2e][runtime]") {
    temporary_directory directory;
    int status = -1;
    std::thread([&] {
        status = open_beside_many_mounts(directory.path(), short_tag(directory.path().string()));
    }).join();  // its mounts go with its namespace
    CHECK(status == 0);
}

TEST_CASE("the conmon of a container that is taken over leaves the agent's cgroup", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    world.start(world.request(pod, {"sleep", "1000"}));
    auto const monitor = read_text(world.root() / "run/pods" / pod.text() / "containers/main-0/conmon.pid");
    auto const group = [&] { return unified_group("/proc/" + monitor + "/cgroup"); };
    auto const moved = [&] { return group().find(world.tag()) != std::string::npos; };
    REQUIRE(comes_true(moved));
    // As if we had died before it was moved.
    std::ofstream(unified_root() + unified_group("/proc/self/cgroup") + "/cgroup.procs") << monitor;
    REQUIRE_FALSE(moved());
    auto other = world.open();
    world.get(other->list());
    world.close(std::move(other));  // waits for the moves
    CHECK(moved());
}

TEST_CASE("a disk that answers slowly holds up the start that asks it, and nobody else", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const request = world.request(pod, {"sleep", "1000"});
    world.start(request);
    auto const monitor = read_text(world.root() / "run/pods" / pod.text() / "containers/main-0/conmon.pid");
    auto const is_moved = [&] {
        return unified_group("/proc/" + monitor + "/cgroup").find(world.tag()) != std::string::npos;
    };
    REQUIRE(comes_true(is_moved));  // nobody else reads the record from here on
    auto const record = world.root() / "state/pods" / pod.text() / "containers/main-0/record.json";
    auto const aside = world.root() / "record.json";
    std::filesystem::rename(record, aside);
    REQUIRE(::mkfifo(record.c_str(), 0600) == 0);  // who reads it waits until somebody writes
    auto again = asio::co_spawn(world.executor(), world.runtime().start_container(request), asio::use_future);
    auto other = asio::co_spawn(world.executor(), world.time().sleep_for(1ms), asio::use_future);
    CHECK(other.wait_for(10s) == std::future_status::ready);
    std::ofstream answer(record);
    std::filesystem::rename(aside, record);
    answer << read_text(record) << std::flush;
    answer.close();
    CHECK(again.get().has_value());
    other.get();
}

TEST_CASE("starts that are cancelled leave no zombie", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    for (int round = 0; round < 40; ++round) {
        auto request = world.request(pod, {"sleep", "1000"}, "c" + std::to_string(round));
        world.run(start_and_leave(world, std::move(request), round * 250us));
    }
    CHECK(comes_true([] { return zombies() == 0; }));
    world.get(world.runtime().remove_sandbox(pod));
}

namespace {

/// A program that ends itself by SIGKILL where `when` holds, as often as the file `count` beside it says, and else is
/// `real`.
std::filesystem::path make_mortal(std::filesystem::path const& program, std::filesystem::path const& real,
                                  std::string const& when, int count) {
    auto const left = program.native() + ".count";
    std::ofstream(left) << count;
    std::ofstream(program) << "#!/bin/sh\nleft=$(cat " << left << ")\nif " << when
                           << " && [ $left -gt 0 ]; then echo $((left - 1)) >" << left << "; kill -9 $$; fi\nexec "
                           << real.native() << " \"$@\"\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return program;
}

}  // namespace

TEST_CASE("a container whose maker is killed is made again, three times in all", "[e2e][runtime]") {
    for (auto const* const which : {"runc", "conmon"}) {
        for (auto const kills : {2, 3}) {
            INFO(which << " " << kills);
            temporary_directory beside;
            auto const real = find_program(which);
            REQUIRE(real);
            auto const is_monitor = std::string(which) == "conmon";
            std::string const when = is_monitor ? "true" : "case \" $* \" in *\" create \"*) true;; *) false;; esac";
            auto const mortal = make_mortal(beside.path() / which, *real, when, kills);
            oci_world world([&](oci_options& of) { (is_monitor ? of.monitor_program : of.runtime_program) = mortal; });
            auto const pod = world.make_sandbox();
            auto request = world.request(pod, {"true"});
            auto const key = request.key;
            auto const started = world.run(world.runtime().start_container(std::move(request)));
            CHECK(started.has_value() == (kills == 2));
            if (started) CHECK(world.wait(key).code == 0);
            if (!started) {
                CHECK(started.error().code == errc::unavailable);
                CHECK(started.error().message.find("was ended") != std::string::npos);
                CHECK(started.error().message.find("try 3 of 3") != std::string::npos);
            }
            world.get(world.runtime().remove_all());
            CHECK(world.leftovers() == std::vector<std::string>{});
        }
    }
}

TEST_CASE("an exit code that makes no sense is unknown and no success", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const key = world.start(world.request(pod, {"true"}));
    CHECK(world.wait(key).code == 0);
    auto const files = world.root() / "state/pods" / pod.text() / "containers/main-0/exit";
    std::ofstream(files / (pod.text() + "-main-0")) << "";
    auto const ended = world.wait(key);
    CHECK(ended.code == 137);
    CHECK_FALSE(ended.code_known);
}

}  // namespace rik::testing
