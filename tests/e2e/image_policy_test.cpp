// When the registry of an image is asked. Needs root, skopeo, umoci and docker-registry.
#include "support/image_store_fixture.hpp"

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using fixture = image_store_fixture;

TEST_CASE("a floating tag is asked for at each start and survives a silent registry", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    rik::testing::test_registry registry(f.directory.path() / "registry");
    registry.push(rik::testing::make_busybox_layout(f.layout(), "1", what), "busybox:latest");
    auto const name = registry.address() + "/busybox";
    auto const timed = [&](char const* step) {
        auto const began = std::chrono::steady_clock::now();
        auto const digest = f.get(name)->digest;
        WARN(step << ": " << to_short_string(std::chrono::steady_clock::now() - began));
        return digest;
    };
    f.open({registry.address()});
    auto const first = timed("cold");
    what.files = {{"/hello", "second"}};
    registry.push(rik::testing::make_busybox_layout(f.layout(), "2", what), "busybox:latest");
    auto const second = timed("asked, moved");
    CHECK(second != first);
    CHECK(timed("asked, not moved") == second);
    CHECK(f.sink.pulls == 2);
    f.close();
    f.open({registry.address()});
    CHECK(timed("asked after a restart") == second);
    CHECK(f.sink.pulls == 2);
    registry.stop();
    CHECK(timed("away") == second);
    CHECK(f.get(name)->warning.find("may be old") != std::string::npos);
    CHECK(f.sink.warnings == 2);
    CHECK(f.ensure(name, image_pull_policy::if_not_present)->get()->warning.empty());
    auto const strict = f.ensure(name, image_pull_policy::always);
    REQUIRE(strict.has_error());
    CHECK(strict.error().code == errc::unavailable);
    CHECK(strict.error().remedy.find("IfNotPresent") != std::string::npos);
    {
        silent_registry const silent(registry.port());
        CHECK(timed("silent") == second);
        auto const began = std::chrono::steady_clock::now();
        CHECK(timed("silent, not asked again") == second);
        CHECK(std::chrono::steady_clock::now() - began < 4s);
    }
    registry.start();
    what.files = {{"/hello", "third"}};
    registry.push(rik::testing::make_busybox_layout(f.layout(), "3", what), "busybox:latest");
    f.time.pass(11s);
    CHECK(read(f.get(name)->tree / "hello") == "third");
}

TEST_CASE("a policy overrides what the tag says", "[e2e][images]") {
    fixture f;
    auto what = plain_image();
    rik::testing::test_registry registry(f.directory.path() / "registry");
    auto const name = registry.push(rik::testing::make_busybox_layout(f.layout(), "1", what), "busybox:dev");
    f.open({registry.address()});
    auto const never = f.ensure(name, image_pull_policy::never);
    REQUIRE(never.has_error());
    CHECK(never.error().code == errc::not_found);
    CHECK(never.error().message.find("Never") != std::string::npos);
    CHECK(never.error().remedy.find("rikctl images") != std::string::npos);
    auto const first = f.get(name)->digest;
    what.files = {{"/hello", "second"}};
    registry.push(rik::testing::make_busybox_layout(f.layout(), "2", what), "busybox:dev");
    CHECK(f.get(name)->digest == first);
    CHECK(f.ensure(name, image_pull_policy::never)->get()->digest == first);
    auto const second = f.ensure(name, image_pull_policy::always)->get()->digest;
    CHECK(second != first);
    CHECK(f.get(name)->digest == second);  // for all from now on
    CHECK(f.ensure(name, image_pull_policy::never)->get()->digest == second);
}

TEST_CASE("starts of one image at once ask its registry once", "[e2e][images]") {
    fixture f;
    rik::testing::test_registry registry(f.directory.path() / "registry");
    registry.push(rik::testing::make_busybox_layout(f.layout(), "1", plain_image()), "busybox:latest");
    auto const name = registry.address() + "/busybox";
    f.open({registry.address()});
    f.get(name);
    std::vector<std::optional<result<image_ptr>>> got(20);
    task_group callers(f.io.get_executor());
    auto const began = std::chrono::steady_clock::now();
    for (auto& each : got) callers.spawn(ensure_into(*f.store, name, each));
    rik::testing::run(f.io, callers.join());
    WARN("20 at once: " << to_short_string(std::chrono::steady_clock::now() - began));
    for (auto const& each : got) CHECK(each->value() == got[0]->value());  // of one look
}
