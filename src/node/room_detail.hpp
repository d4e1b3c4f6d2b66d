// What instances take of this machine. What runs is never stopped for room; what is to start waits for it.
#pragma once

#include "records_detail.hpp"

#include <rik/model/node.hpp>

#include <set>

namespace rik::detail {

/// Use it from one strand only.
class node_room {
public:
    node_room(asio::any_io_executor strand, node_records& records, node_facts const& facts)
        : records_(records), facts_(facts), changed_(std::move(strand)) {}

    /// The check at the binding was made with what this machine offered then, and without what it did not know of.
    awaitable<> take(node_instance_ptr mine);
    void give_back(node_instance& mine);

    /// Something runs that belongs to no instance: nobody knows what it takes, so nothing starts beside it.
    void add_orphan(instance_id const& id) { orphans_.insert(id); }
    void remove_orphan(instance_id const& id);

private:
    std::optional<std::string> lacks(node_instance const& mine) const;

    node_records& records_;
    node_facts const& facts_;
    std::set<instance_id> orphans_;
    notifier changed_;
};

}  // namespace rik::detail
