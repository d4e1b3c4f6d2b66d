// What one of many takes of memory that is limited for all of them together.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace rik::detail {

/// Shared, as one who takes of it may outlive who limits it.
using byte_total = std::shared_ptr<std::atomic<std::size_t>>;

/// Gives back what it has when it ends. `of_one` may be read from any thread.
class byte_share {
public:
    explicit byte_share(byte_total total) : total_(std::move(total)) {}
    ~byte_share() { set(0); }
    byte_share(byte_share const&) = delete;
    byte_share& operator=(byte_share const&) = delete;

    void set(std::size_t bytes) {
        *total_ += bytes;
        *total_ -= own_.exchange(bytes);
    }
    std::size_t of_one() const { return own_; }
    std::size_t of_all() const { return *total_; }

private:
    byte_total total_;
    std::atomic<std::size_t> own_ = 0;
};

}  // namespace rik::detail
