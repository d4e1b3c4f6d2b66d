#include "open_calls_detail.hpp"

#include <rik/base/limits.hpp>

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace rik::detail {

std::optional<error> open_calls::add(std::shared_ptr<open_call> one) {
    std::scoped_lock const lock(guard_);
    if (is_ending_) return error{errc::unavailable, "the scheduler ends"};
    if (all_.size() >= limits::link_calls_max)
        return error{errc::exhausted,
                     fmt::format("there are {} sessions and streams, and no more may be", limits::link_calls_max)};
    auto* const key = one.get();
    all_.emplace(key, std::move(one));
    return std::nullopt;
}

std::shared_ptr<open_call> open_calls::take(open_call* one) {
    std::scoped_lock const lock(guard_);
    auto const found = all_.find(one);
    return found == all_.end() ? nullptr : std::exchange(found->second, nullptr);
}

void open_calls::remove(open_call* one) {
    std::shared_ptr<open_call> last;  // destroyed after the lock
    std::scoped_lock const lock(guard_);
    if (auto const found = all_.find(one); found != all_.end()) {
        last = std::move(found->second);
        all_.erase(found);
    }
    gone_.notify_all();
}

void open_calls::end_all() {
    std::vector<std::shared_ptr<open_call>> left;
    std::unique_lock lock(guard_);
    is_ending_ = true;
    for (auto const& [key, one] : all_)
        if (one) left.push_back(one);
    lock.unlock();
    for (auto const& each : left) each->cancel();
    lock.lock();
    gone_.wait(lock, [this] { return all_.empty(); });
}

}  // namespace rik::detail
