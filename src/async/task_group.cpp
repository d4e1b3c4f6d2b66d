#include <rik/async/task_group.hpp>

#include <rik/async/shield.hpp>
#include <rik/base/assert.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

namespace rik {

namespace {

/// Nobody waits for a role's tasks, so nobody would see it: the role would live on without one of them. What is thrown
/// has no handler, and ends the program with its message.
[[noreturn]] void task_has_thrown(std::exception_ptr const& what) noexcept {
    detail::say_last("rik: defect: a task has thrown; stopping before the rest goes on without it\n");
    std::rethrow_exception(what);
}

}  // namespace

task_group::task_group(asio::any_io_executor executor) : executor_(executor), changed_(executor) {}

task_group::~task_group() { RIK_ASSERT(tasks_.empty()); }

void task_group::spawn(awaitable<> work) {
    if (stopping_) return;
    auto const which = tasks_.insert(tasks_.end(), std::make_shared<task>());
    asio::co_spawn(executor_, std::move(work),
                   asio::bind_cancellation_slot((*which)->stop.slot(), [this, which](std::exception_ptr thrown) {
                       finished(which, std::move(thrown));
                   }));
}

void task_group::finished(task_iterator which, std::exception_ptr thrown) {
    if (thrown && !is_cancellation(thrown)) task_has_thrown(thrown);
    (*which)->ended = true;
    tasks_.erase(which);
    changed_.notify();
}

void task_group::cancel() {
    // co_spawn hands a signal that does not come from its executor over by address, and would use it after the task
    // has ended: so only the executor emits. A task may end inside emit, so the list is copied.
    auto const asked = tasks_;
    for (auto const& each : asked) {
        asio::dispatch(executor_, [each] {
            if (!each->ended) each->stop.emit(asio::cancellation_type::terminal);
        });
    }
}

awaitable<> task_group::join() {
    while (!tasks_.empty()) co_await changed_.wait();
}

awaitable<> task_group::stop() {
    stopping_ = true;
    cancel();
    co_await shield(join());
    stopping_ = false;
}

}  // namespace rik
