// The node's link to the scheduler: says what it holds, obeys orders, dials streams.
#include "impl_detail.hpp"

#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

awaitable<> node_agent::impl::connect() {
    auto pause = limits::reconnect_pause_min;
    bool is_loss_said = false;  // a scheduler that refuses this node ends each session before it has said anything
    for (;;) {
        auto link = co_await ports_.scheduler.connect();
        if (link) {
            auto const current = std::make_shared<connection>();
            current->link = std::move(*link);
            connection_ = current;
            inventory_is_due_ = false;  // it was an older session that asked
            hello greeting{.node = id_, .cluster = cluster_, .floor = floor_, .facts = facts_};
            greeting.facts.pod_subnet = pod_subnet_;
            troubles_are_due_ = false;
            from_node first = std::move(greeting);
            auto const said = co_await current->link->send(std::move(first));
            if (said) {
                tasks_.spawn(send_held(current));
                for (;;) {
                    auto heard = co_await current->link->receive();
                    if (!heard) break;
                    pause = limits::reconnect_pause_min;
                    is_loss_said = false;
                    obey(std::move(*heard));
                }
            }
            current->is_closed = true;
            current->link->close();
            due_.notify();
            connection_.reset();
            if (!std::exchange(is_loss_said, true)) options_.out.warning("lost the scheduler; instances run on");
        }
        co_await ports_.time.sleep_for(pause);
        pause = std::min(pause * 2, limits::reconnect_pause_max);
    }
}

awaitable<> node_agent::impl::beat() {
    for (;;) {
        co_await ports_.time.sleep_for(limits::heartbeat_period);
        beat_is_due_ = true;
        due_.notify();
    }
}

awaitable<> node_agent::impl::announce_flushes() {
    while (!disk_.has_failed()) {
        co_await disk_.next_flush();
        due_.notify();
    }
}

held node_agent::impl::list_held() {
    held all{.inventory = true};
    for (auto const& [id, each] : instances_) {
        each->is_dirty = false;
        all.states.push_back({id, each->fields.binding->fence, each->fields.status});
    }
    for (auto const& [id, fence] : gone_) all.gone.push_back({id, fence});
    return all;
}

held node_agent::impl::list_news() {
    held news;
    for (auto const& [id, each] : instances_) {
        if (!each->is_dirty || !disk_.is_durable(each->kept_at)) continue;
        each->is_dirty = false;
        news.states.push_back({id, each->fields.binding->fence, each->fields.status});
    }
    if (disk_.is_durable(floor_kept_at_))
        for (auto const& [id, fence] : gone_) news.gone.push_back({id, fence});
    return news;
}

/// What is due goes out in one message: the newest state of each instance, and who is gone. A state is on disk before
/// it is said, so that its seq never goes back; one that is not yet waits for the flush, and holds up nothing else. An
/// inventory is as of when it was asked for, so that it is on disk some day: until then only heartbeats are sent.
awaitable<> node_agent::impl::send_held(std::shared_ptr<connection> to) {
    std::optional<held> inventory;
    revision inventory_kept_at = 0;
    for (;;) {
        co_await due_.wait();
        if (to->is_closed) co_return;
        if (std::exchange(inventory_is_due_, false)) {
            inventory = list_held();
            inventory_kept_at = disk_.last();
        }
        held news;
        if (!inventory)
            news = list_news();
        else if (disk_.is_durable(inventory_kept_at))
            news = *std::exchange(inventory, std::nullopt);
        if (std::exchange(troubles_are_due_, false)) news.troubles = facts_.troubles;
        auto const is_beat = std::exchange(beat_is_due_, false);
        if (!news.inventory && !news.troubles && !is_beat && news.states.empty() && news.gone.empty()) continue;
        auto const said_gone = news.gone;
        from_node message = std::move(news);
        auto const sent = co_await to->link->send(std::move(message));
        if (!sent) co_return;
        for (auto const& each : said_gone) gone_.erase(each.instance);
    }
}

void node_agent::impl::obey(orders said) {
    join_cluster(said);
    for (auto const& each : said.due) {
        if (each.run)
            obey_run(each);
        else
            obey_destroy(each, said.at);
    }
    if (said.send_inventory) {
        inventory_is_due_ = true;
        due_.notify();
    }
    for (auto& each : said.streams) answer(std::move(each));
}

void node_agent::impl::join_cluster(orders const& said) {
    if (said.cluster && *said.cluster != cluster_) {
        cluster_ = *said.cluster;
        disk_.put("node", "cluster", cluster_.text());
    }
    if (said.pod_subnet.empty() || said.pod_subnet == pod_subnet_) return;
    if (!pod_subnet_.empty())
        return options_.out.error("the cluster names another Pod subnet than this node has; it is kept",
                                  {{"subnet", pod_subnet_}, {"named", said.pod_subnet}});
    auto const set = set_network(said.pod_subnet, said.cluster_cidr);
    if (!set) return options_.out.error("the Pod subnet cannot be used", {{"error", to_string(set.error())}});
    disk_.put("node", "network", fmt::format("{} {}", said.pod_subnet, said.cluster_cidr));
}

void node_agent::impl::obey_run(order const& what) {
    if (instances_.contains(what.instance) || what.made_from == nullptr) return;
    auto& shared = releases_[what.made_from->id];
    if (shared == nullptr) {
        shared = what.made_from;
        disk_.put("release", shared->id.text(), encode(*shared));
    }
    instance_fields fields{.id = what.instance, .name = what.name};
    fields.owner = shared->workload;
    fields.made_from = shared;
    fields.created_at = ports_.time.wall();
    fields.binding = node_binding{.node = id_, .fence = what.fence};
    auto const mine = std::make_shared<node_instance>(strand_, std::move(fields));
    instances_[what.instance] = mine;
    keep(*mine);
    tasks_.spawn(supervise(mine));
}

void node_agent::impl::obey_destroy(order const& what, revision at) {
    if (at > floor_) {
        floor_ = at;
        disk_.put("node", "floor", fmt::format("{}", floor_));
        floor_kept_at_ = disk_.last();
    }
    auto const found = instances_.find(what.instance);
    auto const orphan = orphans_.find(what.instance);
    if (found == instances_.end() && orphan != orphans_.end()) {
        orphan->second = what.fence;  // it is said when it is true
        return;
    }
    if (found == instances_.end()) {
        gone_[what.instance] = what.fence;
        return due_.notify();
    }
    auto& binding = *found->second->fields.binding;
    if (std::exchange(binding.condemned, true)) return;
    keep(*found->second);
    found->second->changed.notify();
}

}  // namespace rik
