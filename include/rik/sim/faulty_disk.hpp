// A journal that takes time, can be full, and loses its unflushed tail in a crash.
#pragma once

#include <rik/sim/world.hpp>
#include <rik/store/memory_journal.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rik::sim {

/// One process's view of a simulated disk. A batch for which `append` has returned is there after a crash. Of the
/// others, the last one may be there.
class faulty_disk final : public journal {
public:
    /// A flush takes `flush_time`, and up to `delay_max` more before and after its batch is durable, by the world's
    /// seed.
    faulty_disk(world& in, std::shared_ptr<memory_disk> disk, duration delay_max = {})
        : world_(in), under_(std::move(disk)), delay_max_(delay_max) {}

    duration flush_time = std::chrono::microseconds(100);
    /// Makes every append that has not returned yet fail with `why`, even if its batch is already durable.
    void fail(error why) { failure_ = std::move(why); }
    /// Nothing can be read or written as long as `why` is set. `why` must outlive the disk.
    void fail_with(std::optional<error> const& why) { fault_ = &why; }
    /// Calls `watcher` with each batch when it is durable, whether or not its append returns.
    void watch(std::function<void(std::vector<journal_entry> const&)> watcher) { on_append_ = std::move(watcher); }

    awaitable<result<journal_contents>> lead() override;
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    awaitable<> pass_time();
    bool has_failed();

    world& world_;
    memory_journal under_;
    duration delay_max_;
    std::optional<error> failure_;
    std::optional<error> const* fault_ = nullptr;
    std::function<void(std::vector<journal_entry> const&)> on_append_;  ///< may be empty
};

}  // namespace rik::sim
