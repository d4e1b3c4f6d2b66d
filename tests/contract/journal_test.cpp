// The journals that live in memory. Those on a file are in unit/sqlite_journal_test.cpp.
#include "contract/journal_contract.hpp"

#include "support/catch.hpp"

#include <rik/sim/faulty_disk.hpp>
#include <rik/store/memory_journal.hpp>

namespace rik::testing {

namespace {

class memory_maker final : public journal_maker {
public:
    event_loop& loop() override { return loop_; }
    std::unique_ptr<journal> open() override { return std::make_unique<memory_journal>(disk_); }

private:
    real_loop loop_;
    std::shared_ptr<memory_disk> disk_ = std::make_shared<memory_disk>();
};

class simulated_maker final : public journal_maker {
public:
    event_loop& loop() override { return loop_; }
    std::unique_ptr<journal> open() override {
        auto made = std::make_unique<sim::faulty_disk>(loop_.world, disk_, std::chrono::milliseconds(1));
        if (batches_left_) made->watch([this, opened = made.get()](auto const&) { count_down(*opened); });
        return made;
    }
    bool limit_room() override {
        batches_left_ = 20;
        return true;
    }
    void free_room() override { batches_left_.reset(); }

private:
    void count_down(sim::faulty_disk& of) {
        if (batches_left_ && --*batches_left_ == 0) of.fail(error{errc::exhausted, "the disk is full"});
    }

    virtual_loop loop_;
    std::shared_ptr<memory_disk> disk_ = std::make_shared<memory_disk>();
    std::optional<int> batches_left_;
};

}  // namespace

TEST_CASE("a journal in memory is a journal", "[contract]") {
    memory_maker disk;
    check_journal(disk);
}

TEST_CASE("a simulated disk is a journal", "[contract]") {
    simulated_maker disk;
    check_journal(disk);
}

}  // namespace rik::testing
