#include <rik/sim/faulty_disk.hpp>

namespace rik::sim {

awaitable<result<void>> faulty_disk::append(std::vector<journal_entry> batch) {
    co_await pass_time();
    if (failure_) co_return *failure_;
    auto const appended = co_await under_.append(std::move(batch));
    co_await pass_time();
    if (failure_) co_return *failure_;
    co_return appended;
}

awaitable<> faulty_disk::pass_time() {
    auto length = flush_time / 2;
    if (delay_max_ > duration::zero())
        length += duration(world_.random().below(static_cast<std::uint64_t>(delay_max_.count()) + 1));
    co_await world_.time().sleep_for(length);
}

}  // namespace rik::sim
