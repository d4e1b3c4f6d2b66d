#include <rik/async/task_group.hpp>

#include <rik/async/shield.hpp>
#include <rik/base/assert.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

namespace rik {

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
    (*which)->ended = true;
    tasks_.erase(which);
    if (thrown && !is_cancellation(thrown)) {
        if (!failure_) failure_ = std::move(thrown);
        cancel();
    }
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

awaitable<> task_group::drain() {
    while (!tasks_.empty()) co_await changed_.wait();
}

awaitable<> task_group::join() {
    co_await drain();
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

awaitable<> task_group::stop() {
    stopping_ = true;
    cancel();
    co_await shield(drain());
    stopping_ = false;
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace rik
