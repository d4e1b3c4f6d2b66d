// What the scheduler owes the primary: a set of reports, not a queue.
#pragma once

#include <rik/link/batch.hpp>
#include <rik/link/messages.hpp>

#include <deque>
#include <map>
#include <utility>

namespace rik::detail {

/// Of each node and each instance only the newest state is kept, and each end once, so that it never holds more than
/// there are nodes and instances. Proposals and refusals are of one run of placement each.
class outbox {
public:
    void add(proposal made) { proposals_.push_back(std::move(made)); }
    void add(no_place found) { unplaced_.push_back(std::move(found)); }
    void add(node_report news);
    void add(status_report news);
    void add(gone_report news);
    void add(load_report news) { loads_.insert_or_assign(news.node, std::move(news)); }

    bool empty() const;
    /// Words about single instances that wait.
    std::size_t instance_count() const { return states_.size() + gone_.size(); }
    /// Takes out as many reports as go into a message: nodes first, ends last, as whoever reads them needs them.
    reports drain(batch_limits most);

private:
    std::deque<proposal> proposals_;
    std::deque<no_place> unplaced_;
    std::map<node_id, node_report> nodes_;
    std::map<instance_id, status_report> states_;
    std::map<std::pair<instance_id, node_id>, gone_report> gone_;
    std::map<node_id, load_report> loads_;
};

}  // namespace rik::detail
