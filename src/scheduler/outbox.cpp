#include "outbox_detail.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace rik::detail {

namespace {

template <class Report>
std::size_t drain_queue(std::deque<Report>& from, std::vector<Report>& into, std::size_t count_max) {
    std::size_t count = 0;
    for (; count < count_max && !from.empty(); ++count) {
        into.push_back(std::move(from.front()));
        from.pop_front();
    }
    return count;
}

template <class Key, class Report>
std::size_t drain_set(std::map<Key, Report>& from, std::vector<Report>& into, std::size_t count_max) {
    std::size_t count = 0;
    for (; count < count_max && !from.empty(); ++count) into.push_back(std::move(from.extract(from.begin()).mapped()));
    return count;
}

/// A group counts as its instances; the last one may go past the limit.
std::size_t drain_groups(std::deque<no_place>& from, std::vector<no_place>& into, std::size_t count_max) {
    std::size_t count = 0;
    while (count < count_max && !from.empty()) {
        count += from.front().instances.size();
        into.push_back(std::move(from.front()));
        from.pop_front();
    }
    return std::min(count, count_max);
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
    return proposals_.empty() && unplaced_.empty() && nodes_.empty() && states_.empty() && gone_.empty();
}

reports outbox::drain(std::size_t count_max) {
    reports batch;
    auto left = count_max;
    left -= drain_set(nodes_, batch.nodes, left);
    left -= drain_queue(proposals_, batch.proposals, left);
    left -= drain_groups(unplaced_, batch.unplaced, left);
    left -= drain_set(states_, batch.states, left);
    drain_set(gone_, batch.gone, left);
    return batch;
}

}  // namespace rik::detail
