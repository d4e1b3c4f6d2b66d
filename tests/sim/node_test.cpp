// A node agent that dies at bad moments, on a machine that does not do what it is told.
#include "node_support.hpp"

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

std::string pod(std::string restart) {
    return R"({"apiVersion":"v1","kind":"Pod","name":"web","spec":{"restartPolicy":")" + restart +
           R"(","containers":[{"name":"main","image":"main:1"}]}})";
}

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

sim::image_behaviour ends_after(duration length, int code = 0) {
    sim::image_behaviour how;
    how.runs_for = length;
    how.exit_code = code;
    return how;
}

enum class agent_end { stopped, crashed };

/// The container ends; its agent does when half of what there is to remove is removed.
awaitable<> dies_while_it_cleans_up(node_site& site, std::string restart, agent_end how) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s, 3));
    auto const id = co_await site.run(pod(std::move(restart)));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.removal_time = 1s;
    co_await site.time().sleep_for(1500ms);
    if (how == agent_end::stopped)
        co_await site.stop();
    else
        co_await site.crash();
    CHECK(site.status(id).state == instance_state::running);  // it holds its room yet
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    co_await site.time().sleep_for(10s);
    CHECK(site.status(id).reason == "Error");
    CHECK(site.status(id).containers.at(0).exit_code == 3);
    CHECK(site.start_count(id) == 1);
    CHECK(site.machine_under.occupied().empty());
}

void clean_up(std::string restart, agent_end how) {
    sim::world world(7);
    node_site site(world);
    world.run(dies_while_it_cleans_up(site, std::move(restart), how));
}

awaitable<> stops_right_after_an_exit(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s));
    auto const id = co_await site.run(pod("OnFailure"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(3s);
    co_await site.stop();
    site.forget(id);
    co_await site.start();
    co_await site.time().sleep_for(3s);
    CHECK(site.status(id).state == instance_state::succeeded);
    CHECK(site.start_count(id) == 1);
}

/// Everything of the machine's runtime is gone, but it is the same boot.
awaitable<> containers_vanish(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    auto const removed = co_await site.machine_under.remove_sandbox(id);
    CHECK(removed.has_value());
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).reason == "ContainersLost");
}

awaitable<> reboots(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.machine_under.power_off();
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).reason == "NodeRebooted");
}

awaitable<> slow_disk_keeps_the_address(node_site& site) {
    site.flush_time = 200ms;
    co_await site.start();
    co_await site.time().sleep_for(1s);  // the order does not wait for another flush
    auto const id = co_await site.run(pod("Always"));
    std::function<bool()> runs = [&] { return !site.machine_under.running().empty(); };
    co_await site.until(runs);
    co_await site.crash();
    co_await site.start();
    co_await site.until_state(id, instance_state::running);
    CHECK(site.start_count(id) == 1);
    CHECK(site.status(id).addresses.size() == 1);
    CHECK(site.machine_under.attached().contains(id));
}

awaitable<> address_was_lost(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    class one_release final : public release_source {
    public:
        explicit one_release(release_ptr only) : only_(std::move(only)) {}
        release_ptr find_release(release_id const&) const override { return only_; }

    private:
        release_ptr only_;
    };
    auto& row = site.contents->rows.at({"instance", id.text()});
    auto const kept = std::find_if(site.contents->rows.begin(), site.contents->rows.end(),
                                   [](auto const& each) { return each.first.first == "release"; });
    auto decoded = decode_release(*kept->second.value);
    auto const read = decode_instance(*row.value, one_release(std::make_shared<release const>(std::move(*decoded))));
    auto fields = read->fields();
    fields.status.addresses.clear();
    row.value = encode(instance(std::move(fields)));
    co_await site.start();
    std::function<bool()> is_back = [&] {
        return site.machine_under.attached().contains(id) && site.status(id).addresses.size() == 1 &&
               site.status(id).ready;
    };
    co_await site.until(is_back);
    CHECK(site.start_count(id) == 1);
}

awaitable<> network_was_lost(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    auto const detached = co_await site.machine_under.detach(id);
    CHECK(detached.has_value());
    site.machine_under.faults.attach_error = error{errc::internal, "no more links"};
    co_await site.start();
    std::function<bool()> is_said = [&] { return site.status(id).reason == "NetworkLost"; };
    co_await site.until(is_said);
    CHECK_FALSE(site.status(id).ready);
    CHECK(site.status(id).message.find("no more links") != std::string::npos);
    site.machine_under.faults.attach_error.reset();
    std::function<bool()> is_back = [&] { return site.status(id).ready; };
    co_await site.until(is_back);
    CHECK(site.machine_under.attached().contains(id));
    CHECK(site.start_count(id) == 1);
}

awaitable<> somebody_cuts_it_off(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.cut_off(id);
    std::function<bool()> is_back = [&] { return site.machine_under.attached().contains(id); };
    co_await site.until(is_back);
    CHECK(site.status(id).ready);
    site.machine_under.faults.attach_error = error{errc::internal, "no more links"};
    site.machine_under.cut_off(id);
    std::function<bool()> is_said = [&] { return site.status(id).reason == "NetworkLost"; };
    co_await site.until(is_said);
    CHECK_FALSE(site.status(id).ready);
    site.machine_under.faults.attach_error.reset();
    std::function<bool()> is_ready = [&] { return site.status(id).ready; };
    co_await site.until(is_ready);
    CHECK(site.machine_under.attached().contains(id));
    CHECK(site.start_count(id) == 1);
}

awaitable<> whole_network_is_damaged(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    auto const other = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.until_state(other, instance_state::running);
    // not_found of a Pod would be for good; of the network it is not.
    site.machine_under.set_network_error(error{errc::not_found, "no such bridge"});
    site.machine_under.cut_off(id);
    std::function<bool()> is_said = [&] { return site.status(id).reason == "NetworkLost"; };
    std::function<bool()> is_back = [&] { return site.status(id).reason == "NetworkRepaired"; };
    co_await site.until(is_said);
    for (auto const is_new_agent : {false, true}) {
        if (is_new_agent) co_await site.stop();
        if (is_new_agent) co_await site.start();  // it cannot open the network
        co_await site.time().sleep_for(30s);
        CHECK(site.status(id).state == instance_state::running);
        CHECK_FALSE(site.status(id).ready);
        CHECK(site.status(id).message.find("no such bridge") != std::string::npos);
        CHECK(site.status(other).ready);  // which works on
    }
    site.machine_under.set_network_error(std::nullopt);
    co_await site.until(is_back);
    CHECK(site.status(id).ready);
    CHECK(site.machine_under.attached().contains(id));
    CHECK(site.start_count(id) == 1);
}

awaitable<> namespace_was_lost(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    auto const detached = co_await site.machine_under.detach(id);
    CHECK(detached.has_value());
    site.machine_under.faults.attach_error = error{errc::not_found, "no such namespace"};
    co_await site.start();
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).reason == "NetworkLost");
}

awaitable<> waiting_fails(node_site& site) {
    co_await site.start();
    site.machine_under.faults.wait_error = error{errc::internal, "too many open files"};
    auto const id = co_await site.run(pod("Never"));
    co_await site.until_state(id, instance_state::running);
    co_await site.time().sleep_for(30s);
    CHECK(site.status(id).state == instance_state::running);
    site.machine_under.faults.wait_error.reset();
    co_await site.time().sleep_for(30s);
    container_key const main{id, "main", 0};
    auto const killed = co_await site.machine_under.kill_container(main);
    CHECK(killed.has_value());
    co_await site.until_state(id, instance_state::failed);
    CHECK(site.status(id).containers.at(0).exit_code == 137);
}

awaitable<> readers_leave(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    for (int i = 0; i < 200; ++i) {
        auto const asked = co_await site.ask_for_log(id, true);
        auto stream = co_await site.streams.expect(asked);
        REQUIRE(stream.has_value());
        auto const text = co_await (*stream)->read();
        CHECK(text == std::string("hello\n"));
    }
    co_await site.time().sleep_for(1s);
    CHECK(site.machine_under.open_log_count() == 0);
}

awaitable<> too_many_readers(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    std::vector<std::unique_ptr<byte_stream>> open;
    std::optional<error> refused;
    for (int i = 0; i < 500 && !refused; ++i) {
        auto const asked = co_await site.ask_for_log(id, true);
        auto stream = co_await site.streams.expect(asked);
        REQUIRE(stream.has_value());
        auto const text = co_await (*stream)->read();
        if (!text) refused = text.error();
        open.push_back(std::move(*stream));
    }
    REQUIRE(refused.has_value());
    CHECK(refused->code == errc::exhausted);
    open.clear();
    co_await site.time().sleep_for(1s);
    auto const asked = co_await site.ask_for_log(id, false);
    auto stream = co_await site.streams.expect(asked);
    auto const text = co_await (*stream)->read();
    CHECK(text == std::string("hello\n"));
}

awaitable<> finished_keeps_its_logs(node_site& site) {
    co_await site.start();
    site.machine_under.set_behaviour(ends_after(1s));
    auto const id = co_await site.run(pod("Never"));
    co_await site.until_state(id, instance_state::succeeded);
    CHECK(site.machine_under.occupied().empty());
    CHECK(site.status(id).addresses.empty());
    co_await site.stop();
    co_await site.start();
    co_await site.time().sleep_for(1s);
    auto const asked = co_await site.ask_for_log(id, true);
    auto stream = co_await site.streams.expect(asked);
    auto const text = co_await (*stream)->read();
    CHECK(text == std::string("hello\n"));
    CHECK(site.status(id).state == instance_state::succeeded);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
}

awaitable<> disk_hangs(node_site& site) {
    co_await site.start();
    co_await site.time().sleep_for(1s);
    co_await site.stop();
    site.flush_time = 1h;
    co_await site.start();
    co_await site.time().sleep_for(1s);
    auto const id = co_await site.run(pod("Always"));
    co_await site.time().sleep_for(1s);
    auto const before = site.message_count();
    co_await site.time().sleep_for(1min);
    CHECK(site.message_count() >= before + 10);
    CHECK(site.start_count(id) == 0);
}

awaitable<> destroy_is_not_kept(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    site.fail_disk();
    co_await site.destroy(id);
    co_await site.time().sleep_for(1min);
    CHECK(site.machine_under.running().size() == 1);
    CHECK_FALSE(site.is_gone(id));
}

awaitable<> orphan_is_stubborn(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.contents->rows.clear();
    site.machine_under.faults.removal_error = error{errc::timed_out, "in use"};
    co_await site.start();
    auto const before = site.time().now();
    co_await site.time().sleep_for(10s);  // meanwhile it is ordered again
    CHECK(site.time().now() == before + 10s);
    CHECK(site.start_count(id) == 1);
    site.machine_under.faults.removal_error.reset();
    co_await site.until_state(id, instance_state::running);
    CHECK(site.start_count(id) == 2);
    CHECK(site.machine_under.running().size() == 1);
}

awaitable<> orphan_is_destroyed(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.crash();
    site.contents->rows.clear();
    site.machine_under.faults.removal_error = error{errc::timed_out, "in use"};
    co_await site.destroy(id);
    co_await site.start();
    co_await site.time().sleep_for(10s);
    CHECK_FALSE(site.is_gone(id));  // it runs
    site.machine_under.faults.removal_error.reset();
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    CHECK(site.machine_under.occupied().empty());
}

/// Half of it is left from before, and cannot be removed at once.
awaitable<> remains_are_removed_first(node_site& site) {
    co_await site.start();
    sim::image_behaviour slow;
    slow.start_time = 1s;
    site.machine_under.set_behaviour(slow);
    auto const id = co_await site.run(pod("Always"));
    co_await site.time().sleep_for(500ms);
    co_await site.stop();
    CHECK(site.machine_under.occupied().contains(id));
    site.machine_under.faults.removal_error = error{errc::timed_out, "in use"};
    co_await site.start();
    co_await site.time().sleep_for(10s);
    CHECK(site.start_count(id) == 0);
    site.machine_under.faults.removal_error.reset();
    co_await site.until_state(id, instance_state::running);
}

awaitable<> releases_go(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    auto const other = co_await site.run(pod("Always"));
    co_await site.until_state(other, instance_state::running);
    co_await site.stop();
    auto stray = site.contents->rows;
    for (auto& [place, entry] : stray) {
        auto copy = entry;
        copy.key = place.first == "release" ? release_id::generate(site.in().random()).text() : copy.key;
        if (place.first != "release") continue;
        auto decoded = decode_release(*copy.value);
        decoded->id = *release_id::parse(copy.key);
        copy.value = encode(*decoded);
        site.contents->rows[{"release", copy.key}] = copy;
    }
    auto const count = [&] {
        return std::count_if(site.contents->rows.begin(), site.contents->rows.end(),
                             [](auto const& each) { return each.first.first == "release" && each.second.value; });
    };
    CHECK(count() == 2);
    co_await site.start();
    co_await site.time().sleep_for(1s);
    CHECK(count() == 1);
    CHECK(site.start_count(other) == 1);
}

awaitable<> process_in_the_kernel(node_site& site) {
    co_await site.start();
    sim::image_behaviour stuck;
    stuck.stop_time = 24h;
    stuck.kill_time = 5min;
    site.machine_under.set_behaviour(stuck);
    auto const id = co_await site.run(pod("Always"));
    co_await site.until_state(id, instance_state::running);
    site.machine_under.faults.removal_error = error{errc::timed_out, "in use"};
    co_await site.destroy(id);
    std::function<bool()> is_said = [&] { return site.status(id).reason == "NotRemoved"; };
    co_await site.until(is_said);
    CHECK(site.status(id).message.find("main") != std::string::npos);
    CHECK(site.machine_under.attached().empty());
    site.machine_under.faults.removal_error.reset();
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone, 10min);
    CHECK(site.machine_under.occupied().empty());
}

}  // namespace

TEST_CASE("a Pod that has ended does not run again when its agent is stopped while it cleans up", "[sim][node]") {
    clean_up("Never", agent_end::stopped);
}
TEST_CASE("a Pod that has ended does not run again when its agent dies while it cleans up", "[sim][node]") {
    clean_up("Never", agent_end::crashed);
}
TEST_CASE("an agent that stops forgets no end", "[sim][node]") { simulate(stops_right_after_an_exit); }
TEST_CASE("containers that vanished are told from a reboot", "[sim][node]") {
    simulate(containers_vanish);
    simulate(reboots);
}
TEST_CASE("containers start when their Pod's address is on disk", "[sim][node]") {
    simulate(slow_disk_keeps_the_address);
}
TEST_CASE("a Pod that is taken over without an address gets one", "[sim][node]") { simulate(address_was_lost); }
TEST_CASE("a Pod that somebody takes off the network is put back, or says that it is off", "[sim][node]") {
    simulate(somebody_cuts_it_off);
}
TEST_CASE("a Pod that lost its network says so, and gets it back", "[sim][node]") { simulate(network_was_lost); }
TEST_CASE("a Pod that is cut off with the whole network is not ready until it is repaired", "[sim][node]") {
    simulate(whole_network_is_damaged);
}
TEST_CASE("a Pod whose network namespace is gone fails", "[sim][node]") { simulate(namespace_was_lost); }
TEST_CASE("a container that cannot be watched for a while runs on", "[sim][node]") { simulate(waiting_fails); }
TEST_CASE("a log that nobody reads any more is closed, though its container is quiet", "[sim][node]") {
    simulate(readers_leave);
}
TEST_CASE("a node refuses more log readers than it can serve", "[sim][node]") { simulate(too_many_readers); }
TEST_CASE("nothing but the logs is kept of a Pod that has ended", "[sim][node]") { simulate(finished_keeps_its_logs); }
TEST_CASE("a node with a slow disk is heard", "[sim][node]") { simulate(disk_hangs); }
TEST_CASE("nothing is stopped before the order to destroy it is on disk", "[sim][node]") {
    simulate(destroy_is_not_kept);
}
TEST_CASE("what belongs to nobody is removed beside the agent's work, as often as it takes", "[sim][node]") {
    simulate(orphan_is_stubborn);
    simulate(orphan_is_destroyed);
}
TEST_CASE("no container starts over the remains of an earlier one", "[sim][node]") {
    simulate(remains_are_removed_first);
}
TEST_CASE("releases that no instance uses go from the disk", "[sim][node]") { simulate(releases_go); }
TEST_CASE("a process that cannot be killed is said, and its Pod removed when it ends", "[sim][node]") {
    simulate(process_in_the_kernel);
}
