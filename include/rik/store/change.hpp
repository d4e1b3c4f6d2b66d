// What a commit did to rows, as history and watches have it.
#pragma once

#include <rik/store/tables.hpp>

#include <cstddef>
#include <memory>
#include <variant>

namespace rik {

/// One row before and after a commit; a null pointer where there was, or is, none.
template <class Row>
struct row_change {
    std::shared_ptr<Row const> before;
    std::shared_ptr<Row const> after;
};

using any_row_change = std::variant<row_change<workload>, row_change<release>, row_change<instance>, row_change<node>,
                                    row_change<document>>;

struct change {
    revision changed_at = 0;
    any_row_change row;
};

/// Returns the table that `done` is about.
table_id table_of(change const& done);

/// Returns the index keys that the row had before or has after the change, each once.
std::vector<std::string> index_keys(change const& done);

/// Estimates how many bytes of memory `done` keeps alive.
std::size_t footprint(change const& done);

}  // namespace rik
