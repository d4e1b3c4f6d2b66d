// What a node says to its scheduler, what it logs, and how it stops, when something beside it is slow or broken.
#include "node_support.hpp"

#include <support/catch.hpp>

#include <algorithm>

using namespace rik;
using namespace std::chrono_literals;
using sim::node_site;

namespace {

constexpr char const* web = R"({"apiVersion":"v1","kind":"Pod","name":"web",
    "spec":{"containers":[{"name":"main","image":"main:1"}]}})";

void simulate(awaitable<> (*what)(node_site&)) {
    sim::world world(7);
    node_site site(world);
    world.run(what(site));
}

/// Counts the lines.
class counting_sink final : public log_sink {
public:
    void write(log_level, std::string_view message, std::span<log_field const>) override {
        ++counts_[std::string(message)];
    }
    std::size_t most() const {
        std::size_t found = 0;
        for (auto const& [message, count] : counts_) found = std::max(found, count);
        return found;
    }
    bool is_silent() const { return counts_.empty(); }

private:
    std::map<std::string, std::size_t> counts_;
};

/// Nobody answers.
class hanging_dialer final : public stream_dialer {
public:
    explicit hanging_dialer(rik::clock& time) : time_(time) {}
    awaitable<result<std::unique_ptr<byte_stream>>> dial(stream_id) override {
        struct presence {
            std::size_t& count;
            ~presence() { --count; }
        } const here{++count};
        most = std::max(most, count);
        co_await time_.sleep_for(24h);
        co_return error{errc::timed_out, "nobody answers"};
    }
    std::size_t count = 0;
    std::size_t most = 0;

private:
    rik::clock& time_;
};

/// The scheduler asks for all that the node has, and the disk does not take it.
awaitable<> inventory_waits(node_site& site) {
    co_await site.start();
    co_await site.time().sleep_for(1s);
    co_await site.stop();
    site.flush_time = 1h;
    co_await site.start();
    co_await site.time().sleep_for(1s);
    auto const id = co_await site.run(web);
    co_await site.time().sleep_for(1s);
    site.cut();
    co_await site.time().sleep_for(5s);
    auto const before = site.message_count();
    co_await site.time().sleep_for(1min);
    CHECK(site.message_count() >= before + 10);
    CHECK(site.status(id).seq == 0);  // nothing is said of it before it is on disk
    co_await site.time().sleep_for(5h);
    CHECK(site.status(id).state == instance_state::running);
}

awaitable<> floor_is_damaged(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.destroy(id);
    std::function<bool()> is_gone = [&] { return site.is_gone(id); };
    co_await site.until(is_gone);
    co_await site.stop();
    auto& row = site.contents->rows.at({"node", "floor"});
    auto const good = row.value;
    for (std::string const damaged : {"x", "", "12x", "-1", "99999999999999999999999"}) {
        row.value = damaged;
        auto const started = co_await site.try_start();
        REQUIRE_FALSE(started.has_value());
        CHECK(started.error().code == errc::corrupt);
        co_await site.stop();
    }
    row.value = good;
    co_await site.start();
}

awaitable<> dials_are_bounded(node_site& site) {
    hanging_dialer silent(site.time());
    site.dialer = &silent;
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    for (int i = 0; i < 1000; ++i) co_await site.ask_for_log(id, true);
    co_await site.time().sleep_for(1s);
    CHECK(silent.most >= limits::streams_per_node_max);
    CHECK(silent.most <= 2 * limits::streams_per_node_max);
    co_await site.time().sleep_for(1min);
    CHECK(silent.count == 0);  // whoever asked has given up long since
    co_await site.stop();
}

enum class trouble { network, orphan, removal, kill, wait };

awaitable<> logs_in_an_hour(node_site& site, trouble which, counting_sink& lines) {
    error const why{errc::internal, "out of order"};
    if (which == trouble::network) site.machine_under.set_network_error(why);
    co_await site.start();
    auto const id = co_await site.run(web);
    if (which != trouble::network) co_await site.until_state(id, instance_state::running);
    auto& faults = site.machine_under.faults;
    if (which == trouble::wait) {
        co_await site.stop();
        faults.wait_error = why;
        co_await site.start();
    }
    if (which == trouble::orphan) {
        co_await site.crash();
        site.contents->rows.clear();
        faults.removal_error = why;
        co_await site.start();
    }
    if (which == trouble::removal || which == trouble::kill) faults.removal_error = why;
    if (which == trouble::kill) faults.kill_error = why;
    if (which == trouble::removal || which == trouble::kill) co_await site.destroy(id);
    co_await site.time().sleep_for(1h);
    CHECK_FALSE(lines.is_silent());
    CHECK(lines.most() <= 3);
    site.machine_under.set_network_error(std::nullopt);
    faults = {};
    co_await site.time().sleep_for(10s);
    co_await site.stop();
}

awaitable<> stop_agent(node_site& site) { co_await site.agent().stop(); }

/// Whoever stops the agent is cancelled while it waits for the disk.
awaitable<> stop_is_cancelled(node_site& site) {
    co_await site.start();
    auto const id = co_await site.run(web);
    co_await site.until_state(id, instance_state::running);
    co_await site.stop();
    site.flush_time = 1s;
    co_await site.start();
    co_await site.destroy(id);
    co_await site.time().sleep_for(10ms);
    task_group callers(site.in().executor());
    callers.spawn(stop_agent(site));
    co_await site.time().sleep_for(10ms);
    co_await callers.stop();
    site.discard();  // asserts that nothing of it runs
}

}  // namespace

TEST_CASE("a node that is asked for all it has beats while its disk is slow", "[sim][node]") {
    simulate(inventory_waits);
}
TEST_CASE("an agent whose floor is damaged does not start", "[sim][node]") { simulate(floor_is_damaged); }
TEST_CASE("a node dials no more streams at once than it can serve or refuse", "[sim][node]") {
    simulate(dials_are_bounded);
}
TEST_CASE("what goes wrong for an hour is logged once", "[sim][node]") {
    for (auto const which : {trouble::network, trouble::orphan, trouble::removal, trouble::kill, trouble::wait}) {
        INFO(static_cast<int>(which));
        counting_sink lines;
        sim::world world(7);
        node_site site(world);
        site.out = rik::log(lines);
        world.run(logs_in_an_hour(site, which, lines));
    }
}
TEST_CASE("an agent stops to the end when its caller is cancelled", "[sim][node]") { simulate(stop_is_cancelled); }
