// The messages of the roles as they travel, and back. What they mean stands in rik/link/messages.hpp.
#pragma once

#include "rik_link_v1.pb.h"

#include <rik/base/result.hpp>
#include <rik/link/messages.hpp>

#include <map>
#include <set>

namespace rik::detail {

namespace wire = rik::link::v1;

/// What one end of a session has told the other of releases: each is sent once, and stands for itself afterwards. After
/// limits::releases_per_session_max, or limits::releases_bytes_per_session_max, both ends forget all of them, so that a
/// long session does not grow without end.
class told_releases {
public:
    /// Before anything of `next` is told.
    template <class Message>
    void begin(Message& next);
    /// Adds `which` to `into` unless it was told; returns its id.
    template <class Message>
    std::string tell(release_ptr const& which, Message& into);

private:
    std::set<release_id> told_;
    std::size_t bytes_ = 0;  ///< of their definitions
};

/// What the other end has told. Used while a message is read.
class known_releases {
public:
    template <class Message>
    void learn(Message const& from);
    release_ptr find(std::string const& id) const;

private:
    void keep(release_ptr one);

    std::map<release_id, release_ptr> known_;
    std::size_t bytes_ = 0;  ///< of their definitions
};

wire::PrimaryMessage to_wire(facts const& from, told_releases& told);
wire::SchedulerMessage to_wire(reports const& from);
wire::NodeMessage to_wire(from_node const& from);
wire::OrdersMessage to_wire(orders const& from, told_releases& told);

/// Each: Errors: corrupt, with what is wrong.
result<facts> from_wire(wire::PrimaryMessage const& from, known_releases& known);
result<reports> from_wire(wire::SchedulerMessage const& from);
result<from_node> from_wire(wire::NodeMessage const& from);
result<orders> from_wire(wire::OrdersMessage const& from, known_releases& known);

wire::Error to_wire(error const& from);
error from_wire(wire::Error const& from);

}  // namespace rik::detail
