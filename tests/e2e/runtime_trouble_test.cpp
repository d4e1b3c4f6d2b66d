// What goes wrong around containers and must not harm them.
#include <rik/base/hash.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"
#include "support/run.hpp"

#include <filesystem>
#include <iostream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rik::testing {

namespace {

/// While it lives this process can open `count` more descriptors and no other.
class few_descriptors {
public:
    explicit few_descriptors(rlim_t count) {
        auto const lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        ::close(lowest);
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit const now{.rlim_cur = static_cast<rlim_t>(lowest) + count, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &now);
    }
    few_descriptors(few_descriptors const&) = delete;
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// In a mount namespace of its own: opens a runtime beside so many mounts that their list has 5 MB and more. 0 if that
/// succeeds; its standard error says why it does not.
int open_beside_many_mounts(std::filesystem::path const& root, std::string const& tag) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 2;
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

}  // namespace

TEST_CASE("who is short of descriptors takes no container for ended", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const request = world.request(pod, {"sleep", "1000"});
    auto const key = world.start(request);
    for (rlim_t count = 0; count < 8; ++count) {
        few_descriptors const while_we_look(count);
        auto const found = world.run(world.runtime().list());
        auto const stays = !found || (found->size() == 1 && found->front().containers.size() == 1 &&
                                      found->front().is_whole && found->front().containers[0].running);
        CHECK(stays);
        if (!found) CHECK(found.error().code == errc::exhausted);
    }
    {
        few_descriptors const none(0);
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
    auto const child = ::fork();  // the mounts go with its namespace
    if (child == 0) ::_exit(open_beside_many_mounts(directory.path(), short_tag(directory.path().string())));
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

}  // namespace rik::testing
