// Many Pods at once; and how long each step takes, which is printed only when asked for: e2e_runtime "[.bench]".
#include "support/catch.hpp"
#include "support/oci_world.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <map>

namespace rik::testing {

namespace {

template <class T>
void must(result<T> const& got) {
    if (!got) throw std::runtime_error(to_string(got.error()));
}

awaitable<container_exit> live_and_die(oci_world& world) {
    auto const pod = world.new_instance();
    auto& runtime = world.runtime();
    sandbox_request wanted{.instance = pod, .hostname = "pod", .addresses = {}};
    must(co_await runtime.create_sandbox(std::move(wanted)));
    auto request = world.request(pod, {"sleep", "1000"});
    auto const key = request.key;
    must(co_await runtime.start_container(std::move(request)));
    must(co_await runtime.kill_container(key));
    auto const ended = co_await runtime.wait_container(key);
    must(ended);
    must(co_await runtime.remove_sandbox(pod));
    co_return *ended;
}

awaitable<container_exit> be_brief(oci_world& world) {
    auto const pod = world.new_instance();
    auto& runtime = world.runtime();
    sandbox_request wanted{.instance = pod, .hostname = "pod", .addresses = {}};
    must(co_await runtime.create_sandbox(std::move(wanted)));
    auto request = world.request(pod, {"true"});
    auto const key = request.key;
    must(co_await runtime.start_container(std::move(request)));
    auto const ended = co_await runtime.wait_container(key);
    must(ended);
    must(co_await runtime.remove_sandbox(pod));
    co_return *ended;
}

}  // namespace

TEST_CASE("programs that end at once have been started all the same", "[e2e][runtime]") {
    oci_world world;
    std::vector<std::future<container_exit>> ends;
    for (int count = 0; count < 40; ++count)
        ends.push_back(asio::co_spawn(world.executor(), be_brief(world), asio::use_future));
    for (auto& each : ends) {
        auto const ended = each.get();
        CHECK(ended.code == 0);
        CHECK(ended.code_known);
    }
}

TEST_CASE("fifty Pods at once start and go", "[e2e][runtime]") {
    oci_world world;
    std::vector<std::future<container_exit>> ends;
    for (int count = 0; count < 50; ++count) {
        ends.push_back(asio::co_spawn(world.executor(), live_and_die(world), asio::use_future));
    }
    for (auto& each : ends) CHECK(each.get().code == 137);
    CHECK(world.get(world.runtime().list()).empty());
    world.get(world.runtime().remove_all());
    CHECK(world.leftovers() == std::vector<std::string>{});
}

TEST_CASE("how long the steps take", "[.bench]") {
    oci_world world;
    auto const ms = [&](auto work) {
        auto const before = world.time().now();
        work();
        return std::chrono::duration<double, std::milli>(world.time().now() - before).count();
    };
    std::map<std::string, std::vector<double>> steps;
    for (int round = 0; round < 30; ++round) {
        instance_id pod;
        steps["1 create_sandbox"].push_back(ms([&] { pod = world.make_sandbox(); }));
        auto request = world.request(pod, {"sleep", "1000"});
        auto const key = request.key;
        steps["2 start_container"].push_back(ms([&] { world.start(std::move(request)); }));
        steps["3 kill and wait"].push_back(ms([&] {
            world.get(world.runtime().kill_container(key));
            world.wait(key);
        }));
        steps["4 remove_container"].push_back(ms([&] { world.get(world.runtime().remove_container(key)); }));
        steps["5 remove_sandbox"].push_back(ms([&] { world.get(world.runtime().remove_sandbox(pod)); }));
    }
    for (auto& [name, times] : steps) {
        std::ranges::sort(times);
        fmt::print("{:20} median {:6.2f} ms ({:.2f} - {:.2f})\n", name, times[times.size() / 2], times.front(),
                   times.back());
    }
}

}  // namespace rik::testing
