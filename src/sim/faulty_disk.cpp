#include <rik/sim/faulty_disk.hpp>

namespace rik::sim {

awaitable<result<journal_contents>> faulty_disk::lead() {
    if (has_failed()) co_return *failure_;
    co_return co_await under_.lead();
}

awaitable<result<void>> faulty_disk::append(std::vector<journal_entry> batch) {
    co_await pass_time();
    if (has_failed()) co_return *failure_;
    auto const kept = on_append_ ? batch : std::vector<journal_entry>();
    auto const appended = co_await under_.append(std::move(batch));
    if (appended && on_append_) on_append_(kept);
    co_await pass_time();
    if (has_failed()) co_return *failure_;
    co_return appended;
}

/// What has failed once does not come back: only the next opening knows what lasts.
bool faulty_disk::has_failed() {
    if (!failure_ && fault_ != nullptr) failure_ = *fault_;
    return failure_.has_value();
}

awaitable<> faulty_disk::pass_time() {
    auto length = flush_time / 2;
    if (delay_max_ > duration::zero())
        length += duration(world_.random().below(static_cast<std::uint64_t>(delay_max_.count()) + 1));
    co_await world_.time().sleep_for(length);
}

}  // namespace rik::sim
