#include <rik/store/memory_journal.hpp>

#include <algorithm>

namespace rik {

memory_journal::memory_journal(std::shared_ptr<memory_disk> disk) : disk_(std::move(disk)) {}

awaitable<result<journal_contents>> memory_journal::lead() {
    lead_number_ = ++disk_->leads;
    journal_contents contents;
    contents.last = disk_->last;
    for (auto const& [key, entry] : disk_->rows) contents.rows.push_back(entry);
    std::stable_sort(contents.rows.begin(), contents.rows.end(),
                     [](journal_entry const& a, journal_entry const& b) { return a.changed_at < b.changed_at; });
    co_return std::move(contents);
}

awaitable<result<void>> memory_journal::append(std::vector<journal_entry> batch) {
    if (lead_number_ != disk_->leads || lead_number_ == 0) {
        co_return error{errc::unavailable, "the journal does not lead: another one was opened on its disk"};
    }
    for (auto& entry : batch) {
        disk_->last = std::max(disk_->last, entry.changed_at);
        auto key = std::pair(entry.table, entry.key);
        if (entry.value) {
            disk_->rows.insert_or_assign(std::move(key), std::move(entry));
        } else {
            disk_->rows.erase(key);
        }
    }
    co_return result<void>{};
}

}  // namespace rik
