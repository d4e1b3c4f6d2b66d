#include "outbox_detail.hpp"

#include <utility>
#include <vector>

namespace rik::detail {

namespace {

template <class Report>
void drain_queue(std::deque<Report>& from, std::vector<Report>& into, batch_room& room) {
    for (; !from.empty() && room.take(from.front()); from.pop_front()) into.push_back(std::move(from.front()));
}

template <class Key, class Report>
void drain_set(std::map<Key, Report>& from, std::vector<Report>& into, batch_room& room) {
    while (!from.empty() && room.take(from.begin()->second))
        into.push_back(std::move(from.extract(from.begin()).mapped()));
}

}  // namespace

void outbox::add(node_report news) {
    auto const node = news.node;
    nodes_.insert_or_assign(node, std::move(news));
}

void outbox::add(status_report news) {
    auto& newest = states_[news.instance];
    if (newest.status.seq <= news.status.seq) newest = std::move(news);
}

void outbox::add(gone_report news) { gone_.insert_or_assign({news.instance, news.node}, news); }

bool outbox::empty() const {
    return proposals_.empty() && unplaced_.empty() && nodes_.empty() && states_.empty() && gone_.empty() &&
           loads_.empty();
}

reports outbox::drain(batch_limits most) {
    reports batch;
    batch_room room(most);
    drain_set(nodes_, batch.nodes, room);
    drain_queue(proposals_, batch.proposals, room);
    drain_queue(unplaced_, batch.unplaced, room);
    drain_set(states_, batch.states, room);
    drain_set(gone_, batch.gone, room);
    drain_set(loads_, batch.loads, room);
    return batch;
}

}  // namespace rik::detail
