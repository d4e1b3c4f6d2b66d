// When the registry of an image is asked. Needs root, skopeo, umoci and docker-registry.
#include "contract/images_contract.hpp"
#include "support/image_store_fixture.hpp"

using namespace rik;
using namespace rik::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using fixture = image_store_fixture;

namespace {

class store_loop final : public rik::testing::event_loop {
public:
    explicit store_loop(fixture& of) : of_(of) {}
    rik::clock& time() override { return of_.time; }

private:
    void run_to_end(awaitable<> work) override { rik::testing::run(of_.io, std::move(work)); }

    fixture& of_;
};

class store_maker final : public rik::testing::images_maker {
public:
    store_maker() { reopen(); }
    rik::testing::event_loop& loop() override { return loop_; }
    images& tested() override { return *on_.store; }
    void reopen() override {
        on_.close();
        on_.open({registry_.address()});
    }
    std::string push(std::string const& repository, std::string const& tag) override {
        return registry_.push(make_image(on_.layout(), std::to_string(++image_count_)), repository + ":" + tag);
    }
    std::string name_of_nothing() override { return registry_.address() + "/nothing:1"; }
    void stop_registry() override { registry_.stop(); }
    std::string path_to_load() override {
        auto layout = (on_.directory.path() / "to-load").string();
        make_image(layout, "1");
        return layout;
    }

private:
    std::string make_image(std::string const& layout, std::string const& tag) {
        auto what = plain_image();
        what.files = {{"/hello", tag}};
        return rik::testing::make_busybox_layout(layout, tag, what);
    }

    fixture on_;
    store_loop loop_{on_};
    rik::testing::test_registry registry_{on_.directory.path() / "registry"};
    int image_count_ = 0;
};

}  // namespace

TEST_CASE("the store of OCI images has images", "[e2e][images][contract]") {
    store_maker machine;
    check_images(machine);
}

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

TEST_CASE("who may not pull an image is told what to do", "[e2e][images]") {
    fixture f;
    f.open({});
    auto const never = f.ensure("127.0.0.1:1/busybox:dev", image_pull_policy::never);
    REQUIRE(never.has_error());
    CHECK(never.error().code == errc::not_found);
    CHECK(never.error().message.find("Never") != std::string::npos);
    CHECK(never.error().remedy.find("rikctl images") != std::string::npos);
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
