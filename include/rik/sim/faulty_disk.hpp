// A journal that takes time, can be full, and loses its unflushed tail in a crash.
#pragma once

#include <rik/async/clock.hpp>
#include <rik/store/memory_journal.hpp>

#include <memory>
#include <optional>

namespace rik::sim {

/// One process's view of a simulated disk. What `append` has returned for is there after a crash; nothing else is.
class faulty_disk final : public journal {
public:
    faulty_disk(clock& time, std::shared_ptr<memory_disk> disk) : time_(time), under_(std::move(disk)) {}

    duration flush_time = std::chrono::microseconds(100);
    /// Every later append fails with this.
    void fail(error why) { failure_ = std::move(why); }

    awaitable<result<journal_contents>> lead() override { return under_.lead(); }
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    clock& time_;
    memory_journal under_;
    std::optional<error> failure_;
};

}  // namespace rik::sim
