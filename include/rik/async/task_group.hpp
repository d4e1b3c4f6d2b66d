// Owns coroutines: every task of RIK lives in a group that is stopped before it is destroyed.
#pragma once

#include <rik/async/awaitable.hpp>
#include <rik/async/notifier.hpp>

#include <boost/asio/cancellation_signal.hpp>

#include <cstddef>
#include <exception>
#include <list>
#include <memory>

namespace rik {

/// Make it the last member of its owner: tasks use everything above it. Use it from one strand only.
class task_group {
public:
    explicit task_group(asio::any_io_executor executor);
    task_group(task_group const&) = delete;
    task_group& operator=(task_group const&) = delete;
    /// Precondition: no task is left (see `stop`).
    ~task_group();

    /// Starts `work` on the group's executor. If this is called on that executor, `work` runs at once until it first
    /// waits. If the group is stopping, `work` is dropped. A task that ends by an exception other than cancellation
    /// ends the program (std::terminate): what can fail returns a `result`, and a role without one of its tasks would
    /// be half dead.
    void spawn(awaitable<> work);

    /// Waits until no task is left.
    awaitable<> join();

    /// Cancels all tasks and waits until they are gone, whether or not the caller is cancelled meanwhile. A caller that
    /// was cancelled before never starts it (see `shield`). No task of the group may call this: it would wait for
    /// itself.
    awaitable<> stop();

    /// Cancels all tasks and does not wait for them.
    void cancel();

    bool empty() const { return tasks_.empty(); }
    std::size_t size() const { return tasks_.size(); }

private:
    struct task {
        asio::cancellation_signal stop;
        bool ended = false;
    };
    using task_list = std::list<std::shared_ptr<task>>;
    using task_iterator = task_list::iterator;
    void finished(task_iterator which, std::exception_ptr thrown);

    asio::any_io_executor executor_;
    task_list tasks_;
    bool stopping_ = false;
    notifier changed_;
};

}  // namespace rik
