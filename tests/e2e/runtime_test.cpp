// Containers on this machine: real runc, conmon, overlay, cgroups.
#include <rik/runtime/oci/oci_runtime.hpp>

#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <chrono>

namespace rik::testing {

namespace {

using namespace std::chrono_literals;

std::string read_log(oci_world& world, container_key key, log_options options) {
    auto opened = world.run(world.runtime().open_log(std::move(key), options));
    if (!opened) return to_string(opened.error());
    std::string all;
    while (true) {
        auto const part = world.run((*opened)->read());
        if (!part) return to_string(part.error());
        if (part->empty()) return all;
        all += *part;
    }
}

}  // namespace

TEST_CASE("a container runs, is heard, ends and leaves nothing", "[e2e][runtime]") {
    oci_world world;
    auto const pod = world.make_sandbox("my-pod");
    auto request = world.request(pod, {"sh", "-c", "echo hello; hostname; exit 7"});
    auto const key = request.key;
    auto const started = world.run(world.runtime().start_container(std::move(request)));
    INFO((started ? std::string() : to_string(started.error())));
    REQUIRE(started);
    auto const ended = world.run(world.runtime().wait_container(key));
    REQUIRE(ended);
    CHECK(ended->code == 7);
    CHECK(ended->code_known);
    CHECK_FALSE(ended->out_of_memory);
    CHECK(read_log(world, key, {.follow = true}) == "hello\nmy-pod\n");
    CHECK(world.run(world.runtime().remove_sandbox(pod)));
    CHECK(world.run(world.runtime().list())->empty());
    CHECK(world.run(world.runtime().remove_all()));
    CHECK(world.leftovers() == std::vector<std::string>{});
}

}  // namespace rik::testing
