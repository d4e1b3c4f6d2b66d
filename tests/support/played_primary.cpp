#include "support/played_primary.hpp"

#include "support/catch.hpp"

#include <rik/async/shield.hpp>

#include <boost/asio/strand.hpp>

#include <memory>
#include <utility>

namespace rik::test {

template <class Function>
std::invoke_result_t<Function> played_primary::here(Function function) {
    return on_.run(offload(strand_, std::move(function)));
}

played_primary::played_primary(threads& on)
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

played_primary::~played_primary() {
    stop();
    on_.run(on_strand(strand_, tasks_.stop()));
}

void played_primary::stop() {
    if (std::exchange(is_stopped_, true)) return;
    here([this] { disk_.release(); });
    on_.run(on_strand(strand_, role.stop()));
}

void played_primary::bind(instance_id id, node_id to) {
    tell({.proposals = {{id, to}}});
    REQUIRE(eventually([&] { return get(id)->is_bound(); }));
}

void played_primary::leave_unplaced(instance_id id, std::string why) {
    tell({.unplaced = {{{id}, why}}});
    REQUIRE(eventually([&] { return get(id)->status().message == why; }));
}

void played_primary::send_scheduler_away() {
    here([this] {
        scheduler_.is_away = true;
        scheduler_.session->close();
    });
    REQUIRE(eventually([this] { return !is_ready(); }));
}

void played_primary::bring_scheduler_back() {
    here([this] { scheduler_.is_away = false; });
    REQUIRE(eventually([this] { return is_ready(); }));
}

node_id played_primary::add_node(std::string name) {
    node_report hello{.node = node_id::generate(node_ids_), .facts = node_facts{.name = std::move(name)}};
    hello.facts->capacity.set(resource::cpu, 2000);
    hello.facts->capacity.set(resource::memory, std::int64_t(24) << 30);
    hello.facts->capacity.set(resource::pods, 1'000);
    hello.facts->runtimes = {"oci", "microvm"};
    tell({.nodes = {hello}});
    REQUIRE(eventually([&] { return find_node(hello.node).has_value(); }));
    return hello.node;
}

void played_primary::lose_node(node_id id) {
    tell({.nodes = {{.node = id, .heard = false}}});
    REQUIRE(eventually([&] { return (*find_node(id))->state == node_state::unheard; }));
}

void played_primary::find_node_again(node_id id) {
    tell({.nodes = {{.node = id}}});
    REQUIRE(eventually([&] { return (*find_node(id))->state == node_state::ready; }));
}

void played_primary::report(instance_id id, std::vector<instance_status> seen) {
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

void played_primary::report(instance_id id, instance_state state) { report(id, {instance_status{.state = state}}); }

void played_primary::report_often(instance_id id, int count) {
    instance_status seen{.state = get(id)->state()};
    std::vector<instance_status> all;
    for (int i = 0; i < count; ++i) {
        seen.message.assign(2000, static_cast<char>('a' + i % 26));
        all.push_back(seen);
    }
    report(id, std::move(all));
}

void played_primary::confirm_gone(instance_id id) {
    auto const binding = *get(id)->binding();
    tell({.gone = {{id, binding.fence, binding.node}}});
    REQUIRE(eventually([&] { return !on_.run(role.instances().get(caller(), id)); }));
}

void played_primary::remove_instance(instance_id id) {
    REQUIRE(on_.run(role.instances().remove(caller(), id, any_revision)).has_value());
    if (on_.run(role.instances().get(caller(), id))) confirm_gone(id);
}

void played_primary::write_log(std::string const& text) {
    here([&] { node_.write_log(text); });
}

void played_primary::end_log(std::optional<error> why) {
    here([&] { node_.end_log(why); });
}

int played_primary::count_open_logs() {
    return here([this] { return node_.open_logs_count; });
}

void played_primary::hold_images(std::vector<node_image> held) {
    here([&] { node_.images = held; });
}

void played_primary::hold_usage(std::vector<usage_row> held, std::optional<error> end) {
    here([&] {
        node_.usage = held;
        node_.usage_end = end;
    });
}

std::vector<image_call> played_primary::image_calls() {
    return here([this] { return node_.image_calls; });
}

void played_primary::hold_disk() {
    here([this] { disk_.held = true; });
}

stored<instance> played_primary::get(instance_id id) { return on_.run(role.instances().get(caller(), id)).value(); }

void played_primary::tell(reports news) {
    auto const session = here([this] { return scheduler_.session; });
    REQUIRE(session);
    auto const sent = on_.run(on_strand(strand_, session->send(std::move(news))));
    REQUIRE(sent.has_value());
}

void played_primary::hear(facts const& news) {
    for (auto const& each : news.streams) tasks_.spawn(node_.answer(each));
}

bool played_primary::is_ready() { return on_.run(role.ready()).has_value(); }

result<stored<node>> played_primary::find_node(node_id id) { return on_.run(role.nodes().get(caller(), id)); }

}  // namespace rik::test
