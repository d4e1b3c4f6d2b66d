// What one of many takes of memory that is limited for all of them together.
#pragma once

#include <atomic>
#include <cstddef>

namespace rik::detail {

/// Gives back what it has when it ends. `of_one` may be read from any thread.
class byte_share {
public:
    explicit byte_share(std::atomic<std::size_t>& total) : total_(total) {}
    ~byte_share() { set(0); }
    byte_share(byte_share const&) = delete;
    byte_share& operator=(byte_share const&) = delete;

    void set(std::size_t bytes) {
        total_ += bytes;
        total_ -= own_.exchange(bytes);
    }
    std::size_t of_one() const { return own_; }
    std::size_t of_all() const { return total_; }

private:
    std::atomic<std::size_t>& total_;
    std::atomic<std::size_t> own_ = 0;
};

}  // namespace rik::detail
