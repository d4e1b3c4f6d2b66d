#include "gate_detail.hpp"

namespace rik::detail {

std::optional<error> gate::closed_because() const {
    if (is_open_) return std::nullopt;
    return error{errc::unavailable, "the primary is starting or stopping", {}, "try again"};
}

awaitable<> gate::close() {
    is_open_ = false;
    closing_.notify();
    while (visitors_count_ > 0) co_await visitor_left_.wait();
}

awaitable<> gate::wait_closed() {
    while (is_open_) co_await closing_.wait();
}

}  // namespace rik::detail
