// A disk in the hands of a test.
#pragma once

#include <rik/async/notifier.hpp>
#include <rik/store/memory_journal.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace rik::testing {

/// A memory journal that can be held up, can fail, and records its batches.
class gated_journal final : public journal {
public:
    gated_journal(asio::any_io_executor executor, std::shared_ptr<memory_disk> disk)
        : under_(std::move(disk)), gate_(std::move(executor)) {}

    awaitable<result<journal_contents>> lead() override { return under_.lead(); }
    awaitable<result<void>> append(std::vector<journal_entry> batch) override {
        batch_sizes.push_back(batch.size());
        while (held) co_await gate_.wait();
        if (fails_with) co_return *fails_with;
        auto const appended = co_await under_.append(std::move(batch));
        while (answer_held) co_await gate_.wait();
        co_return appended;
    }

    void release() {
        held = answer_held = false;
        gate_.notify();
    }

    bool held = false;
    bool answer_held = false;  ///< the batch lasts, and nobody is told
    std::optional<error> fails_with;
    std::vector<std::size_t> batch_sizes;

private:
    memory_journal under_;
    notifier gate_;
};

}  // namespace rik::testing
