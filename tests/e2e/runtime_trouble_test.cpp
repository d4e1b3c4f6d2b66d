// What goes wrong around containers and must not harm them.
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <optional>

#include <fcntl.h>
#include <sys/resource.h>
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

}  // namespace rik::testing
