// The real primary on threads: the test plays its scheduler and its nodes, and has its disk in its hands.
#pragma once

#include "catch.hpp"
#include "gated_journal.hpp"
#include "http_fixture.hpp"
#include "played_node.hpp"
#include "played_scheduler.hpp"

#include <rik/async/shield.hpp>
#include <rik/async/task_group.hpp>
#include <rik/primary/primary.hpp>

#include <boost/asio/strand.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rik::test {

/// Use it from the test's thread. Each verb returns when the primary shows what was said to it, and fails the test if
/// that does not happen.
class played_primary {
    // What `role` works with.
    asio::any_io_executor strand_;
    system_clock time_;
    seeded_entropy random_{1};
    testing::gated_journal disk_;
    testing::played_scheduler scheduler_;
    local_streams streams_;

public:
    explicit played_primary(threads& on)
        : strand_(asio::make_strand(on.io)),
          disk_(strand_, std::make_shared<memory_disk>()),
          scheduler_(strand_, [this](facts const& news) { hear(news); }),
          streams_(strand_),
          role(strand_, primary_ports{time_, random_, disk_, scheduler_, streams_}, primary_options()),
          on_(on),
          node_(strand_, streams_),
          tasks_(strand_) {
        auto const started = on_.run(on_strand(strand_, role.start()));
        REQUIRE(started.has_value());
        here([this] { tasks_.spawn(scheduler_.run()); });
        REQUIRE(eventually([this] { return is_ready(); }));
    }
    ~played_primary() {
        stop();
        on_.run(on_strand(strand_, tasks_.stop()));
    }

    /// Afterwards its operations answer that it stops.
    void stop() {
        if (std::exchange(is_stopped_, true)) return;
        here([this] { disk_.release(); });
        on_.run(on_strand(strand_, role.stop()));
    }

    // --- the scheduler

    void bind(instance_id id, node_id to) {
        tell({.proposals = {{id, to}}});
        REQUIRE(eventually([&] { return get(id)->is_bound(); }));
    }
    void leave_unplaced(instance_id id, std::string why) {
        tell({.unplaced = {{{id}, why}}});
        REQUIRE(eventually([&] { return get(id)->status().message == why; }));
    }
    /// Until it comes back the primary has none.
    void send_scheduler_away() {
        here([this] {
            scheduler_.is_away = true;
            scheduler_.session->close();
        });
        REQUIRE(eventually([this] { return !is_ready(); }));
    }
    void bring_scheduler_back() {
        here([this] { scheduler_.is_away = false; });
        REQUIRE(eventually([this] { return is_ready(); }));
    }

    // --- the nodes

    /// It takes Pods and Functions.
    node_id add_node(std::string name) {
        node_report hello{.node = node_id::generate(node_ids_), .facts = node_facts{.name = std::move(name)}};
        hello.facts->capacity.set(resource::cpu, 2000);
        hello.facts->capacity.set(resource::memory, std::int64_t(24) << 30);
        hello.facts->capacity.set(resource::pods, 1'000);
        hello.facts->runtimes = {"oci", "microvm"};
        tell({.nodes = {hello}});
        REQUIRE(eventually([&] { return find_node(hello.node).has_value(); }));
        return hello.node;
    }
    void lose_node(node_id id) {
        tell({.nodes = {{.node = id, .heard = false}}});
        REQUIRE(eventually([&] { return (*find_node(id))->state == node_state::unheard; }));
    }
    void find_node_again(node_id id) {
        tell({.nodes = {{.node = id}}});
        REQUIRE(eventually([&] { return (*find_node(id))->state == node_state::ready; }));
    }
    /// What its node has seen of a bound instance, one after the other.
    void report(instance_id id, std::vector<instance_status> seen) {
        auto const row = get(id);
        auto seq = row->status().seq;
        reports news;
        for (auto& each : seen) {
            each.seq = ++seq;
            news.states.push_back({id, row->binding()->fence, std::move(each)});
        }
        tell(std::move(news));
        REQUIRE(eventually([&] { return get(id)->status().seq == seq; }));
    }
    void report(instance_id id, instance_state state) { report(id, {instance_status{.state = state}}); }
    /// `count` changes of one instance, each with a message of 2 kB.
    void report_often(instance_id id, int count) {
        instance_status seen{.state = get(id)->state()};
        std::vector<instance_status> all;
        for (int i = 0; i < count; ++i) {
            seen.message.assign(2000, static_cast<char>('a' + i % 26));
            all.push_back(seen);
        }
        report(id, std::move(all));
    }
    /// Nothing is left of a bound instance that was deleted.
    void confirm_gone(instance_id id) {
        auto const binding = *get(id)->binding();
        tell({.gone = {{id, binding.fence, binding.node}}});
        REQUIRE(eventually([&] { return !on_.run(role.instances().get(caller(), id)); }));
    }
    /// A user deletes it, and its node obeys.
    void remove_instance(instance_id id) {
        REQUIRE(on_.run(role.instances().remove(caller(), id, any_revision)).has_value());
        if (on_.run(role.instances().get(caller(), id))) confirm_gone(id);
    }

    // --- what they are asked for

    void write_log(std::string const& text) {
        here([&] { node_.write_log(text); });
    }
    void end_log(std::optional<error> why = std::nullopt) {
        here([&] { node_.end_log(why); });
    }
    int count_open_logs() {
        return here([this] { return node_.open_logs_count; });
    }
    void hold_images(std::vector<node_image> held) {
        here([&] { node_.images = held; });
    }
    /// What every node says of usage; with `end` it breaks off after that.
    void hold_usage(std::vector<usage_row> held, std::optional<error> end = std::nullopt) {
        here([&] {
            node_.usage = held;
            node_.usage_end = end;
        });
    }
    std::vector<image_call> image_calls() {
        return here([this] { return node_.image_calls; });
    }

    // --- the disk

    void hold_disk() {
        here([this] { disk_.held = true; });
    }

    stored<instance> get(instance_id id) { return on_.run(role.instances().get(caller(), id)).value(); }

    primary role;

private:
    /// Calls it on the strand.
    template <class Function>
    std::invoke_result_t<Function> here(Function function) {
        return on_.run(offload(strand_, std::move(function)));
    }
    void tell(reports news) {
        auto const session = here([this] { return scheduler_.session; });
        REQUIRE(session);
        auto const sent = on_.run(on_strand(strand_, session->send(std::move(news))));
        REQUIRE(sent.has_value());
    }
    void hear(facts const& news) {
        for (auto const& each : news.streams) tasks_.spawn(node_.answer(each));
    }
    bool is_ready() { return on_.run(role.ready()).has_value(); }
    result<stored<node>> find_node(node_id id) { return on_.run(role.nodes().get(caller(), id)); }

    threads& on_;
    seeded_entropy node_ids_{2};
    testing::played_node node_;
    bool is_stopped_ = false;
    task_group tasks_;  // last member: the tasks use everything above
};

}  // namespace rik::test
