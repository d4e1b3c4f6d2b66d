// An atomic set of changes that somebody wants made.
#pragma once

#include <rik/store/tables.hpp>

#include <cstddef>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

namespace rik {

/// Each change names the revision that it expects the row to be at; 0 means that there must be no such row. A row may
/// occur only once.
class transaction {
public:
    template <class Row>
    void put(Row row, revision expected) {
        auto const key = table<Row>::key_of(row);
        writes_.push_back(write<Row>{key, std::make_shared<Row const>(std::move(row)), expected});
    }
    template <class Row>
    void remove(typename table<Row>::key const& key, revision expected) {
        writes_.push_back(write<Row>{key, nullptr, expected});
    }
    bool empty() const { return writes_.empty(); }
    std::size_t size() const { return writes_.size(); }

    template <class Row>
    struct write {
        typename table<Row>::key key;
        std::shared_ptr<Row const> row;  ///< nullptr: removed
        revision expected;
    };
    using any_write = std::variant<write<workload>, write<release>, write<instance>, write<node>, write<document>>;
    std::vector<any_write> const& writes() const { return writes_; }
    /// For whoever completes it before it is applied.
    std::vector<any_write>& writes() { return writes_; }

private:
    std::vector<any_write> writes_;
};

}  // namespace rik
