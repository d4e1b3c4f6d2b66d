// A journal that lasts as long as its `memory_disk`: for tests, simulations and programs that need no durability.
#pragma once

#include <rik/store/journal.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace rik {

/// What outlives the journal: a simulated machine keeps it while its process crashes and starts again.
struct memory_disk {
    std::map<std::pair<std::string, std::string>, journal_entry> rows;
    revision last = 0;
    std::uint64_t leads = 0;  ///< the newest leader's number; older ones may not append any more
};

class memory_journal final : public journal {
public:
    explicit memory_journal(std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>());
    awaitable<result<journal_contents>> lead() override;
    awaitable<result<void>> append(std::vector<journal_entry> batch) override;

private:
    std::shared_ptr<memory_disk> disk_;
    std::uint64_t lead_number_ = 0;
};

}  // namespace rik
