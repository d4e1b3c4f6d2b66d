// What a node says of its images, when it asks for them, and what may be done with them while instances use them.
#include "node_support.hpp"

#include <support/catch.hpp>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

std::string pod(std::string const& image, std::string const& policy = "") {
    auto const more = policy.empty() ? std::string() : R"(,"imagePullPolicy":")" + policy + "\"";
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":"Never","containers":[{"name":"main",)"
           R"("image":")" +
           image + "\"" + more + "}]}}";
}

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(11);
    node_site site(world);
    world.run(what(site));
}

std::string digest(char digit) { return "sha256:" + std::string(64, digit); }

std::string digest_in(instance_status const& of) { return of.containers.at(0).image_digest; }

/// The digest of an instance that is started now.
awaitable<std::string> run_and_look(node_site& site, std::string definition) {
    auto const id = co_await site.run(std::move(definition));
    co_await site.until_state(id, instance_state::running);
    co_return digest_in(site.status(id));
}

awaitable<result<std::vector<node_image>>> ask(node_site& site, image_call what) {
    auto const asked = co_await site.ask_for(std::move(what));
    auto const stream = co_await site.streams.expect(asked);
    if (!stream) co_return stream.error();
    std::string text;
    for (;;) {
        auto const piece = co_await (*stream)->read();
        if (!piece) co_return piece.error();
        if (piece->empty()) break;
        text += *piece;
    }
    co_return decode_node_images(text);
}

awaitable<> tags_move(node_site& site) {
    co_await site.start();
    auto& machine = site.machine_under;
    for (auto const* each : {"app", "app:1", "always:1", "kept"}) machine.push(each, digest('1'));
    std::string const floating = pod("app");
    std::string const fixed = pod("app:1");
    std::string const always = pod("always:1", "Always");
    std::string const kept = pod("docker.io/library/kept:latest", "IfNotPresent");
    for (auto const& each : {floating, fixed, always, kept}) {
        auto const before = co_await run_and_look(site, each);
        CHECK(before == digest('1'));
    }
    for (auto const* each : {"app", "app:1", "always:1", "kept"}) machine.push(each, digest('2'));
    auto const of_floating = co_await run_and_look(site, floating);
    auto const of_fixed = co_await run_and_look(site, fixed);
    auto const of_always = co_await run_and_look(site, always);
    auto const of_kept = co_await run_and_look(site, kept);
    CHECK(of_floating == digest('2'));
    CHECK(of_fixed == digest('1'));
    CHECK(of_always == digest('2'));
    CHECK(of_kept == digest('1'));
}

awaitable<> registry_is_away(node_site& site) {
    co_await site.start();
    auto const here = co_await run_and_look(site, pod("app"));
    sim::image_behaviour away;
    away.pull_error = error{errc::unavailable, "the registry does not answer"};
    site.machine_under.set_behaviour(away);
    auto const again = co_await site.run(pod("app"));
    co_await site.until_state(again, instance_state::running);
    CHECK(digest_in(site.status(again)) == here);
    CHECK(site.status(again).message.find("registry is away") != std::string::npos);
    auto const strict = co_await site.run(pod("app", "Always"));
    co_await site.until_state(strict, instance_state::failed);
    CHECK(site.status(strict).reason == "ImagePullFailed");
    auto const offline = co_await site.run(pod("app", "Never"));
    co_await site.until_state(offline, instance_state::running);
    auto const missing = co_await site.run(pod("other:1", "Never"));
    co_await site.until_state(missing, instance_state::failed);
    CHECK(site.status(missing).message.find("other:1") != std::string::npos);
}

/// Also over a crash of the agent.
awaitable<> digest_is_kept(node_site& site) {
    co_await site.start();
    site.machine_under.push("app:1", digest('7'));
    auto const id = co_await site.run(pod("app:1"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(1s);
    co_await site.crash();
    co_await site.start();
    co_await site.time().sleep_for(1s);
    CHECK(digest_in(site.status(id)) == digest('7'));
}

awaitable<> images_in_use(node_site& site) {
    co_await site.start();
    auto& machine = site.machine_under;
    machine.push("app:1", digest('1'));
    auto const id = co_await site.run(pod("app:1"));
    co_await site.until_state(id, instance_state::running);
    auto const listed = co_await ask(site, list_images());
    REQUIRE(listed.has_value());
    REQUIRE(listed->size() == 1);
    CHECK(listed->front().digest == digest('1'));
    CHECK(listed->front().names == std::vector<std::string>{"app:1"});
    CHECK(listed->front().runtime == "oci");
    CHECK(listed->front().used_by == std::vector<std::string>{"web"});
    for (auto const& each : {std::string("docker.io/library/app:1"), digest('1')}) {
        remove_image what{each};
        auto const refused = co_await ask(site, std::move(what));
        REQUIRE(refused.has_error());
        CHECK(refused.error().code == errc::conflict);
        CHECK(refused.error().message.find("web") != std::string::npos);
    }
    remove_image unknown{"no-such"};
    auto const missing = co_await ask(site, std::move(unknown));
    CHECK(missing.error().code == errc::not_found);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    remove_image what{"app:1"};
    auto const removed = co_await ask(site, std::move(what));
    CHECK(removed.has_value());
    auto const left = co_await ask(site, list_images());
    REQUIRE(left.has_value());
    CHECK(left->empty());
}

/// Its name counts as long as nobody knows which image it will be.
awaitable<> image_on_its_way(node_site& site) {
    co_await site.start();
    auto const first = co_await site.run(pod("app:1"));
    co_await site.until_state(first, instance_state::running);
    sim::image_behaviour slow;
    slow.pull_time = 1min;
    site.machine_under.set_behaviour("other:1", slow);
    load_images archive{"/x.tar", "other:1"};
    auto const loaded = co_await ask(site, std::move(archive));
    CHECK(loaded.has_value());
    remove_image before{"other:1"};
    auto const removed = co_await ask(site, std::move(before));
    CHECK(removed.has_value());
    auto const waiting = co_await site.run(pod("other:1"));
    co_await site.time().sleep_for(1s);
    load_images again{"/x.tar", "other:1"};
    auto const present = co_await ask(site, std::move(again));
    CHECK(present.has_value());
    remove_image what{"other:1"};
    auto const refused = co_await ask(site, std::move(what));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::conflict);
    co_await site.until_state(waiting, instance_state::running);
}

awaitable<> pulls_on_request(node_site& site) {
    co_await site.start();
    co_await site.time().sleep_for(1s);  // until it is connected
    site.machine_under.push("app:1", digest('1'));
    pull_image root_file_system{"/srv/a.ext4"};
    auto const unfit = co_await ask(site, std::move(root_file_system));
    CHECK(unfit.error().code == errc::unsupported);
    pull_image what{"app:1"};
    auto const first = co_await ask(site, what);
    REQUIRE(first.has_value());
    CHECK(first->at(0).digest == digest('1'));
    site.machine_under.push("app:1", digest('2'));
    auto const second = co_await ask(site, std::move(what));
    REQUIRE(second.has_value());
    CHECK(second->at(0).digest == digest('2'));
    auto const used = co_await run_and_look(site, pod("app:1", "Never"));
    CHECK(used == digest('2'));
}

}  // namespace

TEST_CASE("a start that begins after a push sees it, where the policy says so", "[sim][node]") { simulate(tags_move); }
TEST_CASE("without its registry an image serves by its tag or policy, or fails and says why", "[sim][node]") {
    simulate(registry_is_away);
}
TEST_CASE("which image runs is known after a crash, too", "[sim][node]") { simulate(digest_is_kept); }
TEST_CASE("an image that an instance uses is not removed", "[sim][node]") { simulate(images_in_use); }
TEST_CASE("an image that an instance waits for is not removed", "[sim][node]") { simulate(image_on_its_way); }
TEST_CASE("an image is pulled on request, also if it is here", "[sim][node]") { simulate(pulls_on_request); }
