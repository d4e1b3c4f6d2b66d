// What has come over links and was not taken: bounded for each peer, and for all of them together.
#pragma once

#include <rik/base/log.hpp>
#include <rik/base/result.hpp>

#include <cstddef>
#include <set>
#include <string>

namespace rik::detail {

/// Messages of one peer that wait. It is told to end when there are too many bytes of them.
class inbox {
public:
    virtual ~inbox() = default;
    virtual std::size_t waiting_bytes() const = 0;
    /// Forgets what waits, and ends the peer's session or stream with `why`.
    virtual void cut_off(error why) = 0;
};

/// All inboxes of one end of links. On their strand.
class inboxes {
public:
    explicit inboxes(log to, std::size_t bytes_max) : to_(std::move(to)), bytes_max_(bytes_max) {}

    void enter(inbox& one) { all_.insert(&one); }
    /// With nothing waiting.
    void leave(inbox& one) { all_.erase(&one); }
    /// More than all may have: whoever has sent most ends, until it is enough.
    void grow(std::size_t bytes);
    void shrink(std::size_t bytes) { bytes_ -= bytes; }
    std::size_t bytes() const { return bytes_; }
    /// A peer has gone beyond a bound.
    void tell(std::string const& peer, error const& why) const;

private:
    inbox* fullest() const;

    log to_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::set<inbox*> all_;
};

}  // namespace rik::detail
