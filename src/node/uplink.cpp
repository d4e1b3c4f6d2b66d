#include "uplink_detail.hpp"

#include "pod_core_detail.hpp"

#include <rik/async/backoff.hpp>
#include <rik/async/deadline.hpp>
#include <rik/model/codec.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace rik::detail {

namespace {

result<revision> parse_revision(std::string const& text) {
    revision value = 0;
    auto const* const last = text.data() + text.size();
    auto const [end, failure] = std::from_chars(text.data(), last, value);
    if (failure == std::errc{} && end == last) return value;
    return error{errc::corrupt, "the floor on the node's disk is damaged"};
}

/// Its first word is that it is being prepared, and it may soon have another.
bool is_quiet(node_instance const& mine, time_point now) {
    auto const& seen = mine.fields.status;
    auto const is_first_word = !mine.told && !mine.is_condemned();
    return is_first_word && seen.state == instance_state::creating && seen.reason == "Preparing" &&
           now < mine.quiet_until;
}

awaitable<> wait_for_news(notifier& news, clock& time, std::optional<time_point> last) {
    if (!last) co_return co_await news.wait();
    auto changing = change_of(news);
    auto const changed = co_await with_deadline(time, *last, std::move(changing));
    (void)changed;
}

}  // namespace

awaitable<> uplink::connect() {
    backoff pauses(limits::reconnect_pause_min, limits::reconnect_pause_max);
    bool is_loss_said = false;  // a scheduler that refuses this node ends each session before it has said anything else
    for (;;) {
        auto link = co_await on_.scheduler.connect();
        if (link) {
            auto const current = std::make_shared<connection>();
            current->link = std::move(*link);
            current->began_at = on_.time.now();
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
            on_.news.notify();
            connection_.reset();
            auto const has_lasted = on_.time.now() - current->began_at >= session_lasting;
            if (current->is_accepted && has_lasted) pauses.reset();
            if (current->is_accepted) is_loss_said = false;
            if (!std::exchange(is_loss_said, true)) on_.out.warning("lost the scheduler; instances run on");
        }
        tell_of_connecting(link ? std::string() : link.error().message);
        co_await on_.time.sleep_for(pauses.next(on_.random));
    }
}

/// One that is not there is told once, until there is another reason.
void uplink::tell_of_connecting(std::string problem) {
    if (!problem.empty() && problem != last_connect_error_)
        on_.out.warning("the scheduler cannot be reached; it is tried again", {{"why", problem}});
    last_connect_error_ = std::move(problem);
}

hello uplink::greet() {
    hello greeting{.node = id_, .cluster = cluster_, .floor = floor_, .facts = on_.facts};
    greeting.facts.pod_subnet = on_.pods.pod_subnet();
    greeting.features = {std::string(link_feature::digests)};
    greeting.digest = digest_;
    return greeting;
}

awaitable<> uplink::hear(std::shared_ptr<connection> from) {
    for (;;) {
        auto heard = co_await from->link->receive();
        if (!heard || !may_obey(*heard)) co_return;
        if (!std::exchange(from->is_accepted, true)) on_.out.info("connected to the scheduler");
        obey(std::move(*heard));
    }
}

/// A scheduler that is behind what this node has obeyed may order what was taken back since.
bool uplink::may_obey(orders const& said) {
    auto why = said.refusal;
    if (why.empty() && said.cluster && !cluster_.is_nil() && *said.cluster != cluster_)
        why = fmt::format("the scheduler serves cluster {}, and this node belongs to {}", said.cluster->text(),
                          cluster_.text());
    if (why.empty() && said.at < floor_)
        why = fmt::format("the scheduler is behind: it knows revision {}, and this node has obeyed revision {}",
                          said.at, floor_);
    if (!why.empty() && why != last_refusal_) on_.out.error("no orders are taken", {{"why", why}});
    last_refusal_ = std::move(why);
    return last_refusal_.empty();
}

awaitable<> uplink::beat() {
    for (auto last = on_.time.now();;) {
        auto changing = change_of(beat_changed_);
        auto const changed = co_await with_deadline(on_.time, last + beat_period_, std::move(changing));
        if (changed && on_.time.now() < last + beat_period_) continue;
        last = on_.time.now();
        beat_is_due_ = true;
        on_.news.notify();
    }
}

awaitable<> uplink::announce_flushes() {
    while (!on_.disk.has_failed()) {
        co_await on_.disk.next_flush();
        on_.news.notify();
    }
}

void uplink::count(node_instance& mine) {
    uncount(mine);
    mine.told = mine.state_now();
    digest_.add(mine.id(), *mine.told);
}

/// Its last word stays counted, as that of a condemned instance.
void uplink::count_condemned(node_instance& mine) {
    auto told = *mine.told;
    uncount(mine);
    told.state = instance_state::destroying;
    digest_.add(mine.id(), told);
    mine.told = told;
}

void uplink::uncount(node_instance& mine) {
    if (mine.told) digest_.remove(mine.id(), *mine.told);
    mine.told.reset();
}

/// In parts. All of them are as of now.
std::vector<held> uplink::list_held() {
    std::vector<held> parts{held{.inventory = true}};
    batch_room room(on_.batch);
    auto const add = [&](auto const& what, auto list) {
        if (!room.take(what)) {
            parts.back().complete = false;
            parts.push_back(held{.inventory = true});
            room = batch_room(on_.batch);
            room.take(what);
        }
        (parts.back().*list).push_back(what);
    };
    for (auto const& [id, each] : on_.records.all()) {
        each->is_dirty = false;
        count(*each);
        add(held_instance{id, each->fields.binding->fence, each->fields.status}, &held::states);
    }
    for (auto const& [id, fence] : gone_) add(gone_instance{id, fence}, &held::gone);
    return parts;
}

/// As much of it as goes into one message.
held uplink::list_news() {
    held news;
    batch_room room(on_.batch);
    auto const now = on_.time.now();
    for (auto const& [id, each] : on_.records.all()) {
        if (!each->is_dirty || !on_.disk.is_durable(each->kept_at)) continue;
        if (is_quiet(*each, now)) {
            quiet_until_ = std::min(quiet_until_.value_or(each->quiet_until), each->quiet_until);
            continue;
        }
        held_instance what{id, each->fields.binding->fence, each->fields.status};
        if (!room.take(what)) break;
        each->is_dirty = false;
        count(*each);
        news.states.push_back(std::move(what));
    }
    if (on_.disk.is_durable(floor_kept_at_))
        for (auto const& [id, fence] : gone_)
            if (gone_instance const what{id, fence}; room.take(what)) news.gone.push_back(what);
    if (room.is_full()) on_.news.notify();
    return news;
}

/// What is due goes out in one message: the newest state of each instance, and who is gone. A state is on disk before
/// it is said, so that its seq never goes back; one that is not yet waits for the flush, and holds up nothing else. An
/// inventory is as of when it was asked for, so that it is on disk some day: until then only heartbeats are sent.
awaitable<> uplink::send_held(std::shared_ptr<connection> to) {
    std::vector<held> inventory;
    revision inventory_kept_at = 0;
    for (;;) {
        auto const last = std::exchange(quiet_until_, std::nullopt);
        co_await wait_for_news(on_.news, on_.time, last);
        if (to->is_closed) co_return;
        if (std::exchange(inventory_is_due_, false)) {
            inventory = list_held();
            inventory_kept_at = on_.disk.last();
        }
        std::vector<held> parts;
        if (inventory.empty())
            parts.push_back(list_news());
        else if (on_.disk.is_durable(inventory_kept_at))
            parts = std::exchange(inventory, {});
        else
            parts.emplace_back();
        auto& first = parts.front();
        if (std::exchange(troubles_are_due_, false)) first.troubles = on_.facts.troubles;
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

awaitable<result<void>> uplink::send_part(std::shared_ptr<connection> to, held part) {
    auto const said_gone = part.gone;
    part.digest = digest_;
    from_node message = std::move(part);
    auto const sent = co_await to->link->send(std::move(message));
    if (sent)
        for (auto const& each : said_gone) gone_.erase(each.instance);
    co_return sent;
}

void uplink::obey(orders said) {
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
        on_.news.notify();
    }
    for (auto& each : said.streams) on_.answer(std::move(each));
}

void uplink::join_cluster(orders const& said) {
    if (said.cluster && *said.cluster != cluster_) {
        cluster_ = *said.cluster;
        on_.disk.put("node", "cluster", cluster_.text());
    }
    if (said.pod_subnet.empty() || said.pod_subnet == on_.pods.pod_subnet()) return;
    if (!on_.pods.pod_subnet().empty())
        return on_.out.error("the cluster names another Pod subnet than this node has; it is kept",
                             {{"subnet", on_.pods.pod_subnet()}, {"named", said.pod_subnet}});
    auto const set = on_.pods.set(said.pod_subnet, said.cluster_cidr);
    if (!set) return on_.out.error("the Pod subnet cannot be used", {{"error", to_string(set.error())}});
    on_.disk.put("node", "network", fmt::format("{} {}", said.pod_subnet, said.cluster_cidr));
}

void uplink::obey_run(order const& what) {
    auto const is_permitted = !what.permitted_boot.empty() && what.permitted_boot == on_.facts.boot_id;
    if (auto const known = on_.records.find(what.instance)) {
        if (is_permitted) known->permit();
        return obey_restart(*known, what.restarts);
    }
    if (what.made_from == nullptr) return;
    auto const made = on_.records.add(what, id_);
    made->is_permitted = is_permitted;
    on_.begin(made);
}

/// It is written before it is done: who goes on after a crash does it, too.
void uplink::obey_restart(node_instance& mine, std::uint32_t restarts) {
    if (restarts <= mine.fields.restarts || mine.is_condemned()) return;
    mine.fields.restarts = restarts;
    on_.records.keep(mine);
    mine.due.notify();
}

void uplink::obey_destroy(order const& what, revision at) {
    if (at > floor_) {
        floor_ = at;
        on_.disk.put("node", "floor", fmt::format("{}", floor_));
        floor_kept_at_ = on_.disk.last();
    }
    auto const found = on_.records.find(what.instance);
    if (found == nullptr && on_.strays.condemn(what.instance, what.fence)) return;  // it is said when it is true
    if (found == nullptr) return tell_gone(what.instance, what.fence);
    auto& binding = *found->fields.binding;
    if (std::exchange(binding.condemned, true)) return;
    if (found->told) count_condemned(*found);
    on_.records.keep(*found);
    found->poke();
}

void uplink::tell_gone(instance_id const& id, revision fence) {
    gone_[id] = fence;
    on_.news.notify();
}

void uplink::tell_troubles() {
    troubles_are_due_ = true;
    on_.news.notify();
}

void uplink::tell_load(std::optional<node_metrics> now) {
    load_ = std::move(now);
    load_is_due_ = true;
    on_.news.notify();
}

void uplink::forget(node_instance& mine) {
    uncount(mine);
    tell_gone(mine.id(), mine.fields.binding->fence);
    on_.records.erase(mine.id());
}

result<void> uplink::read(journal_contents const& contents) {
    for (auto const& row : contents.rows) {
        if (row.table != "node" || !row.value) continue;
        if (auto const read = read_row(row.key, *row.value); !read) return read;
    }
    if (id_.is_nil()) {
        id_ = node_id::generate(on_.random);
        on_.disk.put("node", "id", id_.text());
    }
    for (auto const& [id, each] : on_.records.all()) count(*each);
    return {};
}

result<void> uplink::read_row(std::string const& key, std::string const& value) {
    if (key == "id") {
        auto const id = node_id::parse(value);
        if (!id) return id.error();
        id_ = *id;
    } else if (key == "cluster") {
        auto const id = cluster_id::parse(value);
        if (!id) return id.error();
        cluster_ = *id;
    } else if (key == "floor") {
        auto const floor = parse_revision(value);
        if (!floor) return floor.error();
        floor_ = *floor;
    } else if (key == "network") {
        auto const space = value.find(' ');
        if (space == std::string::npos) return error{errc::corrupt, "the network on the node's disk is damaged"};
        return on_.pods.set(value.substr(0, space), value.substr(space + 1));
    }
    return {};
}

void uplink::start() {
    tasks_.spawn(connect());
    tasks_.spawn(announce_flushes());
    tasks_.spawn(beat());
}

awaitable<> uplink::stop() {
    if (connection_) connection_->link->close();
    co_await tasks_.stop();
}

}  // namespace rik::detail
