#include "contract/images_contract.hpp"

#include "support/catch.hpp"

#include <rik/model/image_name.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace rik::testing {

namespace {

constexpr auto always = image_pull_policy::always;
constexpr auto if_not_present = image_pull_policy::if_not_present;
constexpr auto never = image_pull_policy::never;

class fixture {
public:
    explicit fixture(images_maker& machine) : machine_(machine) {}

    images_maker& machine() { return machine_; }

    image_ptr ensure(std::string const& name, std::optional<image_pull_policy> policy = std::nullopt) {
        auto const got = machine_.loop().run(machine_.tested().ensure(name, policy));
        if (!got) FAIL(got.error());
        CHECK(meaning_of((*got)->name) == meaning_of(name));
        CHECK((*got)->digest.starts_with("sha256:"));
        return *got;
    }
    std::string digest(std::string const& name, std::optional<image_pull_policy> policy = std::nullopt) {
        auto const got = ensure(name, policy);
        CHECK(got->warning.empty());
        return got->digest;
    }
    errc failure(std::string const& name, std::optional<image_pull_policy> policy = std::nullopt) {
        return code_of(machine_.loop().run(machine_.tested().ensure(name, policy)));
    }
    std::vector<node_image> list() { return get(machine_.tested().list_all_images()); }
    std::vector<node_image> load(load_images what) { return get(machine_.tested().load(std::move(what))); }
    errc load_failure(load_images what) {
        return code_of(machine_.loop().run(machine_.tested().load(std::move(what))));
    }
    void remove(image_removal what) { get(machine_.tested().remove(std::move(what))); }
    errc remove_failure(image_removal what) {
        return code_of(machine_.loop().run(machine_.tested().remove(std::move(what))));
    }

private:
    static std::string meaning_of(std::string const& name) { return short_name(parse_image_name(name).value()); }
    template <class T>
    static errc code_of(result<T> const& got) {
        REQUIRE_FALSE(got.has_value());
        INFO(got.error());
        return got.error().code;
    }
    template <class T>
    T get(awaitable<result<T>> work) {
        auto got = machine_.loop().run(std::move(work));
        if (!got) FAIL(got.error());
        if constexpr (!std::is_void_v<T>) return std::move(*got);
    }

    images_maker& machine_;
};

void policy_decides(fixture& on) {
    auto const name = on.machine().push("app", "1");
    CHECK(on.failure(name, never) == errc::not_found);
    auto const first = on.digest(name, if_not_present);
    CHECK(on.digest(name, never) == first);
    CHECK(on.machine().push("app", "1") == name);
    CHECK(on.digest(name, if_not_present) == first);
    CHECK(on.digest(name, never) == first);
    auto const second = on.digest(name, always);
    CHECK(second != first);
    CHECK(on.digest(name, if_not_present) == second);  // for all from now on
    CHECK(on.digest(name, always) == second);
}

void tag_decides(fixture& on) {
    auto const fixed = on.machine().push("app", "1");
    auto const latest = on.machine().push("app", "latest");
    auto const untagged = latest.substr(0, latest.rfind(':'));
    auto const of_fixed = on.digest(fixed);
    auto const of_latest = on.digest(latest);
    CHECK(of_fixed != of_latest);
    CHECK(on.digest(untagged) == of_latest);
    on.machine().push("app", "1");
    on.machine().push("app", "latest");
    CHECK(on.digest(fixed) == of_fixed);
    auto const moved = on.digest(untagged);
    CHECK(moved != of_latest);
    CHECK(on.digest(latest) == moved);
}

void serves_without_its_registry(fixture& on) {
    auto const fixed = on.machine().push("app", "1");
    auto const latest = on.machine().push("app", "latest");
    auto const unknown = on.machine().name_of_nothing();
    auto const of_fixed = on.digest(fixed);
    auto const of_latest = on.digest(latest);
    on.machine().stop_registry();
    SECTION("from what is here") {}
    SECTION("also after a start of the program") { on.machine().reopen(); }
    CHECK(on.digest(fixed) == of_fixed);
    auto const older = on.ensure(latest);
    CHECK(older->digest == of_latest);
    CHECK_FALSE(older->warning.empty());
    CHECK(on.digest(latest, if_not_present) == of_latest);
    CHECK(on.failure(latest, always) == errc::unavailable);
    CHECK(on.failure(fixed, always) == errc::unavailable);
    CHECK(on.failure(unknown) == errc::unavailable);
    CHECK(on.failure(unknown, never) == errc::not_found);
}

void says_what_is_wrong(fixture& on) {
    CHECK(on.failure("No Name") == errc::invalid);
    CHECK(on.failure("") == errc::invalid);
    CHECK(on.failure(on.machine().name_of_nothing()) == errc::not_found);
    CHECK(on.failure(on.machine().name_of_nothing(), always) == errc::not_found);
    CHECK(on.list().empty());
}

void lists_what_is_here(fixture& on) {
    CHECK(on.list().empty());
    std::vector<std::string> digests;
    for (auto const* tag : {"b", "c", "a"}) digests.push_back(on.digest(on.machine().push("app", tag)));
    auto const all = on.list();
    REQUIRE(all.size() == 3);
    for (auto const& each : all) {
        REQUIRE(each.names.size() == 1);
        CHECK(each.used_by.empty());
    }
    CHECK(std::is_sorted(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.names < b.names; }));
    CHECK(all[0].digest == digests[2]);
    CHECK(all[2].digest == digests[1]);
}

void loads_as_if_pulled(fixture& on) {
    auto const path = on.machine().path_to_load();
    auto const loaded = on.load({path, "team/app:2"});
    REQUIRE(loaded.size() == 1);
    CHECK(loaded[0].names == std::vector<std::string>{"team/app:2"});
    CHECK(on.digest("team/app:2", never) == loaded[0].digest);
    CHECK(on.digest("docker.io/team/app:2", if_not_present) == loaded[0].digest);
    auto const again = on.load({path, "other:1"});
    REQUIRE(again.size() == 1);
    CHECK(again[0].names == std::vector<std::string>{"other:1", "team/app:2"});
    CHECK(on.list().size() == 1);
    CHECK(on.load_failure({"not/absolute.tar", "x:1"}) == errc::invalid);
    CHECK(on.load_failure({path, "No Name"}) == errc::invalid);
    CHECK(on.load_failure({path}) == errc::unsupported);
    CHECK(on.list().size() == 1);
}

void removes(fixture& on) {
    auto const path = on.machine().path_to_load();
    auto const digest = on.load({path, "a:1"}).at(0).digest;
    on.load({path, "b:1"});
    SECTION("a name, and the image with its last one") {
        on.remove({.digest = digest, .only_name = "docker.io/library/a:1"});
        CHECK(on.failure("a:1", never) == errc::not_found);
        CHECK(on.digest("b:1", never) == digest);
        REQUIRE(on.list().size() == 1);
        CHECK(on.list()[0].names == std::vector<std::string>{"b:1"});
        on.remove({.digest = digest, .only_name = "b:1"});
    }
    SECTION("an image with all its names") { on.remove({.digest = digest}); }
    CHECK(on.failure("a:1", never) == errc::not_found);
    CHECK(on.failure("b:1", never) == errc::not_found);
    CHECK(on.list().empty());
    CHECK(on.remove_failure({.digest = digest}) == errc::not_found);
    CHECK(on.load({path, "a:1"}).at(0).digest == digest);
    CHECK(on.digest("a:1", never) == digest);
}

}  // namespace

void check_images(images_maker& machine) {
    fixture on(machine);
    SECTION("the policy says when the registry is asked") { policy_decides(on); }
    SECTION("without a policy the tag does") { tag_decides(on); }
    SECTION("without the registry what is here serves, or an error says so") { serves_without_its_registry(on); }
    SECTION("what is no image is told") { says_what_is_wrong(on); }
    SECTION("all images are listed in the order of their names") { lists_what_is_here(on); }
    SECTION("what is loaded is there as if it had been pulled") { loads_as_if_pulled(on); }
    SECTION("what is removed is not there any more") { removes(on); }
}

}  // namespace rik::testing
