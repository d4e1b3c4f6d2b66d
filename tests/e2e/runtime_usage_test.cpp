// What instances use, as it is measured on this machine.
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <chrono>
#include <string>
#include <thread>

namespace rik::testing {

using namespace std::chrono_literals;

TEST_CASE("what an instance uses is measured", "[e2e][runtime][usage]") {
    oci_world world;
    auto const pod = world.new_instance();
    sandbox_request wanted{.instance = pod, .hostname = "pod", .addresses = {}};
    wanted.volumes = {{.name = "data", .source = empty_dir{}},
                      {.name = "fast", .source = empty_dir{.is_in_memory = true}}};
    world.get(world.runtime().create_sandbox(std::move(wanted)));
    auto request =
        world.request(pod, {"sh", "-c",
                            "head -c 3000000 /dev/zero > /mine; head -c 2000000 /dev/zero > /data/x; "
                            "head -c 1000000 /dev/zero > /fast/x; yes | head -c 500000; "
                            "i=0; while test $i -lt 100000; do i=$((i + 1)); done; echo; echo up; sleep 1000"});
    request.definition.mounts = {{"data", "/data"}, {"fast", "/fast"}};
    auto const key = world.start(std::move(request));
    auto const log = world.get(world.runtime().open_container_log(key, {.follow = true}));
    for (std::string all; !all.ends_with("up\n");) all = world.get(log->read());
    auto const all = world.get(world.runtime().measure_usage({pod, world.new_instance()}));
    REQUIRE(all.size() == 1);
    CHECK(all[0].instance == pod);
    REQUIRE(all[0].containers.size() == 1);
    auto const& main = all[0].containers[0];
    CHECK(main.name == "main");
    CHECK(main.cpu_time > 10ms);
    CHECK(main.cpu_time < 60s);
    CHECK(main.memory_bytes > 50'000);
    CHECK(main.memory_bytes < 20'000'000);
    CHECK(main.process_count == 1);
    CHECK(main.written_bytes > 3'400'000);
    CHECK(main.written_bytes < 25'000'000);
    REQUIRE(all[0].volumes.size() == 2);
    for (auto const& [name, least] : {std::pair<std::string, int>("data", 2'000'000), {"fast", 1'000'000}}) {
        auto const found = std::find_if(all[0].volumes.begin(), all[0].volumes.end(),
                                        [&](auto const& each) { return each.name == name; });
        REQUIRE(found != all[0].volumes.end());
        CHECK(found->bytes >= least);
        CHECK(found->bytes < least + 100'000);
    }
    CHECK(all[0].received_bytes == 0);  // no network yet
    world.get(world.runtime().kill_container(key));
    world.wait(key);
    auto const later = world.get(world.runtime().measure_usage({pod}));
    REQUIRE(later.size() == 1);
    CHECK(later[0].containers[0].process_count == 0);
    CHECK(later[0].containers[0].cpu_time >= main.cpu_time);
    world.get(world.runtime().remove_sandbox(pod));
    CHECK(world.get(world.runtime().measure_usage({pod})).empty());
}

TEST_CASE("what has come since the last look is measured, too", "[e2e][runtime][usage]") {
    oci_world world;
    auto const pod = world.make_sandbox();
    auto const look = [&] { return world.get(world.runtime().measure_usage({pod})).at(0).containers; };
    auto const names = [&] {
        std::string all;
        for (auto const& each : look()) all += each.name + ' ';
        return all;
    };
    auto const counts = [&] {
        std::string all;
        for (auto const& each : look()) all += each.name + ' ' + std::to_string(each.process_count) + '\n';
        return all;
    };
    // A container has started when its init may become the command: for some moments it still has the threads of the
    // OCI runtime. Those are counted, so a count is waited for; which containers there are is known at once.
    auto const comes_to = [&](std::string const& wanted) {
        for (int looked = 0; looked < 500 && counts() != wanted; ++looked) std::this_thread::sleep_for(20ms);
        CHECK(counts() == wanted);
    };
    CHECK(names().empty());
    auto const first = world.start(world.request(pod, {"sh", "-c", "sleep 1000 & sleep 1000"}));
    comes_to("main 2\n");
    std::this_thread::sleep_for(2100ms);  // so long what is in the directory may change without a new time of it
    CHECK(counts() == "main 2\n");
    CHECK(counts() == "main 2\n");
    world.start(world.request(pod, {"sleep", "1000"}, "side"));
    CHECK(names() == "main side ");
    comes_to("main 2\nside 1\n");
    world.get(world.runtime().kill_container(first));
    world.wait(first);
    comes_to("main 0\nside 1\n");
    auto again = world.request(pod, {"sleep", "1000"});
    again.key.attempt = 1;
    world.start(std::move(again));
    comes_to("main 1\nside 1\n");
    world.get(world.runtime().remove_container(first));
    CHECK(counts() == "main 1\nside 1\n");
}

}  // namespace rik::testing
