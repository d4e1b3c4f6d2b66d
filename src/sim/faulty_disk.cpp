#include <rik/sim/faulty_disk.hpp>

namespace rik::sim {

awaitable<result<void>> faulty_disk::append(std::vector<journal_entry> batch) {
    co_await time_.sleep_for(flush_time);
    if (failure_) co_return *failure_;
    co_return co_await under_.append(std::move(batch));
}

}  // namespace rik::sim
