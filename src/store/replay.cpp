#include "store/row_text.hpp"

#include <rik/store/store.hpp>

#include <utility>

namespace rik {

template <class Row>
result<void> store::replay_row(journal_entry const& entry) {
    auto row = detail::decode(*entry.value, head_, static_cast<Row const*>(nullptr));
    if (!row) return error{errc::corrupt, entry.table + " " + entry.key + ": " + row.error().message};
    auto const key = table<Row>::key_of(*row);
    if (detail::key_text(key) != entry.key) {
        return error{errc::corrupt, entry.table + " " + entry.key + ": the row is of another object"};
    }
    auto const shared = std::make_shared<Row const>(std::move(*row));
    for (auto const state : {row_state::head, row_state::durable})
        rows_.of<Row>().apply(state, key, shared, entry.changed_at);
    return {};
}

result<void> store::replay(journal_contents contents) {
    std::vector<journal_entry const*> workloads;  // these two come last, for they need their releases
    std::vector<journal_entry const*> instances;
    for (auto const& entry : contents.rows) {
        result<void> replayed;
        if (entry.table == to_string(table_id::instance)) {
            instances.push_back(&entry);
        } else if (entry.table == to_string(table_id::workload)) {
            workloads.push_back(&entry);
        } else if (entry.table == to_string(table_id::release)) {
            replayed = replay_row<release>(entry);
        } else if (entry.table == to_string(table_id::node)) {
            replayed = replay_row<node>(entry);
        } else if (entry.table == to_string(table_id::document)) {
            replayed = replay_row<document>(entry);
        } else if (entry.table != detail::meta_table) {
            return error{errc::unsupported,
                         "the journal has a table that is not known: " + entry.table,
                         {},
                         "use the release of rik that wrote it, or a newer one"};
        }
        if (!replayed) return replayed;
    }
    for (auto const* entry : workloads) {
        if (auto replayed = replay_row<workload>(*entry); !replayed) return replayed;
    }
    for (auto const* entry : instances) {
        if (auto replayed = replay_row<instance>(*entry); !replayed) return replayed;
    }
    return {};
}

}  // namespace rik
