// The calls that are under way, so that whoever made them can end them.
#pragma once

#include <rik/base/result.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace rik::detail {

class open_call {
public:
    virtual ~open_call() = default;
    /// Thread-safe. It does nothing the second time.
    virtual void cancel() = 0;
};

/// Thread-safe.
class open_calls {
public:
    /// Returns why the call may not be made: they are ending, or there are limits::link_calls_max.
    std::optional<error> add(std::shared_ptr<open_call> one);
    /// Returns what is kept of the call, which counts until it is removed. A call that has ended takes itself to its
    /// strand: whoever drops the last reference on a thread of gRPC's destroys the channel there, and gRPC waits for
    /// its own thread.
    std::shared_ptr<open_call> take(open_call* one);
    /// The last thing that a call does.
    void remove(open_call* one);
    /// Cancels all, and waits until the last is gone. Their last words come to their strands later.
    void end_all();

private:
    std::mutex guard_;
    std::condition_variable gone_;
    std::map<open_call*, std::shared_ptr<open_call>> all_;
    bool is_ending_ = false;
};

}  // namespace rik::detail
