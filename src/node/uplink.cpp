// The node's link to the scheduler: says what it holds, obeys orders, dials streams.
#include "impl_detail.hpp"

#include <rik/async/backoff.hpp>
#include <rik/async/deadline.hpp>
#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rik {

awaitable<> node_agent::impl::connect() {
    backoff pauses(limits::reconnect_pause_min, limits::reconnect_pause_max);
    bool is_loss_said = false;  // a scheduler that refuses this node ends each session before it has said anything else
    for (;;) {
        auto link = co_await ports_.scheduler.connect();
        if (link) {
            auto const current = std::make_shared<connection>();
            current->link = std::move(*link);
            current->began_at = ports_.time.now();
            connection_ = current;
            inventory_is_due_ = false;  // it was an older session that asked
            troubles_are_due_ = false;
            load_is_due_ = load_.has_value();
            from_node first = greet();
            auto const said = co_await current->link->send(std::move(first));
            if (said) {
                tasks_.spawn(send_held(current));
                co_await hear(current);
            }
            current->is_closed = true;
            current->link->close();
            due_.notify();
            connection_.reset();
            auto const has_lasted = ports_.time.now() - current->began_at >= session_lasting;
            if (current->is_accepted && has_lasted) pauses.reset();
            if (current->is_accepted) is_loss_said = false;
            if (!std::exchange(is_loss_said, true)) options_.out.warning("lost the scheduler; instances run on");
        }
        tell_of_connecting(link ? std::string() : link.error().message);
        co_await ports_.time.sleep_for(pauses.next(ports_.random));
    }
}

/// One that is not there is told once, until there is another reason.
void node_agent::impl::tell_of_connecting(std::string problem) {
    if (!problem.empty() && problem != last_connect_error_)
        options_.out.warning("the scheduler cannot be reached; it is tried again", {{"why", problem}});
    last_connect_error_ = std::move(problem);
}

hello node_agent::impl::greet() {
    hello greeting{.node = id_, .cluster = cluster_, .floor = floor_, .facts = facts_};
    greeting.facts.pod_subnet = pod_subnet_;
    greeting.features = {std::string(link_feature::digests)};
    greeting.digest = digest_;
    return greeting;
}

awaitable<> node_agent::impl::hear(std::shared_ptr<connection> from) {
    for (;;) {
        auto heard = co_await from->link->receive();
        if (!heard || !may_obey(*heard)) co_return;
        if (!std::exchange(from->is_accepted, true)) options_.out.info("connected to the scheduler");
        obey(std::move(*heard));
    }
}

/// A scheduler that is behind what this node has obeyed may order what was taken back since.
bool node_agent::impl::may_obey(orders const& said) {
    auto why = said.refusal;
    if (why.empty() && said.cluster && !cluster_.is_nil() && *said.cluster != cluster_)
        why = fmt::format("the scheduler serves cluster {}, and this node belongs to {}", said.cluster->text(),
                          cluster_.text());
    if (why.empty() && said.at < floor_)
        why = fmt::format("the scheduler is behind: it knows revision {}, and this node has obeyed revision {}",
                          said.at, floor_);
    if (!why.empty() && why != last_refusal_) options_.out.error("no orders are taken", {{"why", why}});
    last_refusal_ = std::move(why);
    return last_refusal_.empty();
}

awaitable<> node_agent::impl::beat() {
    for (auto last = ports_.time.now();;) {
        auto changing = change_of(beat_changed_);
        auto const changed = co_await with_deadline(ports_.time, last + beat_period_, std::move(changing));
        if (changed && ports_.time.now() < last + beat_period_) continue;
        last = ports_.time.now();
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

void node_agent::impl::count(node_instance& mine) {
    uncount(mine);
    mine.told = mine.state_now();
    digest_.add(mine.id(), *mine.told);
}

/// Its last word stays counted, as that of a condemned instance.
void node_agent::impl::count_condemned(node_instance& mine) {
    auto told = *mine.told;
    uncount(mine);
    told.state = instance_state::destroying;
    digest_.add(mine.id(), told);
    mine.told = told;
}

void node_agent::impl::uncount(node_instance& mine) {
    if (mine.told) digest_.remove(mine.id(), *mine.told);
    mine.told.reset();
}

/// In parts. All of them are as of now.
std::vector<held> node_agent::impl::list_held() {
    std::vector<held> parts{held{.inventory = true}};
    batch_room room(options_.batch);
    auto const add = [&](auto const& what, auto list) {
        if (!room.take(what)) {
            parts.back().complete = false;
            parts.push_back(held{.inventory = true});
            room = batch_room(options_.batch);
            room.take(what);
        }
        (parts.back().*list).push_back(what);
    };
    for (auto const& [id, each] : instances_) {
        each->is_dirty = false;
        count(*each);
        add(held_instance{id, each->fields.binding->fence, each->fields.status}, &held::states);
    }
    for (auto const& [id, fence] : gone_) add(gone_instance{id, fence}, &held::gone);
    return parts;
}

/// As much of it as goes into one message.
held node_agent::impl::list_news() {
    held news;
    batch_room room(options_.batch);
    for (auto const& [id, each] : instances_) {
        if (!each->is_dirty || !disk_.is_durable(each->kept_at)) continue;
        held_instance what{id, each->fields.binding->fence, each->fields.status};
        if (!room.take(what)) break;
        each->is_dirty = false;
        count(*each);
        news.states.push_back(std::move(what));
    }
    if (disk_.is_durable(floor_kept_at_))
        for (auto const& [id, fence] : gone_)
            if (gone_instance const what{id, fence}; room.take(what)) news.gone.push_back(what);
    if (room.is_full()) due_.notify();
    return news;
}

/// What is due goes out in one message: the newest state of each instance, and who is gone. A state is on disk before
/// it is said, so that its seq never goes back; one that is not yet waits for the flush, and holds up nothing else. An
/// inventory is as of when it was asked for, so that it is on disk some day: until then only heartbeats are sent.
awaitable<> node_agent::impl::send_held(std::shared_ptr<connection> to) {
    std::vector<held> inventory;
    revision inventory_kept_at = 0;
    for (;;) {
        co_await due_.wait();
        if (to->is_closed) co_return;
        if (std::exchange(inventory_is_due_, false)) {
            inventory = list_held();
            inventory_kept_at = disk_.last();
        }
        std::vector<held> parts;
        if (inventory.empty())
            parts.push_back(list_news());
        else if (disk_.is_durable(inventory_kept_at))
            parts = std::exchange(inventory, {});
        else
            parts.emplace_back();
        auto& first = parts.front();
        if (std::exchange(troubles_are_due_, false)) first.troubles = facts_.troubles;
        if (std::exchange(load_is_due_, false)) first.metrics = load_;
        auto const is_beat = std::exchange(beat_is_due_, false);
        if (!first.inventory && !first.troubles && !first.metrics && !is_beat && first.states.empty() &&
            first.gone.empty())
            continue;
        for (std::size_t next = 0; next < parts.size(); ++next) {
            auto const sent = co_await send_part(to, std::move(parts[next]));
            if (!sent) co_return;
        }
    }
}

awaitable<result<void>> node_agent::impl::send_part(std::shared_ptr<connection> to, held part) {
    auto const said_gone = part.gone;
    part.digest = digest_;
    from_node message = std::move(part);
    auto const sent = co_await to->link->send(std::move(message));
    if (sent)
        for (auto const& each : said_gone) gone_.erase(each.instance);
    co_return sent;
}

void node_agent::impl::obey(orders said) {
    join_cluster(said);
    if (said.beat_period > duration::zero() && std::exchange(beat_period_, said.beat_period) != said.beat_period)
        beat_changed_.notify();
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
    if (found->second->told) count_condemned(*found->second);
    keep(*found->second);
    found->second->changed.notify();
}

}  // namespace rik
